"""What a runbook would do, with the values given: the last look before anything runs.

Whoever comes here is greeted by the form where a value is missing, and by the plan where none is. Why there is no plan
stands in the plan's place, and what is wrong with a value under its field. Compiling connects to nothing. Starting is
asked once more, with the plan in short and its digest in sight; the run's first section is its preflight, which looks
at every host and changes none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.widgets import Footer, Input, Select

from runbook.core.planned.plan import Plan
from runbook.feed.feed import Feed
from runbook.problem import Problem, Problems
from runbook.tui.actions import bindings
from runbook.tui.messages import NotPlanned, Planned, Started
from runbook.tui.modals.sure import Sure
from runbook.tui.screens.place import PlaceScreen
from runbook.tui.screens.run import RunScreen
from runbook.tui.widgets.parameterform import ParameterForm
from runbook.tui.widgets.plain import Plain
from runbook.tui.widgets.planview import PlanView
from runbook.tui.widgets.problem_rows import problem_rows
from runbook.tui.widgets.rows import Part, Row
from runbook.view.brief import DIGEST, Fact, brief, headline
from runbook.view.sanitize import safe
from runbook.view.situation.top import place_part
from runbook.workspace.rows import BookRow
from runbook.workspace.workspace import Workspace


class PlanScreen(PlaceScreen):
    """One runbook, planned."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("plan")
    AUTO_FOCUS = "#plan"
    """From the first frame on: a key that is typed early must not end up in a value."""

    def __init__(self, workspace: Workspace, book: BookRow) -> None:
        """Plan this one."""
        super().__init__()
        self._workspace = workspace
        self._book = book
        self._plan: Plan | None = None
        self._planned_with: dict[str, str] = {}
        self._agreed: set[Path] = set()
        """Inventories that are programs, and that this person let run."""

    def compose(self) -> ComposeResult:
        """Title, form, plan."""
        yield Plain(f"PLAN  {self._book.name}", id="title")
        with Container(id="planning"):
            yield ParameterForm(self._workspace.parameters(self._book.path), id="form")
            yield PlanView(id="plan")
        yield Footer(compact=True)

    def on_mount(self) -> None:
        """Plan with the defaults; where those do not suffice, begin with what is missing."""
        form = self.query_one(ParameterForm)
        if form.missing:
            form.go_to_missing()
        else:
            self.query_one(PlanView).focus()
        self.action_compile()

    # --- planning -----------------------------------------------------------------------------------------------------

    def action_compile(self) -> None:
        """Plan with the values of the form, or say which of them are missing."""
        form = self.query_one(ParameterForm)
        if form.missing:
            self._has_no_plan(missing_rows(form.missing))
            return
        given = form.given
        self.work(partial(self._compile, given), group="plan")

    async def _compile(self, given: dict[str, str]) -> None:
        unasked: list[Path] = []
        try:
            plan = await asyncio.to_thread(
                self._workspace.plan, self._book.path, given, agree=lambda program: self._agrees(program, unasked)
            )
        except Problems as refused:
            if unasked:
                self._ask_about(unasked[0], refused.problems)
            else:
                self.post_message(NotPlanned(refused.problems))
            return
        self._planned_with = given
        self.post_message(Planned(plan))

    def _agrees(self, program: Path, unasked: list[Path]) -> bool:
        """Whether a program may be run as the inventory. Nobody is waited for in a thread: what is new is noted."""
        if program not in self._agreed:
            unasked.append(program)
        return program in self._agreed

    def _ask_about(self, program: Path, refused: tuple[Problem, ...]) -> None:
        """Ask; then plan again, or say why there is no plan."""
        question = Sure("Run this inventory?", program_rows(program, self._workspace.whoami().name), verb="Run it")
        question.lock_seconds = self.around.lock_seconds

        def answered(yes: bool | None) -> None:  # noqa: FBT001 - what a question gives
            if yes:
                self._agreed.add(program)
                self.action_compile()
            else:
                self.post_message(NotPlanned(refused))

        self.app.push_screen(question, answered)

    def on_planned(self, message: Planned) -> None:
        """Show it."""
        plan = self._plan = message.plan
        self.query_one(PlanView).show(plan)
        self.query_one("#title", Plain).say(title(plan))
        self.query_one("#planning").remove_class("-unplanned")
        self.query_one(ParameterForm).blame(())
        self.refresh_bindings()

    def on_not_planned(self, message: NotPlanned) -> None:
        """Say why in the plan's place, and under the fields whose values are refused."""
        self._has_no_plan(row for problem in message.problems for row in problem_rows(problem))
        self.query_one(ParameterForm).blame(message.problems)

    def _has_no_plan(self, why: Iterable[Row]) -> None:
        self._plan = None
        self.query_one("#planning").add_class("-unplanned")
        self.query_one(PlanView).show_why_not(why)
        self.refresh_bindings()

    @on(Input.Submitted)
    def _entered(self) -> None:
        """On to what is still missing; to the plan where nothing is."""
        form = self.query_one(ParameterForm)
        if form.is_filled:
            self.action_rows()
        else:
            form.go_to_missing()
        self.action_compile()

    @on(Select.Changed)
    def _picked(self) -> None:
        self.action_compile()

    @on(Input.Changed)
    def _outdated(self) -> None:
        """What stands there was planned with other values; it cannot be started until it is planned again."""
        self.refresh_bindings()

    # --- starting -----------------------------------------------------------------------------------------------------

    @property
    def _is_current(self) -> bool:
        return self._plan is not None and self._planned_with == self.query_one(ParameterForm).given

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only a plan that was made with the values in the form can be started."""
        del parameters
        return None if action == "start" and self.is_mounted and not self._is_current else True

    def action_start(self) -> None:
        """Ask once more; for a secret first, where one has to be typed."""
        plan, form = self._plan, self.query_one(ParameterForm)
        if plan is None or not self._is_current:
            return
        if not form.is_filled:
            form.go_to_missing()
            self.tell("It needs a secret: type it here, then start again. It is not shown and not stored.")
            return
        word = plan.environment.name if plan.environment.confirm == "typed" else ""
        question = Sure(f"Start {plan.runbook}?", start_rows(plan), verb="Start", word=word)
        question.lock_seconds = self.around.lock_seconds
        self.app.push_screen(question, lambda yes: self._begin() if yes else None)

    def _begin(self) -> None:
        form = self.query_one(ParameterForm)
        digest = self._plan.digest if self._plan else ""
        starting = self._workspace.start(
            self._book.path,
            self._planned_with,
            step_mode=form.step_mode,
            digest=digest,
            agree=self._agreed.__contains__,
            secrets=form.secrets,
        )
        self.work(partial(self._start, starting), group="start")

    async def _start(self, starting: Awaitable[Feed]) -> None:
        feed = await starting
        self.post_message(Started(feed))

    def on_started(self, message: Started) -> None:
        """Go to the run; leaving it leads back to the library."""
        self.app.switch_screen(RunScreen(message.feed, self._workspace.whoami()))

    # --- panes --------------------------------------------------------------------------------------------------------

    def action_form(self) -> None:
        """Go to the form."""
        fields = self.query("ParameterForm Input, ParameterForm Select, ParameterForm Checkbox")
        if fields:
            fields.first().focus()

    def action_rows(self) -> None:
        """Go to the plan."""
        self.query_one(PlanView).focus()

    def action_back(self) -> None:
        """From the form to the plan, from the plan to the library."""
        if self.query_one(PlanView).has_focus:
            super().action_back()
        else:
            self.action_rows()


def program_rows(program: Path, me: str) -> tuple[Row, ...]:
    """What a person should know before somebody's program runs here."""
    return (
        (Part(str(program), attributes=("bold",)),),
        (Part(f"is a program. It would run on this machine, as {me}, now and again when the run starts."),),
        (Part("It can do whatever you can do. The hosts of this runbook come from what it prints.", "slip"),),
    )


def title(plan: Plan) -> Row:
    """Where and what."""
    return (
        place_part(plan.environment),
        Part(f" PLAN  {plan.runbook}  ", attributes=("bold",)),
        Part(f"{plan.title}  digest {plan.digest[:DIGEST]}", "dim"),
    )


def start_rows(plan: Plan) -> tuple[Row, ...]:
    """What a person should have read before the run starts."""
    return (
        (Part(plan.title, attributes=("bold",)),),
        (Part(headline(plan)),),
        *(row for fact in brief(plan) for row in _fact_rows(fact)),
        (Part("The preflight runs first; it changes nothing.", "dim"),),
    )


def _fact_rows(fact: Fact) -> Iterator[Row]:
    name, lines = fact
    for number, line in enumerate(lines):
        yield Part(f"{'' if number else name:<11}", "dim"), Part(line, "slip" if "no undo" in line else "text")


def missing_rows(names: tuple[str, ...]) -> tuple[Row, ...]:
    """What stands in the place of a plan that lacks values."""
    return (
        (Part(f"Needed, and not given yet: {', '.join(map(safe, names))}", "you"),),
        (Part("Fill it in above; Enter goes on to the next, and then to the plan. Nothing runs before you start it."),),
    )
