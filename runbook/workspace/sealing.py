"""How the record of a run is going to be sealed, known before the run begins: afterwards nobody can be asked.

A place may demand a signature. Then the key is tried once, before anything is sent, because a drill whose evidence
cannot be signed in the end has to be done again.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from msgspec.structs import replace

from runbook.core.actor import Actor
from runbook.core.events.event import RunOpened
from runbook.core.planned.plan import Environment, Plan
from runbook.problem import Exit, Problems, problem
from runbook.record.sealing.manifest import MANIFEST
from runbook.record.sealing.seal import Sealed, demanded
from runbook.record.sealing.sealer import Sealer, Sealing
from runbook.record.sealing.signing import PROBE, SIGN_LIMIT, Trust, public_key, sign
from runbook.record.store import Record
from runbook.workspace.settings import Settings

if TYPE_CHECKING:
    from runbook.workspace.local import LocalWorkspace


_LOOK = 0.01
"""Seconds between looks whether a record is still being closed."""
_MORE = 30.0
"""Seconds for hashing and for an authority for time, beside signing."""


def signing_for(settings: Settings, plan: Plan, by: Actor) -> Sealing:
    """What the runner of a plan is told.

    Raises:
        Problems: As `sealing_for`; `no-signers` where the plan asks for signatures and nobody says whose count.
    """
    asks = [step.id for step in plan.walk() if getattr(step.action, "signed", "")]
    if asks and not settings.trust.allowed_signers:
        raise problem(
            f"step {asks[0]} asks for a signature, and nobody says whose counts",
            fix='Name a file of signers: [trust] with allowed_signers = "FILE" in runbook.toml (docs/people.md).',
            code="no-signers",
            exit=Exit.REFUSED,
        )
    return sealing_for(settings, plan.environment, by)


def sealing_for(settings: Settings, environment: Environment, by: Actor) -> Sealing:
    """What whoever seals is told.

    Raises:
        Problems: `seal-demand` where the environment demands what the workspace's key cannot do.
    """
    said, known = settings.seal, settings.trust
    trust = Trust(signers=known.allowed_signers, revoked=known.revoked)
    made = Sealing(key=said.key, stamp=said.stamp, every=said.every, by=by, trust=trust, demand=environment.seal)
    if not said.key:
        if environment.seal:
            raise demanded(environment.seal, "no key is named under [seal] in runbook.toml")
        return made
    try:
        return _tried(made)
    except Problems as wrong:
        if environment.seal:
            raise demanded(environment.seal, str(wrong)) from wrong
        # Without a demand nobody is kept from running: the record stays open until somebody signs it.
        return made


def quiet_key(settings: Settings) -> str:
    """The key for what is signed while nobody sits there; empty where there is none, or it would have to be touched."""
    try:
        is_token = bool(settings.seal.key) and public_key(settings.seal.key).is_security_key
    except Problems:
        return ""
    return "" if is_token else settings.seal.key


def _tried(made: Sealing) -> Sealing:
    """Whether the key can sign. A token is only looked at: it would have to be touched.

    Raises:
        Problems: `key-unusable`, `seal-demand`.
    """
    key = public_key(made.key)
    if made.demand == "fido" and not key.is_security_key:
        raise demanded("fido", f"{key.fingerprint} is a key of the kind {key.kind}")
    if made.demand and not key.is_security_key:
        sign(made.key, PROBE, b"can this key sign?\n")
    return replace(made, touches=key.is_security_key)


async def sealed(place: LocalWorkspace, record: Record) -> bool:
    """Wait until the runner of a run that has ended has closed its record; gives whether it is sealed.

    What comes back before that could be verified before it is signed. A key may want to be touched, so this waits as
    long as signing may take, and no longer.
    """
    waited = 0.0
    while record.is_live() and waited < SIGN_LIMIT + _MORE:
        await place.sleep(_LOOK)
        waited += _LOOK
    return record.copy(MANIFEST) is not None


def seal_by_hand(place: LocalWorkspace, run: str, reason: str) -> Sealed:
    """Close a record that its runner did not.

    Args:
        place: The workspace whose key signs.
        run: The run's whole id.
        reason: Why a run that did not end never will; empty seals only what ended.

    Raises:
        Problems: As `store.Store.seal`; `seal-demand`, `key-unusable`, `no-record`.
    """
    first = next(place.store.find(run).read().entries(), None)
    opened = first.event if first is not None else None
    environment = opened.plan.environment if isinstance(opened, RunOpened) else Environment(name="")
    sealing = sealing_for(place.settings, environment, place.whoami())
    return place.store.seal(run, Sealer(sealing, place.wall, version("runbook")), reason)
