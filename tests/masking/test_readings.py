"""A secret that ordinary tools have been at: coloured, wrapped, escaped, dumped; and everything cut anywhere."""

from __future__ import annotations

import base64
import html
import itertools
import json
import shlex
import shutil
import subprocess
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.core.planned.command import MASK, Secret
from runbook.masking.masker import Masker
from runbook.view.sanitize import safe_text

SECRET = "a&b<c>d9/X'y\"z ünd+=%"
BACKSLASH = "pa\\ss\\nw0rd\\"
PLAIN = "hunter22SuperSecret"
LONG = "Zm9vYmFy" * 3 + "k3y-0f-Many_ch4racters/that+fill=more than one line of base64, whatever tool it is!"


def masked(data: bytes, *secrets: str) -> bytes:
    one = Masker.for_secrets(
        [Secret(f"s{number}", value) for number, value in enumerate(secrets or (SECRET, PLAIN, LONG, BACKSLASH))]
    )
    return one.feed(data) + one.flush()


def go(text: str) -> str:
    """As Go's encoding/json does."""
    return (
        json.dumps(text, ensure_ascii=False)[1:-1]
        .replace("&", "\\u0026")
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
    )


def dotnet(text: str) -> str:
    """As System.Text.Json does."""
    return "".join(c if c.isascii() and (c.isalnum() or c in " /=%") else utf16(c) for c in text)


def utf16(char: str) -> str:
    """A character as JavaScript and its relatives escape it, in two parts where it needs two."""
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex().upper()}" for at in range(0, len(units), 2))


ESCAPES: dict[str, Callable[[str], str]] = {
    "go": go,
    "dotnet": dotnet,
    "php": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "json in json": lambda text: json.dumps(json.dumps(text))[3:-3],
    "go in json in json": lambda text: json.dumps(json.dumps(go(text)))[3:-3],
    "html": html.escape,
    "html, some": lambda text: text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"),
    "html, numbers": lambda text: "".join(f"&#{ord(c)};" if not c.isalnum() else c for c in text),
    "html, hex": lambda text: "".join(f"&#x{ord(c):x};" if not c.isalnum() else c for c in text),
    "html twice": lambda text: html.escape(html.escape(text)),
    "url": lambda text: urllib.parse.quote(text, safe=""),
    "url twice": lambda text: urllib.parse.quote(urllib.parse.quote(text, safe=""), safe=""),
    "url in json": lambda text: json.dumps(urllib.parse.quote(text, safe="/'&"))[1:-1],
    "form": urllib.parse.quote_plus,
    "python": lambda text: repr(text)[1:-1],
    "python, ascii": lambda text: ascii(text)[1:-1],
    "python, bytes": lambda text: repr(text.encode())[2:-1],
    "javascript": lambda text: "".join(c if c.isalnum() and c.isascii() else f"\\u{{{ord(c):x}}}" for c in text),
    "c": lambda text: "".join(f"\\{byte:03o}" if not chr(byte).isalnum() or byte > 127 else chr(byte) for byte in text.encode()),
    "hex escapes": lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode()),
    "shell": lambda text: shlex.quote(text).removeprefix("'").removesuffix("'"),
    "shell, one quote": lambda text: text.replace("'", "'\\''"),
    "shell, backslashes": lambda text: "".join(f"\\{c}" if c.isascii() and not c.isalnum() else c for c in text),
    "shell, double quotes": lambda text: text.replace('"', '\\"').replace("$", "\\$"),
    "hex": lambda text: text.encode().hex(),
    "hex, colons": lambda text: text.encode().hex(":").upper(),
    "hex, spaces": lambda text: text.encode().hex(" "),
    "hex, words": lambda text: text.encode().hex(" ", -2),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64, url": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64 in a url": lambda text: urllib.parse.quote(base64.b64encode(text.encode()).decode(), safe=""),
    "base64 in json": lambda text: json.dumps(base64.encodebytes(text.encode()).decode().strip())[1:-1].replace("/", "\\/"),
    "base64, folded header": lambda text: base64.encodebytes(text.encode()).decode().strip().replace("\n", "\r\n  "),
    "letter by letter": "\n".join,
    "capitals": str.upper,
    "small letters": str.lower,
}  # fmt: skip


