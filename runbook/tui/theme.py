"""The looks of the screen, and which of them a terminal gets.

Every state has a word and a shape before it has a colour (`view/look`), so a theme is comfort and never information. A
theme says what each role looks like: as letters, and as a block behind letters where the eye is to go first. In the
terminal's own colours and without colour, blocks are reversed and roles are told apart by weight. The choice is made
before the app is constructed, because a terminal that asked for no colour must not receive one sequence of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import field as filled

from textual.theme import BUILTIN_THEMES, Theme

from runbook.view.look.part import PLACES, ROLES

Colours = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """The colours of one theme."""

    roles: str
    """For letters, in the order of `ROLES`."""
    page: str
    bar: str
    head: str
    here: str
    """Behind the row that has the cursor."""
    box: str
    field: str
    ink: str
    """Letters on blocks."""
    blocks: Mapping[str, str] = filled(default_factory=dict)
    """Roles whose block has another colour than their letters."""
    inks: Mapping[str, str] = filled(default_factory=dict)
    """Roles on whose block letters have a colour of their own."""
    places: str
    """The block of an environment, in the order of `PLACES`."""
    tints: str
    """Behind the first row, in the same order."""


_DARK = Palette(
    roles="#d5dce4 #f4f7fa #8d99a6 #46525f #45b88f #f2595a #f5d547 #f0993e #5bb8f2 #b79df0",
    page="#0e1319", bar="#151b22", head="#1a212a", here="#22344a", box="#141a22", field="#26303c", ink="#0b0f14",
    places="#c3272f #a85b12 #8a7410 #2c7a5c #2b5fb8", tints="#3a1518 #33200f #2c270f #13291f #16233c",
)  # fmt: skip
_LIGHT = Palette(
    roles="#22282f #000000 #5b6570 #b3b9bf #0b6e4f #c21f1a #6b5600 #9a5200 #005f9e #6a3fb0",
    page="#fbfaf7", bar="#f1f0ec", head="#e9e8e3", here="#cfe3f5", box="#ffffff", field="#e6e9ec", ink="#ffffff",
    blocks={"you": "#f2c500"}, inks={"you": "#1b1b1b"},
    places="#b51d24 #8f4a0a #6b5600 #0b6e4f #2b5fb8", tints="#f7dcdb #f6e4d2 #f3ecd0 #dcefe6 #dde7f7",
)  # fmt: skip
_CONTRAST = Palette(
    roles="#ffffff #ffffff #d0d0d0 #9a9a9a #5dffb9 #ff8a80 #ffff3d #ffb347 #8ad4ff #d9c2ff",
    page="#000000", bar="#000000", head="#000000", here="#00407a", box="#000000", field="#303030", ink="#000000",
    places=_DARK.places, tints=_DARK.tints,
)  # fmt: skip
_DEUTERAN = replace(_DARK, roles="#d5dce4 #f4f7fa #8d99a6 #46525f #56b4e9 #e69f00 #f5d547 #cc79a7 #ffffff #b79df0")
_TRITAN = replace(_DARK, roles="#d5dce4 #f4f7fa #8d99a6 #46525f #2fb5a8 #f2595a #ffffff #ff9ec4 #5bb8f2 #b79df0")
_ANSI = tuple(
    f"ansi_{name}"
    for name in (
        "default", "default", "white", "bright_black", "green", "bright_red", "bright_yellow", "yellow", "bright_cyan",
        "bright_magenta",
    )
)  # fmt: skip

_ANSI_PLACES = ("ansi_red", "ansi_yellow", "ansi_yellow", "ansi_green", "ansi_blue")

_WEIGHTS = {"strong": "bold"}
_ANSI_WEIGHTS = {"strong": "bold", "bad": "bold"}
_DEUTERAN_WEIGHTS = {"strong": "bold", "bad": "bold", "live": "underline"}
_MONO_WEIGHTS = {
    "strong": "bold", "dim": "dim", "faint": "dim", "bad": "bold", "slip": "bold", "live": "bold", "unk": "bold",
    "you": "bold",
}  # fmt: skip
"""What is left of a role where colours are few."""

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


def _styles(weights: Mapping[str, str]) -> dict[str, str]:
    return {f"weight-{role}": weights.get(role, "none") for role in ROLES}


def _letters(colours: Mapping[str, str]) -> dict[str, str]:
    return {f"role-{role}": colour for role, colour in colours.items()}


def _variables(palette: Palette, weights: Mapping[str, str]) -> dict[str, str]:
    colours = dict(zip(ROLES, palette.roles.split(), strict=True))
    blocks = {f"block-{role}": palette.blocks.get(role, colour) for role, colour in colours.items()}
    inks = {f"ink-{role}": palette.inks.get(role, palette.ink) for role in ROLES}
    places = {
        f"{kind}-{place}": colour
        for kind, colours_of in (("place", palette.places), ("tint", palette.tints))
        for place, colour in zip(PLACES, colours_of.split(), strict=True)
    }
    return {
        **_letters(colours), **blocks, **inks, **places, **_styles(weights),
        "bar": palette.bar, "head": palette.head, "here": palette.here, "field": palette.field,
        "rule": colours["faint"], "on-place": "#ffffff", "footer-key-foreground": colours["live"],
    }  # fmt: skip


def _drawn(name: str, palette: Palette, *, dark: bool = True, weights: Mapping[str, str] = _WEIGHTS) -> Theme:
    colours = dict(zip(ROLES, palette.roles.split(), strict=True))
    return Theme(
        name=f"runbook-{name}", dark=dark, primary=colours["live"], secondary=colours["dim"], warning=colours["slip"],
        error=colours["bad"], success=colours["ok"], accent=colours["you"], foreground=colours["text"],
        background=palette.page, surface=palette.box, panel=palette.head, variables=_variables(palette, weights),
    )  # fmt: skip


def _native(name: str, colours: Colours, places: Colours, weights: Mapping[str, str]) -> Theme:
    """A theme in the terminal's own colours: it decides what they look like; nothing is sent in 24 bits."""
    plain = "ansi_default"
    letters = dict(zip(ROLES, colours, strict=True))
    grounds = [
        *(f"{kind}-{role}" for kind in ("block", "ink") for role in ROLES),
        *(f"tint-{place}" for place in PLACES), "bar", "head", "here", "field", "rule",
    ]  # fmt: skip
    variables = {
        **BUILTIN_THEMES["ansi-dark"].variables, **dict.fromkeys(_QUIET, plain), **dict.fromkeys(grounds, plain),
        **_letters(letters), **_styles(weights), "footer-key-foreground": letters["live"],
        **{f"place-{place}": colour for place, colour in zip(PLACES, places, strict=True)}, "on-place": plain,
    }  # fmt: skip
    return Theme(
        name=f"runbook-{name}", ansi=True, primary=letters["live"], secondary=plain, warning=letters["slip"],
        error=letters["bad"], success=letters["ok"], accent=plain, foreground=plain, background=plain, surface=plain,
        panel=plain, boost=plain, variables=variables,
    )  # fmt: skip


