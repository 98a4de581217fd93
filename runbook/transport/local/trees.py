"""A folder, or the files that a pattern names, as a list of plain files with bounds: what an upload of many is made of.

It follows no link and sends nothing but regular files under names that can be shown. What it does not take it refuses
by name, because a folder that arrives without one of its files is not the folder that was shown. Empty folders are not
files and do not travel.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from runbook.core.planned.action import SentFile
from runbook.transport.local.files import Measured, failed, measured_at

MOST_FILES = 1_000
"""Files of one upload: each is shown, pinned and checked by itself. More is an archive's work."""

DEEPEST = 32
"""Folders in folders."""

_WILD = frozenset("*?[")


class Tree(NamedTuple):
    """Files to send, by where they lie and where they go."""

    base: Path
    """What the names start at, on our side."""
    names: tuple[str, ...]
    """Relative to `base`, and on the host to the destination; sorted."""


def is_many(path: Path, src: str) -> bool:
    """Whether a source is a folder, or a pattern that no file is called by."""
    return path.is_dir() or (not os.path.lexists(path) and _is_pattern(src))


def base_of(path: Path, src: str) -> Path:
    """What names start at: the folder itself where `src` ends with a slash, else what it lies in."""
    return path if src.endswith("/") else path.parent


def tree_at(path: Path, src: str) -> Tree:
    """The files of a folder, or those that a pattern names in one.

    Args:
        path: Where `src` is on our side.
        src: As written. Ending with a slash it is what a folder holds, else the folder under its own name.

    Raises:
        Problems: There is a link, something that is no file, a name that cannot be shown, or too much.
    """
    base = base_of(path, src)
    if path.is_dir():
        found = _inside(path, "" if src.endswith("/") else f"{path.name}/", 0)
    else:
        found = _matching(base, path.name)
    names: list[str] = []
    for name in found:
        names.append(name)
        if len(names) > MOST_FILES:
            raise failed(f"{src} has more than {MOST_FILES:,} files", "", fix="Send an archive, and unpack it there.")
    return Tree(base, tuple(sorted(names)))


def files_at(path: Path, src: str) -> tuple[SentFile, ...]:
    """The files of a tree with what they hold. Blocks as long as reading them takes.

    Raises:
        Problems: As `tree_at`, and where there is nothing to send.
    """
    tree = tree_at(path, src)
    return sent_files(src, {name: measured_at(tree.base / name) for name in tree.names})


def sent_files(src: str, found: Mapping[str, Measured]) -> tuple[SentFile, ...]:
    """What was measured, as it is shown.

    Raises:
        Problems: Nothing was.
    """
    if not found:
        raise failed(f"{src} holds no file", "", fix="Name a folder with files in it, or a pattern that some match.")
    return tuple(
        SentFile(path=name, size=one.content.size, sha256=one.content.sha256, mode=f"{one.mode:04o}")
        for name, one in found.items()
    )


def _is_pattern(src: str) -> bool:
    folder, _, name = src.rpartition("/")
    if _WILD & set(folder):
        fix = "Name the folder, and let files match: conf/*.cfg."
        raise failed(f"{src} has a pattern among its folders", "", fix=fix)
    return bool(_WILD & set(name))


def _matching(folder: Path, pattern: str) -> Iterator[str]:
    """As a shell: what begins with a dot matches only a pattern that does."""
    for entry in _entries(folder) if folder.exists() else ():
        hidden = entry.name.startswith(".") and not pattern.startswith(".")
        if fnmatchcase(entry.name, pattern) and not hidden and not entry.is_dir(follow_symlinks=False):
            yield _checked(entry)


def _inside(folder: Path, above: str, depth: int) -> Iterator[str]:
    if depth > DEEPEST:
        raise failed(f"{folder} is more than {DEEPEST} folders deep", "", fix="Send an archive, and unpack it there.")
    for entry in _entries(folder):
        if entry.is_dir(follow_symlinks=False):
            _require_name(entry)
            yield from _inside(Path(entry.path), f"{above}{entry.name}/", depth + 1)
        else:
            yield above + _checked(entry)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError as error:
        raise failed(f"{folder} cannot be read", error.strerror or str(error)) from error


def _checked(entry: os.DirEntry[str]) -> str:
    _require_name(entry)
    kind = entry.stat(follow_symlinks=False).st_mode
    if stat.S_ISLNK(kind):
        fix = "Put the file there, or leave the link out: what it leads to was not shown."
        raise failed(f"{entry.path} is a symbolic link", "", fix=fix)
    if not stat.S_ISREG(kind):
        raise failed(f"{entry.path} is not a regular file", "", fix="Take it out of the folder.")
    return entry.name


def _require_name(entry: os.DirEntry[str]) -> None:
    """A name that a terminal, a list or a shell could take for something else is nobody's file."""
    if not entry.name.isprintable():
        raise failed(f"a name cannot be shown: {entry.path!a}", "", fix="Rename it.")
