"""Texts are read by the program that their author meant, on a real shell of this machine."""

from __future__ import annotations

from runbook.core.action import CommandAction, ScriptAction
from runbook.core.fold.verdict import verdicts
from runbook.core.plan import PlannedStep
from runbook.planning.shells import interpreter_of
from runbook.problem import Where
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
