"""`runbook scheduler`: begin what nobody attends, tell of what people have to begin, and account for every moment."""

from __future__ import annotations

import asyncio
import signal
import sys

import click

from runbook.cli.compose import recordings_option, run_async, workspace
from runbook.cli.diagnostics import say
from runbook.engine.clock import SystemClock
from runbook.record.address import open_ledger
from runbook.schedule.ledger import Ledger
from runbook.schedule.on_record import BookOnRecord
from runbook.schedule.place import Place
from runbook.schedule.scheduler import Scheduler
from runbook.talk.person import this_machine
from runbook.view.sanitize import safe
from runbook.workspace.sealing import quiet_key
from runbook.workspace.settings import Settings

_UNIT = """\
[Unit]
Description=Runbooks that begin by themselves, {root}
After=network-online.target
Wants=network-online.target

[Service]
WorkingDirectory={root}
ExecStart={command}
Restart=always
RestartSec=5
# A run that was begun outlives the scheduler: only the scheduler itself is ended with its unit.
KillMode=process
UMask=0077

[Install]
WantedBy=default.target
"""


@click.command("scheduler")
@recordings_option
@click.option("--once", is_flag=True, help="Do what there is to do now, and end.")
@click.option("--systemd", is_flag=True, help="Print a unit file that runs it, and end.")
def verb(*, recordings: str, once: bool, systemd: bool) -> int:
    """Begin unattended runs at their moments, until it is ended.

    One a workspace. It may be killed at any time: the next one finds out what was begun, and begins nothing twice.
    """
    place = workspace("scheduler", recordings)
    if systemd:
        click.echo(_unit(place.settings), nl=False)
        return 0
    clock = SystemClock()
    with Ledger(place.settings.recordings, this_machine()) as ledger:
        book = BookOnRecord(ledger, open_ledger(place.store.address), quiet_key(place.settings), _say)
        run_async(_serve(Scheduler(Place(place, clock), book, clock, _say), once=once))
    return 0


async def _serve(scheduler: Scheduler, *, once: bool) -> None:
    """Until somebody ends it; a start that is under way is finished."""
    if once:
        await scheduler.look()
        return
    say("The scheduler runs. End it with Ctrl-C; what it has begun goes on.")
    serving = asyncio.create_task(scheduler.run())
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, scheduler.stop)
    await serving


def _say(line: str) -> None:
    click.echo(safe(line))


def _unit(settings: Settings) -> str:
    command = (sys.executable, "-m", "runbook.cli", "scheduler", "--recordings", str(settings.recordings))
    return _UNIT.format(root=str(settings.root).replace("%", "%%"), command=" ".join(map(_quoted, command)))


def _quoted(word: str) -> str:
    """A word of a unit's command line, which knows specifiers and variables (systemd.service, COMMAND LINES)."""
    plain = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{plain}"'.replace("%", "%%").replace("$", "$$")
