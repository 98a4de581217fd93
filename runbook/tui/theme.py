"""The looks of the screen, and which of them a terminal gets.

Every state has a word and a shape before it has a colour (see `view/words.py`), so a theme is comfort and never
information. Colours are Okabe and Ito's, which people with any colour vision can tell apart; red never stands against
green alone. The choice is made before the app is constructed, because a terminal that asked for no colour must not
receive one sequence of it.
"""

from __future__ import annotations

from collections.abc import Mapping

from textual.theme import BUILTIN_THEMES, Theme

COLOURS = ("plain", "grey", "sky", "green", "orange", "vermillion", "purple", "yellow", "blue")
"""The names under which `view/words.py` asks for colours, and `plain`; every theme says what they look like in it."""

_DARK = ("#d8dee4", "#8b949e", "#56b4e9", "#2bb58b", "#e69f00", "#ec7a28", "#cc79a7", "#f0e442", "#6aa9e0")
_LIGHT = ("#1b1f24", "#59636e", "#00558a", "#00664b", "#805000", "#a23800", "#86326a", "#615700", "#003f73")
_CONTRAST = ("#ffffff", "#d0d0d0", "#7fd4ff", "#40ffc0", "#ffb000", "#ff9050", "#ffa8dc", "#ffff40", "#a0d0ff")
_ANSI = tuple(
    f"ansi_{name}"
    for name in ("default", "default", "bright_cyan", "green", "yellow", "red", "magenta", "yellow", "bright_blue")
)
_MONO = ("ansi_default",) * len(COLOURS)


_QUIET = (
    "ansi-background",
    "ansi-foreground",
    "border-blurred",
    "block-cursor-foreground",
    "block-cursor-background",
    "input-cursor-background",
    "input-cursor-foreground",
    "input-selection-background",
    "input-selection-foreground",
)
"""Colours of Textual's own native theme that ours leave to the terminal; what they mark is reversed or underlined."""


def _variables(colours: tuple[str, ...], rule: str, here: str) -> dict[str, str]:
    """The named colours, the lines between panes, and the background of the row that has the cursor."""
    named = {f"colour-{name}": colour for name, colour in zip(COLOURS, colours, strict=True)}
    return {**named, "rule": rule, "here": here, "footer-key-foreground": named["colour-sky"]}


def _native(name: str, colours: tuple[str, ...]) -> Theme:
    """A theme in the terminal's own colours: it decides what they look like, and nothing is sent in 24 bits."""
    plain = "ansi_default"
    return Theme(
        name=name,
        ansi=True,
        primary=colours[COLOURS.index("sky")],
        secondary=plain,
        warning=colours[COLOURS.index("yellow")],
        error=colours[COLOURS.index("vermillion")],
        success=colours[COLOURS.index("green")],
        accent=plain,
        foreground=plain,
        background=plain,
        surface=plain,
        panel=plain,
        boost=plain,
        variables={
            **BUILTIN_THEMES["ansi-dark"].variables,
            **dict.fromkeys(_QUIET, plain),
            **_variables(colours, rule=plain, here=plain),
        },
    )


DARK = Theme(
    name="runbook-dark",
    primary="#56b4e9",
    secondary="#8b949e",
    warning="#e69f00",
    error="#ec7a28",
    success="#2bb58b",
    accent="#f0e442",
    foreground="#d8dee4",
    background="#0f1419",
    surface="#151b22",
    panel="#1c242d",
    variables=_variables(_DARK, rule="#3a4550", here="#22303d"),
)
LIGHT = Theme(
    name="runbook-light",
    dark=False,
    primary="#00558a",
    secondary="#59636e",
    warning="#805000",
    error="#a23800",
    success="#00664b",
    accent="#615700",
    foreground="#1b1f24",
    background="#fbfbf9",
    surface="#f3f3f0",
    panel="#e8e8e4",
    variables=_variables(_LIGHT, rule="#b4bac0", here="#dbe7f0"),
)
CONTRAST = Theme(
    name="runbook-high-contrast",
    primary="#7fd4ff",
    secondary="#ffffff",
    warning="#ffb000",
    error="#ff9050",
    success="#40ffc0",
    accent="#ffff40",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#101010",
    variables=_variables(_CONTRAST, rule="#ffffff", here="#003a5c"),
)
ANSI = _native("runbook-ansi", _ANSI)
MONO = _native("runbook-mono", _MONO)

THEMES = (DARK, LIGHT, CONTRAST, ANSI, MONO)
"""In the order in which the key that changes them goes round."""


def choose(environment: Mapping[str, str]) -> Theme:
    """The theme that a terminal gets.

    `NO_COLOR` (https://no-color.org, any value that is not empty) outranks everything; then `RUNBOOK_THEME` by its
    short name (`dark`, `light`, `high-contrast`, `ansi`, `mono`); a Linux console gets its own sixteen colours.
    """
    if environment.get("NO_COLOR"):
        return MONO
    wanted = environment.get("RUNBOOK_THEME", "")
    named = next((theme for theme in THEMES if theme.name == f"runbook-{wanted}"), None)
    if named is not None:
        return named
    return ANSI if environment.get("TERM") == "linux" else DARK
