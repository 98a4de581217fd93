"""Whatever a file holds within its limits, it is read, or refused, soon."""

from __future__ import annotations

import time

import pytest

from runbook.document.runbook_file import parse_runbook
from runbook.problem import Problems

SOON = 5.0
"""Seconds of processor time on a slow machine, for files of a third of the largest."""
LONG = 300_000
HEAD = "version: 1\nkind: operation\nname: n\ntitle: t\nsections:\n  - name: s\n    on: all\n    steps:\n      - "


@pytest.mark.parametrize(
    "step",
    [
        "command: {{ a" + " " * LONG + "x",
        "command: {{ a " + "# " * (LONG // 2),
        "command: " + "{{ " * (LONG // 3),
        "{command: " + "{{ a " * (LONG // 5) + "}",
        "{command: [" + "{{ a }} " * (LONG // 8) + "]",
        "- " * 40 + "{{ a }}" + " " * LONG,
        "{command: x, on_failure: 'goto:" + " " * LONG + "'}",
        "{command: x, timeout: " + "1" * LONG + "}",
        "{command: x, timeout: " + "1h" * (LONG // 2) + "x}",
        "{command: x, batch: " + "1" * LONG + "}",
        "{command: x, on: '" + "[" * LONG + "'}",
        "{command: x, expect: {stdout: {matches: '" + "(" * LONG + "'}}}",
        "{command: '" + "{{ a }}" * (LONG // 7) + "'}",
    ],
    ids=range(13),
)
def test_a_file_of_one_long_line_is_read_or_refused_soon(step: str) -> None:
    began = time.process_time()
    try:
        parse_runbook(f"{HEAD}{step}\n".encode(), "x.yaml")
    except Problems:
        pass
    assert time.process_time() - began < SOON
