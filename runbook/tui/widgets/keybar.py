"""The keys at the foot: what can be pressed where the keys go now, by use and not by alphabet.

Cut at the end and never in the middle of a pair; help and leaving are kept at any width. A key that does nothing now
stays in its place, faint, so that nothing moves under a hand. It reads the one registry and the bindings of the focused
pane, and has no list of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from textual import events
from textual.screen import Screen

from runbook.tui.actions import DEEDS, Deed
from runbook.tui.keynames import keys_shown
from runbook.tui.widgets.bars import Bar
from runbook.view.look.part import Part, Row

_KEPT = ("everywhere.help", "everywhere.leave")
"""Deeds that are shown at any width, at the end."""
_ORDER = ("output", "lists", "tabs", "library", "verify", "plan", "replay", "run", "everywhere")
"""Areas in the order in which their keys are shown: those of the focused pane first."""


class KeyBar(Bar):
    """One row of keys."""

    def on_mount(self) -> None:
        """Follow what can be done."""
        self.screen.bindings_updated_signal.subscribe(self, self._learnt)
        self.call_after_refresh(self.refresh_keys)

    def on_unmount(self) -> None:
        """Follow no more."""
        self.screen.bindings_updated_signal.unsubscribe(self)

    def _learnt(self, screen: Screen[object]) -> None:
        if screen is self.screen:
            self.call_after_refresh(self.refresh_keys)

    def on_resize(self) -> None:
        """Another width has room for other keys."""
        super().on_resize()
        self.refresh_keys()

    def refresh_keys(self) -> None:
        """Read what can be pressed now."""
        if self.is_attached and self.size.width:
            self.say(key_row(tuple(self._active()), self.size.width))

    def _active(self) -> Iterator[tuple[Deed, bool]]:
        """What is bound where the keys go, with whether it does something."""
        bound = {active.binding.id: active.enabled for active in self.screen.active_bindings.values()}
        for area in _ORDER:
            for deed in DEEDS:
                if deed.area == area and deed.footer and deed.id in bound:
                    yield deed, bound[deed.id]

    def on_click(self, event: events.Click) -> None:
        """Nothing: a stray click presses no key."""
        event.stop()


def key_row(deeds: tuple[tuple[Deed, bool], ...], width: int) -> Row:
    """As many pairs of key and word as fit, those that are always kept at the end."""
    kept = [pair for pair in deeds if pair[0].id in _KEPT]
    room = width - 2 - sum(_cells(deed) + 2 for deed, _ in kept)
    shown: list[tuple[Deed, bool]] = []
    for deed, enabled in deeds:
        if deed.id in _KEPT:
            continue
        if _cells(deed) > room:
            break
        shown.append((deed, enabled))
        room -= _cells(deed) + 2
    parts: list[Part] = [Part(" ")]
    for number, (deed, enabled) in enumerate((*shown, *kept)):
        parts += [
            Part("  " if number else ""),
            Part(keys_shown(deed).split(" ")[0], "live" if enabled else "faint", ("bold",) if enabled else ()),
            Part(f" {deed.label}", "dim" if enabled else "faint"),
        ]
    return tuple(parts)


def _cells(deed: Deed) -> int:
    return len(keys_shown(deed).split(" ")[0]) + 1 + len(deed.label)
