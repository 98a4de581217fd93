"""An inventory after every rule has been applied: which hosts there are, in which groups, and in what kind of place.

Values only. It knows no file format and reads nothing; `inventory/reading.py` makes one. What may not travel in
a plan stays here and not on `Host`: passwords, the origin of every variable, and values that we cannot read because
they are Jinja or vault text. So a plan can carry its hosts as they are, and `hosts explain` can still say everything.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from runbook.core.host import Host
from runbook.core.planned.command import Secret
from runbook.core.planned.plan import Environment
from runbook.problem import Problem, Where


class Password(msgspec.Struct, frozen=True, kw_only=True):
    """A secret that an inventory holds in the clear. It is masked wherever it turns up and is in no plan."""

    host: str
    variable: str
    """`ansible_become_password`, or a dotted path (`database.password`) into a nested variable."""
    secret: Secret
    origin: str
    """`file:line`."""


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """A variable whose text stands for a value that only Ansible could compute."""

    variable: str
    form: Literal["template", "vault"]
    where: Where


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """Hosts, groups and the environment that they are in."""

    name: str
    """How an operator calls it: the folder's name, or the path as given."""
    source: str
    """The file, folder or host list it was read from."""
    hosts: dict[str, Host]
    """By name, in the order in which they are first mentioned."""
    groups: dict[str, tuple[str, ...]]
    """Children expanded, `all` and `ungrouped` included; hosts in the order in which Ansible would take them."""
    environment: Environment
    files: tuple[str, ...] = ()
    """Every file that was read, openable as written, for the record. They may hold passwords: mask what is copied."""
    passwords: tuple[Password, ...] = ()
    unreadable: dict[str, dict[str, Unreadable]] = {}
    """Host name to variable name to why its value is missing from `Host.variables`."""
    unusable: dict[str, tuple[Problem, ...]] = {}
    """Host name to why it cannot be connected to as described. Selecting such a host raises these; others are free."""
    unread: dict[str, tuple[Problem, ...]] = {}
    """Host name to the variable files of its own that could not be read: a value that is missing may stand there."""
    become_methods: dict[str, str] = {}
    """Host name to how it wants steps to become somebody else, where that is not sudo."""
    origins: dict[str, dict[str, tuple[str, ...]]] = {}
    """Host name to variable name to every place that sets it, the winner first."""
    warnings: tuple[Problem, ...] = ()
    """What was understood but will not be obeyed, such as `StrictHostKeyChecking=no`."""

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Each password's value once, however many hosts share it: what a masker has to know."""
        return tuple({password.secret.reveal(): password.secret for password in self.passwords}.values())
