"""What the YAML reader accepts, where it says things are, and what it refuses."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.document.source import Limits, ListNode, MapNode, ScalarNode, parse_source, plain, read_source
from runbook.problem import Problems, Where


def read(text: str) -> object:
    return plain(parse_source(text.encode(), "t.yaml").root)


def refusal(data: str | bytes, **limits: int) -> tuple[str, str]:
    with pytest.raises(Problems) as caught:
        parse_source(data if isinstance(data, bytes) else data.encode(), "t.yaml", limits=Limits(**limits))
    [problem] = caught.value.problems
    return problem.code, str(problem.where)


def test_every_key_and_value_knows_its_line_and_column() -> None:
    root = parse_source(b"a:\n  - x\n  - {b: 2}\n", "t.yaml").root
    assert isinstance(root, MapNode)
    [entry] = root.entries
    assert (entry.name, entry.key.where) == ("a", Where("t.yaml", 1, 1))
    assert isinstance(entry.value, ListNode)
    first, second = entry.value.items
    assert first == ScalarNode(where=Where("t.yaml", 2, 5), value="x", raw="x")
    assert isinstance(second, MapNode)
    assert second.entries[0].value.where == Where("t.yaml", 3, 9)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("No", "No"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("12", 12),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".inf", ".inf"),
        ("2026-11-01", "2026-11-01"),
        ('"12"', "12"),
        ("!!str 12", "12"),
        ("!vault abc", "abc"),
        ("9" * 400, "9" * 400),
        ("1e999", "1e999"),
    ],
)
def test_scalars_follow_the_core_schema_of_yaml_1_2(text: str, value: object) -> None:
    assert read(f"k: {text}\n") == {"k": value}


def test_the_key_on_is_text_and_not_a_boolean() -> None:
    assert read("on: web\n") == {"on": "web"}


def test_an_unknown_tag_is_kept_for_the_reader_to_judge() -> None:
    root = parse_source(b"k: !vault |\n  abc\n", "t.yaml").root
    assert isinstance(root, MapNode)
    value = root.entries[0].value
    assert isinstance(value, ScalarNode)
    assert (value.tag, value.value) == ("!vault", "abc\n")


def test_aliases_and_merge_keys_are_expanded_and_own_keys_win() -> None:
    text = "base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\nlist: [*b]\n"
    assert read(text) == {"base": {"x": 1, "y": 2}, "use": {"y": 3, "x": 1}, "list": [{"x": 1, "y": 2}]}


def test_an_empty_document_is_a_null() -> None:
    assert read("") is None
    assert read("# only a comment\n") is None


@pytest.mark.parametrize(
    ("data", "code", "where"),
    [
        ("a: 1\nb: 2\na: 3\n", "duplicate-key", "t.yaml:3:1"),
        ("a:\n\t- x\n", "tab", "t.yaml:2:1"),
        ("a: [1, 2\n", "bad-yaml", "t.yaml:1:4"),
        ("a: b: c\n", "bad-yaml", "t.yaml:1:5"),
        ("a: @x\n", "bad-yaml", "t.yaml:1:4"),
        ("command: {{ x }}\n", "unquoted-template", "t.yaml:1:10"),
        ("? {b: 1}\n: 2\n", "bad-key", "t.yaml:1:3"),
        ("a: 1\n---\nb: 2\n", "several-documents", "t.yaml:2:1"),
        ("a: *gone\n", "bad-alias", "t.yaml:1:4"),
        ("a: &a [*a]\n", "bad-alias", "t.yaml:1:8"),
        ("a: {<<: 3}\n", "bad-merge", "t.yaml:1:9"),
        (b"a: 1\nb: \xff\n", "bad-encoding", "t.yaml:2:4"),
        ("a: 1\n".encode("utf-16"), "bad-encoding", "t.yaml:1:1"),
        ("a: x\x07\n", "bad-character", "t.yaml:1:5"),
        ("a: \x00\n", "bad-character", "t.yaml:1:4"),
        ("%YAML 3.0\n---\na: 1\n", "bad-yaml", "t.yaml:1:1"),
    ],
)
def test_what_is_no_good_yaml_is_one_problem_with_its_place(data: str | bytes, code: str, where: str) -> None:
    assert refusal(data) == (code, where)


@pytest.mark.parametrize(
    ("data", "what", "where", "fix"),
    [
        ('a: "x\nb: 1\n', 'the " that opens here is not closed, which was noticed in line 3', "t.yaml:1:4", 'Close it with "'),
        ("a: {b: 1\nc: 2\n", "the { that opens here is not closed, which was noticed in line 2", "t.yaml:1:4", "Close it with }"),
        ("a:\n  - [1, {x: 2}\n  - 3\n", "the [ that opens here is not closed, which was noticed in line 3", "t.yaml:2:5", "Close it with ]"),
        ("a: 'it's'\n", "the ' that opens here ends in line 1, column 7, and more follows", "t.yaml:1:4", "Write a ' inside as '', or use the other kind of quotes; or close one that began before."),
        ('a: "x\nb: "y"\n', 'the " that opens here ends in line 2, column 4, and more follows', "t.yaml:1:4", 'Write a " inside as \\", or use the other kind of quotes; or close one that began before.'),
    ],
    ids=["quote", "brace", "bracket", "quote-inside", "quote-that-ends-in-the-next"],
)  # fmt: skip
def test_a_quote_or_bracket_that_is_not_closed_is_named_where_it_opens(
    data: str, what: str, where: str, fix: str
) -> None:
    with pytest.raises(Problems) as refused:
        parse_source(data.encode(), "t.yaml")
    [found] = refused.value.problems
    assert (found.what, str(found.where), found.fix) == (what, where, fix)


def test_a_document_may_not_be_too_large() -> None:
    assert refusal("a" * 101, size=100) == ("too-large", "t.yaml")


@pytest.mark.parametrize("level", ["[", "- ", "? ", "{a: "])
def test_a_document_may_not_nest_too_deep_whatever_its_parser_would_bear(level: str) -> None:
    assert refusal(level * 20_000) == ("too-deep", f"t.yaml:1:{50 * len(level) + 1}")


def test_brackets_in_quotes_before_a_mistake_are_no_depth() -> None:
    assert refusal(f"a: '{'[' * 60}'\nb: [") == ("bad-yaml", "t.yaml:2:4")


def test_aliases_count_as_what_they_expand_to() -> None:
    rows = "\n".join(f"a{i}: &a{i} [{', '.join(f'*a{i - 1}' for _ in range(9))}]" for i in range(1, 12))
    code, where = refusal(f"a0: &a0 [x]\n{rows}\n")
    assert code == "too-many-values"
    assert where.startswith("t.yaml:6:")


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.yaml", tmp_path):
        with pytest.raises(Problems) as caught:
            read_source(path)
        assert caught.value.problems[0].code == "unreadable"


def test_the_digest_is_over_the_exact_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\n")
    source = read_source(path)
    assert plain(source.root) == {"a": 1}
    assert source.sha256 == hashlib.sha256(b"\xef\xbb\xbfa: 1\r\n").hexdigest()


ODD = "a:-[]{}&*!|>'\"#%@\n\t ,?<"


@given(
    st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode), st.text(ODD, max_size=60).map(str.encode))
)
def test_arbitrary_bytes_give_a_value_or_problems_and_nothing_else(data: bytes) -> None:
    with contextlib.suppress(Problems):
        plain(parse_source(data, "t.yaml").root)


@pytest.mark.parametrize(
    ("line", "right"),
    [
        ("command: {{ x }}", 'command: "{{ x }}"'),
        ("command: {{ x }} --now  # soon", 'command: "{{ x }} --now"  # soon'),
        ("command: {{ x['a'] }} --now", """command: "{{ x['a'] }} --now\""""),
        ('command: {{ x["a"] }}', """command: '{{ x["a"] }}'"""),
        ("- {{ x }}", '- "{{ x }}"'),
        ("- name: {% if x %}a{% endif %}", '- name: "{% if x %}a{% endif %}"'),
        ("command: [echo, {{ x }}, {{ y }}/z]", 'command: [echo, "{{ x }}", "{{ y }}/z"]'),
        ("env: {A: {{ x }}, B: 2}", 'env: {A: "{{ x }}", B: 2}'),
        ("command: {{ x", 'command: "{{ x"'),
    ],
)
def test_a_template_without_quotes_is_shown_as_it_should_be_written(line: str, right: str) -> None:
    with pytest.raises(Problems) as caught:
        parse_source(f"steps:\n  {line}\n".encode(), "t.yaml")
    [problem] = caught.value.problems
    place = Where("t.yaml", 2, line.index("{{" if "{{" in line else "{%") + 3)
    assert (problem.code, problem.where, problem.fix) == ("unquoted-template", place, f"Quote it: `{right}`")


def test_a_template_inside_a_text_is_not_blamed_for_what_is_wrong_below_it() -> None:
    assert refusal("a: |\n  b: {{ x }}\nc: [1\n")[0] == "bad-yaml"
    assert refusal("a: |\n  b: {{ x }}\n\tc: 1\n")[0] == "tab"
