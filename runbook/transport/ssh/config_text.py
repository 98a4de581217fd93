"""The files of an ssh_config as lines under conditions: what they could decide, without deciding it.

OpenSSH is who says what a configuration means (`openssh.py`). This file only knows which lines stand where, so that
ssh need not be asked about a host that nothing names, so that hosts named by the same blocks share one answer, and so
that an answer is good for as long as the files are the same. It errs on the side of asking: a condition that it cannot
judge may hold. Bytes that are not UTF-8 pass through, because a comment may hold any.
Source: ssh_config(5), OpenSSH 9.2; readconf.c for quotes, comments and the order of Include.
"""

from __future__ import annotations

import functools
import glob
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import translate
from pathlib import Path

SYSTEM_CONFIGS = tuple(f"{place}/ssh_config" for place in ("/etc/ssh", "/usr/local/etc/ssh", "/opt/homebrew/etc/ssh"))
"""Where builds of OpenSSH look for the system's file. One too many costs a question and changes no answer."""

DECIDING = frozenset(
    [
        "hostname",
        "port",
        "user",
        "identityfile",
        "identitiesonly",
        "identityagent",
        "certificatefile",
        "userknownhostsfile",
        "globalknownhostsfile",
        "hostkeyalias",
        "hashknownhosts",
        "hostkeyalgorithms",
        "revokedhostkeys",
        "proxyjump",
        "proxycommand",
        "canonicalizehostname",
        "canonicaldomains",
        "canonicalizemaxdots",
        "canonicalizepermittedcnames",
        "canonicalizefallbacklocal",
        "tag",
    ]
)
"""Keywords whose value we use, or that decide which blocks hold. All others are ssh's business."""

DEPTH = 16
"""Files that include each other; ssh refuses more."""

_KEYWORD = re.compile(r'"?([A-Za-z0-9]+)"?[ \t]*=?[ \t]*(.*)', re.DOTALL)
_BLANKS = " \t\r\n\f"


