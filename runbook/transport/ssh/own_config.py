"""What a configuration says about a host where there is no ssh to ask: the first value that holds wins.

Small on purpose: Host, the usual conditions of Match, Include and `final` mean what they mean to ssh; a condition that
would need the network, or ssh's own state, does not hold, and who asks is told which lines that concerns. asyncssh has
a reader too; it stops at a comment behind a value, at bytes that are not UTF-8 and at `=` in a command, gives files of
an Include in any order and makes no second pass, so that a wrong host could be the result. Checked against `ssh -G` by
the same tests as the answers of ssh itself.
"""

from __future__ import annotations

import getpass
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from runbook.transport.ssh.config_text import Line, Outline, matches
from runbook.transport.ssh.tokens import Tokens

SSH_PORT = 22
EXEC_LIMIT = 10.0
"""Seconds that the program of a `Match exec` may take; then it does not hold."""

_SEVERAL = frozenset(("identityfile", "certificatefile"))
"""Keywords of which every mention counts."""
_LISTS = frozenset(("userknownhostsfile", "globalknownhostsfile"))
_WHOLE = frozenset(("proxycommand",))
"""Keywords whose value is the rest of the line as it stands."""
_UNSUPPORTED = frozenset(("canonical", "localnetwork", "tagged", "command", "sessiontype", "version"))
_WITHOUT_VALUE = frozenset(("all", "final", "canonical"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A host, and what is certain about it before any file is read."""

    name: str
    """The host's name in the inventory, for messages."""
    target: str
    """The name that ssh would be given."""
    user: str = ""
    port: int = 0
    alias: str = ""
    jump: str = ""
    options: tuple[str, ...] = ()
    """`Keyword=value` as behind `-o`; these win over any file."""
    config: str = ""
    """A file instead of the usual ones; "none" reads none."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is configured for a host; keywords that nobody mentioned are missing."""

    values: Mapping[str, tuple[str, ...]]
    file: str = "ssh_config"
    """Which file says so, where it is only one."""

    def origin(self, option: str) -> str:
        """Where an option's value comes from, for people."""
        return f"{self.file} ({option})"

    def one(self, keyword: str) -> str:
        """Its value; empty where it was not mentioned."""
        return next(iter(self.values.get(keyword, ())), "")

    def many(self, keyword: str) -> tuple[str, ...]:
        """Its values; none where it was not mentioned."""
        return self.values.get(keyword, ())


def answer_without_ssh(outline: Outline, question: Question) -> Answer:
    """Go through the lines as ssh does, a second time where a block is for the final name."""
    walk = _Walk(question)
    walk.through(outline, final=False)
    if any("final" in map(str.lower, line.words) for line in outline.conditions if line.keyword == "match"):
        walk.settle_address()
        walk.through(outline, final=True)
    walk.settle_address()
    if walk.values["hostname"] == (question.target.lower(),):
        del walk.values["hostname"]
    return Answer(walk.values, outline.file_naming(question.target))


def unsupported_lines(outline: Outline) -> tuple[str, ...]:
    """The lines that need ssh itself."""
    conditions = [line for line in outline.conditions if line.keyword == "match"]
    words = {line: {word.lstrip("!").lower() for word in line.words} for line in conditions}
    found = [line for line in conditions if words[line] & _UNSUPPORTED]
    found += [
        line for block in outline.blocks for line in block.lines if line.keyword in {"canonicalizehostname", "tag"}
    ]
    return tuple(str(line) for line in found)


class _Walk:
    """One host's way through the lines."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self.values: dict[str, tuple[str, ...]] = {}
        for option in question.options:
            keyword, _, text = option.replace("=", " ", 1).partition(" ")
            self._take(Line("-o", 0, keyword.lower(), text.strip()))
        stated = {"user": question.user, "hostkeyalias": question.alias, "proxyjump": question.jump}
        stated["port"] = str(question.port or "")
        self.values |= {keyword: (value,) for keyword, value in stated.items() if value}

    def through(self, outline: Outline, *, final: bool) -> None:
        """Take what holds."""
        for block in outline.blocks:
            if all(self._holds(condition, final=final) for condition in block.conditions):
                for line in block.lines:
                    self._take(line)

    def _take(self, line: Line) -> None:
        keyword = line.keyword
        words = (line.text.strip(),) if keyword in _WHOLE else line.words
        if keyword in {"proxyjump", "proxycommand"} and {"proxyjump", "proxycommand"} & self.values.keys():
            # Whichever stands first is obeyed, but `ProxyJump none` only forbids another jump.
            none = self.values.get("proxyjump") == ("none",)
            if not (none and keyword == "proxycommand" and "proxycommand" not in self.values):
                return
        if not words:
            return
        if keyword in _SEVERAL:
            self.values[keyword] = tuple(dict.fromkeys((*self.values.get(keyword, ()), words[0])))
        elif keyword not in self.values:
            self.values[keyword] = words if keyword in _LISTS else words[:1]

    def _holds(self, condition: Line, *, final: bool) -> bool:
        if condition.keyword == "host":
            # The second time Host is about the name that the first has led to.
            return matches(condition.words, self.address() if final else self._question.target)
        return self._matches(list(condition.words), final=final)

    def _matches(self, words: list[str], *, final: bool) -> bool:
        while words:
            word = words.pop(0)
            name, equals, value = word.partition("=")
            criterion = name.lstrip("!").lower()
            if criterion not in _WITHOUT_VALUE and not equals:
                value = words.pop(0) if words else ""
            if criterion in _UNSUPPORTED or self._is(criterion, value, final=final) == name.startswith("!"):
                return False
        return True

    def _is(self, criterion: str, value: str, *, final: bool) -> bool:
        match criterion:
            case "all":
                return True
            case "final":
                return final
            case "host":
                return matches(value.split(","), self._tokens().address)
            case "originalhost":
                return matches(value.split(","), self._question.target)
            case "user":
                return matches(value.split(","), self._tokens().user)
            case "localuser":
                return matches(value.split(","), getpass.getuser())
            case "exec":
                return _succeeds(self._tokens(), value)
            case _:
                return False

    def settle_address(self) -> None:
        """From here on the name leads there, whatever lines say later."""
        self.values["hostname"] = (self.address(),)

    def address(self) -> str:
        """Where the name leads so far."""
        target, named = self._question.target, Answer(self.values).one("hostname")
        return (named.replace("%h", target).replace("%%", "%") if named else target).lower()

    def _tokens(self) -> Tokens:
        found = Answer(self.values)
        port = found.one("port")
        return Tokens(
            original=self._question.target,
            address=self.address(),
            port=int(port) if port.isdigit() else SSH_PORT,
            user=found.one("user") or getpass.getuser(),
            alias=found.one("hostkeyalias"),
            jump=found.one("proxyjump"),
        )


def _succeeds(tokens: Tokens, command: str) -> bool:
    try:
        done = subprocess.run(  # noqa: S602 - ssh runs it so, from the user's own file
            tokens.text(command),
            shell=True,
            check=False,
            timeout=EXEC_LIMIT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
