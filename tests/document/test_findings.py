"""What `check` prints, in its three forms."""

from __future__ import annotations

import json

from runbook.document.findings import as_json, as_sarif, as_text
from runbook.problem import Problem, Where

WRONG = Problem(what='unknown key "x"', fix="Remove it.", where=Where("a.yaml", 3, 5), code="unknown-key")
ODD = Problem(what="no owner", why="nobody wrote one", where=Where("a.yaml"), code="no-owner", warning=True)
NOWHERE = Problem(what="a thing")


def test_text_is_a_line_for_each_and_a_count() -> None:
    assert as_text([WRONG, ODD]) == (
        'error: a.yaml:3:5: unknown key "x". Remove it.\nwarning: a.yaml: no owner: nobody wrote one.\n1 error, 1 warning\n'
    )
    assert as_text([]) == ""


def test_json_is_an_array_of_flat_objects() -> None:
    flat = {"why": "", "fix": "Remove it.", "file": "a.yaml", "line": 3, "column": 5}
    assert json.loads(as_json([WRONG])) == [
        {"level": "error", "code": "unknown-key", "what": 'unknown key "x"', **flat}
    ]
    assert json.loads(as_json([])) == []


def test_sarif_places_each_result_and_lists_each_rule_once() -> None:
    log = json.loads(as_sarif([WRONG, WRONG, ODD, NOWHERE], version="0.1.0"))
    [run] = log["runs"]
    assert log["version"] == "2.1.0"
    assert run["tool"]["driver"] == {
        "name": "runbook",
        "version": "0.1.0",
        "rules": [{"id": "no-owner"}, {"id": "problem"}, {"id": "unknown-key"}],
    }
    first, _, odd, nowhere = run["results"]
    region = {"startLine": 3, "startColumn": 5}
    assert first == {
        "ruleId": "unknown-key",
        "level": "error",
        "message": {"text": 'unknown key "x". Remove it.'},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": "a.yaml"}, "region": region}}],
    }
    assert odd["locations"] == [{"physicalLocation": {"artifactLocation": {"uri": "a.yaml"}}}]
    assert "locations" not in nowhere
