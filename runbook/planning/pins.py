"""Pinning the files that a run sends: what they hold when they are shown is what is sent, and nothing else.

A file that does not exist yet, or that an earlier step downloads, is made by the run, so its step waits for it as it
would for a registered value: it is pinned, and shown, when the step is entered. Nothing is read into memory and no
content is kept; whoever sends a file compares it again with what stands here.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from runbook.core.planned.action import Action, DownloadAction, SentFile, UploadAction
from runbook.transport.local.files import Measured, here, measured_at
from runbook.transport.local.trees import base_of, files_at, is_many, tree_at

Found = Measured | tuple[SentFile, ...]
"""What was measured: one file, or many."""


class Pins:
    """The files of one plan, each looked at once, however many hosts it is for."""

    def __init__(self, folder: Path) -> None:
        """Relative paths start at that folder."""
        self._folder = folder
        self._found: dict[str, Found] = {}
        self._made: set[str] = set()

    def on(self, action: Action, *, keeps_mode: bool) -> Action:
        """A rendered action with what its file holds; as it is when it sends none, or none is there.

        Raises:
            Problems: There is something that cannot be sent.
        """
        if not isinstance(action, UploadAction):
            return action
        path = here(self._folder, action.src)
        if self._is_made_later(path, action.src):
            return action
        if action.src not in self._found:
            self._found[action.src] = files_at(path, action.src) if is_many(path, action.src) else measured_at(path)
        return pinned(action, self._found[action.src], keeps_mode=keeps_mode)

    def is_missing(self, src: str) -> bool:
        """True for what is not there, and what no step before downloads."""
        path = here(self._folder, src)
        return not self._is_filled(path, src) and _is_absent(path, src)

    def _is_made_later(self, path: Path, src: str) -> bool:
        """What is not there yet, or holds what an earlier step downloads."""
        return self._is_filled(path, src) or _is_absent(path, src)

    def _is_filled(self, path: Path, src: str) -> bool:
        if not is_many(path, src):
            return os.path.normpath(path) in self._made
        base = path if path.is_dir() else base_of(path, src)
        return any(Path(made).is_relative_to(os.path.normpath(base)) for made in self._made)

    def made_by(self, action: Action, hosts: Iterable[str]) -> None:
        """A download makes its file anew, so what an earlier run left in that place is not what will be sent."""
        if isinstance(action, DownloadAction):
            dest, name = here(self._folder, action.dest), PurePosixPath(action.src).name
            landings = (dest, dest / name, *(dest / host / name for host in hosts))
            self._made |= {os.path.normpath(path) for path in landings}


def _is_absent(path: Path, src: str) -> bool:
    """A folder that may not be looked into has no file for us either."""
    if not is_many(path, src):
        return not os.path.exists(path)  # noqa: PTH110 - as it says
    return not (path.is_dir() or tree_at(path, src).names)


def pinned(action: UploadAction, found: Found, *, keeps_mode: bool) -> UploadAction:
    """The action of the file, or the files, that were measured.

    `keeps_mode` where the destination gets the source's mode unless the step names one: it is part of what is shown.
    Of many files each has its own.
    """
    if isinstance(found, tuple) and not isinstance(found, Measured):
        lines = "".join(f"{one.sha256}  {one.path}\n" for one in found)
        digest = hashlib.sha256(lines.encode()).hexdigest()
        return action.pinned(size=sum(one.size for one in found), sha256=digest, mode="", files=found)
    mode = f"{found.mode:04o}" if keeps_mode else ""
    return action.pinned(size=found.content.size, sha256=found.content.sha256, mode=mode)


def missing(actions: Iterable[Action]) -> frozenset[str]:
    """What such actions still wait for, in words."""
    return frozenset(f"file {one.src}" for one in actions if isinstance(one, UploadAction) and not one.sha256)
