"""How an inventory is to be read, beside its name: what somebody says about one reading of it.

A value of its own, because five verbs take it, a plan depends on it and a record keeps it. It knows no format and loads
nothing, so that a command line can make one before anything is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

JOINT = " + "
"""Between the names of several places that are read as one inventory, merged from left to right."""

NAMED_BY = "ANSIBLE_VAULT_PASSWORD_FILE"
"""Ansible's own variable of the environment that names the file with the vault's password."""

Agree = Callable[[Path], bool]
"""Asked before a program is run as an inventory; True lets it run."""

Via = Literal["own", "ansible-inventory"]
"""Who reads the hosts. `ansible-inventory` can also read vaults and plugins, and lays variable files itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One reading of an inventory."""

    overrides: Mapping[str, str] = field(default_factory=dict)
    """Variables that beat every file on every host. Never secrets: they are kept in the record as they are."""
    via: Via = "own"
    agree: Agree | None = None
    """Without it no program is run."""
    vault_password: str = ""
    """The file with the password of vault files, or the program that prints it; empty where they stay closed."""


AS_IT_IS = Reading()
"""Nothing was said: our own reader, no overrides, no programs."""
