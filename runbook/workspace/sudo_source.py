"""What sudo asks for: where a run's password comes from, and what is wrong where it comes from nowhere.

The inventory's word for a host comes first, as in Ansible. For all other hosts somebody gives one when the run starts:
by an option, or because `environment.yaml` says so. It is asked for once, before anything runs; it is in no argument,
in no record and in no environment that goes on, and is masked from then on. A resume asks again in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec

from runbook.core.inventory import Inventory, Password
from runbook.core.planned.action import FabricAction
from runbook.core.planned.command import Secret
from runbook.core.planned.plan import Plan
from runbook.inventory.secret_variables import BECOME_PASSWORD
from runbook.problem import Problem, Problems, problem

NAME = "sudo password"
"""What people are asked for. No parameter can be called so."""

EVERY_OTHER = ""
"""In place of a host's name: the hosts for which the inventory has no password."""

_FIX = (
    "Give it with --become-password-file FILE, by sudo_password in environment.yaml, or as ansible_become_password, "
    "which may be encrypted with Ansible Vault."
)

SecretSource = Callable[[str, str], str]


def source_of(wished: str, plan: Plan) -> str:
    """Where the password of a run comes from; empty where nobody said so, or no step could need it.

    Args:
        wished: What was said when it was started, which counts in any case.
        plan: Its environment may say where from, for runs with steps that become somebody else.
    """
    return wished or (plan.environment.sudo_password if may_become(plan) else "")


def may_become(plan: Plan) -> bool:
    """A step becomes somebody else, or is a Fabric task, which may do so by itself."""
    return any(step.become or isinstance(step.action, FabricAction) for step in plan.walk())


def given(source: str, secret: SecretSource) -> tuple[Secret, ...]:
    """The password from its source, as a tuple of one; none where nobody said where from, or it is empty.

    Raises:
        Problems: The source has none, or what it has cannot be typed at a prompt.
    """
    if not source:
        return ()
    try:
        word = secret(NAME, source)
    except Problems as none:
        raise Problems(msgspec.structs.replace(each, fix=_FIX) for each in none.problems) from none
    if "\n" in word or "\0" in word:
        raise problem(
            f"the {NAME} has more than one line",
            why="sudo reads one",
            fix="Give a source that has the password alone.",
            code="no-secret",
        )
    return (Secret(NAME, word),) if word else ()


def passwords(known: Iterable[Password], of_all: tuple[Secret, ...]) -> dict[str, str]:
    """What sudo is told, by host; of Ansible's names for it the last one wins."""
    named = [one for one in known if one.variable in BECOME_PASSWORD]
    ranked = sorted(named, key=lambda one: BECOME_PASSWORD.index(one.variable))
    told = {one.host: one.secret.reveal() for one in ranked}
    for secret in of_all:
        told[EVERY_OTHER] = secret.reveal()
    return told


def unread(inventory: Inventory, plan: Plan) -> tuple[Problem, ...]:
    """Passwords that stand in the inventory, are needed perhaps, and cannot be read."""
    return tuple(dict.fromkeys(_unread(inventory, plan)))


def _unread(inventory: Inventory, plan: Plan) -> Iterator[Problem]:
    becoming = {host for step in plan.walk() if step.become for host in step.hosts}
    for host in sorted(becoming):
        closed = inventory.unreadable.get(host, {})
        for one in (closed[name] for name in BECOME_PASSWORD if name in closed):
            is_vault = one.form == "vault"
            yield Problem(
                what=f"{one.variable} cannot be read, so that sudo is told no password",
                why="it is encrypted, and was not opened" if is_vault else "it is a template that only Ansible renders",
                fix="Open it with --vault-password-file FILE" + (", or give it with --ask-become-pass (-K).")
                if is_vault
                else "Give it with --ask-become-pass (-K).",
                where=one.where,
                code="unreadable-value",
                warning=True,
            )
