"""What the controller sends to arm a lease and to speak of it later, and how answers are read.

The remote part is `lease.sh` with its two libraries, whose header is the protocol; it is sent with each lease as one
file. This file makes the texts for a session's `run`, and nothing here waits, connects or decides. The scripts that
a lease carries come from `runbook/faults`, which this floor may not see: here they are names and texts.

Arming is one text on standard input. A link that is cut in the middle of it gives the host's shell a plain end of
file, so every text is one compound command, of which half is nothing; and before it arms, it checks the digest of
every file that it wrote.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Literal

import msgspec

Watch = Literal["unit", "pair"]
Mode = Literal["revert", "hold"]
Verb = Literal["prove", "inject", "effect", "renew", "hold", "revert", "present", "state", "disarm"]

PREFIX = "runbook-"
"""What the name of everything that a fault makes begins with; a sweep lifts nothing else."""
_LONGEST = 120
"""Characters of a name: it becomes a unit, a table and part of file names, of which systemd allows 255."""
_FOLDER = Path(__file__).parent
_ANSWER = re.compile(r"^runbook-lease (\S+) ?(.*)$", re.MULTILINE)


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """One fault on one host, and when that host lifts it by itself."""

    own: str
    """The name of everything it makes, from `owned`."""
    directory: str
    """The absolute folder of leases there, from the host's facts."""
    scripts: tuple[tuple[str, str], ...]
    """Names and texts: `inject`, `effect`, `revert`, `present`, and `renew` where the kernel keeps a time of its
    own."""
    seconds: int
    """Without a renewal for so long it is lifted. At least four times what a new login takes."""
    most: int
    """Seconds from arming after which it is lifted whatever was renewed."""
    limit: int = 60
    """Seconds that `inject` and `revert` may take."""
    watch: Watch = "unit"
    mode: Mode = "revert"


class Answer(msgspec.Struct, frozen=True):
    """One line of `lease.sh`. `word` is empty when the host said none: then nothing is known."""

    word: str = ""
    rest: str = ""


def owned(run: str, number: int) -> str:
    """The name of a run's fault, for whatever it makes on a host."""
    safe = re.sub(r"[^A-Za-z0-9]+", "-", run).strip("-")
    return f"{PREFIX}{safe[:_LONGEST]}-{number}"


def arming(lease: Lease) -> str:
    """The text that arms it. Answers `armed WATCH`, or `refused` with `place`, `upload`, `owned`, `room`, `watch`."""
    files = {"lease.sh": _library("lease_state.sh", "lease_watch.sh", "lease.sh"), **dict(lease.scripts)}
    files = {name: text if text.endswith("\n") else f"{text}\n" for name, text in files.items()}
    sums = "".join(f"{_digest(text)}  {name}\n" for name, text in files.items())
    border = f"END_{_digest(sums)[:20]}"
    sent = "".join(f"cat >\"$here/{name}\" <<'{border}'\n{text}{border}\n" for name, text in files.items())
    words = f"{lease.seconds} {lease.most} {lease.limit} {lease.watch} {lease.mode}"
    return _ARMING.format(directory=lease.directory, own=lease.own, sent=sent, border=border, sums=sums, words=words)


def asking(directory: str, own: str, verb: Verb, *words: str) -> str:
    """The text that speaks to a lease. Answers `gone BOOT` where there is none; see `lease.sh` for the others."""
    file = f"{directory}/{own}/lease.sh"
    gone = "read -r boot </proc/sys/kernel/random/boot_id; echo runbook-lease gone $boot"
    return f"if [ -f {file} ]; then exec sh {file} {' '.join((verb, *words))}; else {gone}; fi\n"


def sweeping(directory: str, *words: str) -> str:
    """The text that lists what is ours on a host, or lifts it; see `sweep.sh`."""
    return f"{{\nset -- {' '.join((directory, *words))}\n{_library('sweep.sh')}}}\n"


def answer(output: str) -> Answer:
    """The last answer in what a text printed; all others are greetings of the host, or an older one's."""
    found = _ANSWER.findall(output)
    return Answer(*found[-1]) if found else Answer()


# One compound: a shell that is given only the beginning of it finds no end, and runs nothing of it.
_ARMING = """\
{{
umask 077
dir={directory} here={directory}/.{own}.$$
mkdir -p "$dir" 2>/dev/null
if [ -h "$dir" ] || [ ! -d "$dir" ] || [ ! -O "$dir" ] || ! mkdir "$here"; then
  echo runbook-lease refused place
  exit 1
fi
{sent}cat >"$here/sums" <<'{border}'
{sums}{border}
if ! (cd "$here" && sha256sum -c sums) >/dev/null 2>&1; then
  rm -rf "$here"
  rmdir "$dir" 2>/dev/null
  echo runbook-lease refused upload
  exit 1
fi
exec sh "$here/lease.sh" arm {words}
}}
"""


def _library(*names: str) -> str:
    """Shell files as one, without the comments, which a host need not keep."""
    lines = [line for name in names for line in (_FOLDER / name).read_text("utf-8").splitlines()]
    return "\n".join(line for line in lines if line.strip() and not line.lstrip().startswith("#")) + "\n"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
