"""Keys as they stand on a keyboard, for whoever shows them: the footer, the help, the manual."""

from __future__ import annotations

from runbook.tui.actions import Deed

_SHOWN = {
    "question_mark": "?",
    "slash": "/",
    "backslash": "\\",
    "at": "@",
    "tab": "Tab",
    "space": "Space",
    "home": "Home",
    "end": "End",
    "up": "Up",
    "down": "Down",
    "left": "Left",
    "right": "Right",
    "exclamation_mark": "!",
    "comma": ",",
    "full_stop": ".",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "escape": "Esc",
    "enter": "Enter",
    "pageup": "PgUp",
    "pagedown": "PgDn",
}


def keys_shown(deed: Deed, keys: str = "") -> str:
    """A deed's keys (or those of them that count) as they stand on a keyboard."""
    return deed.shown or " ".join(_key(key) for key in (keys or deed.keys).split(","))


def _key(key: str) -> str:
    if key in _SHOWN:
        return _SHOWN[key]
    front, _, last = key.rpartition("+")
    return f"{front.capitalize()}+{last.upper()}" if front else key.upper() if len(key) > 1 else key
