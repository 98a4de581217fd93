"""What `check` finds: in one runbook against its inventory, or in a whole workspace. Connects to nothing.

A run refuses what it cannot do now; a check looks for what will be wrong whenever somebody runs it. So a parameter
that every run must be given gets a stand-in of its type here, and a runbook that no inventory is named for is still
read and linted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import Path

from runbook.core.inventory import Inventory
from runbook.core.planned.action import ApproveAction
from runbook.core.planned.plan import Plan
from runbook.core.written.runbook import Parameter, Runbook
from runbook.document.environment_file import FILE_NAMES
from runbook.document.runbook_file import read_runbook
from runbook.inventory.manner import Reading
from runbook.inventory.places import inventory_names
from runbook.inventory.reading import read_inventory
from runbook.planning.compile import Compiled, compile_plan
from runbook.planning.draft import Given
from runbook.planning.lint import lint
from runbook.problem import Problem, Problems, Where
from runbook.workspace.books import find_book
from runbook.workspace.settings import Settings

_STAND_INS = {"integer": "0", "number": "0", "boolean": "false", "duration": "1s"}
_ANY = "whatever-{name}-is"
"""Stands for a text that a run is given. It is known again where a problem is about the value and not the runbook."""


class Checker:
    """One check over any number of files. An inventory is read once, however many runbooks name it."""

    def __init__(
        self,
        settings: Settings,
        *,
        today: dt.date,
        inventory: str,
        reading: Reading,
        given: Mapping[str, str],
        with_parameters: bool = False,
    ) -> None:
        """`inventory` stands in for what the runbooks name, unless it is empty.

        `with_parameters` lets nothing stand in for a parameter: what a run must be given must have been given.
        """
        self._settings = settings
        self._today = today
        self._inventory = inventory
        self._reading = reading
        self._given = given
        self._with_parameters = with_parameters
        self._inventories: dict[str, Inventory] = {}
        self._named: dict[str, Runbook] = {}
        self.files: dict[Path, None] = {}
        """Looked at so far."""
        self.left_open: dict[str, None] = {}
        """Parameters with whose values a problem may come that nobody can know yet."""

    def everything(self) -> Iterator[Problem]:
        """Every runbook and every inventory of the workspace."""
        yield from self.place(str(self._settings.drills)) if self._settings.drills.is_dir() else ()
        for name in inventory_names(self._settings.root):
            try:
                inventory = self._read_inventory(name)
                yield from (*inventory.warnings, *self._rules(inventory))
            except Problems as wrong:
                yield from wrong.problems

        yield from self._services()

    def _services(self) -> Iterator[Problem]:
        """Every service of the workspace, and what it names."""
        from runbook.workspace.services import Names, services, unsound_service  # noqa: PLC0415 - few have any

        found = services(self._settings)
        yield from found.problems
        if not found.found:
            return
        places: dict[str, Inventory] = {}
        for name in inventory_names(self._settings.root):
            try:
                inventory = self._read_inventory(name)
            except Problems:
                continue  # told of above
            places[inventory.environment.name] = inventory
        names = Names(
            runbooks=frozenset(self._named), services=frozenset(one.name for one in found.found), inventories=places
        )
        for service in found.found:
            yield from unsound_service(service, names)

    def place(self, text: str) -> Iterator[Problem]:
        """A file, a folder of them, or a runbook by its name."""
        folder = Path(text)
        try:
            files = _yaml_files(folder) if folder.is_dir() else (find_book(self._settings, text),)
        except Problems as wrong:
            yield from wrong.problems
            return
        for file in files:
            if _shown(file) not in self.files:
                self.files[_shown(file)] = None
                yield from self._book(_shown(file))

    def _book(self, path: Path) -> Iterator[Problem]:
        """One runbook: what keeps it from being read, or what keeps it from a plan and then the warnings."""
        try:
            runbook = read_runbook(path)
        except Problems as wrong:
            yield from wrong.problems
            return
        yield from self._another_of_that_name(runbook)
        plan: Plan | None = None
        try:
            inventory = self._inventory_for(runbook)
            if inventory is None:
                yield _without_inventory(runbook)
            else:
                compiled = compile_plan(runbook, inventory, given=self._values(runbook, inventory))
                plan = compiled.plan
                yield from (*inventory.warnings, *compiled.warnings, *_exposures(compiled, runbook, inventory))
                yield from self._approvals(compiled.plan)
        except Problems as wrong:
            yield from self._of_the_runbook(runbook, wrong.problems)
        yield from self._schedules(runbook)
        yield from lint(runbook, today=self._today, plan=plan)

    def _rules(self, inventory: Inventory) -> Iterator[Problem]:
        """What is wrong with the rules of a place."""
        from runbook.policy.soundness import unsound_rules  # noqa: PLC0415 - zones are slow, and few places have rules

        files = (name for name in inventory.files if Path(name).name in FILE_NAMES)
        now = dt.datetime.combine(self._today, dt.time(), dt.UTC)
        yield from unsound_rules(inventory.environment, Where(next(files, inventory.source)), now)

    def _schedules(self, runbook: Runbook) -> Iterator[Problem]:
        """What is wrong with its schedules in their places; a place that cannot be read is told of already."""
        if not runbook.schedules:
            return
        from runbook.schedule.soundness import unsound  # noqa: PLC0415 - zones are slow, and few runbooks have one

        now = dt.datetime.combine(self._today, dt.time(), dt.UTC)
        for schedule in runbook.schedules:
            name = schedule.inventory or runbook.inventory or self._settings.inventory
            try:
                if name:
                    yield from unsound(runbook, schedule, self._read_inventory(name), now)
            except Problems as wrong:
                if schedule.inventory:
                    yield from wrong.problems

    def _approvals(self, plan: Plan) -> tuple[Problem, ...]:
        if not any(isinstance(step.action, ApproveAction) for step in plan.walk()):
            return ()
        from runbook.workspace.people import approvals_out_of_reach  # noqa: PLC0415 - few runbooks have an approval

        return approvals_out_of_reach(plan, self._settings)

    def _of_the_runbook(self, runbook: Runbook, found: tuple[Problem, ...]) -> Iterator[Problem]:
        """The problems that are the runbook's own, whatever a run is given."""
        for problem in found:
            about = [name for name in runbook.parameters if _ANY.format(name=name) in str(problem)]
            if not about:
                yield problem
            self.left_open |= dict.fromkeys(about)

    def _another_of_that_name(self, runbook: Runbook) -> Iterator[Problem]:
        first = self._named.setdefault(runbook.name, runbook)
        if first is not runbook:
            what = f'the name "{runbook.name}" is taken'
            fix = "Names are unique in a workspace: records are found by them."
            where = runbook.at("name")
            yield Problem(what=what, why=f"{first.source} has it", fix=fix, where=where, code="duplicate-name")

    def _inventory_for(self, runbook: Runbook) -> Inventory | None:
        name = self._inventory or runbook.inventory or self._settings.inventory
        return self._read_inventory(name) if name else None

    def _read_inventory(self, name: str) -> Inventory:
        if name not in self._inventories:
            self._inventories[name] = read_inventory(name, workspace=self._settings.root, reading=self._reading)
        return self._inventories[name]

    def _values(self, runbook: Runbook, inventory: Inventory) -> dict[str, Given]:
        """What was given on the command line to this runbook, and a stand-in for what a run will be given."""
        given = {name: value for name, value in self._given.items() if name in runbook.parameters}
        said = {name: Given(value=value, source="check") for name, value in given.items()}
        if self._with_parameters:
            return said
        missing = {name: one for name, one in runbook.parameters.items() if name not in given and one.must_be_given}
        return said | {
            name: Given(value=_stand_in(name, one, inventory), source="check", is_stand_in=True)
            for name, one in missing.items()
        }


