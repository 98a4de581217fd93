"""What the journal says of faults: none was injected whose revert was not armed before."""

from __future__ import annotations

from runbook.core.events.entry import Entry
from runbook.core.events.fault_event import FaultArmed, FaultArming, FaultEvent, FaultInjected, FaultReverted
from runbook.core.fault import FaultKey, key_of
from runbook.record.checking.soundness import Examined, JournalEnd, Soundness, line_of


class FaultsCheck:
    """Armed before injected; and how many are known to be lifted."""

    def __init__(self) -> None:
        """Nothing seen yet."""
        self._arming: dict[FaultKey, int] = {}
        self._armed: set[FaultKey] = set()
        self._lifted: set[FaultKey] = set()
        self._wrong: Examined | None = None

    def see(self, entry: Entry) -> None:
        """Follow each fault on its road."""
        event = entry.event
        if not isinstance(event, FaultEvent):
            return
        key = key_of(event)
        match event:
            case FaultArming():
                self._arming.setdefault(key, line_of(entry))
            case FaultArmed():
                self._armed.add(key)
            # A runner that takes over finds live what the one before had no time to record.
            case FaultInjected() if key not in self._armed and not event.detail:
                self._blame(entry, f"The fault {key} was injected and its revert was not armed before")
            case FaultReverted():
                self._lifted.add(key)
            case _:
                pass
        if key not in self._arming:
            self._blame(entry, f"The fault {key} was never announced")

    def check(self, ending: JournalEnd) -> Examined:  # noqa: ARG002 - the protocol's
        """A fault that nobody is known to have lifted is no damage of the record; it is what the record has to say."""
        if self._wrong is not None:
            return self._wrong
        left = [key for key in self._arming if key not in self._lifted]
        if left:
            detail = f"{len(left)} of {len(self._arming)} faults are not known to be lifted, the first is {left[0]}"
            return Examined(name="faults", finding=Soundness.OK, detail=detail)
        detail = f"Each of {len(self._arming)} faults was armed before it was injected, and lifted"
        return Examined(name="faults", finding=Soundness.OK, detail=detail)

    def _blame(self, entry: Entry, detail: str) -> None:
        if self._wrong is None:
            self._wrong = Examined(name="faults", finding=Soundness.ALTERED, detail=detail, line=line_of(entry))
