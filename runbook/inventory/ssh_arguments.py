"""The options of ssh(1) that inventories carry in `ansible_ssh_common_args` and its relatives.

We speak SSH ourselves and start no ssh, so the words are read as ssh would read them (getopt with clusters, `-o` with
`=` or a space) and only what changes *where* or *as whom* one connects is obeyed. What merely tunes OpenSSH is passed
over in silence, because it has no meaning here; everything else is a warning, so that nobody believes in an option
that does nothing. No key of a host is ever taken on trust because an argument says so.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import msgspec

from runbook.problem import Problem, Where

# ssh(1), OpenSSH 10: options that take an argument.
_WITH_ARGUMENT = frozenset("BbcDEeFIiJLlmOoPpQRSWw")
_AS_KEYWORD = {
    "F": "configfile",
    "J": "proxyjump",
    "i": "identityfile",
    "l": "user",
    "p": "port",
}
OBEYED = frozenset(
    (
        "certificatefile",
        "configfile",
        "globalknownhostsfile",
        "hashknownhosts",
        "hostkeyalgorithms",
        "hostkeyalias",
        "hostname",
        "identitiesonly",
        "identityagent",
        "identityfile",
        "port",
        "proxycommand",
        "proxyjump",
        "stricthostkeychecking",
        "user",
        "userknownhostsfile",
    )
)
SEVERAL = frozenset(("globalknownhostsfile", "userknownhostsfile"))
"""Keywords whose value is a list of files, so that its quotes still matter."""
_TUNING = frozenset(
    (
        "batchmode",
        "checkhostip",
        "compression",
        "connectionattempts",
        "connecttimeout",
        "controlmaster",
        "controlpath",
        "controlpersist",
        "forwardx11",
        "gssapiauthentication",
        "ipqos",
        "kbdinteractiveauthentication",
        "loglevel",
        "passwordauthentication",
        "preferredauthentications",
        "pubkeyauthentication",
        "requesttty",
        "serveralivecountmax",
        "serveraliveinterval",
        "tcpkeepalive",
        "updatehostkeys",
    )
)
_TUNING_FLAGS = frozenset("CTakqtvx")
NO_BASTION = "none"
_BASTION = re.compile(r"(?:[\w.%+-]+@)?(?:[\w.-]+|\[[0-9a-fA-F:.]+(?:%[\w.-]+)?\])(?::[0-9]{1,5})?")


class Bastion(msgspec.Struct, frozen=True):
    """What a ProxyCommand that only forwards says about the bastion."""

    jump: str
    """As ProxyJump."""
    options: tuple[tuple[str, str], ...] = ()
    """Keyword and value of what holds at the last bastion alone."""
    ignored: tuple[str, ...] = ()
    """Words that have no effect here."""


class SshOption(msgspec.Struct, frozen=True):
    """One option that counts, in the spelling of ssh_config."""

    keyword: str
    """Lower case; one of `OBEYED`."""
    value: str
    where: Where


def read_ssh_arguments(text: str, where: Where) -> tuple[tuple[SshOption, ...], tuple[Problem, ...]]:
    """The options in a line of arguments, and a warning for each word that has no effect here.

    A quotation that is not closed is a problem and no warning: where the line ends is then anybody's guess.
    """
    try:
        words = shlex.split(text)
    except ValueError:
        fix = "Add the missing quotation mark."
        return (), (Problem(what="a quotation in ssh arguments is not closed", fix=fix, where=where, code="bad-line"),)
    options: list[SshOption] = []
    warnings: list[Problem] = []
    for flag, value in _flags(words):
        keyword, argument = _keyword(flag, value)
        if keyword in OBEYED:
            options.append(SshOption(keyword, argument, where))
        elif keyword not in _TUNING and flag not in _TUNING_FLAGS:
            warnings.append(ignored(f"-{flag} {value}".strip() if flag else value, where))
    return tuple(options), tuple(warnings)


def bastions(value: str) -> str:
    """A ProxyJump value as we keep it. `none` stays a word, for it overrules what ssh_config would have said.

    Raises:
        ValueError: It names no host.
    """
    if value.lower() == NO_BASTION:
        return NO_BASTION
    hops = [hop.strip().removeprefix("ssh://").rstrip("/") for hop in value.split(",")]
    for hop in hops:
        if not _BASTION.fullmatch(hop) or hop.startswith("-"):
            raise ValueError(f'"{hop}" is no [user@]host[:port]')
    return ",".join(hops)


def bastion_of_command(command: str) -> Bastion:
    """The bastion of a ProxyCommand that is `ssh -W %h:%p` in one of its usual dresses, or `none`.

    Its own key, configuration and other options are the bastion's: the host behind knows nothing of them.

    Raises:
        ValueError: It is another program, or does more than forward.
    """
    if command.strip().lower() == NO_BASTION:
        return Bastion(NO_BASTION)
    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    if not words or words[0].rpartition("/")[2] != "ssh":
        raise ValueError("only ssh -W %h:%p can be followed")
    said: dict[str, str] = {}
    options: list[tuple[str, str]] = []
    ignored: list[str] = []
    for flag, value in _flags(words[1:]):
        keyword, argument = _keyword(flag, value)
        if keyword == "proxycommand":
            raise ValueError("it goes through a command of its own")
        if flag in {"", "W"} or keyword in _NAMING:
            # Of a port or a user ssh takes the first; of several names only one can be the host.
            said.setdefault(keyword or flag or "host", argument)
        elif keyword in _AT_BASTION:
            options.append((keyword, argument))
        elif keyword not in _TUNING and flag not in _TUNING_FLAGS and keyword not in OBEYED:
            ignored.append(f"-{flag} {value}".strip())
    if said.get("W") not in {"%h:%p", "[%h]:%p"} or not said.get("host"):
        raise ValueError("it does not forward to %h:%p through one host")
    return Bastion(bastions(_spelled(said)), tuple(options), tuple(ignored))


_NAMING = frozenset(("user", "port", "proxyjump"))
_AT_BASTION = OBEYED - _NAMING - {"stricthostkeychecking", "proxycommand"}

_BARE_IPV6 = re.compile(r"[0-9a-fA-F]*:[0-9a-fA-F]*:[0-9a-fA-F:.]*(?:%[\w.-]+)?")


def _spelled(said: dict[str, str]) -> str:
    """As ProxyJump has it, the bastion last."""
    target, user, port, before = (said.get(word, "") for word in ("host", "user", "port", "proxyjump"))
    before_at, at, host = target.rpartition("@")
    host = f"[{host}]" if _BARE_IPV6.fullmatch(host) else host
    name = f"{before_at or user}@{host}" if at or user else host
    last = f"{name}:{port}" if port else name
    return f"{before},{last}" if before and before.lower() != NO_BASTION else last


def _flags(words: list[str]) -> Iterator[tuple[str, str]]:
    """Each option letter with its argument; a word that is no option comes with an empty letter."""
    waiting = iter(words)
    for word in waiting:
        if not word.startswith("-") or len(word) == 1:
            yield "", word
            continue
        for index, letter in enumerate(word[1:], start=2):
            if letter in _WITH_ARGUMENT:
                yield letter, word[index:] or next(waiting, "")
                break
            yield letter, ""


def _keyword(flag: str, value: str) -> tuple[str, str]:
    if flag == "o":
        name, _, argument = value.strip().replace("=", " ", 1).partition(" ")
        return name.lower(), _unquoted(name.lower(), argument.strip())
    return _AS_KEYWORD.get(flag, ""), value


def _unquoted(keyword: str, argument: str) -> str:
    """ssh_config(5) allows double quotes around an argument; where several may stand they are told apart by them."""
    return argument if keyword in SEVERAL else argument.strip('"')


def ignored(words: str, where: Where) -> Problem:
    """The warning that an option does nothing."""
    return Problem(
        what=f'ssh argument "{words}" is ignored',
        why="runbook speaks SSH itself and starts no ssh",
        fix="Remove it, or check that nothing depends on it.",
        where=where,
        code="ssh-argument",
        warning=True,
    )
