"""What a runner and its clients say to each other: one JSON object a line, and this is all that there is.

Neither side's business stands here: who may ask is the runner's (`engine/control.py`), what to do with an answer the
client's (`talk/line.py`). A watcher is told a number and reads the record itself.
"""

from __future__ import annotations

import msgspec

from runbook.core.intent import Intent
from runbook.core.proof import Approval
from runbook.core.run import GateState
from runbook.problem import Problem
from runbook.view.asking.gates import GateView

MAX_REQUEST = 256 * 1024
"""Bytes of one request; an intent is a few hundred."""


class Watching(msgspec.Struct, frozen=True, tag_field="ask", tag="watch"):
    """Tell me whenever there is more."""


class Looking(msgspec.Struct, frozen=True, tag_field="ask", tag="look"):
    """What is waiting for people? For somebody who may not read the record itself."""


class Asking(msgspec.Struct, frozen=True, tag_field="ask", tag="intent"):
    """Please do this."""

    intent: Intent
    via: str = ""


Request = Watching | Looking | Asking


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """The little that an approver without access to the record must know to decide."""

    run: str
    runbook: str
    title: str
    operator: str
    environment: str
    gates: tuple[GateState, ...]
    you: str
    started: str = ""
    """Wall time, ISO 8601 UTC."""
    kind: str = ""
    views: tuple[GateView, ...] = ()
    """What each gate lets through and asks, as whoever may answer sees it; a runner of an older version sends none."""
    asks: dict[str, Approval] = {}
    """By gate that waits for a signature, what is to be signed; answer, expiry and nonce are the signer's."""


class Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    """One answer; a watcher gets one with a new `seq` whenever there is more."""

    seq: int = -1
    notice: bool = False
    """True for what a watcher is told without having asked."""
    problem: Problem | None = None
    view: Look | None = None
