"""What sudo's words mean, and what to do about them. No I/O.

sudo says why it refuses, and an operator should read that and not our paraphrase. What it does not say is whose
password it has asked for, whether the password was at fault at all, and what would help; that is what this file knows.
Sources: sudo(8) and sudoers(5) 1.9; sudo-rs 0.2; pam_unix(8), pam_faillock(8).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_EXPIRED = re.compile(r"expired", re.IGNORECASE)

_SCRIPT = re.compile(r"'/bin/sh -c [^']*'")
"""Our own words in sudo's."""

_LONGEST = 200
"""Characters of one of its lines."""

_RIGHT = re.compile(
    r"not allowed|not in the sudoers|may not run|can't do that|must have a tty|expired|not permitted", re.IGNORECASE
)
"""Said only once the password was taken: sudo tells nobody what they may do before it knows who asks."""

_BY = "with --ask-become-pass (-K) or ansible_become_password"

_REMEDIES = (
    (
        r"password is required|terminal is required|interaction is required|authentication.* required",
        f"give the password {_BY}, or allow a shell without one in sudoers: {{asker}} ALL=({{user}}) NOPASSWD: /bin/sh",
    ),
    (r"must have a tty", "add to sudoers: Defaults:{asker} !requiretty"),
    (r"expired", "log in there and set a new one with passwd"),
    (r"locked", "let somebody with another account unlock it there (faillock --user {whose} --reset)"),
    (
        r"not allowed|not in the sudoers|may not run|can't do that|not permitted",
        "steps become somebody else by way of a shell; add to sudoers: {asker} ALL=({user}) /bin/sh",
    ),
    (r"unknown user|user .* not found", "correct become_user or ansible_become_user"),
    (r"sudo: (?:not found|command not found|inaccessible)|no such file", "install sudo there"),
)


@dataclass(frozen=True, slots=True)
class Said:
    """What came out of one sudo."""

    lines: tuple[str, ...]
    """Behind the answer to its prompt, where it was answered; printable."""
    whose: str = ""
    """Whose password it wanted; empty where it did not ask."""
    asker: str = ""
    """Who ran it."""

    @property
    def last(self) -> str:
        """Its last line."""
        return self.lines[-1] if self.lines else ""

    @property
    def is_over(self) -> bool:
        """It goes on to ask for something else, in a prompt that is not ours."""
        return any(_EXPIRED.search(line) for line in self.lines[:-1])

    @property
    def is_right(self) -> bool:
        """The password was taken, and something else is wrong."""
        return any(_RIGHT.search(line) for line in self.lines)


def refusal(said: Said, user: str, login: str) -> str:
    """Why there is no shell of `user` for `login`: sudo's words, whose password it was about, and what to do."""
    words = next((line for line in said.lines if _remedy(line)), said.last)
    asker = said.asker or login or "USER"
    fix = _remedy(words).format(asker=asker, user=user, whose=said.whose or asker)
    words = _SCRIPT.sub("/bin/sh", words)[:_LONGEST].removeprefix("sudo: ").rstrip(".") or "it ended without a word"
    if said.whose and not said.is_right:
        setting = f" and not of {asker} (rootpw, targetpw or runaspw in sudoers)" if said.whose != said.asker else ""
        words = f"it asked for the password of {said.whose}{setting}, and refused the one given: {words}"
        fix = fix or f"give the right one {_BY}"
    return f"sudo: {words}{f'; {fix}' if fix else ''}"


def _remedy(line: str) -> str:
    return next((fix for pattern, fix in _REMEDIES if re.search(pattern, line, re.IGNORECASE)), "")
