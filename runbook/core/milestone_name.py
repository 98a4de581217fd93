"""The words for the moments of a recovery, and the unit of time. Apart, so that plans and events can both name them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

Seconds = Annotated[float, msgspec.Meta(description="A duration: 500ms, 30s, 15m, 2h, 90d, 1h30m, or plain seconds.")]
"""Seconds as a float; written in YAML with a unit."""


class Milestone(StrEnum):
    """The moments between "it broke" and "all is as it was", in their order (format.md section 4)."""

    OUTAGE = "outage"
    DETECTED = "detected"
    DECLARED = "declared"
    RECOVERY_STARTED = "recovery_started"
    SERVICE_RESTORED = "service_restored"
    VERIFIED = "verified"
    NORMAL = "normal"
