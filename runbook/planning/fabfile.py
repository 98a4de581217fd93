"""What a fabfile brings along: the modules that it imports from its own folder, and its project's settings.

A fabfile is a program, and its program is more than one file. What it imports is found by reading its source, without
running a line of it, as far as imports lead inside its folder; the task's process then loads these, as they were, and
nothing else from there. What a task reads by itself while it runs is its own business: no plan can know it.

What it imports from elsewhere is noted as well, so that a preflight can ask for it: what it imports in any case, when
it is read or in the task itself. What stands behind a condition or may fail is its author's precaution and not asked
for; nor is anything of one that changes `sys.path`, which alone knows where it will look.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from runbook.core.planned.action import FABRIC_SETTINGS
from runbook.problem import Where, problem

_ENGINE = frozenset({"fabric", "invoke", "paramiko"})
"""What runs it; every interpreter that can run a task at all has these."""

_FABRIC_1 = frozenset(
    f"fabric.{name}"
    for name in ("api", "colors", "context_managers", "contrib", "decorators", "operations", "state", "utils")
)


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


def from_elsewhere(file: Path, files: tuple[Path, ...], task: str, where: Where) -> tuple[str, ...]:
    """Top-level modules that are imported in any case, and lie neither in its folder nor in Python.

    Args:
        file: The fabfile.
        files: It and what it brings along.
        task: As the step names it.
        where: Of the step.

    Raises:
        Problems: code `fabric-1`: it is written for Fabric 1, which nothing that is installed today can run.
    """
    folder, function = entry(file).parent, task.rpartition(".")[2].replace("-", "_")
    trees = [_tree(path) for path in files if path.suffix == ".py"]
    names = [name for tree in trees for name in _needed(tree, function)]
    old = next((name for name in names if ".".join(name.split(".")[:2]) in _FABRIC_1), "")
    if old:
        raise problem(
            f"{file.name} is written for Fabric 1",
            why=f"it imports {old}, which Fabric has not had since 2018",
            fix="Port it (docs.fabfile.org, Upgrading from 1.x), or call its own fab in a command on the controller.",
            where=where,
            code="fabric-1",
        )
    if any(_changes_path(tree) for tree in trees):
        return ()
    known = _ENGINE | sys.stdlib_module_names
    tops = dict.fromkeys(name.partition(".")[0] for name in names)
    return tuple(top for top in tops if top not in known and not _lies_in(folder, top))


def _lies_in(folder: Path, name: str) -> bool:
    return (folder / name).is_dir() or (folder / f"{name}.py").is_file()


def _changes_path(tree: ast.Module) -> bool:
    places = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "path")
    return any(isinstance(node.value, ast.Name) and node.value.id == "sys" for node in places)


def _needed(tree: ast.Module, function: str) -> Iterator[str]:
    """Dotted names of absolute imports that nothing is in front of."""
    bodies: list[Iterable[ast.stmt]] = [tree.body]
    while bodies:
        for node in bodies.pop():
            match node:
                case ast.Import(names=names):
                    yield from (name.name for name in names)
                case ast.ImportFrom(module=str(module), names=names, level=0):
                    yield module
                    yield from (f"{module}.{name.name}" for name in names if module == "fabric")
                case ast.FunctionDef(name=name, body=body) | ast.AsyncFunctionDef(name=name, body=body):
                    bodies += [body] if name == function else []
                case ast.With(body=body) | ast.ClassDef(body=body):
                    bodies.append(body)


def _tree(path: Path) -> ast.Module:
    """A file's program; an empty one where it is no Python, which its own process will tell."""
    try:
        return ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, RecursionError, OSError):
        return ast.Module(body=[], type_ignores=[])


def _imported(path: Path, folder: Path) -> Iterator[Path]:
    """Modules of the folder that a file imports."""
    for node in ast.walk(_tree(path)):
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
