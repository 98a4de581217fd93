"""Becoming somebody else, by sudo, with one wrong try per fleet.

A narrow NOPASSWD rule is the right way, so `sudo -n` comes first and everything else only if it asks for a
password. A password is sent when sudo's own prompt has been seen and never otherwise: with a cached ticket
sudo reads nothing, and the password would become the input of what runs; so tickets are left out of account
(`-k`). The prompt carries an unguessable word, in no language, and whose password is wanted; sudo-rs wraps it
in text of its own. A prompt that is not ours (a one-time code, a new password) is answered by nobody.

A password that is wrong on one host is wrong on two thousand, and each try counts towards locking the account.
So one host is asked first; once a host has taken it, two are asked at a time, because account locks commonly
begin at three (and PAM may count the prompt that sudo shows again, though nobody answers it). The first refusal
ends it: hosts that have not taken it are not tried, and where one that had taken it refuses, it has been
changed, and nobody is.

sudo starts a shell, not the command: the shell stays for every step as that user, and what has to be ended
later is ended by a process of the same user.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum

from runbook.core.planned.command import Become, Secret
from runbook.transport.shell.channel import Channel, ChannelRefused, Chunk, Dialer, Gone
from runbook.transport.shell.quoting import fresh_nonce, quote
from runbook.transport.shell.sudo_words import Said, refusal

LIMIT = 30.0
"""Seconds from a shell to sudo's next word: slow rc files and directory services included, queues of ours not."""

_TALK_CAP = 64 * 1024
"""Bytes of lectures and banners that are kept."""


class Sudos:
    """How one fleet becomes somebody else: its passwords, and what has come of each."""

    def __init__(self, secrets: Mapping[str, Secret] | None = None, nonce: Callable[[], str] = fresh_nonce) -> None:
        """`secrets` by host name; "" is for every other host. Where there is none, `sudo -n` has to do."""
        self._secrets, self._nonce = dict(secrets or {}), nonce
        self._passwords: dict[str, Password] = {}

    def on(self, host: str, login: str = "") -> Sudo:
        """How one host does, for `login`. Hosts with the same password share its tries."""
        secret = self._secrets.get(host, self._secrets.get(""))
        if secret is None or not secret.reveal():
            return Sudo(host, login, None, self._nonce)
        return Sudo(host, login, self._passwords.setdefault(secret.reveal(), Password(secret)), self._nonce)


class Password:
    """One password, and which hosts have taken or refused it."""

    def __init__(self, secret: Secret) -> None:
        """Nobody has been asked yet."""
        self.secret = secret
        self._turns = asyncio.Semaphore(1)
        self._taken: set[str] = set()
        self._refused_by = ""
        self._is_changed = False

    @property
    def line(self) -> bytes:
        """What is written at a prompt."""
        return self.secret.reveal().encode("utf-8", "surrogateescape") + b"\n"

    @asynccontextmanager
    async def turn(self, host: str, *, urgent: bool) -> AsyncIterator[None]:
        """Wait until this host may be asked. What has to be ended waits for nobody where the password is known.

        Raises:
            ChannelRefused: It was refused, and may not be tried here.
        """
        if urgent and host in self._taken:
            self._require_right(host)
            yield
            return
        async with self._turns:
            self._require_right(host)
            yield

    def is_taken_by(self, host: str) -> bool:
        """Whether it is known to be right there."""
        return host in self._taken and not self._is_changed

    def taken_by(self, host: str) -> None:
        """It is right there."""
        if not self._taken:
            self._turns.release()  # From here on two at a time.
        self._taken.add(host)

    def refused_by(self, host: str) -> None:
        """It is wrong there."""
        self._is_changed = self._is_changed or host in self._taken
        self._refused_by = self._refused_by or host

    def _require_right(self, host: str) -> None:
        if self._refused_by and (self._is_changed or host not in self._taken):
            raise ChannelRefused(
                f"the sudo password was refused on {self._refused_by}, and is tried on no other host; "
                "halt this run and give the right one: runbook resume -K, or ansible_become_password"
            )