def _exposures(compiled: Compiled, runbook: Runbook, inventory: Inventory) -> tuple[Problem, ...]:
    """Secrets in the open, as far as they are known without asking."""
    if not any(one.secret for one in compiled.plan.parameters):
        return ()
    from runbook.workspace.in_the_open import secrets_at_hand  # noqa: PLC0415 - as below
    from runbook.workspace.prepare import exposures  # noqa: PLC0415 - most runbooks have no secret

    return exposures(compiled, secrets_at_hand(compiled.plan.parameters), runbook, inventory)


def _stand_in(name: str, parameter: Parameter, inventory: Inventory) -> str:
    """A value of the type; the real one is checked when a run is given it."""
    if parameter.type == "host":
        return next(iter(inventory.hosts), "")
    if parameter.type == "choice":
        return str(next(iter(parameter.choices), ""))
    if parameter.type == "list":
        item = str(next(iter(parameter.choices), _ANY.format(name=name)))
        return ", ".join([item] * max(1, int(parameter.min or 1)))
    if parameter.type == "string":
        return _ANY.format(name=name)
    bound = parameter.min if parameter.min is not None else parameter.max
    return f"{bound:g}" if bound is not None else _STAND_INS[parameter.type]


def _yaml_files(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(path for path in folder.rglob("*") if path.suffix in {".yaml", ".yml"} and path.is_file()))


def _shown(path: Path) -> Path:
    """As seen from where the operator stands, which is what editors and review tools can open."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _without_inventory(runbook: Runbook) -> Problem:
    return Problem(
        what=f"{runbook.name} was checked without an inventory",
        why="neither the runbook nor the workspace names one, so hosts and templates were not looked at",
        fix="Give one: -i NAME",
        where=Where(runbook.source),
        code="no-inventory",
        warning=True,
    )
