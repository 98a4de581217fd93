"""The one object of `run --json`."""

from __future__ import annotations

import msgspec

from runbook.report.summary import summary
from tests.builders import Story, plan, step
from tests.stories import failover, stopped


def as_data(tale: Story, folder: str = "recordings/r1") -> dict:
    return msgspec.json.decode(msgspec.json.encode(summary(tale.run, folder)))


def test_a_run_in_one_object_with_exactly_the_promised_keys() -> None:
    data = as_data(failover())
    steps = data.pop("steps")
    assert data == {
        "run": "20261123T041200Z-orders-failover",
        "record": "recordings/r1",
        "runbook": "orders-failover",
        "verdicts": {
            "run": "completed",
            "steady_state": "met",
            "objectives": "met",
            "revert": "none",
        },
        "rta": {"seconds": 27.81, "error": 5.92, "objective": 60.0},
        "rpa": {"seconds": 6.31, "lost": 1, "objective": 30.0},
    }
    assert steps[2:6] == [
        {"id": "1.2", "name": "Start the outage?", "outcome": "succeeded", "planned": None, "actual": 4.0, "waited": 4.0, "hosts": []},
        {"id": "1.3", "name": "Kill the primary", "outcome": "succeeded", "planned": None, "actual": 0.2, "waited": 0.0, "hosts": ["db1"]},
        {"id": "2.1", "name": "Declare", "outcome": "succeeded", "planned": None, "actual": 10.0, "waited": 10.0, "hosts": []},
        {"id": "2.2", "name": "Promote the standby", "outcome": "succeeded", "planned": 5.0, "actual": 9.0, "waited": 0.0, "hosts": ["db2"]},
    ]  # fmt: skip


def test_what_was_not_measured_is_null_and_a_decision_after_a_failure_was_waited_for() -> None:
    data = as_data(stopped())
    assert data["rta"] == {"seconds": None, "error": None, "objective": None}
    assert data["rpa"] == {"seconds": None, "lost": None, "objective": None}
    assert data["verdicts"]["run"] == "failed"
    last = data["steps"][-1]
    assert (last["outcome"], last["actual"], last["waited"], last["hosts"]) == ("in_doubt", 3.0, 20.0, ["web1", "web2"])


def test_a_run_that_goes_on_has_open_steps_and_steps_not_reached() -> None:
    tale = Story(plan(step("1.1"), step("1.2"))).start().enter("1.1").attempt("1.1", "db1").wait(2.0)
    assert [(each["outcome"], each["actual"]) for each in as_data(tale)["steps"]] == [
        ("open", 0.0),
        ("not_reached", None),
    ]


def test_a_folder_that_is_not_text_can_still_be_printed() -> None:
    assert as_data(failover(), "rec\udcff\x1b[1m")["record"] == "rec<U+DCFF>"
