"""`runbook replay`: watch a record again on its own time axis, on the screen or in lines.

In lines the story is the data, so it goes to standard output, where it can be searched and compared. A record that is
damaged is told as far as it is sound; whether that is good enough is for `verify` to say.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import click

from runbook.cli.compose import json_option, recordings_option, run_async, workspace
from runbook.cli.diagnostics import can_show_screen, explain
from runbook.core.events.entry import Entry
from runbook.core.run import Run
from runbook.engine.clock import SystemClock
from runbook.feed.output_view import OutputView
from runbook.feed.replay import LONGEST_WAIT, RecordedReplay
from runbook.problem import Problems
from runbook.record.form.codec import body_of
from runbook.view.sanitize import escaped_json


@click.command("replay")
@click.argument("run", default="last")
@recordings_option
@json_option
@click.option("--line", is_flag=True, help="Lines instead of the screen.")
@click.option(
    "--speed",
    type=click.FloatRange(min=0),
    default=0.0,
    help="Of the lines: recorded seconds for each second; 0, the default, tells everything at once.",
)
def verb(*, run: str, recordings: str, as_json: bool, line: bool, speed: float) -> int:
    """Watch a record again: its id or a part of it, a runbook's name, `last`, or a path."""
    place = workspace("replay", recordings)
    if can_show_screen() and not (line or as_json):
        from runbook.cli.screen import open_replay  # noqa: PLC0415 - lines must not pay for the screen

        return open_replay(place, run)
    replay = place.replay(run)
    output = OutputView(replay.record)
    run_async(_print_entries(replay, speed) if as_json else _tell(replay, output, speed))
    damage = replay.damage or output.damage
    if damage is not None:
        explain(Problems([damage]))
    return 0


async def _tell(replay: RecordedReplay, output: OutputView, speed: float) -> None:
    """The story in lines, output of hosts included."""
    from runbook.cli.line.narrator import Narrator  # noqa: PLC0415 - the screen must not pay for the lines

    narrator = Narrator(output, click.echo)
    before: Run | None = None
    async for entry, after in _moments(replay, speed):
        narrator.each(before, after, entry)
        before = after


async def _print_entries(replay: RecordedReplay, speed: float) -> None:
    """The entries themselves, one a line."""
    async for entry, _ in _moments(replay, speed):
        click.echo(escaped_json(body_of(entry).decode()))


async def _moments(replay: RecordedReplay, speed: float) -> AsyncIterator[tuple[Entry, Run]]:
    """Each entry with the run after it, at its time; a stretch without events is cut to `LONGEST_WAIT`."""
    clock = SystemClock()
    after = replay.step(-replay.total)
    last = 0.0
    for number, entry in enumerate(replay.entries):
        if speed:
            await clock.sleep(min(LONGEST_WAIT, (entry.at - last) / speed))
        last = entry.at
        after = replay.step(1) if number else after
        yield entry, after
