"""What steps do to a host as a whole: break it, lift that, restart it. Members of the union of actions."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

import msgspec

from runbook.core.events.fault_event import LinkLoss
from runbook.core.host import Json
from runbook.core.milestone_name import Seconds


class ExpectedEffect(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a fault must cause to count: a probe of the runbook that fails soon after it was injected."""

    probe: str
    fails_within: Seconds = 10.0


class FaultAction(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="fault", omit_defaults=True):
    """Break something on each target, with its revert armed there before and proved."""

    fault: str
    """Its name in the catalogue (docs/faults.md)."""
    arguments: dict[str, Json] = {}
    duration: Seconds
    """How long it is wanted, from its injection; then it is lifted."""
    lease: Seconds = 60.0
    """Seconds after which the host lifts it by itself when it hears nothing."""
    on_link_loss: LinkLoss = "revert"
    expect_effect: ExpectedEffect | None = None
    """None leaves it to the fault's own look at its host."""


def peers_by_name(action: FaultAction) -> tuple[str, ...]:
    """Those of its peers that are no addresses yet."""
    return tuple(peer for peer in _peers(action) if isinstance(peer, str) and not is_address(peer))


def with_addresses(action: FaultAction, addresses: Mapping[str, tuple[str, ...]]) -> FaultAction:
    """The same with addresses for the names of peers that are known, each once."""
    found: list[Json] = []
    for peer in _peers(action):
        found += addresses.get(peer, (peer,)) if isinstance(peer, str) else (peer,)
    each = [peer for number, peer in enumerate(found) if peer not in found[:number]]
    return msgspec.structs.replace(action, arguments={**action.arguments, "peers": each}) if found else action


def _peers(action: FaultAction) -> list[Json]:
    peers = action.arguments.get("peers")
    return peers if isinstance(peers, list) else []


def is_address(peer: str) -> bool:
    """Whether it is one, of either family."""
    try:
        ipaddress.ip_address(peer)
    except ValueError:
        return False
    return True


class FaultAhead(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A fault that a later step is to inject, as its host is asked about it before anything changes."""

    step: str
    """Its id."""
    action: FaultAction
    """As it is sent; without arguments where these wait for values of the run."""
    user: str = ""
    """Whom it is made as; empty is whoever logs in."""
    is_known: bool = True
    """False where its arguments are not known yet: then only the host itself is looked at."""
    may_not_come: bool = False
    """It hangs on a condition or on a failure: what is in its way is said, and refuses nothing."""
    is_prepared: bool = False
    """A step before it changes this host, and may bring what is not there now."""


class RevertAction(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="revert", omit_defaults=True):
    """Lift faults now, whatever is left of their time, and go on when they are gone."""

    faults: tuple[str, ...] = ()
    """Ids of the steps that injected them; empty means all that are live."""


class RebootAction(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="reboot", omit_defaults=True):
    """Restart each target, and go on when it is back: under another boot id, and with a login."""

    timeout: Seconds = 600.0
    """Until it is back."""
    command: str = ""
    """What restarts it; empty takes `systemctl reboot`, or `reboot` where there is no systemd."""
    wait_for: str = ""
    """A probe of the runbook that must be good as well."""


ToTheHost = FaultAction | RebootAction
"""Done by the executor on each target."""
