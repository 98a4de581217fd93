"""A secret that somebody wrote into a runbook, or gave as another parameter: its name stands in for it on record.

The plan is recorded whole before anything runs, and what is sent later is made from it, by this runner or the next.
So its texts can be neither kept as they are nor masked for good. Each exact occurrence of a secret becomes a stand-in
that names it, `********{password}`, and stands for it again when the step is sent. Only texts of the plan are restored,
before a value of the run is rendered into them: what a host answered can name no secret.

A form in which a secret cannot be told apart from its surroundings is left as it is; `check` warns of the place.
"""

from __future__ import annotations

import base64
import json
import re
import shlex
import urllib.parse
from collections.abc import Callable, Iterable, Mapping

from runbook.core.planned.command import MASK, Secret
from runbook.masking.forms import STRONG_FROM

_WAYS: Mapping[str, Callable[[str], str]] = {
    "": lambda value: value,
    " as shell": lambda value: shlex.quote(value).removeprefix("'").removesuffix("'"),
    " as json": lambda value: json.dumps(value)[1:-1],
    " as url": lambda value: urllib.parse.quote(value, safe=""),
    " as form": urllib.parse.quote_plus,
    " as base64": lambda value: base64.b64encode(value.encode()).decode(),
}
"""How a text of a plan may hold a secret. On record by these words, so none may ever mean something else."""

_STAND_IN = re.compile(rf"{re.escape(MASK)}\{{([^{{}}]+?)( as [a-z0-9]+)?\}}")


class StandIns:
    """Puts names in the place of secrets, and secrets in the place of names. Short secrets are left alone."""

    def __init__(self, secrets: Iterable[Secret]) -> None:
        """For these secrets; where two are the same, the first one's name stands for both."""
        self._names: dict[str, str] = {}
        self._values: dict[str, str] = {}
        for secret in secrets:
            for way, write in _WAYS.items() if len(secret.reveal()) >= STRONG_FROM else ():
                form = write(secret.reveal())
                self._values[f"{secret.name}{way}"] = form
                self._names.setdefault(form, f"{MASK}{{{secret.name}{way}}}")
        longest_first = sorted(self._names, key=len, reverse=True)
        self._any = re.compile("|".join(map(re.escape, longest_first)) or "(?!)")

    def put_in(self, text: str) -> str:
        """The text with a name wherever a secret stood."""
        return self._any.sub(lambda hit: self._names[hit[0]], text)

    def restored(self, text: str) -> str:
        """The text as it was."""
        return _STAND_IN.sub(lambda hit: self._values.get(f"{hit[1]}{hit[2] or ''}", hit[0]), text)


def has_stand_ins(data: bytes) -> bool:
    """Whether there may be any, in the JSON of a plan."""
    return f"{MASK}{{".encode() in data
