"""`probe`, `assert`, `notify`, and the table of kinds."""

from __future__ import annotations

import typing

import pytest

from runbook.core.outcome import Outcome
from runbook.core.planned.action import AssertAction, NoticeAction, NotifyAction, ProbeAction, Work
from runbook.core.result import Result
from runbook.problem import Problems
from runbook.steps.assertion import AssertKind
from runbook.steps.kind import Finding, Sample
from runbook.steps.notify import NotifyKind
from runbook.steps.probe import ProbeKind
from runbook.steps.table import KINDS, kind_for
from tests.steps.desk import Desk


@pytest.mark.parametrize(("ok", "outcome"), [(True, Outcome.SUCCEEDED), (False, Outcome.FAILED)])
async def test_a_probe_is_asked_once_and_its_verdict_is_the_steps(ok, outcome):
    desk = Desk(samples=[Sample(ok=ok, took=0.2, detail="HTTP status is 503", value=503)])
    assert await ProbeKind().attempt(ProbeAction(probe="write-ok"), desk.bench()) == Finding(
        outcome=outcome, detail="HTTP status is 503", result=Result(value=503, duration=0.2)
    )


async def test_a_good_probe_does_not_pass_a_failed_when_that_holds():
    desk = Desk(samples=[Sample(ok=True, took=0.2)], truths={"slow": True})
    finding = await ProbeKind().attempt(ProbeAction(probe="write-ok"), desk.bench(failed_when="slow"))
    assert (finding.outcome, finding.detail) == (Outcome.FAILED, "failed_when holds: slow")


@pytest.mark.parametrize(
    ("that", "finding"),
    [
        ("lag < 10", Finding(outcome=Outcome.SUCCEEDED)),
        ("lag > 10", Finding(outcome=Outcome.FAILED, detail="not true: lag > 10")),
        ("lga", Finding(outcome=Outcome.FAILED, detail='"lga" has an unknown name.')),
    ],
)
async def test_an_assertion_holds_or_fails_with_its_words(that, finding):
    desk = Desk(truths={"lag < 10": True, "lag > 10": False})
    assert await AssertKind().attempt(AssertAction(that=that), desk.bench()) == finding


async def test_a_message_is_put_on_record():
    desk = Desk()
    finding = await NotifyKind().attempt(NotifyAction(message="Failing over", to=("dba", "ops")), desk.bench())
    assert finding == Finding(outcome=Outcome.SUCCEEDED, detail="for dba, ops")
    assert desk.page.out == b"Failing over\n"


def test_every_kind_of_work_has_a_kind():
    assert set(KINDS) == set(typing.get_args(Work))


def test_work_without_a_kind_is_refused_in_words():
    with pytest.raises(Problems, match='this version has nothing that does a "notice" step'):
        kind_for(NoticeAction(text="Look up"))