class Sudo:
    """How one host becomes somebody else. Shared by all its shells."""

    def __init__(self, host: str, login: str, password: Password | None, nonce: Callable[[], str]) -> None:
        """Made by `Sudos.on`."""
        self._host, self._login, self._password, self._nonce = host, login, password, nonce
        self._asking: set[str] = set()
        """Users for which `-n` is known not to do."""

    async def open(self, dialer: Dialer, become: Become | None, *, urgent: bool = False) -> Channel:
        """A channel to a `/bin/sh` of the wanted user that waits for text.

        Raises:
            ChannelRefused: The reason that the server or sudo gave, and what to do about it.
        """
        if become is None:
            return await dialer.open(urgent=urgent)
        if become.user not in self._asking:
            talk = await self._talk(dialer, _Script.silent(become, self._nonce()), urgent=urgent)
            if talk.end is _End.STARTED:
                return talk.channel
            if self._password is None:
                raise refused(become, talk, self._login)
            self._asking.add(become.user)
        if self._password is None:
            raise ChannelRefused(f"cannot become {become.user}: sudo asks for a password")
        async with self._password.turn(self._host, urgent=urgent):
            return await self._with_password(self._password, dialer, become, urgent=urgent)

    async def proved(self, dialer: Dialer) -> Secret:
        """The password, once sudo has taken it here, for somebody who calls sudo by himself.

        Raises:
            ChannelRefused: There is none, or it is not taken.
        """
        if self._password is None:
            raise ChannelRefused("no password for sudo is known (--ask-become-pass, -K)")
        async with self._password.turn(self._host, urgent=False):
            if not self._password.is_taken_by(self._host):
                talk = await self._talk(dialer, _Script.proving(self._nonce()), self._password, urgent=False)
                talk.channel.close()
                self._judge(self._password, talk)
                if talk.end is not _End.STARTED:
                    raise refused(Become(), talk, self._login)
        return self._password.secret

    async def _with_password(self, password: Password, dialer: Dialer, become: Become, *, urgent: bool) -> Channel:
        talk = await self._talk(dialer, _Script.asking(become, self._nonce()), password, urgent=urgent)
        self._judge(password, talk)
        if talk.end is _End.STARTED:
            return talk.channel
        raise refused(become, talk, self._login)

    def _judge(self, password: Password, talk: _Talk) -> None:
        """Keep what a talk says about the password."""
        if talk.is_answered and (talk.end is _End.STARTED or talk.said.is_right):
            password.taken_by(self._host)
        elif talk.is_answered and talk.end is not _End.CUT:
            password.refused_by(self._host)

    async def _talk(self, dialer: Dialer, script: _Script, password: Password | None = None, *, urgent: bool) -> _Talk:
        """A talk that has come to its end; its channel is open only where a shell has started."""
        talk = _Talk(await dialer.open(urgent=urgent), script, password)
        try:
            await talk.to_its_end()
        finally:
            if talk.end is not _End.STARTED:
                talk.channel.close()
        return talk


@dataclass(frozen=True, slots=True)
class Becoming:
    """A dialer whose shells are somebody else's."""

    dialer: Dialer
    become: Become | None
    sudo: Sudo

    async def open(self, *, urgent: bool = False) -> Channel:
        """See `Dialer.open`."""
        return await self.sudo.open(self.dialer, self.become, urgent=urgent)


class _End(Enum):
    """How a talk with sudo has ended."""

    STARTED = "the shell behind sudo speaks"
    ENDED = "sudo has gone, or asks for more than the password"
    SILENT = "sudo says nothing and does nothing"
    CUT = "the link is gone"


