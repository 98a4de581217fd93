"""No byte of a secret gets through, in any form and however the stream is cut."""

import base64
import itertools
import json
import re
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.core.planned.command import MASK, Secret
from runbook.masking.masker import Masker, weak_secrets

MASK_BYTES = MASK.encode()
PASSWORD = 'pa\'ss "wörd"/+$1'
PEM = "-----BEGIN KEY-----\nabcdefghijklmnop\nqrstuvwxyz012345\n-----END KEY-----\n"


def masker(*values: str) -> Masker:
    return Masker.for_secrets([Secret(f"s{i}", value) for i, value in enumerate(values)])


def whole(fresh: Masker, data: bytes) -> bytes:
    return fresh.feed(data) + fresh.flush()


def cut(fresh: Masker, *parts: bytes) -> bytes:
    return b"".join([*(fresh.feed(part) for part in parts), fresh.flush()])


def test_a_secret_is_masked_at_every_split_into_two_and_three():
    data = b"before " + PASSWORD.encode() + b" after"
    expected = b"before " + MASK_BYTES + b" after"
    one = masker(PASSWORD)
    for first in range(len(data) + 1):
        assert cut(one.fresh(), data[:first], data[first:]) == expected
        for second in range(first, len(data) + 1):
            assert cut(one.fresh(), data[:first], data[first:second], data[second:]) == expected


def test_a_secret_is_masked_when_it_comes_byte_by_byte():
    data = b"x" + PASSWORD.encode() * 2 + b"y"
    assert cut(masker(PASSWORD), *(data[i : i + 1] for i in range(len(data)))) == b"x" + MASK_BYTES + b"y"


def test_what_only_began_like_a_secret_is_given_out_at_the_end():
    one = masker("hunter2hunter2")
    assert (one.feed(b"say hunter2hun"), one.flush()) == (b"say ", b"hunter2hun")


def test_bytes_that_cannot_begin_a_secret_are_not_held_back():
    assert masker("hunter2hunter2").feed(b"nothing of interest\n") == b"nothing of interest\n"


def test_overlapping_secrets_hide_every_byte_of_both():
    assert whole(masker("abcdefgh", "efghijkl"), b"-abcdefghijkl-") == b"-" + MASK_BYTES + b"-"


def test_a_secret_that_begins_another_does_not_leave_the_rest_of_it():
    both = masker("secret", "secret-and-more")
    for at in range(18):
        data = b"[secret-and-more]"
        assert cut(both.fresh(), data[:at], data[at:]) == b"[" + MASK_BYTES + b"]"


FORMS = {
    "plain": PASSWORD,
    "url": urllib.parse.quote(PASSWORD, safe=""),
    "url, lower case": re.sub("%..", lambda hit: hit.group().lower(), urllib.parse.quote(PASSWORD, safe="")),
    "form": urllib.parse.quote_plus(PASSWORD),
    "json": json.dumps(PASSWORD)[1:-1],
    "json, not ascii": json.dumps(PASSWORD, ensure_ascii=False)[1:-1],
    "json, escaped slash": json.dumps(PASSWORD)[1:-1].replace("/", "\\/"),
    "shell, single quotes": PASSWORD.replace("'", "'\"'\"'"),
    "shell, single quotes with backslash": PASSWORD.replace("'", "'\\''"),
    "shell, double quotes": PASSWORD.replace('"', '\\"').replace("$", "\\$"),
    "base64": base64.b64encode(PASSWORD.encode()).decode(),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_form_that_ordinary_tools_make_is_masked(form):
    masked = whole(masker(PASSWORD), f"<{form}>".encode())
    assert masked == b"<" + MASK_BYTES + b">"


@pytest.mark.parametrize("before", range(7))
@pytest.mark.parametrize("after", range(4))
def test_base64_of_a_text_around_the_secret_gives_away_less_than_two_of_its_characters(before, after):
    secret = "correct-horse-battery"
    encoded = base64.b64encode(b"u" * before + secret.encode() + b"v" * after)
    masked = whole(masker(secret), encoded)
    assert MASK_BYTES in masked
    head, tail = masked.split(MASK_BYTES)
    # What stays shares a character with its neighbours: at most 4 bits of the first or last letter.
    assert len(head) <= -(-before * 8 // 6) + 1
    assert len(tail) <= -(-after * 8 // 6) + 4


def test_each_line_of_a_secret_of_many_lines_is_masked():
    assert whole(masker(PEM), b"log: abcdefghijklmnop!\r\nqrstuvwxyz012345\n") == (
        b"log: " + MASK_BYTES + b"!\r\n" + MASK_BYTES + b"\n"
    )


def test_a_secret_of_many_lines_is_masked_as_a_whole_and_the_line_end_behind_it_is_no_secret():
    assert whole(masker(PEM), b"[" + PEM.encode() + b"]") == b"[" + MASK_BYTES + b"\n]"
    assert whole(masker(PEM), " ".join(PEM.splitlines()).encode()) == MASK_BYTES


def test_text_is_masked_without_disturbing_the_stream():
    one = masker("hunter2hunter2")
    given_out = one.feed(b"a hunter2")
    assert one.mask_text("say hunter2hunter2 \udc80") == f"say {MASK} \udc80"
    assert given_out + one.feed(b"hunter2 z") + one.flush() == b"a " + MASK_BYTES + b" z"


def test_without_secrets_everything_passes_at_once():
    assert Masker.for_secrets([]).feed(b"\x00\xffanything") == b"\x00\xffanything"


def test_short_secrets_are_hidden_as_they_stand_and_named():
    short = [Secret("pin", "1234"), Secret("flag", "y"), Secret("good", "long enough")]
    assert whole(Masker.for_secrets(short), b"pin 1234 y") == b"pin " + MASK_BYTES + b" y"
    assert [(w.code, w.warning, w.what) for w in weak_secrets(short)] == [
        ("weak-secret", True, 'secret "pin" is shorter than 6 characters'),
        ("weak-secret", True, 'secret "flag" is shorter than 6 characters'),
    ]


few_letters = st.text(alphabet="ab", min_size=3, max_size=9)


@given(
    secrets=st.lists(few_letters, min_size=1, max_size=4),
    text=st.text(alphabet="abc", max_size=60),
    cuts=st.lists(st.integers(0, 60), max_size=8),
)
def test_the_result_depends_on_the_bytes_and_not_on_the_cuts(secrets, text, cuts):
    """Two letters make overlaps, repetitions and false beginnings common."""
    data = text.encode()
    edges = sorted({0, len(data), *(min(c, len(data)) for c in cuts)})
    parts = [data[a:b] for a, b in itertools.pairwise(edges)]
    one = Masker([secret.encode() for secret in secrets])
    assert cut(one.fresh(), *parts) == whole(one.fresh(), data) == by_definition(secrets, data)


def by_definition(secrets: list[str], data: bytes) -> bytes:
    """Every byte that belongs to any occurrence is hidden; each run of them is one mask."""
    hidden = [False] * len(data)
    for secret in secrets:
        for start in range(len(data) - len(secret) + 1):
            if data[start : start + len(secret)] == secret.encode():
                hidden[start : start + len(secret)] = [True] * len(secret)
    result = b""
    for i, is_hidden in enumerate(hidden):
        if not is_hidden:
            result += data[i : i + 1]
        elif i == 0 or not hidden[i - 1]:
            result += MASK_BYTES
    return result
