"""How an inventory is named and read on the command line: the same five options for every verb that reads one.

An inventory may be a program, which does whatever it likes on this machine, so it runs only after a person has agreed
to its path: asked on a terminal, or told beforehand with `--run-inventory-program`. Nobody can be asked in a pipe.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from runbook.cli.compose import pairs
from runbook.cli.diagnostics import problem_text, say
from runbook.core.inventory import Inventory
from runbook.inventory.manner import JOINT, NAMED_BY, Reading, Via
from runbook.inventory.places import inventory_names
from runbook.problem import problem
from runbook.view.sanitize import safe
from runbook.workspace.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "-i",
        "--inventory",
        "inventories",
        multiple=True,
        help="A name, a file, a folder, a list; several are merged.",
    ),
    click.option(
        "-e", "--variable", "variables", multiple=True, metavar="VARIABLE=VALUE", help="Beats the inventory's files."
    ),
    click.option(
        "--inventory-via",
        "via",
        type=click.Choice(["own", "ansible-inventory"]),
        default="own",
        help="Who reads the inventory; Ansible also reads vaults and plugins.",
    ),
    click.option(
        "--vault-password-file",
        "vault",
        default="",
        envvar=NAMED_BY,
        metavar="FILE",
        help="Opens Ansible Vault's files, where ansible-vault is installed.",
    ),
    click.option("--run-inventory-program", "run_program", is_flag=True, help="Run an inventory that is a program."),
)


def inventory_options(verb: F) -> Callable[..., Any]:
    """Every `-i` together arrives as `inventory`, and how it is read as `reading`."""

    @functools.wraps(verb)
    def packed(
        *,
        inventories: tuple[str, ...],
        variables: tuple[str, ...],
        via: Via,
        vault: str,
        run_program: bool,
        **rest: object,
    ) -> object:
        reading = replace(reading_of(variables, via, run_program=run_program), vault_password=vault)
        return verb(inventory=JOINT.join(inventories), reading=reading, **rest)

    return functools.reduce(lambda decorated, option: option(decorated), reversed(_OPTIONS), packed)


def program_option(verb: F) -> F:
    """`--run-inventory-program` alone."""
    return _OPTIONS[-1](verb)


def reading_of(variables: tuple[str, ...], via: Via, *, run_program: bool) -> Reading:
    """What the options say.

    Raises:
        Problems: A variable is none, or is called like a secret: anybody on the machine can read arguments.
    """
    overrides = pairs(variables, "variable")
    for name in overrides:
        _require_name(name)
    return Reading(overrides=overrides, via=via, agree=agreement(run_program=run_program))


def agreement(*, run_program: bool) -> Callable[[Path], bool]:
    """Who agrees to run a program as an inventory: the option, else the person at the terminal, else nobody."""

    def agreed(path: Path) -> bool:
        return run_program or (sys.stdin.isatty() and sys.stderr.isatty() and _ask(path))

    return agreed


def _ask(path: Path) -> bool:
    me = os.environ.get("USER", "you")
    return click.confirm(f"{safe(str(path))} is a program. Run it here, as {safe(me)}?", default=False, err=True)


def _require_name(name: str) -> None:
    from runbook.inventory.secret_variables import is_secret_name  # noqa: PLC0415 - only where a variable is given

    if not name.isidentifier():
        raise problem(f'"{name}" is no name of a variable', fix="Write VARIABLE=VALUE.", code="bad-variable")
    if is_secret_name(name):
        raise problem(
            f"{name} does not belong on a command line",
            why="everybody on this machine can read the arguments of a program",
            fix="Write it to host_vars/ or group_vars/ in a file that only you can read, or use a secret parameter.",
            code="secret-argument",
        )


def named_inventory(here: Settings, name: str, reading: Reading) -> Inventory:
    """The one that is named, else the workspace's, else the only one there is.

    Raises:
        Problems: It cannot be read, or nobody said which.
    """
    known = inventory_names(here.root)
    chosen = name or here.inventory or (known[0] if len(known) == 1 else "")
    if not chosen:
        fix = f"Give one: -i NAME. Known: {', '.join(known)}." if known else "Give one: -i FILE"
        raise problem("no inventory is named", fix=fix, code="no-inventory")
    from runbook.inventory.reading import read_inventory  # noqa: PLC0415 - a plan brings its own

    found = read_inventory(chosen, workspace=here.root, reading=reading)
    for warning in found.warnings:
        say(problem_text(warning))
    return found
