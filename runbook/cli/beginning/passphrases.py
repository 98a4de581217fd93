"""Asking for the passphrases of keys at a terminal, once for each, before a run begins.

Where there is no terminal nobody is asked: the login then says which key it was and how the agent gets it (`ssh-add`).
"""

from __future__ import annotations

import asyncio
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from runbook.cli.diagnostics import say
from runbook.view.sanitize import safe

if TYPE_CHECKING:
    from runbook.core.host import Host
    from runbook.workspace.locked_keys import LockedKey

TRIES = 3
"""As often as ssh asks for one."""

_NAMED = 3
"""Hosts that a question names before it only counts."""


async def ask_for_passphrases(hosts: Sequence[Host]) -> Mapping[str, str]:
    """Key file to the opened key. An empty answer goes on without it."""
    from runbook.workspace.locked_keys import locked_keys  # noqa: PLC0415 - only verbs that connect pay for it

    if not sys.stdin.isatty():
        return {}
    opened = {key.path: await asyncio.to_thread(_asked, key) for key in await locked_keys(hosts)}
    return {path: text for path, text in opened.items() if text}


def _asked(key: LockedKey) -> str:
    import getpass  # noqa: PLC0415 - only where a person is asked

    from runbook.transport.ssh.unlocking import unlocked  # noqa: PLC0415 - brings SSH along

    for _ in range(TRIES):
        passphrase = getpass.getpass(f"passphrase of {safe(key.path)}, for {_who(key)} (Enter goes on without it): ")
        if not passphrase:
            break
        if text := unlocked(key.path, passphrase):
            return text
        say("That is not its passphrase.")
    say(f"Going on without that key. Your agent may have it: ssh-add {safe(shlex.quote(key.path))}")
    return ""


def _who(key: LockedKey) -> str:
    named = ", ".join(map(safe, key.hosts[:_NAMED]))
    more = len(key.hosts) - _NAMED
    return f"{named} and {more} more" if more > 0 else named
