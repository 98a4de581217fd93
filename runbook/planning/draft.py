"""The plan in the making: what every part of the compiler looks at, and where it leaves its problems.

One object per compilation, never shared and never kept. It exists so that the parts (targets, steps, sections, probes)
stay functions over a step or a section, and so that one unknown name does not hide the next.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import msgspec

from runbook.core.host import Json
from runbook.core.inventory import Inventory
from runbook.core.planned.plan import PlannedProbe, StepId, Turn
from runbook.core.written.runbook import Runbook, Step
from runbook.planning.pins import Pins
from runbook.problem import Exit, Problem, Problems, Where, nearest
from runbook.template.scope import Scope
from runbook.template.template import faults_in, faults_in_expression, names_in, names_in_expression

AT_RUN_TIME = frozenset({"run", "result"})
"""Names that have no value before there is a run."""
ALWAYS_KNOWN = frozenset({"host", "hosts", "groups"})


class Collecting:
    """A `with` whose inside may raise Problems; they end up in the draft and what follows is done all the same."""

    def __init__(self, draft: Draft, where: Where) -> None:
        """`where` is for problems without a place of their own."""
        self._draft = draft
        self._where = where

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        """Take Problems, and nothing else."""
        if not isinstance(error, Problems):
            return False
        placed = [msgspec.structs.replace(each, where=each.where or self._where) for each in error.problems]
        self._draft.problems += placed
        return True


class Given(NamedTuple):
    """A parameter's value as somebody gave it."""

    value: Json
    source: str
    """`command line`, `form`, `file params.yaml`."""
    is_stand_in: bool = False
    """It stands for what a run will be given, so that a pattern is none of its business."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompileOptions:
    """What the operator chose for this run, besides parameters."""

    limit: str = ""
    """A pattern; hosts outside it take no part."""
    step_mode: bool = False
    """Every step that works is confirmed."""


@dataclass(slots=True, kw_only=True)
class Draft:
    """State of one compilation."""

    runbook: Runbook
    inventory: Inventory
    options: CompileOptions
    pins: Pins
    """Of the files that the plan sends; relative paths start at the outermost runbook's folder."""
    values: Mapping[str, Json] = field(default_factory=dict)
    """Parameters that are known now, without secrets."""
    secrets: frozenset[str] = frozenset()
    """Names of parameters that are secrets."""
    registers: frozenset[str] = frozenset()
    """Every name that some step registers, at any depth and in nested runbooks."""
    probes: dict[str, PlannedProbe] = field(default_factory=dict)
    measured_on: frozenset[str] = frozenset()
    """Hosts on which data loss is measured."""
    written: dict[StepId, Step] = field(default_factory=dict)
    """Where each planned step came from."""
    problems: list[Problem] = field(default_factory=list)
    fixed: Mapping[str, str] = field(default_factory=dict)
    """In a nested runbook: what stands for each of its parameters in texts that wait for the run."""
    files: tuple[Path, ...] = ()
    """The runbooks that are being compiled, outermost first; a file twice is a cycle."""
    turns: tuple[Turn, ...] = ()
    """The turns of loops around, of those whose items only the run knows."""
    read: dict[str, None] = field(default_factory=dict)
    """Every other file that the plan was made from, in the order of reading."""

    @property
    def folder(self) -> Path:
        """What relative paths in the runbook are relative to."""
        return Path(self.runbook.source).parent

    def from_outside(self, path: str) -> str:
        """A path of this runbook as the outermost runbook would write it: the engine knows only that folder."""
        inside = len(self.files) > 1 and not Path(path).is_absolute() and not path.startswith("{{")
        if not inside:
            return path
        outside = os.path.relpath(self.folder.resolve() / path, self.files[0].parent)
        return f"{outside}/" if path.endswith("/") else outside

    def note(self, where: Where, code: str, what: str, fix: str = "", why: str = "") -> None:
        """Keep a problem."""
        self.problems.append(Problem(what=what, why=why, fix=fix, where=where, code=code))

    def refuse(self, where: Where, code: str, what: str, fix: str = "", why: str = "") -> None:
        """Keep a problem that is policy's and not the author's grammar."""
        self.problems.append(Problem(what=what, why=why, fix=fix, where=where, code=code, exit=Exit.REFUSED))

    def warn(self, where: Where, code: str, what: str, fix: str = "", why: str = "") -> None:
        """Keep a warning."""
        self.problems.append(Problem(what=what, why=why, fix=fix, where=where, code=code, warning=True))

    def collecting(self, where: Where) -> Collecting:
        """Keep the problems of what is done inside, placed here when they have no place, and go on behind it."""
        return Collecting(self, where)

    def names(self, where: Where, *texts: str) -> frozenset[str]:
        """The names that templates need, with every fault in them noted."""
        self._note_faults(where, *map(faults_in, texts))
        return frozenset().union(*map(names_in, texts))

    def names_in_expression(self, where: Where, expression: str) -> frozenset[str]:
        """The names that an expression needs, with every fault in it noted."""
        self._note_faults(where, faults_in_expression(expression))
        return names_in_expression(expression)

    def _note_faults(self, where: Where, *faults: tuple[Problem, ...]) -> None:
        self.problems += [msgspec.structs.replace(each, where=where) for found in faults for each in found]

    def scope(self, host: str = "") -> Scope:
        """What is known now, for that host or for none."""
        return Scope(
            parameters=self.values,
            host=self.inventory.hosts.get(host),
            hosts=self.inventory.hosts,
            groups=self.inventory.groups,
        )

    def awaited(self, names: frozenset[str]) -> frozenset[str]:
        """Those of the names that have no value before the run."""
        return names & (self.registers | self.secrets | AT_RUN_TIME)

    def check_names(self, names: frozenset[str], where: Where) -> bool:
        """Whether every name can have a value at some time; notes those that cannot."""
        known = {*self.values, *self.secrets, *self.registers, *AT_RUN_TIME, *ALWAYS_KNOWN}
        unknown = sorted(names - known)
        for name in unknown:
            self.note(where, "undefined-name", f'"{name}" is not defined', nearest(name, known))
        return not unknown
