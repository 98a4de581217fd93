"""Checkpoints that were signed while the run went on, against the lines that the journal has now."""

from __future__ import annotations

from pathlib import Path

import msgspec

from runbook.problem import Problems
from runbook.record.checking.roots import Roots
from runbook.record.checking.soundness import Examined, Soundness
from runbook.record.form.codec import Tip
from runbook.record.sealing.checkpoint import NAME, Checkpoint, read_checkpoint
from runbook.record.sealing.manifest import CHECKPOINTS, content
from runbook.record.sealing.signing import CHECKPOINT, Standing, judge

_BELIEVED = (Standing.GOOD, Standing.UNKNOWN)


class _Point(msgspec.Struct, frozen=True):
    name: str
    said: Checkpoint
    signature: bytes


class CheckpointsCheck:
    """Every checkpoint names a line that is there, with the hash that it has."""

    def __init__(self, folder: Path, roots: Roots) -> None:
        """Read them all; there are a few for each hour of a run."""
        self._roots = roots
        self._wrong: Examined | None = None
        self._points = [point for name in _names(folder) if (point := self._read(folder, name)) is not None]
        self._wanted = {point.said.lines for point in self._points}
        self._heads: dict[int, str] = {}

    def see(self, tip: Tip) -> None:
        """Keep the hash of a line that some checkpoint names."""
        if tip.seq in self._wanted:
            self._heads[tip.seq] = tip.prev

    def check(self, run: str, lines: int) -> Examined:
        """Hold each against the journal, whose good lines are so many."""
        for point in sorted(self._points, key=lambda point: point.said.lines):
            self._hold(point, run, lines)
        if self._wrong is not None:
            return self._wrong
        detail = f"{len(self._points)} checkpoints that were signed while it went on hold"
        none = "No checkpoint was signed while it went on"
        return Examined(name="checkpoints", finding=Soundness.OK, detail=detail if self._points else none)

    def _hold(self, point: _Point, run: str, lines: int) -> None:
        judged = judge(point.signature, point.said.text, CHECKPOINT, self._roots.trust, "")
        where = f"The checkpoint of line {point.said.lines}"
        if not point.signature:
            self._blame(Soundness.NOTE, f"{where} has no signature, as after a crash", "unsigned-checkpoint")
        elif judged.standing is Standing.FALSE:
            self._blame(Soundness.ALTERED, f"{where} was changed: {judged.why}", "false-checkpoint")
        elif point.said.run != run:
            self._blame(Soundness.ALTERED, f"{where} is of another run", "false-checkpoint")
        elif point.said.lines > lines:
            detail = f"{where} was signed, and there are {lines} good lines"
            self._blame(Soundness.ALTERED, detail, "cut-behind-checkpoint", lines + 1)
        elif self._heads.get(point.said.lines) != point.said.head:
            detail = f"{where} was signed with another hash than that line has"
            self._blame(Soundness.ALTERED, detail, "made-anew", point.said.lines)
        elif judged.standing not in _BELIEVED:
            self._blame(Soundness.NOTE, f"{where}: {judged.why}", "foreign-checkpoint")

    def _read(self, folder: Path, name: str) -> _Point | None:
        try:
            said = read_checkpoint(content(folder, name, 1024) or b"")
            return _Point(name, said, content(folder, f"{name}.sig", 64 * 1024) or b"")
        except (ValueError, UnicodeDecodeError, Problems) as error:
            self._blame(Soundness.ALTERED, f"{name} is no checkpoint: {error}", "false-checkpoint")
            return None

    def _blame(self, finding: Soundness, detail: str, kind: str, line: int = 0) -> None:
        if self._wrong is None or finding > self._wrong.finding:
            self._wrong = Examined(name="checkpoints", finding=finding, detail=detail, line=line, kind=kind)


def _names(folder: Path) -> list[str]:
    place = folder / CHECKPOINTS
    found = [f"{CHECKPOINTS}/{path.name}" for path in place.iterdir()] if place.is_dir() else []
    return sorted(name for name in found if NAME.fullmatch(name))
