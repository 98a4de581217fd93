"""From a written fault to a planned one: its victims drawn, its limits held, and refused before anything could happen.

What can be known about a fault without touching a host is known here: whether there is such a fault, whether it is
given what it needs, whom it hits, and whether the author's safeguards let it. What only a host can tell (a tool, a
right, a kernel) is asked right before it is armed. A safeguard is waived by its name and with a reason, which is warned
of each time.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator

import msgspec

from runbook.core.host import Host
from runbook.core.planned.action import CONTROLLER, Action
from runbook.core.planned.fault_action import FaultAction, RevertAction, peers_by_name, with_addresses
from runbook.core.planned.plan import PlannedStep, StepId
from runbook.core.written.runbook import FaultStep, RevertStep, Step, Victims
from runbook.faults.table import FAULTS, fault_named
from runbook.planning.draft import Draft
from runbook.problem import Where, nearest
from runbook.view.words import plural

LEAST_LEASE = 4.0
"""Seconds: below, one slow login is a lapse."""


def to_fault(written: FaultStep) -> FaultAction:
    """The planned form, its texts not rendered yet."""
    name, arguments = next(iter(written.fault.items()), ("", {}))
    return FaultAction(
        fault=name,
        arguments=arguments if isinstance(arguments, dict) else {},
        duration=written.duration,
        lease=written.lease,
        on_link_loss=written.on_link_loss,
        expect_effect=written.expect_effect,
    )


def to_revert(written: RevertStep) -> RevertAction:
    """The planned form, with names still for ids; none means all."""
    return RevertAction(faults=() if written.faults == ("all",) else written.faults)


def victims(draft: Draft, step: Step, hosts: tuple[str, ...]) -> tuple[str, ...]:
    """The hosts that a fault hits, in their order; noted when the choice leaves none."""
    if not isinstance(step.action, FaultStep) or step.action.select is None:
        return hosts
    select = step.action.select
    count = _count(select, len(hosts))
    if count < 1:
        what = f"{select.percent:g}% of {len(hosts)} hosts is no host" if select.percent else "it selects no host"
        draft.note(step.at("fault"), "no-victim", what, "Write count: 1, or a larger percent.")
        return ()
    drawn = sorted(hosts, key=lambda host: hashlib.sha256(f"{select.seed}:{host}".encode()).digest())[:count]
    return tuple(host for host in hosts if host in drawn)


def _count(select: Victims, total: int) -> int:
    return select.count if select.count is not None else math.floor(total * (select.percent or 0.0) / 100)


def with_known_peers(draft: Draft, action: Action, where: Where) -> Action:
    """A fault with the addresses of the hosts that it names as peers; a name of a host's own is left for the run."""
    if not isinstance(action, FaultAction):
        return action
    known = draft.inventory.hosts
    unknown = [peer for peer in peers_by_name(action) if peer not in known]
    for peer in unknown:
        fix = nearest(peer, known) or "Write an address."
        draft.note(where, "unknown-peer", f'"{peer}" is no address, and no host of the inventory', fix)
    return with_addresses(action, {peer: (known[peer].target,) for peer in peers_by_name(action) if peer in known})


def check_faults(draft: Draft, steps: tuple[PlannedStep, ...]) -> None:
    """Note every fault that must not be planned like this, and refuse those that a safeguard forbids."""
    faults = [step for step in steps if isinstance(step.action, FaultAction)]
    for step in faults:
        _check_arguments(draft, step)
        _check_times(draft, step)
        _check_effect(draft, step)
        _check_places(draft, step)
        _check_way_back(draft, step)
    if faults:
        _check_steady_state(draft)
        _check_radius(draft, faults)


def _check_arguments(draft: Draft, step: PlannedStep) -> None:
    """What is known already; a value that waits for the run is read when the host is asked."""
    where = draft.written[step.id].at("fault")
    for action in () if step.waits else (step.action, *step.by_host.values()):
        with draft.collecting(where):
            if isinstance(action, FaultAction):
                fault_named(action.fault).read(action.arguments)


def _check_times(draft: Draft, step: PlannedStep) -> None:
    action, where = step.action, draft.written[step.id].at("fault")
    assert isinstance(action, FaultAction)  # noqa: S101 - its only caller has looked
    if not math.isfinite(action.duration) or action.duration <= 0:
        draft.note(where, "bad-duration", "a fault needs a duration", "Write how long it is wanted: duration: 5m.")
    if action.lease > action.duration:
        what = f"a lease of {action.lease:g} s is longer than the fault's {action.duration:g} s"
        draft.note(where, "bad-lease", what, "Write a shorter lease, or a longer duration.")
    if action.lease < LEAST_LEASE:
        what = f"a lease of {action.lease:g} s ends before a host can be reached"
        draft.note(where, "bad-lease", what, f"Write at least {LEAST_LEASE:g}s.")


def _check_effect(draft: Draft, step: PlannedStep) -> None:
    assert isinstance(step.action, FaultAction)  # noqa: S101 - its only caller has looked
    effect = step.action.expect_effect
    if effect is None:
        return
    probe = draft.probes.get(effect.probe)
    if probe is None or not probe.every:
        where = draft.written[step.id].at("expect_effect")
        what = f'no probe "{effect.probe}" is asked all the time'
        draft.note(where, "unknown-probe", what, "Name a probe with every: DURATION.")


def goes_away(action: Action) -> bool:
    """Whether it takes its host away: nothing there can bring it back, so a person is asked about the way back."""
    return isinstance(action, FaultAction) and any(each.name == action.fault and each.goes_away for each in FAULTS)