class _Talk:
    """One sudo, from the script that starts it to the shell behind it, or to why there is none."""

    def __init__(self, channel: Channel, script: _Script, password: Password | None) -> None:
        self.channel = channel
        self.end = _End.CUT
        self.is_answered = False
        self._script, self._password = script, password
        self._text = b""
        self._reason = ""
        """What the transport says of a link that has gone."""

    @property
    def said(self) -> Said:
        """What sudo has said, in words."""
        prompts = list(self._script.prompt.finditer(self._text))
        whose, asker = (part.decode("utf-8", "replace") for part in prompts[0].groups()) if prompts else ("", "")
        # Behind the answer stands what it made of it; the lecture and the banner before it are no reasons.
        text = self._script.prompt.sub(b"\n", self._text[prompts[0].end() :] if self.is_answered else self._text)
        return Said(_lines(text) or _lines(self._reason.encode()), whose=whose, asker=asker)

    async def to_its_end(self) -> None:
        """Listen, and answer its prompt once."""
        await self.channel.write(self._script.text.encode())
        try:
            async with asyncio.timeout(LIMIT):
                self.end = await self._listen()
        except TimeoutError:
            self.end = _End.SILENT

    async def _listen(self) -> _End:
        has_status = False
        while not isinstance(arrival := await self.channel.next(), Gone):
            if not isinstance(arrival, Chunk):
                has_status = True
                continue
            self._text = (self._text + arrival.data)[-_TALK_CAP:]
            if self._script.started in self._text:
                return _End.STARTED
            if (prompts := len(self._script.prompt.findall(self._text))) > 1 or (prompts and not self._password):
                return _End.ENDED
            if prompts and self._password and not self.is_answered:
                self.is_answered = True
                await self.channel.write(self._password.line)
            elif self.said.is_over:
                return _End.ENDED
        self._reason = arrival.reason
        return _End.ENDED if has_status else _End.CUT


@dataclass(frozen=True, slots=True)
class _Script:
    """What the login shell's `/bin/sh` is given, and the words to listen for."""

    text: str
    started: bytes
    prompt: re.Pattern[bytes]
    """Whose password is wanted, and who runs sudo."""

    @classmethod
    def silent(cls, become: Become, nonce: str) -> _Script:
        """Where no password may be asked for."""
        return cls._of("-n", become, nonce)

    @classmethod
    def asking(cls, become: Become, nonce: str) -> _Script:
        """Where it may. The halves of the prompt keep a shell that echoes its input from looking like sudo."""
        return cls._of(f'-S -p "{_PROMPT}"', become, nonce)

    @classmethod
    def proving(cls, nonce: str) -> _Script:
        """Where nothing is started and only the password is looked at."""
        text = f'{_english(nonce)} sudo -k -S -p "{_PROMPT}" -v && printf %s. "$p"\nexit\n'
        return cls(text, f"{nonce}.".encode(), _asked(nonce))

    @classmethod
    def _of(cls, manner: str, become: Become, nonce: str) -> _Script:
        words = f"{_english(nonce)} exec sudo -k {manner} -H -u {quote(become.user)}"
        shell = f'printf %s. {nonce}; if [ "$1" ]; then LC_ALL=$1; else unset LC_ALL; fi; exec /bin/sh'
        return cls(f'{words} -- /bin/sh -c {quote(shell)} sh "$l"\n', f"{nonce}.".encode(), _asked(nonce))


_PROMPT = "$p-password of %p for %u:"


def _english(nonce: str) -> str:
    """Sudo speaks the language in which its reasons are known; the shell behind it goes back to its own."""
    return f"p={quote(nonce)}; l=$LC_ALL; LC_ALL=C; export LC_ALL;"


def _asked(nonce: str) -> re.Pattern[bytes]:
    """The prompt as sudo shows it."""
    return re.compile(re.escape(nonce).encode() + rb"-password of ([^\s:]+) for ([^\s:]+):")


def refused(become: Become, talk: _Talk, login: str) -> ChannelRefused:
    """Why there is no shell, in sudo's words."""
    if talk.end is _End.SILENT:
        last = talk.said.last or "nothing"
        return ChannelRefused(
            f"cannot become {become.user}: sudo started no shell within {LIMIT:.0f} s; it said: {last}"
        )
    return ChannelRefused(f"cannot become {become.user}: {refusal(talk.said, become.user, login)}")


def _lines(text: bytes) -> tuple[str, ...]:
    """What was said, without what a terminal could be driven by."""
    lines = text.decode("utf-8", "replace").splitlines()
    return tuple(words for line in lines if (words := "".join(char for char in line if char.isprintable()).strip(": ")))