@pytest.mark.parametrize("escape", ESCAPES.values(), ids=ESCAPES)
@pytest.mark.parametrize("secret", [SECRET, PLAIN, LONG], ids=["odd", "plain", "long"])
def test_a_secret_is_found_whatever_language_escaped_it(secret: str, escape: Callable[[str], str]) -> None:
    assert masked(f'{{"a": "[{escape(secret)}]"}}'.encode()) == f'{{"a": "[{MASK}]"}}'.encode()


@pytest.mark.parametrize(
    "name", ["php", "json in json", "python", "shell", "shell, backslashes", "base64", "url", "hex"]
)
def test_a_secret_with_backslashes_is_found_as_it_is_and_in_common_escapes(name: str) -> None:
    assert masked(f"[{BACKSLASH}]".encode()) == f"[{MASK}]".encode()
    assert masked(f"[{ESCAPES[name](BACKSLASH)}]".encode()) == f"[{MASK}]".encode()


COLOURS = {
    "a colour": "\x1b[0m",
    "grep's": "\x1b[01;31m\x1b[K",
    "a link": "\x1b]8;;https://example.com\x1b\\",
    "a title, ended by BEL": "\x1b]0;title\x07",
    "a character set": "\x1b(B",
    "eight bits": "\x9b1m",
    "a carriage return": "\r",
    "a line end": "\r\n",
    "nothing and a backspace": "\b",
    "NUL": "\0",
    "a zero-width space": "\u200b",
    "a variation selector": "\ufe0f",
    "a byte order mark": "\ufeff",
    "a soft hyphen": "\u00ad",
}


@pytest.mark.parametrize("between", COLOURS.values(), ids=COLOURS)
def test_what_stands_inside_a_secret_and_is_not_seen_does_not_bring_it_to_light(between: str) -> None:
    for at in range(1, len(PLAIN)):
        shown = masked(f"P={PLAIN[:at]}{between}{PLAIN[at:]} end".encode())
        assert shown == f"P={MASK} end".encode()
        assert PLAIN not in safe_text(shown)
    assert masked(f"P={between.join(PLAIN)} end".encode()) == f"P={MASK} end".encode()


def test_a_secret_behind_half_an_escape_sequence_is_hidden_although_a_terminal_would_eat_its_first_letter() -> None:
    assert masked(f"\x1b[{PLAIN}".encode()) == f"\x1b[{MASK}".encode()
    assert masked(f"\x1b]0;{PLAIN}\x07".encode()) == f"\x1b]0;{MASK}\x07".encode()


def test_printed_twice_over_itself_it_is_still_one_word() -> None:
    assert masked("".join(f"{char}\b{char}" for char in PLAIN).encode()) == MASK.encode()
    assert masked("".join(f"_\b{char}" for char in PLAIN).encode()) == f"_\b{MASK}".encode()


TOOLS = {
    "base64": "base64",
    "base64, 64 columns": "base64 -w 64",
    "base64, a line before": "{ echo one; cat; } | base64 -w 20",
    "base64, two bytes before": "{ printf ab; cat; printf z; } | base64",
    "base64, indented": "base64 -w 40 | sed 's/^/    /'",
    "fold": "fold -w 8",
    "od": "od -An -tx1",
    "od, letters": "od -An -c",
    "od, wide": "od -An -v -tx1 -w7",
    "sed": r"sed 's/&/\\u0026/g; s/</\\u003c/g; s/>/\\u003e/g'",
    "carriage returns": "sed 's/$/\\r/'",
}


@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
@pytest.mark.parametrize("secret", [PLAIN, LONG], ids=["plain", "long"])
def test_a_secret_is_found_in_what_the_tools_of_a_host_make_of_it(secret: str, tool: str) -> None:
    said = subprocess.run(["/bin/sh", "-c", tool], input=secret.encode(), capture_output=True, check=True).stdout
    left = masked(said)
    assert MASK.encode() in left
    # A character of base64 that is shared with a neighbour may stay; nothing that tells a byte of the secret does.
    assert len(left.replace(MASK.encode(), b"").strip()) <= 12


