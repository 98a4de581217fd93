"""What a host said last in a step: the lines that a person wants before deciding what follows its failure.

Read from the end of its output, so that a million lines before them cost nothing. What was wrong is nearly always in
the last line of standard error; a program that writes none has said it in its last line.
"""

from __future__ import annotations

from runbook.core.run import AttemptState, GateState, Run
from runbook.feed.feed import Output, OutputLine
from runbook.view.asking.failure import failure_menu
from runbook.view.sanitize import safe_row
from runbook.view.words import Status

_LINES = 40
"""Lines of one attempt among which the one is looked for that says what was wrong."""
_HOSTS = 200
"""Hosts that are listened to: beyond them nobody reads what each of them said."""
_LOOKED_AT = 200
"""Lines from the end among which a step's own are looked for: other steps may have written since."""


def last_lines(output: Output, host: str, step: str, attempt: AttemptState, most: int) -> tuple[OutputLine, ...]:
    """The newest lines of one attempt, at most so many, in their order."""
    first = max(0, output.count(host) - _LOOKED_AT)
    lines = output.lines(host, first, _LOOKED_AT)
    its_own = [line for line in lines if line.step == step and line.at >= attempt.started_at]
    return tuple(its_own[-most:]) if most > 0 else ()


def last_words(lines: tuple[OutputLine, ...]) -> str:
    """The line that says what was wrong, safe to show; empty where nothing was said."""
    said = [(line.stream, text) for line in lines if (text := safe_row(line.data).strip())]
    errors = [text for stream, text in said if stream == "err"]
    return errors[-1] if errors else said[-1][1] if said else ""


def heard(output: Output, run: Run, gate: GateState) -> dict[tuple[str, str], str]:
    """What the hosts of a failed step said last, by step and host; of very many only the first are listened to."""
    groups = failure_menu(run, gate, run.now).groups
    failed = [(group.step, host) for group in groups if group.status is not Status.OK for host in group.hosts]
    return {
        (step, host): last_words(last_lines(output, host, step, run.steps[step].attempts[host], _LINES))
        for step, host in failed[:_HOSTS]
    }