def _check_way_back(draft: Draft, step: PlannedStep) -> None:
    for action in (step.action, *step.by_host.values()):
        if goes_away(action) and isinstance(action, FaultAction) and not action.arguments.get("way_back"):
            what = f'step "{step.name}" takes its host away, and nothing on it can bring it back'
            fix = "Say who or what does, in its arguments: way_back: ..."
            _refuse(draft, draft.written[step.id].at("fault"), "way-back", what, fix)
            return


def _check_places(draft: Draft, step: PlannedStep) -> None:
    """Where nothing may be broken: on this machine, and on the only way to another target."""
    where = draft.written[step.id].at("on")
    known = draft.inventory.hosts
    here = [host for host in step.hosts if host == CONTROLLER or _is_here(known.get(host))]
    if here:
        what = f'step "{step.name}" would break the machine that this program runs on'
        _refuse(draft, where, "runners-own-machine", what, "Name hosts that are reached over SSH.")
    ways = {way for host in known.values() if host.name not in step.hosts for way in _jumps(host.jump)}
    cut = sorted(host for host in step.hosts if host in ways or (host in known and known[host].target in ways))
    if cut:
        what = f'step "{step.name}" would break {cut[0]}, the way to other hosts'
        _refuse(draft, where, "jump-host", what, "Break another host.")


def _is_here(host: Host | None) -> bool:
    """This machine, also by its own SSH server; other ports of the loopback address are a laboratory's hosts."""
    if host is None or host.connection == "local":
        return host is not None
    is_loopback = host.target in {"localhost", "::1"} or host.target.startswith("127.")
    return is_loopback and host.port in {0, 22} and not host.jump


def _jumps(jump: object) -> Iterator[str]:
    yield from (part.split("@")[-1].split(":")[0] for part in str(jump or "").split(","))


def _check_steady_state(draft: Draft) -> None:
    runbook = draft.runbook
    if not runbook.steady_state:
        what = "a fault without a steady state proves nothing"
        fix = "Say with steady_state: what normal is, with at least one probe that is asked all the time."
        draft.note(runbook.where, "no-steady-state", what, fix)


def _check_radius(draft: Draft, faults: list[PlannedStep]) -> None:
    """How many hosts are broken, all faults of the run together."""
    guards, where = draft.runbook.safeguards, draft.runbook.at("safeguards")
    hit = sorted({host for step in faults for host in step.hosts})
    if guards.max_hosts is not None and len(hit) > guards.max_hosts:
        what = f"{plural(len(hit), 'host')} would be broken, and max_hosts is {guards.max_hosts}"
        _refuse(draft, where, "max-hosts", what, "Break fewer: select: {count: ...}.")
    total = len(draft.inventory.hosts)
    if guards.max_percent is None:
        return
    most = math.floor(total * guards.max_percent / 100)
    if most < 1:
        what = f"max_percent {guards.max_percent:g} of {total} hosts is no host"
        draft.note(where, "max-percent", what, "Write a larger max_percent, or take the faults out.")
    elif len(hit) > most:
        allowed = f"max_percent {guards.max_percent:g} is {most}"
        what = f"{len(hit)} of the inventory's {total} hosts would be broken, and {allowed}"
        _refuse(draft, where, "max-percent", what, "Break fewer: select: {count: ...}.")


def _refuse(draft: Draft, where: Where, rule: str, what: str, fix: str) -> None:
    """Refuse, unless the author has waived this rule by name."""
    reason = draft.runbook.safeguards.waived.get(rule, "")
    if reason:
        draft.warn(where, "waived", f"{what}; waived: {reason}")
    else:
        draft.refuse(where, rule, what, f"{fix} Or waive it: safeguards: {{waived: {{{rule}: REASON}}}}.")


# --- names ------------------------------------------------------------------------------------------------------------


class FaultNames:
    """Names of steps that break something, as ids; a step in waves has one for each wave, and all of them are meant."""

    def __init__(self, draft: Draft, steps: Iterable[PlannedStep]) -> None:
        """Know every fault of these steps."""
        self._draft = draft
        self._ids: dict[str, list[StepId]] = {}
        for step in (each for top in steps for each in top.walk()):
            if isinstance(step.action, FaultAction):
                for label in dict.fromkeys((step.name, step.id)):
                    self._ids.setdefault(label, []).append(step.id)

    def resolved(self, step: PlannedStep) -> PlannedStep:
        """The step, and everything in it, with ids where it names faults; what it names and is none is noted."""
        action = step.action
        if isinstance(action, RevertAction):
            ids = tuple(found for label in action.faults for found in self._found(step, label, "revert"))
            action = RevertAction(faults=ids)
        held = {found: to for label, to in step.then_lease.items() for found in self._found(step, label, "then_lease")}
        return msgspec.structs.replace(
            step,
            action=action,
            then_lease=held,
            steps=tuple(map(self.resolved, step.steps)),
            rescue=tuple(map(self.resolved, step.rescue)),
            always=tuple(map(self.resolved, step.always)),
            undo=tuple(map(self.resolved, step.undo)),
        )

    def _found(self, step: PlannedStep, label: str, key: str) -> list[StepId]:
        found = self._ids.get(label, [])
        if not found:
            what = f'no step "{label}" breaks anything'
            self._draft.note(self._draft.written[step.id].at(key), "unknown-fault", what, nearest(label, self._ids))
        return found
