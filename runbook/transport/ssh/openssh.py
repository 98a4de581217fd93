"""What `ssh -G` says about a host: OpenSSH's own reading of ssh_config, which is what the user's other tools obey.

A question costs a process of ours, some ten milliseconds, so none is asked in vain: not about a host that no deciding
line could concern, once for all hosts that the same plain blocks name, and never again while the files are the same
(unless a block asks the world: `Match exec`, localnetwork, CanonicalizeHostname). Few are asked at a time. ssh's
refusal is told in its own words, and one that does not come back in time (a `Match exec` that hangs) ends with its
process group. Both are the trouble of the host that was asked about and of no other.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from runbook.problem import Exit, Problem, Problems, Where
from runbook.transport.ssh.config_text import SYSTEM_CONFIGS, Outline, read_outline
from runbook.transport.ssh.own_config import Answer, Question, answer_without_ssh, unsupported_lines

LIMIT = 10.0
"""Seconds that ssh may take to say how a host is reached."""

AT_A_TIME = max(4, 2 * (os.cpu_count() or 1))
"""Questions under way."""

_FILES = frozenset(("userknownhostsfile", "globalknownhostsfile"))


@dataclass(frozen=True, slots=True)
class Sources:
    """What is read for a host, and how ssh is told so."""

    user: Path | None
    system: tuple[str, ...]
    arguments: tuple[str, ...]
    """Words for ssh; none where it reads the same files by itself."""

    @property
    def named(self) -> str:
        """The file to look at, for a message."""
        return str(self.user) if self.user else "ssh_config"


@dataclass(frozen=True, slots=True)
class _Known:
    """One reading of some files, and what was said while they were so."""

    outline: Outline
    stamp: tuple[object, ...]
    answers: dict[tuple[object, ...], Future[Answer]] = field(default_factory=dict)


class SshConfig:
    """Answers for every host of a connector; may be asked by many threads at once."""

    def __init__(self, program: str | None = None, limit: float = LIMIT) -> None:
        """Take the ssh to ask (None looks for one, "" has none) and the seconds that it may take."""
        self._program = (shutil.which("ssh") or "") if program is None else program
        self._limit = limit
        self._turns = threading.BoundedSemaphore(AT_A_TIME)
        self._lock = threading.Lock()
        self._known: dict[Sources, _Known] = {}
        self._defaults: Mapping[str, tuple[str, ...]] | None = None
        self._running: set[subprocess.Popen[bytes]] = set()

    def answer(self, question: Question) -> Answer:
        """What the configuration says about a host, without what is ssh's default anyway. Blocks.

        Raises:
            Problems: Code `ssh-config`: the files cannot be used for this host.
        """
        sources = sources_of(question)
        known = self._reading(sources)
        naming = known.outline.naming(question.target)
        if not naming and not known.outline.opaque and not question.options:
            return Answer({})
        if not self._program:
            return answer_without_ssh(known.outline, question)
        shared = known.outline.is_shared(question.target, naming)
        key = (naming, question.options) if shared else question
        if not known.outline.is_lasting():
            return self._asked(question, sources, known.outline, shared=shared)
        return self._once(known, (key,), lambda: self._asked(question, sources, known.outline, shared=shared))

    def unsupported(self, question: Question) -> tuple[str, ...]:
        """Lines that have no effect because there is no ssh to ask; none where there is one."""
        if self._program:
            return ()
        return unsupported_lines(self._reading(sources_of(question)).outline)

    def close(self) -> None:
        """End what is still being asked."""
        with self._lock:
            running = tuple(self._running)
        for process in running:
            _end(process)

    def _reading(self, sources: Sources) -> _Known:
        with self._lock:
            known = self._known.get(sources)
            if known is None or known.stamp != known.outline.stamp():
                outline = read_outline(sources.user, sources.system, Path.home())
                known = self._known[sources] = _Known(outline, outline.stamp())
            return known

    def _once(self, known: _Known, key: tuple[object, ...], ask: Callable[[], Answer]) -> Answer:
        """Ask unless it was asked before, or is being asked by another thread. A failure is not kept."""
        mine: Future[Answer] = Future()
        with self._lock:
            first = known.answers.setdefault(key, mine)
        if first is not mine:
            return first.result()
        try:
            mine.set_result(ask())
        except BaseException as error:
            with self._lock:
                known.answers.pop(key, None)
            mine.set_exception(error)
            raise
        return mine.result()

    def _asked(self, question: Question, sources: Sources, outline: Outline, *, shared: bool) -> Answer:
        words = (*sources.arguments, *_options(question), *(() if shared else _particulars(question)))
        with self._turns:
            said = self._said((*words, "--", question.target), sources, question, outline)
        defaults = self._baseline(question, sources, outline)
        values = {key: value for key, value in said.items() if value != defaults.get(key)}
        if said.get("hostname") == (question.target.lower(),):
            values.pop("hostname", None)
        return Answer(values, outline.file_naming(question.target))

    def _baseline(self, question: Question, sources: Sources, outline: Outline) -> Mapping[str, tuple[str, ...]]:
        """What this ssh says where no file says anything."""
        if self._defaults is None:
            self._defaults = self._said(("-F", "none", "--", "localhost"), sources, question, outline)
        return self._defaults

    def _said(
        self, words: tuple[str, ...], sources: Sources, question: Question, outline: Outline
    ) -> Mapping[str, tuple[str, ...]]:
        with tempfile.TemporaryFile() as errors:
            # Errors go to a file: what a `Match exec` has left running would hold a pipe open.
            try:
                status, out = self._run((self._program, "-G", "-T", *words), errors)
            except OSError as error:
                raise _refused(question, sources, error.strerror or str(error)) from error
            except subprocess.TimeoutExpired as expired:
                raise _hangs(question, sources, outline, self._limit) from expired
            if status:
                errors.seek(0)
                said = errors.read().decode("utf-8", "replace").split("\n")
                why = "; ".join(line.strip() for line in said if line.strip())
                raise _refused(question, sources, why or f"ssh -G ended with {status}")
        return _parsed(out.decode("utf-8", "surrogateescape"))

    def _run(self, words: tuple[str, ...], errors: IO[bytes]) -> tuple[int, bytes]:
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, start_new_session=True
        )
        with self._lock:
            self._running.add(process)
        try:
            out, _ = process.communicate(timeout=self._limit)
        finally:
            _end(process)
            with self._lock:
                self._running.discard(process)
        return process.returncode, out


def sources_of(question: Question) -> Sources:
    """The files for a host, as ssh would choose them; with HOME elsewhere, the .ssh of that folder.

    Raises:
        Problems: A file that is named does not exist.
    """
    if question.config == "none":
        return Sources(None, (), ("-F", "none"))
    if question.config:
        path = Path(question.config).expanduser()
        if not path.is_file():
            raise _unusable(question, str(path), "there is no such file")
        return Sources(path, (), ("-F", str(path)))
    own = Path.home() / ".ssh" / "config"
    if Path.home() == _account_home():
        return Sources(own, SYSTEM_CONFIGS, ())
    if own.is_file():
        return Sources(own, (), ("-F", str(own)))
    return Sources(None, (), ("-F", "none"))


def _account_home() -> Path:
    """Where ssh looks, whatever HOME says."""
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return Path.home()


def _options(question: Question) -> tuple[str, ...]:
    return tuple(word for option in question.options for word in ("-o", option))


def _particulars(question: Question) -> tuple[str, ...]:
    """What is certain about a host already, on which blocks may depend."""
    words: list[str] = []
    if question.user:
        words += ["-l", question.user]
    if question.port:
        words += ["-p", str(question.port)]
    if question.alias:
        words += ["-o", f"HostKeyAlias={question.alias}"]
    if question.jump:
        words += ["-o", f"ProxyJump={question.jump}"]
    return tuple(words)


def _parsed(text: str) -> Mapping[str, tuple[str, ...]]:
    """Keyword to its values; a list of files comes on one line."""
    values: dict[str, tuple[str, ...]] = {}
    for line in text.split("\n"):
        keyword, _, value = line.partition(" ")
        found = _files(value) if keyword in _FILES else (value,)
        values[keyword] = values.get(keyword, ()) + found
    return values


def _files(text: str) -> tuple[str, ...]:
    """Files as ssh prints them: without quotes, so that a word which begins no path belongs to the one before."""
    names: list[str] = []
    for word in text.split(" "):
        if names and not word.startswith(("/", "~", "%", "$")):
            names[-1] += f" {word}"
        else:
            names.append(word)
    return tuple(names)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a question and what it has started."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.communicate()


def _refused(question: Question, sources: Sources, why: str) -> Problems:
    return _unusable(question, sources.named, why)


def _hangs(question: Question, sources: Sources, outline: Outline, limit: float) -> Problems:
    programs = [str(line) for line in outline.conditions if "exec" in map(str.lower, line.words)]
    why = f"`ssh -G {question.target}` did not end within {limit:g} s"
    running = f"; it may be waiting for {' or '.join(programs)}" if programs else ""
    return _unusable(question, sources.named, f"{why}{running}")


def _unusable(question: Question, where: str, why: str) -> Problems:
    said = Problem(
        what=f"the SSH configuration of {question.name} cannot be used",
        why=why,
        fix=f"Correct it until `ssh -G {question.target}` answers, or give the host its own file with -F "
        "(ansible_ssh_common_args).",
        where=Where(where),
        code="ssh-config",
        exit=Exit.UNREACHABLE,
    )
    return Problems([said])
