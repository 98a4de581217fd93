"""From bytes to the text that a YAML document may be: UTF-8, and no character that YAML forbids.

Apart from the reader, because what it refuses is refused before any parser sees the document.
"""

from __future__ import annotations

import re

from runbook.problem import Where, problem

# The characters that YAML 1.2.2, section 5.1, does not allow in a stream.
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def yaml_text(data: bytes, file: str) -> str:
    """The document's text; `file` is the name that problems give as their place.

    Raises:
        Problems: `bad-encoding` or `bad-character`, with the line and column of the first.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        where = _place(data[: error.start].decode("utf-8", "replace"), file)
        why = (
            "a UTF-16 byte order mark" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else f"byte 0x{data[error.start]:02x}"
        )
        raise problem(
            "not UTF-8 text", why=why, fix="Save the file as UTF-8.", where=where, code="bad-encoding"
        ) from error
    odd = _FORBIDDEN.search(text)
    if odd:
        where = _place(text[: odd.start()], file)
        what = f"control character U+{ord(odd.group()):04X}"
        raise problem(
            what, why="YAML allows none", fix="Remove it, or escape it in quotes.", where=where, code="bad-character"
        )
    return text


def _place(before: str, file: str) -> Where:
    return Where(file, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
