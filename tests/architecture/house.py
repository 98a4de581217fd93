"""The source of the product as it lies on disk, for tests that look at how it is written and not at what it does."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "runbook").rglob("*.py"))

Function = ast.FunctionDef | ast.AsyncFunctionDef


def place(path: Path, line: int = 0) -> str:
    """`runbook/core/rules/due.py:12`, as editors link it."""
    return f"{path.relative_to(ROOT)}:{line}" if line else str(path.relative_to(ROOT))


def tree(path: Path) -> ast.Module:
    """A file, parsed."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def functions(path: Path) -> Iterator[Function]:
    """Every function of a file, nested ones and methods included."""
    return (node for node in ast.walk(tree(path)) if isinstance(node, Function))