@pytest.mark.skipif(not shutil.which("grep"), reason="no grep")
def test_what_grep_colours_is_hidden() -> None:
    command = f"printf 'line {PLAIN} end\n' | grep --color=always {PLAIN[:9]}"
    said = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=True).stdout
    assert b"\x1b[" in said
    assert PLAIN[9:].encode() not in masked(said)


def test_a_short_secret_is_found_as_it_stands_and_makes_no_holes_in_other_text() -> None:
    assert masked(b"x7q x\n7q", "x7q") == MASK.encode() + b" x\n7q"


def test_what_lies_too_far_apart_is_no_occurrence_so_that_little_is_held() -> None:
    one = Masker.for_secrets([Secret("s", PLAIN)])
    given = b"".join(one.feed(b"h" + b"\n" * 1000) for _ in range(100))
    assert len(given) > 100 * 1000 - 12 * 80 - 4096 - 1001


@pytest.mark.parametrize("mark", ["\x1b]0;", "\x1b[", "&", "%", "\\", "'", "\x1bP", "h\b"])
def test_a_sequence_that_never_ends_is_not_held_for_ever(mark: str) -> None:
    one = Masker.for_secrets([Secret("s", PLAIN)])
    given = b"".join(one.feed(mark.encode() * 100) for _ in range(1000))
    assert len(given) > 1000 * 100 * len(mark) - 20_000
    flood = one.feed(mark.encode() + b"1" * 100_000)
    assert len(flood) > 80_000


PIECES = (
    "a", "b", "ab", "\n", " ", "\x1b[m", "\x1b", "[", "\\", "\\u0061", "\\u00", "61", "x62", "&#97;", "&amp;", "#98;", "&",
    "%61", "%25", "%", "62", "'", '"', "\\'", "\b", "_", "\x07", "\x1b]x", "é", "\u200b", "\xc2", "\t",
)  # fmt: skip


@given(
    secrets=st.lists(st.text(alphabet="ab&%\\'", min_size=3, max_size=9), min_size=1, max_size=3),
    pieces=st.lists(st.sampled_from(PIECES), max_size=40),
    cuts=st.lists(st.integers(0, 120), max_size=12),
)
def test_however_it_is_cut_the_same_is_hidden(secrets: list[str], pieces: list[str], cuts: list[int]) -> None:
    one = Masker.for_secrets([Secret(str(number), value) for number, value in enumerate(secrets)])
    data = "".join(pieces).encode()
    edges = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
    stream = one.fresh()
    parts = b"".join([*(stream.feed(data[a:b]) for a, b in itertools.pairwise(edges)), stream.flush()])
    whole = one.fresh()
    assert parts == whole.feed(data) + whole.flush()


# A backslash in a secret makes what escaped it a matter of opinion; the forms that are common are in the table above.
letters = st.characters(exclude_categories=("Cs", "Cc", "Cf", "Mn", "Z"), exclude_characters="\\")
words = st.text(alphabet=letters, min_size=8, max_size=24)
# A word of letters alone is not known in the other case.
steps = st.sampled_from([None, *(escape for escape in ESCAPES.values() if escape not in {str.upper, str.lower})])


@given(
    secret=words.filter(lambda text: len(set(text)) > 4),
    escape=steps,
    gap=st.sampled_from(["", *COLOURS.values()]),
    around=st.tuples(st.text(alphabet="xyz .\n", max_size=9), st.text(alphabet="xyz .\n", max_size=9)),
    size=st.integers(1, 40),
)
def test_no_transformation_and_no_cut_leaves_a_secret_to_be_read(
    secret: str, escape: Callable[[str], str] | None, gap: str, around: tuple[str, str], size: int
) -> None:
    written = escape(secret) if escape else gap.join(secret)
    data = f"{around[0]} {written} {around[1]}".encode()
    one = Masker.for_secrets([Secret("s", secret)])
    left = b"".join([*(one.feed(data[at : at + size]) for at in range(0, len(data), size)), one.flush()])
    assert left == f"{around[0]} {MASK} {around[1]}".encode()
