"""The workspace on this machine, as verbs and the screen use it: list, plan, start, attach, resume, replay.

Implements `workspace.Workspace`. It joins the rooms below (documents, records, runners) so that nobody above has to
know them; it decides nothing itself and prints nothing.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec
from msgspec.structs import replace

from runbook.core.actor import Actor
from runbook.core.events.event import RunOpened
from runbook.core.inventory import Inventory
from runbook.core.planned.plan import Plan
from runbook.core.run import Run
from runbook.core.written.runbook import Runbook
from runbook.document.runbook_file import read_runbook
from runbook.engine.clock import SystemClock, chance_hex, new_run_id, wall_text
from runbook.feed.live import EachEntry, LiveFeed, ignore, watch
from runbook.feed.replay import RecordedReplay
from runbook.inventory.manner import Agree, Reading
from runbook.inventory.reading import read_inventory
from runbook.policy.breaking import Override, permitted
from runbook.policy.judging import Facts
from runbook.problem import Exit, Problems, problem
from runbook.record.address import open_store
from runbook.record.beginning import folded
from runbook.record.files.holder import Holder
from runbook.talk.door import Doorway, door_folders, doorways
from runbook.talk.handover import Handover, Opening
from runbook.talk.launch import WarmRunner
from runbook.talk.person import person, this_machine
from runbook.view.situation.past import PastRun
from runbook.workspace.again import copies, ended, taken_back
from runbook.workspace.books import book_files, find_book
from runbook.workspace.fields import NO_HOSTS, asks_for_hosts, fields_of
from runbook.workspace.findings import open_finding, reviewing
from runbook.workspace.history import every, history
from runbook.workspace.in_the_open import without_secrets
from runbook.workspace.locked_keys import Unlock
from runbook.workspace.needed_again import Needs, needed_again
from runbook.workspace.permission import facts, instant
from runbook.workspace.prepare import Prepared, SecretSource, Wish, inventory_of, prepare, typed_first
from runbook.workspace.rows import FORM, BookRow, ParameterField, ProofRow, RunRow
from runbook.workspace.run_rows import run_rows
from runbook.workspace.sealing import signing_for
from runbook.workspace.settings import Settings

_FRESH = 4
"""Bytes of chance in the name of a folder that nobody can have taken before."""


class HowToRun(msgspec.Struct, frozen=True, kw_only=True):
    """How a run is attended."""

    attended: bool = True
    """A person is there to be asked; False lets a failure abort at once."""
    auto: bool = False
    """A machine answers the gates that the environment lets it answer."""
    step_mode: bool = False
    override: Override = Override()
    """Rules of the environment that are to be overridden, and why."""


class LocalWorkspace:
    """The workspace around the operator, on this machine."""

    def __init__(
        self,
        settings: Settings,
        *,
        secret: SecretSource | None = None,
        unlock: Unlock | None = None,
        via: str = "screen",
    ) -> None:
        """When a run is started or resumed, `secret` is asked for its secrets and `unlock` for passphrases of keys."""
        self.settings = settings
        self.store = open_store(str(settings.recordings))
        self._clock = SystemClock()
        self.secret = secret
        self._unlock = unlock
        self._via = via

    def whoami(self) -> Actor:
        """The operator, as the runner's socket will see them."""
        return person(os.getuid(), machine=this_machine(), via=self._via)

    def facts(self, plan: Plan) -> Facts:
        """What the rules of its environment look at, if the operator were to run it now."""
        return facts(plan, instant(self._clock.wall()), self.whoami(), self.settings, self.store)

    async def sleep(self, seconds: float) -> None:
        """Wait for something that nobody tells."""
        await self._clock.sleep(seconds)

    def wall(self) -> str:
        """Wall time now, ISO 8601 UTC."""
        return wall_text(self._clock.wall())

    # --- looking ------------------------------------------------------------------------------------------------------

    def books(self) -> tuple[BookRow, ...]:
        """Every runbook of the workspace, unreadable ones with their problem."""
        return tuple(self._book(path) for path in book_files(self.settings))

    def _book(self, path: Path) -> BookRow:
        shown = str(path.relative_to(self.settings.root)) if path.is_relative_to(self.settings.root) else str(path)
        try:
            book = read_runbook(path)
        except Problems as wrong:
            return BookRow(
                path=shown, name=path.stem, title="", kind="", owner="", service="", description="", tags=(),
                inventory="", reviewed="", review="never", last_run="", last_verdict="", problem=wrong.problems[0],
            )  # fmt: skip
        last = next(iter(self.store.runs(runbook=book.name, limit=1)), None)
        return BookRow(
            path=shown,
            name=book.name,
            title=book.title,
            kind=book.kind,
            owner=book.owner,
            service=book.service,
            description=book.description,
            tags=book.tags,
            inventory=book.inventory,
            reviewed=str(book.reviewed or ""),
            review=review_state(book, self._clock.today()),
            last_run=last.started if last else "",
            last_verdict=last.verdict if last else "",
            last_worst=last.worst if last else "",
            steps=sum(len(section.steps) for section in book.sections),
            promised=book.objectives.rto,
            every=every(book),
        )

    def runs(self) -> tuple[RunRow, ...]:
        """Every record, newest first, as its report would tell it."""
        return run_rows(self.store)

    def folded(self, run: str) -> Run:
        """A record folded as far as it is sound.

        Raises:
            Problems: There is no such record, or not one good line in it.
        """
        return folded(self.store.find(run).read())

    def verified(self, run: str) -> ProofRow:
        """Check a record.

        Raises:
            Problems: There is no such record, or no journal in it.
        """
        # Late, because who lists runs need not load what checks them.
        from runbook.workspace.proofs import proof_row  # noqa: PLC0415 - said above

        return proof_row(run, self.store.find(run).verify())

    def history(self, runbook: str, *, but: str) -> tuple[PastRun, ...]:
        """What the latest runs of a runbook teach, without one of them; the newest first."""
        return history(self.store, runbook, but=but)

    def parameters(self, path: str) -> tuple[ParameterField, ...]:
        """What a runbook asks for; its hosts can be picked where reading the inventory runs no program."""
        book = read_runbook(find_book(self.settings, path))
        return fields_of(book, self._hosts_for(book))

    def _hosts_for(self, book: Runbook) -> Inventory:
        """Whose hosts can be picked; what is wrong with it is told when the plan is made."""
        if not asks_for_hosts(book):
            return NO_HOSTS
        try:
            name = inventory_of(self.settings, Wish(book=book.name), book)
            return read_inventory(name, workspace=self.settings.root)
        except Problems:
            return NO_HOSTS

    def plan(self, path: str, given: dict[str, str], *, inventory: str = "", agree: Agree | None = None) -> Plan:
        """Compile; connect to nothing and ask for no secret. `agree` is asked before an inventory is run."""
        wish = Wish(book=path, inventory=inventory, reading=Reading(agree=agree), given=given, source=FORM)
        return prepare(self.settings, wish, None).plan

    # --- running ------------------------------------------------------------------------------------------------------

    async def start(
        self,
        path: str,
        given: dict[str, str],
        *,
        step_mode: bool = False,
        digest: str = "",
        agree: Agree | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> LiveFeed:
        """Start a runner and watch it; `secrets` were typed, all others come from where the runbook says.

        Raises:
            Problems: What cannot be started, or is not what was shown.
        """
        # Step mode is the runner's business: the plan stays the one that was shown, whose digest can be compared.
        wish = Wish(book=path, reading=Reading(agree=agree), given=given, source=FORM)
        # Beside the loop: files that are sent are read whole to be measured.
        prepared = await asyncio.to_thread(prepare, self.settings, wish, self._typed_first(secrets or {}))
        if digest and prepared.plan.digest != digest:
            raise _changed(path)
        run = await self.launch(prepared, HowToRun(step_mode=step_mode))
        return await self.attach(run)

    def _typed_first(self, typed: Mapping[str, str]) -> SecretSource | None:
        return typed_first(typed, self.secret) if self.secret else None

    async def launch(
        self, prepared: Prepared, how: HowToRun, runner: WarmRunner | None = None, *, run: str = ""
    ) -> str:
        """Start a runner, or tell a warm one what to run; gives the run's id, which is `run` where somebody chose it.

        Raises:
            Problems: A rule of its environment refuses it, the record cannot be made, another run is live on one of its
                hosts, or the runner did not start.
        """
        overrides = permitted(self.facts(prepared.plan), how.override)
        opening = Opening(
            plan=without_secrets(prepared.plan, prepared.secrets),
            operator=self.whoami(),
            attended=how.attended,
            auto=how.auto,
            step_mode=how.step_mode,
            files=prepared.files,
            notes=tuple(str(each) for each in prepared.exposed),
            earlier=prepared.earlier,
            overrides=overrides,
        )
        secrets = {secret.name: secret.reveal() for secret in prepared.secrets}
        needs = Needs(secrets=secrets, sudo_passwords=prepared.sudo_passwords, folder=str(prepared.folder))
        wall = self._clock.wall()
        name = run or new_run_id(wall, prepared.plan.runbook)
        # Before it begins: whoever breaks the glass is looked at by somebody else, or breaks nothing.
        for one in overrides:
            open_finding(self.settings.recordings, partial(reviewing, broken=one, run=name, wall=wall))
        return await self._begin(opening, needs, runner, name)

    def left_of(self, run: str) -> Plan:
        """What `roll_back` would do.

        Raises:
            Problems: The run has not ended, or nothing of it is left.
        """
        return taken_back(self.store, ended(self.store, run))[0]

    async def roll_back(
        self,
        run: str,
        how: HowToRun,
        runner: WarmRunner | None = None,
        *,
        agree: Agree | None = None,
        sudo: str = "",
        digest: str = "",
    ) -> str:
        """Start a run that takes back what is left of an ended one; gives its id. Arguments as for `resume`.

        Raises:
            Problems: The run has not ended, nothing of it is left, it is not the plan with the `digest` that was shown,
                or secrets are needed that nobody can be asked for.
        """
        found = ended(self.store, run)
        plan, earlier = taken_back(self.store, found)
        if digest and plan.digest != digest:
            raise _changed(f"what is left of run {run}")
        needs = needed_again(self.settings, found.record, found.run.plan, self.secret, agree=agree, sudo=sudo)
        opening = Opening(
            plan=plan,
            operator=self.whoami(),
            attended=how.attended,
            auto=how.auto,
            step_mode=how.step_mode,
            files=copies(found.record),
            earlier=earlier,
        )
        return await self._begin(opening, needs, runner)

    async def _begin(self, opening: Opening, needs: Needs, runner: WarmRunner | None, chosen: str = "") -> str:
        run = chosen or new_run_id(self._clock.wall(), opening.plan.runbook)
        handover = self._handover(run, needs.folder, needs.secrets, opening=opening)
        keys = await self.keys_for(opening.plan)
        sealing = signing_for(self.settings, opening.plan, self.whoami())
        await _hand_over(replace(handover, sudo_passwords=needs.sudo_passwords, keys=keys, sealing=sealing), runner)
        return run

    async def resume(self, run: str, *, agree: Agree | None = None, sudo: str = "") -> str:
        """Start a runner that takes over an interrupted record; gives the run's id.

        Args:
            run: Its id, the beginning of it, a runbook's name, or `last`.
            agree: Asked before a program is run as the inventory, which is read again for its passwords.
            sudo: Where the sudo password comes from now; empty is where it came from before.

        Raises:
            Problems: The run has ended, is live, needs secrets that nobody can be asked for, or is damaged.
        """
        record = self.store.find(run)
        first = next(record.read().entries(), None)
        if first is None or not isinstance(first.event, RunOpened):
            raise problem(f"record {run} was never opened", code="no-record", exit=Exit.FAILED)
        plan = first.event.plan
        needs = needed_again(self.settings, record, plan, self.secret, agree=agree, sudo=sudo)
        handover = self._handover(record.run, needs.folder, needs.secrets, by=self.whoami())
        keys = await self.keys_for(plan)
        sealing = signing_for(self.settings, plan, self.whoami())
        await _hand_over(replace(handover, sudo_passwords=needs.sudo_passwords, keys=keys, sealing=sealing))
        return record.run

    async def keys_for(self, plan: Plan) -> dict[str, str]:
        """Keys of the plan's hosts that somebody has opened with a passphrase; none where nobody can be asked."""
        return dict(await self._unlock(plan.hosts)) if self._unlock else {}

    def _handover(
        self,
        run: str,
        book_folder: str,
        secrets: dict[str, str],
        *,
        opening: Opening | None = None,
        by: Actor | None = None,
    ) -> Handover:
        return Handover(
            recordings=self.store.address,
            run=run,
            doors=tuple(map(str, door_folders(os.getuid(), shared=self.settings.is_shared, fresh=chance_hex(_FRESH)))),
            allowed=tuple(sorted(self.settings.allowed)),
            book_folder=book_folder,
            opening=opening,
            by=by,
            secrets=secrets,
        )

    async def attach(self, run: str, each: EachEntry = ignore) -> LiveFeed:
        """Watch a run; one whose runner is gone can still be looked at."""
        record = self.store.find(run)
        places = doorways(record.run, record.holder(), uid=os.getuid())
        return await watch(record, places, via=self._via, each=each)

    def doorways(self, run: str, *, owner: int | None = None) -> tuple[Doorway, ...]:
        """Where the runner of a run may listen; `run` is its whole id, `owner` whose it is if the record is not ours.

        What cannot be read still tells: a store to which one user alone may write holds that user's.
        """
        found = self._holder(run)
        certain = doorways(run, found, uid=os.getuid(), owner=owner)
        presumed = None if found or owner is not None else self.store.owner()
        if presumed is None or presumed == os.getuid():
            return certain
        return (*doorways(run, None, uid=os.getuid(), owner=presumed), *certain)

    def _holder(self, run: str) -> Holder | None:
        try:
            return self.store.find(run).holder()
        except Problems:
            return None

    def replay(self, run: str) -> RecordedReplay:
        """Open a record on its own time axis."""
        return RecordedReplay(self.store.find(run), self._clock)


def _changed(path: str) -> Problems:
    return problem(
        "the plan is not what you were shown any more",
        why=f"{path}, or its inventory, has changed since",
        fix="Plan it again, look at it, and start it then.",
        code="changed-since-shown",
        exit=Exit.REFUSED,
    )


async def _hand_over(handover: Handover, runner: WarmRunner | None = None) -> None:
    if runner is not None:
        await runner.hand_over(handover)
        return
    with WarmRunner() as fresh:
        await fresh.hand_over(handover)


def review_state(book: Runbook, today: date) -> Literal["ok", "overdue", "never"]:
    """Whether somebody has looked at the runbook within the time that it promises itself."""
    if not book.reviewed:
        return "never"
    if not book.review_every:
        return "ok"
    return "overdue" if date.fromisoformat(book.reviewed) + timedelta(seconds=book.review_every) < today else "ok"