@dataclass(frozen=True, slots=True)
class Line:
    """One line that says something."""

    file: str
    number: int
    keyword: str
    """Lower case."""
    text: str
    """What stands behind the keyword, as written."""

    @property
    def words(self) -> tuple[str, ...]:
        """Its arguments: unquoted, and without a trailing comment."""
        return split_words(self.text)

    def __str__(self) -> str:
        return f"{self.file} line {self.number}: {self.keyword} {self.text}"


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that hold under the same conditions."""

    conditions: tuple[Line, ...]
    """Host and Match lines, the outer ones (of files that include this one) first; all of them must hold."""
    lines: tuple[Line, ...]

    @property
    def decides(self) -> bool:
        """True when one of its lines could change how a host is reached."""
        return any(line.keyword in DECIDING for line in self.lines)

    @property
    def is_plain(self) -> bool:
        """True when what it says does not depend on the host, once its patterns match."""
        dependent = {"hostname", "canonicalizehostname", "tag"}
        lines = [line for line in self.lines if line.keyword in DECIDING]
        return not any(line.keyword in dependent or "%" in line.text for line in lines)

    def plain_names(self) -> frozenset[str]:
        """The names that it is about, in lower case; none where patterns or other conditions have to be looked at."""
        if not self.conditions or self.conditions[-1].keyword != "host":
            return frozenset()
        words = self.conditions[-1].words
        return frozenset() if any(set("*?!") & set(word) for word in words) else frozenset(map(str.lower, words))

    def may_hold(self, target: str) -> bool:
        """False when it certainly says nothing about a host."""
        return all(_may_hold(condition, target) for condition in self.conditions)


@dataclass(frozen=True, slots=True)
class Outline:
    """All the lines of one set of files."""

    blocks: tuple[Block, ...]
    conditions: tuple[Line, ...]
    """Every Host and Match line, also those that nothing follows: a final pass may be all that they ask for."""
    opaque: bool
    """True when a file could not be followed, so that anything may be said of anybody."""
    read: frozenset[str]
    """Every file that was looked for."""
    globs: frozenset[str]
    """Every pattern of an Include."""
    by_name: Mapping[str, tuple[int, ...]]
    """Deciding blocks for plain names, by name in lower case; positions in `blocks`."""
    by_pattern: tuple[int, ...]
    """All other deciding blocks, which have to be looked at for each host."""

    def naming(self, target: str) -> tuple[int, ...]:
        """Which blocks may decide something about a host, by position."""
        candidates = sorted({*self.by_name.get(target.lower(), ()), *self.by_pattern})
        return tuple(index for index in candidates if self.blocks[index].may_hold(target))

    def file_naming(self, target: str) -> str:
        """The file that decides about a host; `ssh_config` where that may be several."""
        blocks = (self.blocks[index] for index in self.naming(target))
        files = {line.file for block in blocks for line in block.lines if line.keyword in DECIDING}
        return files.pop() if len(files) == 1 else "ssh_config"

    def is_shared(self, target: str, naming: Sequence[int]) -> bool:
        """True when every host that these blocks name gets the same answer, but for its name."""
        if self.opaque or target != target.lower():
            return False
        blocks = [self.blocks[index] for index in naming]
        matches = (line for block in blocks for line in block.conditions if line.keyword == "match")
        return all(block.is_plain for block in blocks) and next(matches, None) is None

    def is_lasting(self) -> bool:
        """True when the same question gets the same answer while the files are the same."""
        said = [line for line in self.conditions if line.keyword == "match"]
        asking = any(word.lower() in {"exec", "localnetwork"} for line in said for word in line.words)
        return not (self.opaque or asking or self.mentions("canonicalizehostname"))

    def mentions(self, keyword: str) -> bool:
        """True when a line of this keyword stands anywhere."""
        return any(line.keyword == keyword for block in self.blocks for line in block.lines)

    def stamp(self) -> tuple[object, ...]:
        """Changes when a file or the reach of an Include does."""
        listings = (pattern_files(pattern) for pattern in sorted(self.globs))
        return (*(_stamp(path) for path in sorted(self.read)), *listings)


def read_outline(user: Path | None, system: Sequence[str], home: Path) -> Outline:
    """Read the user's file, then the system's, each with what it includes; those that do not exist say nothing.

    Relative paths of an Include begin at `home`/.ssh, or at the folder of the system's file.
    """
    reading = _Reading()
    if user is not None:
        reading.file(str(user), (), home / ".ssh", 0)
    for path in system:
        reading.file(path, (), Path(path).parent, 0)
    return reading.outline()


class _Reading:
    """Walks through files, collecting blocks."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.conditions: list[Line] = []
        self.opaque = False
        self.read: set[str] = set()
        self.globs: set[str] = set()

    def outline(self) -> Outline:
        """All that was read, with the blocks for plain names put where they are found at once."""
        by_name: dict[str, tuple[int, ...]] = {}
        by_pattern: list[int] = []
        for index, block in enumerate(self.blocks):
            names = block.plain_names() if block.decides else ()
            for name in names:
                by_name[name] = (*by_name.get(name, ()), index)
            by_pattern += [index] if block.decides and not names else []
        read, globs = frozenset(self.read), frozenset(self.globs)
        return Outline(tuple(self.blocks), tuple(self.conditions), self.opaque, read, globs, by_name, tuple(by_pattern))

    def file(self, path: str, outer: tuple[Line, ...], folder: Path, depth: int) -> None:
        self.read.add(path)
        try:
            text = Path(path).read_bytes().decode("utf-8", "surrogateescape")
        except FileNotFoundError:
            return
        except OSError:
            self.opaque = True
            return
        conditions, lines = outer, list[Line]()
        for line in lines_of(path, text):
            if line.keyword in {"host", "match"}:
                self.conditions.append(line)
                self._block(conditions, lines)
                everybody = line.keyword == "match" and [word.lower() for word in line.words] == ["all"]
                conditions, lines = outer if everybody else (*outer, line), []
            elif line.keyword == "include":
                self._block(conditions, lines)
                lines = []
                self._include(line, conditions, folder, depth + 1)
            else:
                lines.append(line)
        self._block(conditions, lines)

    def _block(self, conditions: tuple[Line, ...], lines: list[Line]) -> None:
        if lines:
            self.blocks.append(Block(conditions, tuple(lines)))

    def _include(self, line: Line, conditions: tuple[Line, ...], folder: Path, depth: int) -> None:
        for word in line.words:
            if depth > DEPTH or "%" in word or "${" in word:
                self.opaque = True
                continue
            pattern = os.path.join(folder, os.path.expanduser(word))  # noqa: PTH111, PTH118 - a pattern is no path
            self.globs.add(pattern)
            for path in pattern_files(pattern):
                self.file(path, conditions, folder, depth)


