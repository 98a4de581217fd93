"""What holds around a command, in a line: where it stands below the command that a gate asks about, it belongs to it.

Shown as rendered and masked, values included, because it is under the digest that a yes confirms.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from runbook.core.planned.shown import Surroundings
from runbook.core.run import Run, StepState
from runbook.view.plan import PlanText, texts
from runbook.view.sanitize import safe


def around_line(around: Surroundings) -> str:
    """`as postgres, in /srv, with REGION=eu`; empty where nothing is unusual."""
    env = ", ".join(f"{name}={value}" for name, value in sorted(around.env.items()))
    parts = (around.user and f"as {around.user}", around.cwd and f"in {around.cwd}", env and f"with {env}")
    return safe(", ".join(part for part in parts if part))


def shown_texts(run: Run, state: StepState) -> tuple[PlanText, ...]:
    """What this visit of a step sends to each of its hosts: hosts with the same text and surroundings together."""
    return tuple(_shown_texts(run, state))


def _shown_texts(run: Run, state: StepState) -> Iterator[PlanText]:
    hosts = state.hosts or state.planned.hosts
    planned = replace(state.planned, awaits=()) if state.rendered else state.planned
    lines = {host: around_line(run.shown_on(state, host).around) for host in hosts or ("",)}
    for line in dict.fromkeys(lines.values()):
        members = tuple(host for host in hosts if lines[host] == line)
        for text in texts(planned.awaits, members, state.action_on):
            yield replace(text, lines=(*text.lines, line)) if line else text