DARK = _drawn("dark", _DARK)
LIGHT = _drawn("light", _LIGHT, dark=False)
CONTRAST = _drawn("high-contrast", _CONTRAST)
DEUTERAN = _drawn("deuteranopia", _DEUTERAN, weights=_DEUTERAN_WEIGHTS)
TRITAN = _drawn("tritanopia", _TRITAN)
ANSI = _native("ansi", _ANSI, _ANSI_PLACES, _ANSI_WEIGHTS)
MONO = _native("mono", ("ansi_default",) * len(ROLES), ("ansi_default",) * len(PLACES), _MONO_WEIGHTS)

THEMES = (DARK, LIGHT, CONTRAST, DEUTERAN, TRITAN, ANSI, MONO)
"""In the order in which the key that changes them goes round."""


def choose(environment: Mapping[str, str]) -> Theme:
    """The theme that a terminal gets.

    `NO_COLOR` (https://no-color.org, any value that is not empty) outranks everything; then `RUNBOOK_THEME` by its
    short name (`dark`, `light`, `high-contrast`, `deuteranopia`, `tritanopia`, `ansi`, `mono`); a Linux console
    gets its own sixteen colours.
    """
    if environment.get("NO_COLOR"):
        return MONO
    wanted = environment.get("RUNBOOK_THEME", "")
    named = next((theme for theme in THEMES if theme.name == f"runbook-{wanted}"), None)
    if named is not None:
        return named
    return ANSI if environment.get("TERM") == "linux" else DARK
