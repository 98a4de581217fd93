"""What a task returned, as the record can hold it: JSON, and bounded.

Tasks return what suits their authors: numbers, lists, the result of a command. What JSON has a word for is kept, and
what it has none for is named and left out, because half a value would be tested as if it were the whole.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from datetime import date, time
from pathlib import PurePath
from typing import Any

from runbook.steps.fabric.talk import LARGEST_VALUE, Done

_RESULT = ("command", "exited", "ok", "stdout", "stderr")
"""Of the result of `c.run`."""
_TRANSFER = ("local", "remote")
"""Of the result of `c.put` and `c.get`."""


def done(value: object) -> Done:
    """The ending of a task that returned this."""
    if value is None:
        return Done()
    try:
        text = json.dumps(value, default=_plain, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        return Done(unkept=f"what it returned is not kept: {error}")
    text = text.encode("utf-8", "replace").decode()
    if len(text.encode()) > LARGEST_VALUE:
        return Done(unkept=f"it returned more than the {LARGEST_VALUE // 1024} KiB that are kept of a value")
    return Done(value=text)


def _plain(value: Any) -> object:
    """What JSON has no word for, in words that it has.

    Raises:
        TypeError: There are none.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, date | time):
        return value.isoformat()
    for names in (_RESULT, _TRANSFER):
        if _has(value, names):
            return {name: getattr(value, name) for name in names}
    raise TypeError(f"JSON has no word for {type(value).__name__}")


def _has(value: object, names: Iterable[str]) -> bool:
    return type(value).__name__ == "Result" and all(hasattr(value, name) for name in names)
