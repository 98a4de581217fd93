"""Starting a run and seeing it through: what `run`, `attach`, `resume` and `demo` do once they know what is wanted.

Apart from `run_verb` so that the verb can start its runner's imports before it pays for its own.
"""

from __future__ import annotations

import functools
import sys
from dataclasses import dataclass, field, replace

import click

from runbook.cli.beginning.before import Draft, is_somebody_here
from runbook.cli.compose import read_secret, run_async
from runbook.cli.diagnostics import can_show_screen, say, story, tell
from runbook.cli.text.data import json_text
from runbook.core.fold.verdict import verdicts
from runbook.core.run import Run
from runbook.planning.policy import gates_a_machine_may_not_answer
from runbook.policy.breaking import Override
from runbook.problem import Problems
from runbook.talk.launch import WarmRunner
from runbook.view.story.closing import closing
from runbook.workspace.again import continued, ended, no_place, wish_again
from runbook.workspace.local import HowToRun, LocalWorkspace
from runbook.workspace.prepare import Prepared, SecretSource, Wish, prepare
from runbook.workspace.sealing import sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a run is to be started and watched."""

    auto: bool
    line: bool
    detach: bool
    as_json: bool
    attended: bool | None
    """None looks whether there is a terminal."""
    yes: bool = False
    """What is shown is started without a question."""
    override: Override = field(default_factory=Override)

    @property
    def asks(self) -> bool:
        """Somebody is there, and was not said to be away."""
        return not self.auto and self.attended is not False and is_somebody_here()


@dataclass(frozen=True, slots=True)
class Following:
    """The ended run that is to be continued, and where."""

    run: str
    at: str
    """A step, by its id or its name; empty asks for it in words."""


def start(
    place: LocalWorkspace, wish: Wish, manner: Manner, runner: WarmRunner, following: Following | None = None
) -> int:
    """Compile, show the warnings, hand over, and watch as the manner says; the exit status is the run's.

    Raises:
        Problems: Everything that keeps it from starting.
    """
    draft = _draft(place, wish, following)
    prepared = draft.agreed(yes=manner.yes) if manner.asks else draft.unasked()
    refused = gates_a_machine_may_not_answer(prepared.plan) if manner.auto else []
    if refused:
        raise Problems(refused)
    how = how_to_run(manner, step_mode=wish.step_mode)
    return followed(place, run_async(place.launch(prepared, how, runner)), manner, how)


def how_to_run(manner: Manner, *, step_mode: bool = False) -> HowToRun:
    """Whether somebody is there to be asked: as was said, else whether there is a terminal."""
    there = (not manner.auto and sys.stdin.isatty()) if manner.attended is None else manner.attended
    return HowToRun(attended=there, auto=manner.auto, step_mode=step_mode, override=manner.override)


def followed(place: LocalWorkspace, run: str, manner: Manner, how: HowToRun) -> int:
    """Watch a run that has just begun, or only say its id."""
    if manner.detach:
        click.echo(run)
        return 0
    in_lines = manner.line or manner.auto
    return watch(place, run, in_lines=in_lines, answer=how.attended or not manner.auto, as_json=manner.as_json)


def _draft(place: LocalWorkspace, wish: Wish, following: Following | None) -> Draft:
    """What a run is to be. Whoever is asked for a secret, or about a program, is asked once for all plans of it."""
    agree = functools.cache(wish.reading.agree) if wish.reading.agree else None
    wish = replace(wish, reading=replace(wish.reading, agree=agree))
    found = ended(place.store, following.run) if following else None

    def compiled(wish: Wish, secret: SecretSource) -> Prepared:
        prepared = prepare(place.settings, wish, secret)
        return continued(found, prepared, following.at) if found and following else prepared

    if found and following and not following.at:
        raise no_place(found.run)
    return Draft(
        place=place,
        wish=wish_again(found, wish) if found else wish,
        compile=compiled,
        secret=functools.cache(place.secret or read_secret),
        concerns=tuple(concern for concern in place.store.concerns() if concern.warning),
    )


def watch(place: LocalWorkspace, run: str, *, in_lines: bool, answer: bool, as_json: bool) -> int:
    """Follow a live run on the screen, or in lines where there is none or they are wanted; the status is the run's."""
    if can_show_screen() and not (in_lines or as_json):
        from runbook.cli.screen import open_run  # noqa: PLC0415 - lines must not pay for the screen

        return open_run(place, run)
    return watch_to_the_end(place, run, answer=answer, as_json=as_json)


def watch_to_the_end(place: LocalWorkspace, run: str, *, answer: bool, as_json: bool) -> int:
    """Follow in lines, then give the verdicts; the exit status is theirs."""
    from runbook.cli.line.mode import follow  # noqa: PLC0415 - the screen must not pay for the lines

    ended = run_async(follow(place, run, story(beside_data=as_json), answer=answer))
    record = place.store.find(run)
    is_sealed = run_async(sealed(place, record))
    status = conclude(ended, record.address, as_json=as_json)
    if ended.has_ended and place.settings.seal.key and not is_sealed:
        say(f"The record is not sealed; why stands in its runner.log. Seal it with: runbook seal {ended.id}")
    return status


def conclude(run: Run, record: str, *, as_json: bool) -> int:
    """Print what came out: words for a person, or the one object for a machine."""
    if as_json:
        from runbook.report.summary import summary  # noqa: PLC0415 - only where it is asked for

        tell(json_text(summary(run, record)))
    for text in closing(run, record):
        story(beside_data=as_json)(text)
    return int(verdicts(run).exit)
