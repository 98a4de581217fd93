"""Who but us could put another record in the place of one that a run writes.

A folder says who may rename what lies in it, so every folder from the recordings up to the root is looked at. One that
others may write to is a mistake of a mode, mended with `chmod`, and nothing is begun there. One that belongs to
somebody else is a choice (a container, a shared host): its owner could replace a record, so that is said, and put on
record. Sticky folders of our own or of root's, such as /tmp, are safe: others may add there and not rename what is
ours. A group that has nobody in it but us is no other, which is how many systems set people up.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from pathlib import Path

from runbook.problem import Exit, Problem, Where

OPEN = "recordings-open"
"""The code of a folder that others may write to."""


def concerns(recordings: Path) -> tuple[Problem, ...]:
    """What is wrong with the folders around records, the nearest first; those with an exit are refused by `create`.

    A folder that is not there yet is made 0700, so only those above it are looked at.
    """
    place = recordings.resolve()
    return tuple(
        found
        for folder in (place, *place.parents)
        if (state := _state(folder)) is not None and (found := _concern(folder, state)) is not None
    )


def _state(folder: Path) -> os.stat_result | None:
    try:
        return folder.stat()
    except OSError:
        return None


def _concern(folder: Path, state: os.stat_result) -> Problem | None:
    is_ours = state.st_uid in {os.geteuid(), 0}
    if not is_ours:
        return Problem(
            what=f"{folder} belongs to {_person(state.st_uid)}",
            why="who owns a folder can replace what lies in it, and so the record of a run",
            fix="Keep recordings where every folder above them is yours or root's.",
            where=Where(str(folder)),
            code="recordings-foreign",
            warning=True,
        )
    who = _who_else(folder, state)
    if not who or state.st_mode & stat.S_ISVTX:
        return None
    return Problem(
        what=f"{folder} can be written to by {who}",
        why="they could put another record in the place of one that a run writes",
        fix=f"Run: chmod go-w {folder}",
        where=Where(str(folder)),
        code=OPEN,
        exit=Exit.REFUSED,
    )


def _who_else(folder: Path, state: os.stat_result) -> str:
    """Who may write there besides the owner, in words; empty when nobody."""
    if state.st_mode & stat.S_IWOTH:
        return "everybody"
    if state.st_mode & stat.S_IWGRP and (_has_list(folder) or _has_others(state.st_gid)):
        return f"the group {_group(state.st_gid)}"
    return ""


def _has_list(folder: Path) -> bool:
    """Whether an access list names more people; its mask is what the group's bits show then (acl(5))."""
    try:
        return "system.posix_acl_access" in os.listxattr(folder)
    except (AttributeError, OSError):
        return False


def _has_others(gid: int) -> bool:
    """Whether a group has anybody in it who is neither we nor root."""
    ours = {os.geteuid(), 0}
    try:
        named = grp.getgrgid(gid).gr_mem
    except KeyError:
        named = []
    people = [person for person in pwd.getpwall() if person.pw_gid == gid or person.pw_name in named]
    known = {person.pw_name for person in people}
    return any(person.pw_uid not in ours for person in people) or any(name not in known for name in named)


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _person(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
