"""Becoming somebody else, by sudo, with one try per fleet.

A narrow NOPASSWD rule is the right way, so `sudo -n` comes first and everything else only if it asks for a
password. A password is sent when sudo's own prompt has been seen and never otherwise: with a cached ticket
sudo reads nothing, and the password would become the input of what runs. The prompt carries an unguessable
word, which sudo-rs wraps in text of its own. A password that is wrong on one host is wrong on two thousand,
and each try counts towards locking the account, so the first refusal stops them all.

sudo starts a shell, not the command: the shell stays for every step as that user, and what has to be ended
later is ended by a process of the same user.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from runbook.core.command import Become, Secret
from runbook.transport.shell.channel import Channel, ChannelRefused, Chunk, Dialer, Gone
from runbook.transport.shell.quoting import quote

_TALK_CAP = 64 * 1024
"""Bytes of lectures and banners before a prompt."""


class Sudo:
    """How one fleet becomes somebody else. Shared by all its sessions."""

    def __init__(self, password: Secret | None, nonce: Callable[[], str]) -> None:
        """`password` None: where `sudo -n` does not do, nothing does."""
        self._password, self._nonce = password, nonce
        self._turn = asyncio.Lock()
        self._refused_by = ""
        self._asking: set[tuple[int, str]] = set()
        """Hosts and users for which `-n` is known not to do."""

    async def open(self, dialer: Dialer, become: Become | None, *, urgent: bool = False) -> Channel:
        """A channel to a `/bin/sh` of the wanted user that waits for text.

        Raises:
            ChannelRefused: The reason that the server or sudo gave.
        """
        if become is None:
            return await dialer.open(urgent=urgent)
        asked = id(dialer), become.user
        if asked not in self._asking:
            channel = await dialer.open(urgent=urgent)
            problem = await self._started(channel, _without_password(become, self._nonce()))
            if not problem:
                return channel
            channel.close()
            if self._password is None:
                raise ChannelRefused(f"sudo to {become.user} is refused: {problem}")
            self._asking.add(asked)
        return await self._with_password(dialer, become, urgent=urgent)

    async def _with_password(self, dialer: Dialer, become: Become, *, urgent: bool) -> Channel:
        # One at a time: the second host is asked only when the first has taken the password.
        async with self._turn:
            if self._refused_by:
                raise ChannelRefused(
                    f"the sudo password was refused before ({self._refused_by}); it is not tried again"
                )
            channel = await dialer.open(urgent=urgent)
            try:
                problem = await self._started(channel, _with_password(become, self._nonce()))
            except BaseException:
                channel.close()
                raise
            if problem:
                channel.close()
                raise ChannelRefused(f"sudo to {become.user} is refused: {problem}")
            return channel

    async def _started(self, channel: Channel, script: _Script) -> str:
        """Run a script until the shell behind sudo speaks; an empty string, or why it does not."""
        await channel.write(script.text.encode())
        said, prompts = b"", 0
        while not isinstance(arrival := await channel.next(), Gone):
            if not isinstance(arrival, Chunk):
                continue
            said = (said + arrival.data)[-_TALK_CAP:]
            if script.started in said:
                return ""
            if script.prompt and said.count(script.prompt) > prompts:
                prompts += 1
                if prompts > 1:
                    self._refused_by = "sudo asked again"
                    return "the password is wrong"
                await channel.write(self._password.reveal().encode() + b"\n" if self._password else b"\n")
        return _reason(said, script) or arrival.reason or "it ended without a word"


class _Script:
    """What the login shell's `/bin/sh` is given, and the words to listen for."""

    def __init__(self, text: str, started: str, prompt: str = "") -> None:
        self.text, self.started, self.prompt = text, started.encode(), prompt.encode()


def _without_password(become: Become, nonce: str) -> _Script:
    return _Script(f"exec sudo -n -H -u {quote(become.user)} -- /bin/sh -c {_speaking(nonce)}\n", f"{nonce}.")


def _with_password(become: Become, nonce: str) -> _Script:
    prompt = f"{nonce}-password"
    # -k: a cached ticket would make sudo silent, and its silence is what a prompt is told from. The halves
    # keep a shell that echoes its input from looking like sudo.
    ask = f'p={quote(nonce)}; export LC_ALL=C; exec sudo -k -S -p "$p"-password -H -u {quote(become.user)}'
    return _Script(f"{ask} -- /bin/sh -c {_speaking(nonce)}\n", f"{nonce}.", prompt)


def _speaking(nonce: str) -> str:
    """A shell's argument: say that it runs, then wait for text. Holds no user data."""
    return quote(f"printf %s. {nonce} && exec /bin/sh")


def _reason(said: bytes, script: _Script) -> str:
    lines = [
        line
        for line in said.replace(script.prompt or b"\0", b"").decode("utf-8", "replace").splitlines()
        if line.strip()
    ]
    return "".join(char for char in lines[-1] if char.isprintable())[:200] if lines else ""
