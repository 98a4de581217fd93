"""What a fabfile brings along: the modules that it imports from its own folder, and its project's settings.

A fabfile is a program, and its program is more than one file. What it imports is found by reading its source, without
running a line of it, as far as imports lead inside its folder; the task's process then loads these, as they were, and
nothing else from there. What a task reads by itself while it runs is its own business: no plan can know it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from runbook.core.action import FABRIC_SETTINGS


def entry(file: Path) -> Path:
    """The file that is read first: the fabfile, or the one that makes a package of a folder."""
    return file / "__init__.py" if file.is_dir() else file


def brought_along(file: Path) -> tuple[Path, ...]:
    """The files, in the order of reading; those that a path of several names leads over included."""
    first = entry(file)
    # A package that is a fabfile has its own folder in front of the path, and its settings beside it.
    found = dict.fromkeys(path for path in (file.parent / name for name in FABRIC_SETTINGS) if path.is_file())
    waiting = [first]
    while waiting:
        path = waiting.pop(0)
        for module in _imported(path, first.parent):
            if module not in found and module != first and module.is_relative_to(first.parent):
                found[module] = None
                waiting.append(module)
    return tuple(found)


def _imported(path: Path, folder: Path) -> Iterator[Path]:
    """Modules of the folder that a file imports; none of one that is no Python, which its own process will tell."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, RecursionError, OSError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield from _modules(folder, name.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            # One dot is the folder of the file itself, each further one the folder above.
            start = path.parents[node.level - 1] if node.level and node.level <= len(path.parents) else folder
            base = node.module.split(".") if node.module else []
            yield from _modules(start, base)
            for name in node.names:
                yield from _modules(start, [*base, name.name])


def _modules(folder: Path, names: list[str]) -> Iterator[Path]:
    """The files that an import of a dotted name loads, as far as they are in the folder."""
    for number, name in enumerate(names, 1):
        place = folder.joinpath(*names[:number])
        yield from (path for path in (place / "__init__.py", place.with_name(f"{name}.py")) if path.is_file())
