"""Which runbooks a workspace has, and which of them is meant by what somebody typed.

A runbook is meant by its path, by the name that it gives itself, by the name of its file, or by a part of one of these
that no other has. Where two are meant nobody guesses: the wrong runbook at night is worse than a second try.
"""

from __future__ import annotations

from pathlib import Path

from runbook.document.source import MapNode, ScalarNode, read_source
from runbook.problem import Problem, Problems, SeveralMeant, Where, meant_by, nearest, problem, told
from runbook.workspace.settings import Settings


def find_book(settings: Settings, text: str) -> Path:
    """The file of a runbook, from its path (as seen from here or from the workspace) or its name.

    Raises:
        Problems: There is none, or there are several.
    """
    for path in (Path(text), settings.root / text):
        if path.is_file():
            return path
    found = [path for path in book_files(settings) if path.stem == text or _calls_itself(path, text)]
    found = found or [path for path in book_files(settings) if meant_by(text, (path.stem, _name(path)))]
    if not found:
        raise _unknown(settings, text)
    if len(found) > 1:
        raise _ambiguous(settings, text, found)
    return found[0]


def book_files(settings: Settings) -> tuple[Path, ...]:
    """Every YAML file under the workspace's drills."""
    found = (path for pattern in ("*.yaml", "*.yml") for path in settings.drills.rglob(pattern))
    return tuple(sorted(path for path in found if path.is_file()))


def _calls_itself(path: Path, name: str) -> bool:
    """Whether that is the name in the file; a file without the word in it is not worth parsing."""
    try:
        return name.encode() in path.read_bytes() and _name(path) == name
    except OSError:
        return False


def _name(path: Path) -> str:
    """The name that a runbook gives itself, however broken the rest of it is; the file's where it gives none."""
    try:
        root = read_source(path).root
    except Problems:
        return path.stem
    written = root.get("name") if isinstance(root, MapNode) else None
    return written.raw if isinstance(written, ScalarNode) else path.stem


def _unknown(settings: Settings, text: str) -> Problems:
    known = [_name(path) for path in book_files(settings)]
    return problem(
        f'there is no runbook "{text}"',
        why="it is neither a file nor a name in the workspace",
        fix=nearest(text, known) or f"Go to your workspace, or put runbooks into {settings.drills}.",
        where=Where(text),
        code="no-runbook",
    )


def _ambiguous(settings: Settings, text: str, found: list[Path]) -> Problems:
    shown = [str(path.relative_to(settings.root) if path.is_relative_to(settings.root) else path) for path in found]
    one = Problem(
        what=f'"{text}" may be any of {len(found)} runbooks',
        why=f"a runbook or its file is called so: {told(shown)}",
        where=Where(text),
        code="ambiguous-runbook",
    )
    return SeveralMeant(one, typed=text, instead=shown[0])
