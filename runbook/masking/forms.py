r"""The forms of a secret: what ordinary tools make of it, as exact bytes.

Only what is worth a form of its own stands here: encodings that are made of the whole secret (base64, hex) and writings
in which one sign stands for another (`+` for a space). Escapes that concern one character at a time (`\u003c`, `&lt;`,
`%3C`, `\/`) are undone by `reading.py`, in whatever mixture a tool writes them; the few that stand here as well are
those in which undoing is ambiguous, because the secret itself has a backslash, an ampersand or a percent sign in it.

What no form can be made for is named in `docs/secrets.md`: encryption, hashes, compression, another order.
"""

from __future__ import annotations

import base64
import json
import re
import shlex
import urllib.parse

STRONG_FROM = 6
"""Characters from which a secret is hidden in every form. Below, encoded forms would match ordinary text."""

MASKED_FROM = 3
"""Characters from which a secret is hidden at all. A one-letter secret would blacken every line."""

_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def forms_of(secret: str) -> frozenset[bytes]:
    """Every form of a secret, itself among them; itself alone when it is short, nothing when it is hardly there."""
    if len(secret) < MASKED_FROM:
        return frozenset()
    raw = secret.encode("utf-8", "surrogateescape")
    if len(secret) < STRONG_FROM:
        return frozenset({raw})
    lines = {line.strip() for line in secret.splitlines()}
    # Of an ordinary word the other case is an ordinary word too.
    cases = set() if secret.isalpha() else {secret.upper(), secret.lower()}
    texts = {secret, *cases, *_escaped(secret), *(line for line in lines if len(line) >= STRONG_FROM)}
    forms = {text.encode("utf-8", "surrogateescape") for text in texts} | _base64(raw) | _hex(raw)
    # An escaped form may be shorter than its secret only by error; a short one would match ordinary text.
    return frozenset(form for form in forms if len(form) >= STRONG_FROM)


def _escaped(secret: str) -> set[str]:
    """As URLs, JSON, Python and shells write it."""
    urls = {urllib.parse.quote(secret, safe=safe, errors="surrogateescape") for safe in ("", "/", "-_.!~*'()")}
    urls.add(urllib.parse.quote_plus(secret, errors="surrogateescape"))
    lower = {re.sub(r"%[0-9A-F]{2}", lambda hit: hit.group().lower(), url) for url in urls}
    jsons = {json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    jsons |= {json.dumps(text, ensure_ascii=False)[1:-1] for text in jsons}
    jsons |= {text.replace("/", "\\/") for text in jsons}
    shells = {
        shlex.quote(secret).strip("'"),
        secret.replace("'", "'\\''"),
        re.sub(r"([^A-Za-z0-9_./:=@%+,-])", r"\\\1", secret),
        re.sub(r'(["$`\\])', r"\\\1", secret),
    }
    return urls | lower | jsons | shells | {repr(secret)[1:-1], ascii(secret)[1:-1]}


def _base64(raw: bytes) -> set[bytes]:
    """For each of the three phases, the part of its encoding that its neighbours do not change."""
    alone = base64.b64encode(raw)
    inner = [_base64_inner(raw, phase) for phase in range(3)]
    return {form.translate(table) for form in (alone, *inner) for table in (None, _URL_SAFE)}


def _base64_inner(raw: bytes, phase: int) -> bytes:
    encoded = base64.b64encode(b"\0" * phase + raw).rstrip(b"=")
    # With 1 or 2 foreign bytes before it, the first 2 or 3 characters hold foreign bits; a last character
    # that stands for less than 6 bits of ours holds foreign bits too.
    first = (0, 2, 3)[phase]
    last = len(encoded) - (1 if (phase + len(raw)) % 3 else 0)
    return encoded[first:last]


def _hex(raw: bytes) -> set[bytes]:
    """As `xxd`, `od` and `openssl` print it; the spaces that some put between are not read."""
    plain = {raw.hex(), raw.hex(":")}
    return {text.encode() for text in plain | {text.upper() for text in plain}}
