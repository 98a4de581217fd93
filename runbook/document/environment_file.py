"""`environment.yaml`: what a place is, and how careful everybody has to be there.

It stands beside an inventory because the same runbook is harmless in a lab and not in production, and the difference
must not depend on who remembers it. A place without the file is treated with care: every changing step asks for a
key. The reader reports every mistake at once and guesses nothing; a window that cannot be read would otherwise be a
window that is never closed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from runbook.core.answers import gate_kinds
from runbook.core.planned.command import MASK
from runbook.core.planned.plan import Environment
from runbook.document.fields import Reader
from runbook.document.host_key_policy import broken_host_keys
from runbook.document.source import ListNode, MapNode, Node, ScalarNode, parse_source
from runbook.problem import Problem, Problems, nearest

FILE_NAMES = ("environment.yaml", "environment.yml")

COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white", "orange", "purple", "grey")
"""Names that the screen can show on sixteen colours too; `#rrggbb` is the other way to say one."""

APPROVED = ("changing", "fault")
"""What `approvals` may ask people for: any changing step, and faults."""

_RGB = re.compile(r"#[0-9a-fA-F]{6}")


def careful(name: str) -> Environment:
    """What holds in a place that says nothing of itself: a key before every changing step, no machine at the gates."""
    return Environment(name=name, confirm="key")


def parse_environment(data: bytes, file: str, *, name: str, folder: Path = Path()) -> Environment:
    """Read an environment; `name` is what it is called where the file does not say, `folder` where the file stands.

    Raises:
        Problems: Everything that is wrong with the file.
    """
    root = parse_source(data, file).root
    if isinstance(root, ScalarNode) and root.value is None:
        return careful(name)
    reader = Reader()
    if not isinstance(root, MapNode):
        reader.note(root.where, "wrong-type", "an environment is a mapping", "Write, say, confirm: key.")
        raise Problems(reader.problems)
    unnamed = {} if root.get("name") else {"name": name}
    read = reader.struct(root, Environment, given={"confirm": "key", **unnamed})
    problems = [*reader.problems, *_broken(root)]
    if isinstance(read, Environment):
        problems += broken_host_keys(root, read, folder)
    if problems or not isinstance(read, Environment):
        raise Problems(problems)
    return msgspec.structs.replace(read, auto=tuple(kind for kind in read.auto if kind != "none"))


def _broken(root: MapNode) -> Iterator[Problem]:
    """What the shape of the values does not show."""
    rules: tuple[tuple[str, Callable[[str], str]], ...] = (
        ("auto", _why_no_gate),
        ("windows", _why_no_window),
        ("freeze", _why_no_freeze),
        ("zone", _why_no_zone),
        ("colour", _why_no_colour),
        ("sudo_password", _why_no_source),
    )
    for key, why in rules:
        for leaf in _leaves(root.get(key)):
            fix = why(leaf.raw)
            if fix:
                # What should have said where a password is may be the password.
                said = MASK if key == "sudo_password" else leaf.raw
                yield Problem(what=f'{key}: "{said}"', fix=fix, where=leaf.where, code="bad-value")
    roles = root.get("roles")
    for entry in roles.entries if isinstance(roles, MapNode) else ():
        named = [leaf for leaf in _leaves(entry.value) if leaf.raw.strip()]
        if not entry.name.strip() or not named:
            what = f'the role "{entry.name}" names nobody' if entry.name.strip() else "a role without a name"
            yield Problem(what=what, fix="Name people, or leave it out.", where=entry.key.where, code="empty-role")
    most = root.get("max_parallel_runs")
    if isinstance(most, ScalarNode) and isinstance(most.value, int) and most.value < 0:
        fix = "Write how many runs may be live at one time, or 0 for any number."
        yield Problem(what=f"{most.value} runs", fix=fix, where=most.where, code="bad-value")
    approvals = root.get("approvals")
    for entry in approvals.entries if isinstance(approvals, MapNode) else ():
        number = entry.value.value if isinstance(entry.value, ScalarNode) else None
        if entry.name not in APPROVED:
            fix = nearest(entry.name, APPROVED)
            yield Problem(what=f'unknown key "{entry.name}"', fix=fix, where=entry.key.where, code="unknown-key")
        elif isinstance(number, int) and number < 0:
            fix = "Write how many people have to agree."
            yield Problem(what=f"{number} people", fix=fix, where=entry.value.where, code="bad-value")


def _leaves(node: Node | None) -> tuple[ScalarNode, ...]:
    """The texts of a list, or the one that stands for a list of one."""
    if isinstance(node, ListNode):
        return tuple(item for item in node.items if isinstance(item, ScalarNode) and item.value is not None)
    return (node,) if isinstance(node, ScalarNode) and node.value is not None else ()


# Each rule below gives the fix, or an empty text where there is nothing to fix.


def _why_no_gate(text: str) -> str:
    known = (*gate_kinds(), "all", "none")
    return "" if text in known else nearest(text, known)


def _why_no_window(text: str) -> str:
    """Day or days, from, to, and a time zone by name: an offset would be wrong for half of the year."""
    # Late, because reading the zones is slow and only an environment with windows needs it.
    from runbook.calendar.window import read_window  # noqa: PLC0415 - said above

    return _fix(lambda: read_window(text))


def _why_no_freeze(text: str) -> str:
    from runbook.calendar.window import read_freeze  # noqa: PLC0415 - as for windows

    return _fix(lambda: read_freeze(text))


def _why_no_zone(text: str) -> str:
    from runbook.calendar.zone import zone_named  # noqa: PLC0415 - as for windows

    return _fix(lambda: zone_named(text))


def _fix(reading: Callable[[], object]) -> str:
    try:
        reading()
    except Problems as wrong:
        return wrong.problems[0].fix
    return ""


def _why_no_colour(text: str) -> str:
    return "" if text in COLOURS or _RGB.fullmatch(text) else f"{nearest(text, COLOURS)} Or write #rrggbb."


def _why_no_source(text: str) -> str:
    known = text == "prompt" or text.partition(":")[0] in {"env", "file", "command"}
    return "" if known else 'Write where it comes from: prompt, "env:NAME", "file:PATH" or "command:TEXT".'


def find_environment(folder: Path) -> Path | None:
    """The environment file of a folder; None where the place says nothing of itself."""
    return next((folder / name for name in FILE_NAMES if (folder / name).is_file()), None)
