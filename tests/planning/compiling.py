"""Runbooks and inventories for the compiler's tests, with everything a test is not about left at a sane default."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest

from runbook.core.host import Host, Json
from runbook.core.inventory import Inventory
from runbook.core.planned.plan import Environment, Plan, PlannedStep
from runbook.document.runbook_file import parse_runbook
from runbook.planning.compile import Compiled, compile_plan
from runbook.planning.draft import CompileOptions, Given
from runbook.problem import Problem, Problems

HEAD = "version: 1\nkind: drill\nname: t\ntitle: T\nowner: ops\nreviewed: 2026-11-01\n"
WEB = ("web1", "web2", "web3", "web4")


def inventory(**environment: object) -> Inventory:
    """Four web servers, two databases and a bastion."""
    names = (*WEB, "db1", "db2", "bastion")
    return Inventory(
        name="test",
        source="inventories/test",
        hosts={name: Host(name=name, variables={"rack": f"r-{name}"}) for name in names},
        groups={"all": names, "web": WEB, "db": ("db1", "db2"), "ungrouped": ("bastion",)},
        environment=Environment(**{"name": "test", **environment}),
    )


def text_of(steps: str = "", *, head: str = "", section: str = "", tail: str = "", kind: str = "drill") -> str:
    """A runbook's text with the steps in one section; each part is indented for you."""
    steps = textwrap.indent(textwrap.dedent(steps).strip("\n"), "      ")
    section = textwrap.indent(textwrap.dedent(section).strip("\n") + "\n", "    ") if section else ""
    start = HEAD.replace("drill", kind)
    return f"{start}{textwrap.dedent(head)}sections:\n  - name: Work\n{section}    steps:\n{steps}\n{textwrap.dedent(tail)}"


def compiled(
    steps: str = "",
    *,
    head: str = "",
    section: str = "",
    tail: str = "",
    kind: str = "drill",
    given: Mapping[str, Json] | None = None,
    options: CompileOptions | None = None,
    file: str = "t.yaml",
    **environment: object,
) -> Compiled:
    """What the compiler makes of it."""
    runbook = parse_runbook(text_of(steps, head=head, section=section, tail=tail, kind=kind).encode(), file)
    values = {name: Given(value, "command line") for name, value in (given or {}).items()}
    return compile_plan(
        runbook,
        inventory(**environment),
        given=values,
        options=options,
        secrets=lambda name, source: f"{name}!{source}",
    )


def plan(steps: str = "", **parts: object) -> Plan:
    """The plan alone."""
    return compiled(steps, **parts).plan


def one(steps: str, **parts: object) -> PlannedStep:
    """The first step of the first section."""
    return plan(steps, **parts).sections[1].steps[0]


def refused(steps: str = "", **parts: object) -> list[Problem]:
    """The problems that keep it from having a plan."""
    with pytest.raises(Problems) as caught:
        compiled(steps, **parts)
    return [each for each in caught.value.problems if not each.warning]


def codes(steps: str = "", **parts: object) -> list[str]:
    """The codes of those problems."""
    return [each.code for each in refused(steps, **parts)]


def write(folder: Path, name: str, steps: str, **parts: str) -> Path:
    """A runbook's file."""
    path = folder / name
    path.write_text(text_of(steps, **parts))
    return path
