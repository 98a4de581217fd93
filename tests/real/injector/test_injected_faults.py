"""Whatever is done to runner, wires, hosts and record: the effects on the hosts are what the record says.

Twenty drawn runs; RUNBOOK_INJECTED_RUNS=200 makes it the nightly set, RUNBOOK_INJECTED_SEED=17 (or 17,23) tries one again.
The failure shows everything that there is to know about its run.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest

from tests.real.injector.chaos_check import findings
from tests.real.injector.chaos_ordeal import Ordeal
from tests.real.injector.chaos_plan import Paper, document, draw
from tests.real.injector.chaos_story import Story
from tests.real.injector.chaos_world import world
from tests.real.openssh import needed, skip_or_fail

pytestmark = [pytest.mark.real, pytest.mark.slow]

RUNS = 20


def seeds() -> list[int]:
    """Those that are asked for, or as many as are asked for."""
    if chosen := os.environ.get("RUNBOOK_INJECTED_SEED"):
        return [int(seed) for seed in chosen.split(",")]
    return list(range(1, int(os.environ.get("RUNBOOK_INJECTED_RUNS", RUNS)) + 1))


@pytest.mark.parametrize("seed", seeds())
def test_the_effects_are_what_the_record_says(seed: int) -> None:
    if reason := needed():
        skip_or_fail(reason)
    with world(draw(seed)) as made:
        story = Ordeal(made).go()
    wrong = findings(story)
    assert not wrong, shown(story, wrong)


def shown(story: Story, wrong: list[str]) -> str:
    """Everything about a run that went wrong, for whoever has to find out why."""
    drawing = story.drawing
    journals = "\n".join(
        f"  {version.record}: {len(version.lines)} lines, {dict(Counter(line['event']['type'] for line in version.lines))}"
        for version in story.versions
    )
    return "\n\n".join(
        (
            f"seed {drawing.seed}: " + "\n  ".join(("what is wrong", *wrong)),
            "\n  ".join(("what was done and seen, in seconds", *story.log)),
            f"hosts {drawing.hosts}, {'attended' if drawing.attended else 'unattended'}, answers {drawing.answers}",
            "\n  ".join((f"rounds, copies {'first' if drawing.copies_first else 'last'}", *map(str, drawing.rounds))),
            f"records\n{journals}\n  verify: {story.grades}, touched: {story.touched}",
            document(drawing, Paper("act", "effects")),
            f"this one alone: RUNBOOK_INJECTED_SEED={drawing.seed} python -m pytest -n 0 {__file__}",
        )
    )
