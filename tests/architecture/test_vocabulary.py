"""The closed unions of the core: nothing stands beside them, and everything in them says what it is."""

from __future__ import annotations

import ast
import inspect
import typing
from types import ModuleType

import msgspec
import pytest

from runbook.core import effect, intent, outcome
from runbook.core.events import event, fault_event, point_event, policy_event
from runbook.core.planned import action
from tests.architecture.house import ROOT

UNIONS = [
    (event, event.Event, {"Actor", "Entry", "Result"}),
    (fault_event, fault_event.FaultEvent, set()),
    (policy_event, policy_event.PolicyEvent, set()),
    (point_event, point_event.PointEvent, set()),
    (intent, intent.Intent, set()),
    (effect, effect.Effect, set()),
    (
        action,
        action.Action,
        {"Expectation", "Imports", "Item", "Option", "SentFile", "Tolerance", "Way"},
    ),
    (outcome, outcome.Ending, set()),
]
"""Module, its union, and the structs beside it that are parts of members."""

EVERY = [member for _, union, _ in UNIONS for member in typing.get_args(union)]


def structs_of(module: ModuleType) -> set[str]:
    """Public structs that a module declares itself."""
    mine = (value for value in vars(module).values() if inspect.isclass(value) and value.__module__ == module.__name__)
    return {each.__name__ for each in mine if issubclass(each, msgspec.Struct) and not each.__name__.startswith("_")}


@pytest.mark.parametrize(("module", "union", "parts"), UNIONS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_union_has_everything_that_its_file_declares(module: ModuleType, union: object, parts: set[str]) -> None:
    declared = {member.__name__ for member in typing.get_args(union) if member.__module__ == module.__name__}
    assert structs_of(module) - parts == declared


@pytest.mark.parametrize("member", EVERY, ids=lambda member: member.__name__)
def test_a_member_of_a_union_says_what_it_is_and_never_changes(member: type[msgspec.Struct]) -> None:
    said = member.__doc__ or ""
    inherited = {base.__doc__ for base in member.__mro__[1:]}
    assert said.strip().endswith("."), f"{member.__name__} says nothing"
    assert said not in inherited
    assert member.__struct_config__.frozen


@pytest.mark.parametrize("kind", [event.Event, intent.Intent], ids=["event", "intent"])
def test_what_travels_is_tagged_with_its_own_name(kind: object) -> None:
    members = typing.get_args(kind)
    assert [member.__struct_config__.tag for member in members] == [member.__name__ for member in members]


def test_an_old_reader_takes_a_newer_field_and_a_new_reader_an_older_line() -> None:
    """Fields are only ever added with a default: what is required today is all that ever will be."""
    required = {
        member.__name__: {field.name for field in msgspec.structs.fields(member) if field.required}
        for member in typing.get_args(event.Event)
    }
    assert required == REQUIRED
    newer = b'{"type":"RunnerStarted","pid":1,"colour_of_the_moon":"red"}'
    assert msgspec.json.decode(newer, type=event.Event) == event.RunnerStarted(pid=1)


@pytest.mark.parametrize("name", ["fold/evolve.py", "rules/decide.py"])
def test_a_verb_that_forgets_a_member_does_not_type_check(name: str) -> None:
    """`assert_never` makes mypy refuse a new event or intent that nobody handles."""
    source = (ROOT / "runbook" / "core" / name).read_text(encoding="utf-8")
    calls = {
        node.func.id
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert "assert_never" in calls


REQUIRED = {
    "RunOpened": {"run", "plan", "plan_digest", "operator"},
    "RunnerStarted": {"pid"},
    "SessionOpened": {"host"},
    "SessionLost": {"host", "reason"},
    "Checked": {"host", "check", "ok"},
    "StepEntered": {"step"},
    "StepSkipped": {"step", "reason"},
    "AttemptStarted": {"step", "host", "number"},
    "AttemptGraded": {"step", "host", "number", "grade"},
    "AttemptStated": {"step", "host", "number", "fact"},
    "OutputArrived": {"step", "host", "number", "stream", "file", "offset", "length", "sha256"},
    "AttemptEnded": {"step", "host", "number", "outcome"},
    "StepEnded": {"step", "outcome"},
    "GateOpened": {"gate", "step", "kind"},
    "GateAnswered": {"gate", "step", "by", "answer"},
    "HostKeyAccepted": {"changed", "by", "step"},
    "GateLapsed": {"gate", "step"},
    "FailureResolved": {"step", "choice"},
    "Jumped": {"source", "target"},
    "HostExcluded": {"host", "reason"},
    "ProbeSampled": {"probe", "ok", "took"},
    "CanarySampled": {"kind", "ok", "mark", "took"},
    "MilestoneMarked": {"milestone", "source"},
    "RunPaused": {"by"},
    "RunContinued": {"by"},
    "WaitCut": {"step", "by", "reason"},
    "HaltRequested": {"by", "reason"},
    "RollbackStarted": {"reason"},
    "AlwaysStarted": set(),
    "NoteAdded": {"text"},
    "RunEnded": {"reason"},
    "FaultArming": {"step", "host", "number", "fault", "lease_id", "lease", "limit", "duration"},
    "FaultArmed": {"step", "host", "number"},
    "FaultInjected": {"step", "host", "number"},
    "FaultEffect": {"step", "host", "number", "ok"},
    "LeaseRenewed": {"step", "host", "number", "count"},
    "LeaseHeld": {"step", "host", "number"},
    "RevertAsked": {"step", "host", "number", "by", "reason"},
    "FaultReverted": {"step", "host", "number", "by"},
    "FaultPresent": {"step", "host", "number", "known"},
    "RuleOverridden": {"rule", "by", "reason"},
    "StepHeld": {"rule", "step"},
    "PositionRead": {"side", "ok", "took"},
    "BackupRead": {"ok", "took"},
    "Unknown": {"name", "raw"},
}
"""Of each event, the fields that a line must have. A record of years ago has these and perhaps no others."""
