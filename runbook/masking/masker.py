"""Hides secrets in a stream of bytes, wherever the stream is cut.

Masking happens where bytes enter, before any disk, screen or event sees them. A secret that is split over two
reads must not leak, so the masker holds back the shortest tail that could still become one and gives it out
when it is decided. Every byte that belongs to any occurrence of any form is hidden, also where occurrences
overlap; a run of them becomes one mask. The result depends on the bytes alone and never on how they were cut:
that is the property its tests try to break.

A secret occurs where one of its forms (`forms.py`) stands in one of the stream's readings (`reading.py`): as the bytes
are, blanks and line ends left out, and as they are after escapes were undone. So nothing that is done to the output
later, such as stripping its colours, can bring a secret to light. A short secret is found only as it stands. What no
masker can know is told in `docs/secrets.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from runbook.core.planned.command import MASK, Secret
from runbook.masking.forms import MASKED_FROM, STRONG_FROM, forms_of
from runbook.masking.reading import UNSEEN, Reading, as_it_is, squeezed, undoing
from runbook.problem import Problem

SPREAD = 4096
"""Bytes that may lie between the parts of one occurrence in all, beyond twelve for each of its own."""

_HEAD = 4
"""Bytes that a tail must share with a form before the rest is compared."""

_SHORT = 1024
"""Bytes up to which four of a form are looked for instead of all of it."""

_SIGNS = b"!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~"
"""Punctuation that may stand in a secret, and that somebody may put a backslash before."""


def weak_secrets(secrets: Iterable[Secret]) -> tuple[Problem, ...]:
    """A warning for every secret that is too short to be hidden well."""
    return tuple(_weak(secret) for secret in secrets if len(secret.reveal()) < STRONG_FROM)


class _Needles:
    """Byte sequences to look for in one reading. One by one, because that is faster than one pattern for all."""

    def __init__(self, forms: Iterable[bytes]) -> None:
        self.forms = tuple(sorted(set(forms)))
        self.longest = max(map(len, self.forms), default=0)
        self._heads = tuple(dict.fromkeys(form[:_HEAD] for form in self.forms))
        self._beginnings = {form[:size] for form in self.forms for size in range(1, _HEAD)}

    def found(self, text: bytes) -> list[tuple[int, int]]:
        """Start and end of every occurrence."""
        return [place for form in self.forms if form in text for place in _all(form, text)]

    def may_be_in(self, text: bytes) -> bool:
        """At a glance, whether one is found or begun; true may be wrong, false never is."""
        if text[-1:] in self._beginnings or text[-2:] in self._beginnings or text[-3:] in self._beginnings:
            return True
        end = text
        if len(text) > _SHORT:  # where looking for long bytes is faster than looking for few
            if _has_any(self.forms, text):
                return True
            end = text[-self.longest :]
        return _has_any(self._heads, end)

    def begun(self, text: bytes) -> list[int]:
        """How many bytes of the end are the proper beginning of one; the most first."""
        sizes = {len(tail) for tail in (text[-3:], text[-2:], text[-1:]) if tail in self._beginnings}
        end = text[-self.longest :] if self.longest < len(text) else text
        for form in self.forms:
            head = form[:_HEAD]
            if head not in end:
                continue
            at = text.find(head, max(0, len(text) - len(form) + 1))
            while at >= 0:
                if form.startswith(text[at:]):
                    sizes.add(len(text) - at)
                at = text.find(head, at + 1)
        return sorted(sizes, reverse=True)


def _has_any(forms: Iterable[bytes], text: bytes) -> bool:
    for form in forms:  # noqa: SIM110 - a generator would cost more than the search
        if form in text:
            return True
    return False


def _all(form: bytes, text: bytes) -> Iterator[tuple[int, int]]:
    at = text.find(form)
    while at >= 0:
        yield at, at + len(form)
        at = text.find(form, at + 1)


class _Forms:
    """What is looked for, reading by reading; the same for all streams."""

    def __init__(self, forms: frozenset[bytes]) -> None:
        seen = {form: form.translate(None, UNSEEN) for form in forms}
        self.undoing = undoing(bytes(sorted({*b"".join(forms)} & {*_SIGNS})))
        strong = {bare for bare in seen.values() if len(bare) >= STRONG_FROM}
        deep = {bare for form in forms if len(bare := self._undone(form)) >= STRONG_FROM}
        self._as_it_is = _Needles(form for form, bare in seen.items() if len(bare) < STRONG_FROM)
        self._squeezed = _Needles(strong)
        self._undone_too = _Needles(deep)
        self._only_undone = _Needles(deep - strong)
        longest = max(needles.longest for needles in (self._as_it_is, self._squeezed, self._undone_too))
        self.span = 12 * longest + SPREAD
        """Bytes from the first to the last of the longest occurrence that is looked for."""

    def looked(self, raw: bytes) -> list[tuple[_Needles, Reading]]:
        """What to look for where."""
        bare, undone = squeezed(raw), self.undoing.differs(raw)
        looked = [(self._squeezed, bare)]
        if undone or self._only_undone.forms:
            looked.append((self._undone_too, undone) if undone else (self._only_undone, bare))
        if self._as_it_is.forms:
            looked.append((self._as_it_is, as_it_is(raw)))
        return looked

    def is_clear(self, raw: bytes) -> bool:
        """True where one glance tells that nothing is to be hidden or held; most output is such, and is to be quick."""
        bare = raw.translate(None, UNSEEN)
        if self._squeezed.may_be_in(bare) or (self._as_it_is.forms and self._as_it_is.may_be_in(raw)):
            return False
        if not self.undoing.is_plain(raw):
            if self.undoing.settled(raw, len(raw)) < len(raw):
                return False
            undone = self.undoing.differs(raw)
            if undone is not None:
                return not self._undone_too.may_be_in(undone.text)
        return not (self._only_undone.forms and self._only_undone.may_be_in(bare))

    def _undone(self, form: bytes) -> bytes:
        return self.undoing.read(form).text


class Masker:
    """Masks one stream. Streams do not share one: the held-back tail belongs to its stream."""

    def __init__(self, forms: Iterable[bytes]) -> None:
        """Take the exact byte sequences to hide; see `for_secrets` for the usual way."""
        self._forms = _prepared(frozenset(form for form in forms if form))
        self._held = b""
        self._open = -1
        """End of the masked run that reaches into what is held, counted from its start; -1 when there is none."""

    @classmethod
    def for_secrets(cls, secrets: Iterable[Secret]) -> Masker:
        """A masker for these secrets in all their forms."""
        return cls(form for secret in secrets for form in forms_of(secret.reveal()))

    def fresh(self) -> Masker:
        """One for another stream, with the same forms and nothing held."""
        other = object.__new__(Masker)
        other._forms, other._held, other._open = self._forms, b"", -1
        return other

    def feed(self, data: bytes) -> bytes:
        """Take what arrived, give out what is decided. What stays held is bounded by the longest secret."""
        if self._forms is None:
            return data
        raw = self._held + data
        if self._open < 0 and self._forms.is_clear(raw):
            self._held = b""
            return raw
        return self._advance(raw, final=False)

    def flush(self) -> bytes:
        """The stream has ended: what is held cannot become a secret any more."""
        if self._forms is None:
            return b""
        return self._advance(self._held, final=True)

    def mask_text(self, text: str) -> str:
        """Mask a complete text; the stream's state is neither used nor changed."""
        if self._forms is None:
            return text
        alone = self.fresh()
        try:
            data = text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            # Half a character, as JSON can spell it: no byte stands for it, so a replacement character does.
            data = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
        return (alone.feed(data) + alone.flush()).decode("utf-8", "surrogateescape")

    def _advance(self, raw: bytes, *, final: bool) -> bytes:
        """Give out what is decided of `raw`, which begins with what was held, and hold the rest."""
        looked = self._forms.looked(raw) if self._forms else []
        decided = len(raw) if final else self._decided(raw, looked)
        spans = [reading.span(*place) for needles, reading in looked for place in needles.found(reading.text)]
        return self._release(raw, decided, sorted(span for span in spans if self._fits(span) and span[0] < decided))

    def _decided(self, raw: bytes, looked: list[tuple[_Needles, Reading]]) -> int:
        """Where the longest tail begins that could still become an occurrence."""
        if self._forms is None:
            return len(raw)
        decided = closed = self._forms.undoing.settled(raw, len(raw))
        # What is open at the end may yet be read as the next byte of a secret that has begun before it.
        before = self._forms.looked(raw[:closed]) if closed < len(raw) else []
        for needles, reading in (*looked, *before):
            starts = map(reading.start_of_last, needles.begun(reading.text))
            decided = min(decided, next((start for start in starts if self._fits((start, len(raw)))), decided))
        return self._forms.undoing.settled(raw, decided)

    def _fits(self, span: tuple[int, int]) -> bool:
        return self._forms is not None and span[1] - span[0] <= self._forms.span

    def _release(self, data: bytes, decided: int, spans: list[tuple[int, int]]) -> bytes:
        """Give out `data` up to `decided` and hold the rest. Occurrences that begin before it are complete in it."""
        given: list[bytes] = []
        run_end = self._open
        for start, end in spans:
            if start > run_end:
                given += (data[max(run_end, 0) : start], MASK.encode())
            run_end = max(run_end, end)
        given.append(data[max(run_end, 0) : decided])
        self._held = data[decided:]
        self._open = run_end - decided if run_end >= decided else -1
        return b"".join(given)


@lru_cache(maxsize=16)
def _prepared(forms: frozenset[bytes]) -> _Forms | None:
    """Every stream of every step looks for the same; None when there is nothing to look for."""
    return _Forms(forms) if forms else None


def _weak(secret: Secret) -> Problem:
    shown = "is not hidden at all" if len(secret.reveal()) < MASKED_FROM else "is hidden only where it stands as it is"
    return Problem(
        what=f'secret "{secret.name}" is shorter than {STRONG_FROM} characters',
        why=f"it {shown}; hiding more would blacken ordinary text",
        fix="Use a longer secret.",
        code="weak-secret",
        warning=True,
    )
