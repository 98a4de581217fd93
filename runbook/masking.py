"""Hides secrets in a stream of bytes, wherever the stream is cut.

Masking happens where bytes enter, before any disk, screen or event sees them. A secret that is split over two
reads must not leak, so the masker holds back the shortest tail that could still become one and gives it out
when it is decided. Every byte that belongs to any occurrence of any form is hidden, also where occurrences
overlap; a run of them becomes one mask. The result depends on the bytes alone and never on how they were cut:
that is the property its tests try to break.

It knows the plain form of a secret and the forms that ordinary tools make of it. It does not know
compression, encryption or a program that prints one character a line; nothing at this seam could.
"""

from __future__ import annotations

import base64
import json
import re
import shlex
import urllib.parse
from collections.abc import Iterable

from runbook.core.command import MASK, Secret
from runbook.problem import Problem

STRONG_FROM = 6
"""Characters from which a secret is hidden in every form. Below, encoded forms would match ordinary text."""

MASKED_FROM = 3
"""Characters from which a secret is hidden at all. A one-letter secret would blacken every line."""


def weak_secrets(secrets: Iterable[Secret]) -> tuple[Problem, ...]:
    """A warning for every secret that is too short to be hidden well."""
    return tuple(_weak(secret) for secret in secrets if len(secret.reveal()) < STRONG_FROM)


class Masker:
    """Masks one stream. Streams do not share one: the held-back tail belongs to its stream."""

    def __init__(self, forms: Iterable[bytes]) -> None:
        """Take the exact byte sequences to hide; see `for_secrets` for the usual way."""
        # Longest first: the pattern then finds at each place the longest form that begins there.
        self._forms = tuple(sorted({form for form in forms if form}, key=lambda form: (-len(form), form)))
        self._pattern = re.compile(b"|".join(re.escape(form) for form in self._forms))
        self._reach = max((len(form) for form in self._forms), default=1) - 1
        self._held = b""
        self._open = -1
        """End of the masked run that reaches into what is held, counted from its start;

        -1 when there is none.
        """

    @classmethod
    def for_secrets(cls, secrets: Iterable[Secret]) -> Masker:
        """A masker for these secrets in all their forms."""
        return cls(form for secret in secrets for form in _forms(secret.reveal()))

    def fresh(self) -> Masker:
        """One for another stream, with the same forms and nothing held."""
        other = object.__new__(Masker)
        other._forms, other._pattern, other._reach = self._forms, self._pattern, self._reach
        other._held, other._open = b"", -1
        return other

    def feed(self, data: bytes) -> bytes:
        """Take what arrived, give out what is decided. At most one form's length less one stays held."""
        if not self._forms:
            return data
        whole = self._held + data
        return self._release(whole, self._undecided_from(whole))

    def flush(self) -> bytes:
        """The stream has ended: what is held cannot become a secret any more."""
        return self._release(self._held, len(self._held))

    def mask_text(self, text: str) -> str:
        """Mask a complete text; the stream's state is neither used nor changed."""
        alone = self.fresh()
        try:
            data = text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            # Half a character, as JSON can spell it: no byte stands for it, so a replacement character does.
            data = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
        return (alone.feed(data) + alone.flush()).decode("utf-8", "surrogateescape")

    def _undecided_from(self, data: bytes) -> int:
        """Where the longest tail begins that is a proper beginning of a form."""
        earliest = len(data)
        for form in self._forms:
            at = data.find(form[:1], max(0, len(data) - len(form) + 1), earliest)
            while at >= 0 and not form.startswith(data[at:]):
                at = data.find(form[:1], at + 1, earliest)
            if at >= 0:
                earliest = at
        return earliest

    def _release(self, data: bytes, decided: int) -> bytes:
        """Give out `data` up to `decided` and hold the rest.

        Occurrences that begin before it are complete in `data`.
        """
        given: list[bytes] = []
        run_end = self._open
        for start, end in self._occurrences(data, decided):
            if start > run_end:
                given += (data[max(run_end, 0) : start], MASK.encode())
            run_end = max(run_end, end)
        given.append(data[max(run_end, 0) : decided])
        self._held = data[decided:]
        self._open = run_end - decided if run_end >= decided else -1
        return b"".join(given)

    def _occurrences(self, data: bytes, decided: int) -> Iterable[tuple[int, int]]:
        found = self._pattern.search(data)
        while found and found.start() < decided:
            yield found.span()
            found = self._pattern.search(data, found.start() + 1)


def _forms(secret: str) -> set[bytes]:
    if len(secret) < MASKED_FROM:
        return set()
    raw = secret.encode("utf-8", "surrogateescape")
    if len(secret) < STRONG_FROM:
        return {raw}
    lines = {line.strip() for line in secret.splitlines()}
    texts = {secret, *_escaped(secret), *(line for line in lines if len(line) >= STRONG_FROM)}
    forms = {text.encode("utf-8", "surrogateescape") for text in texts} | _base64(raw)
    # An escaped form may be shorter than its secret only by error; a short one would match ordinary text.
    return {form for form in forms if len(form) >= STRONG_FROM}


def _escaped(secret: str) -> set[str]:
    """As URLs, JSON, Python and shells write it."""
    urls = {urllib.parse.quote(secret, safe=safe, errors="surrogateescape") for safe in ("", "/", "-_.!~*'()")}
    urls.add(urllib.parse.quote_plus(secret, errors="surrogateescape"))
    lower = {re.sub(r"%[0-9A-F]{2}", lambda hit: hit.group().lower(), url) for url in urls}
    jsons = {json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    jsons |= {text.replace("/", "\\/") for text in jsons}
    shells = {
        shlex.quote(secret).strip("'"),
        secret.replace("'", "'\\''"),
        re.sub(r"([^A-Za-z0-9_./:=@%+,-])", r"\\\1", secret),
        re.sub(r'(["$`\\])', r"\\\1", secret),
    }
    return urls | lower | jsons | shells | {repr(secret)[1:-1]}


def _base64(raw: bytes) -> set[bytes]:
    """For each of the three phases, the part of its encoding that its neighbours do not change."""
    alone = base64.b64encode(raw)
    inner = [_base64_inner(raw, phase) for phase in range(3)]
    return {form.translate(table) for form in (alone, *inner) for table in (None, _URL_SAFE)}


_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def _base64_inner(raw: bytes, phase: int) -> bytes:
    encoded = base64.b64encode(b"\0" * phase + raw).rstrip(b"=")
    # With 1 or 2 foreign bytes before it, the first 2 or 3 characters hold foreign bits; a last character
    # that stands for less than 6 bits of ours holds foreign bits too.
    first = (0, 2, 3)[phase]
    last = len(encoded) - (1 if (phase + len(raw)) % 3 else 0)
    return encoded[first:last]


def _weak(secret: Secret) -> Problem:
    shown = "is not hidden at all" if len(secret.reveal()) < MASKED_FROM else "is hidden only where it stands as it is"
    return Problem(
        what=f'secret "{secret.name}" is shorter than {STRONG_FROM} characters',
        why=f"it {shown}; hiding more would blacken ordinary text",
        fix="Use a longer secret.",
        code="weak-secret",
        warning=True,
    )
