"""Texts are read by the program that their author meant, on a real shell of this machine."""

from __future__ import annotations

from pathlib import Path

from runbook.core.events.event import AttemptEnded
from runbook.core.fold.verdict import verdicts
from runbook.core.host import Host
from runbook.core.outcome import Outcome
from runbook.core.planned.action import CommandAction, PreflightAction, ScriptAction
from runbook.core.planned.command import Command
from runbook.core.planned.plan import PlannedStep
from runbook.planning.shells import interpreter_of
from runbook.problem import Where
from runbook.transport.scripted import Says, ScriptedConnector
from tests.builders import plan as planned
from tests.builders import step
from tests.engine.stage import Stage
from tests.place import Place, ended, plan

BASH = "#!/bin/bash\nif [[ 1 == 1 ]]; then echo 'dump the database'; fi\n"
PYTHON = "#!/usr/bin/env python3\nprint('from python')\n"


def script(step: str, text: str, *args: str) -> PlannedStep:
    action = ScriptAction(text=text, interpreter=interpreter_of(text, (), Where("t")), args=args)
    return PlannedStep(id=step, name="s", action=action, hosts=("here",), register=f"r{step[-1]}", timeout=20)


async def test_scripts_and_commands_are_read_by_what_they_were_written_for(place: Place) -> None:
    chosen = CommandAction(shell="[[ 1 == 1 ]] && echo bash", interpreter=("bash", "-eu"))
    done = await ended(
        await place.start(
            plan(
                script("1.1", BASH),
                script("1.2", PYTHON),
                script("1.3", '#!/bin/bash\necho "$1-${#BASH_VERSION}" | cut -c1-2\n', "a b"),
                PlannedStep(id="1.4", name="c", action=chosen, hosts=("here",), register="r4", timeout=20),
            )
        )
    )
    said = {name: done.values[name].by_host["here"].stdout.strip() for name in ("r1", "r2", "r3", "r4")}
    assert said == {"r1": "dump the database", "r2": "from python", "r3": "a", "r4": "bash"}
    assert verdicts(done).run == "completed"


async def test_a_host_that_lacks_an_interpreter_is_told_of_alone(tmp_path: Path) -> None:
    """Nine of ten have it, and nothing is run on any before somebody has looked."""
    hosts = tuple(f"web{number}" for number in range(10))

    def look(host: Host, _command: Command) -> Says:
        there = "" if host.name == "web7" else "/opt/perl/bin/perl"
        return Says(f"space 1000000 /home\ntool {there}\n".encode())

    action = PreflightAction(tools=("/opt/perl/bin/perl",))
    stage = Stage(tmp_path, ScriptedConnector(look))
    await stage.open(planned(step("0.1", action, hosts=hosts)), attended=False).to_its_end()
    details = {
        event.host: event.detail for event in stage.events(AttemptEnded) if event.outcome is not Outcome.SUCCEEDED
    }
    assert details == {"web7": "tool /opt/perl/bin/perl: /opt/perl/bin/perl is not there, or cannot be run"}