def pattern_files(pattern: str) -> tuple[str, ...]:
    """The files of an Include in the order of glob(3), which is that of their names' bytes."""
    return tuple(sorted(glob.glob(pattern), key=os.fsencode))  # noqa: PTH207 - Path.glob keeps no order and no pattern


def lines_of(file: str, text: str) -> Iterator[Line]:
    """The lines that say something."""
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip(_BLANKS)
        found = None if line.startswith("#") else _KEYWORD.match(line)
        if found:
            yield Line(file, number, found[1].lower(), found[2])


def split_words(text: str) -> tuple[str, ...]:
    """The arguments of a line as ssh splits them: both quotes, backslashes, and # beginning a comment."""
    words: list[str] = []
    rest = text.lstrip(_BLANKS)
    while rest and not rest.startswith("#"):
        word, rest = _word(rest)
        words.append(word)
        rest = rest.lstrip(_BLANKS)
    return tuple(words)


def _word(text: str) -> tuple[str, str]:
    """The first word, and what stands behind it."""
    word, quote, index = "", "", 0
    while index < len(text):
        char, following = text[index], text[index + 1 : index + 2]
        if char == "\\" and following and (following in "\"'\\" or (following == " " and not quote)):
            word, index = word + following, index + 2
            continue
        if char in _BLANKS and not quote:
            break
        if char in {'"', "'"} and quote in {"", char}:
            quote = "" if quote else char
        else:
            word += char
        index += 1
    return word, text[index:]


def matches(patterns: Sequence[str], name: str) -> bool:
    """Whether a list of patterns (`*`, `?`, `!`) matches, exactly as written; one that is negated overrules all."""
    denied = any(pattern.startswith("!") and _fits(pattern[1:], name) for pattern in patterns)
    return not denied and any(not pattern.startswith("!") and _fits(pattern, name) for pattern in patterns)


def _fits(pattern: str, name: str) -> bool:
    return _compiled(pattern).fullmatch(name) is not None


@functools.lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    # Brackets mean nothing to ssh.
    return re.compile(translate(pattern.replace("[", "[[]")))


def _may_hold(condition: Line, target: str) -> bool:
    words = condition.words
    if condition.keyword == "host":
        # A second pass asks in lower case, so that what is denied now may hold then.
        denied = target == target.lower() and any(word.startswith("!") and _fits(word[1:], target) for word in words)
        return not denied and any(_fits(word.lower(), target.lower()) for word in words if not word.startswith("!"))
    if len(words) > 1 and words[0].lower() == "originalhost":
        return any(word.startswith("!") or _fits(word.lower(), target.lower()) for word in words[1].split(","))
    return True


def _stamp(path: str) -> tuple[object, ...]:
    try:
        found = Path(path).stat()
    except OSError:
        return (path,)
    return (path, found.st_mtime_ns, found.st_size, found.st_ino, found.st_ctime_ns)
