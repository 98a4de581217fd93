"""What the parts of the screen tell each other.

A message is a fact that travels upwards. Those that can come in floods replace an older one of their kind still in the
queue (`can_replace`): ten thousand queued updates delay a key by half a second, one does not.
"""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from runbook.core.planned.plan import Plan
from runbook.core.run import Run
from runbook.feed.feed import Feed
from runbook.problem import Problem, Problems
from runbook.workspace.rows import BookRow, RunRow


@dataclass
class RunAdvanced(Message):
    """The watched run has a newer state."""

    run: Run

    def can_replace(self, message: Message) -> bool:
        """Only the newest state is of interest."""
        return isinstance(message, RunAdvanced)


@dataclass
class FeedStopped(Message):
    """Nothing more will come of the watched run."""

    problem: Problem | None
    """Why; None when the run has simply ended."""


@dataclass
class ProblemsMet(Message):
    """Something that was asked for was not granted, or did not work."""

    problems: tuple[Problem, ...]


@dataclass
class Loaded(Message):
    """The library has been read."""

    books: tuple[BookRow, ...]
    runs: tuple[RunRow, ...]


@dataclass
class Planned(Message):
    """A runbook has been compiled with the values of the form."""

    plan: Plan


@dataclass
class NotPlanned(Message):
    """There is no plan with the values of the form."""

    problems: tuple[Problem, ...]


@dataclass
class Started(Message):
    """A run is there to be watched."""

    feed: Feed


class Seen(Message):
    """A question has been painted: from here its key lock counts."""


def as_problems(error: BaseException) -> tuple[Problem, ...]:
    """An error as what an operator is told; a fault of ours is said to be one."""
    if isinstance(error, Problems):
        return error.problems
    return (
        Problem(
            what="this screen met a fault of its own",
            why=f"{type(error).__name__}: {error}",
            fix="The run, if there is one, goes on. Leave with q and open it again; please report this.",
            code="screen-fault",
        ),
    )
