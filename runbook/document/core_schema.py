"""What a scalar without quotes means by YAML 1.2's core schema: null, a truth value, a number, or the text that it is.

Apart from the reader of documents, which knows places and limits and no types; inventories have older rules of their
own (`inventory/variable_values.py`).
"""

from __future__ import annotations

import re

from runbook.core.host import Scalar

# YAML 1.2.2, section 10.3.2 (core schema).
_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
# A longer number is no quantity, and Python refuses to convert it past 4300 digits.
_LONGEST_NUMBER = 300


def scalar_of(raw: str) -> Scalar:
    """What an unquoted scalar means by the core schema.

    `.inf` and `.nan` stay text: no quantity in a runbook is either, and JSON has neither.
    """
    if _NULL.fullmatch(raw):
        return None
    if _BOOL.fullmatch(raw):
        return raw.lower() == "true"
    if len(raw) > _LONGEST_NUMBER:
        return raw
    if _INT.fullmatch(raw):
        return int(raw, 0) if raw[:2] in {"0x", "0o"} else int(raw)
    if _FLOAT.fullmatch(raw):
        number = float(raw)
        return raw if number in {float("inf"), float("-inf")} else number
    return raw
