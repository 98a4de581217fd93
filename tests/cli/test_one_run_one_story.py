"""One run is called the same wherever it is told: in its last words, in lists, as data, in reports and on the screen."""

from __future__ import annotations

import fcntl
import json
import re
from collections.abc import Callable

import msgspec
import pytest

from runbook.cli.compose import store
from runbook.core.events.event import (
    AlwaysStarted,
    Event,
    FailureResolved,
    HaltRequested,
    HostExcluded,
    RollbackStarted,
    StepSkipped,
)
from runbook.core.events.fault_event import (
    FaultArmed,
    FaultArming,
    FaultEffect,
    FaultInjected,
    FaultPresent,
    FaultReverted,
)
from runbook.core.fold.verdict import Verdicts, verdicts
from runbook.core.outcome import Outcome
from runbook.core.planned.action import CommandAction, HttpAction
from runbook.core.planned.fault_action import FaultAction
from runbook.core.planned.plan import Objectives, PlannedProbe
from runbook.problem import Exit
from runbook.report.summary import summary
from runbook.tui.widgets.booklist import RunList
from runbook.view.look.glyphs import UNICODE
from runbook.view.look.part import text_of
from runbook.view.situation.facts import facts_of
from runbook.view.situation.top import place_row, state_of
from runbook.view.situation.wanted import wanted
from runbook.view.story.closing import beside_the_run, closing
from runbook.view.words import verdict_role
from runbook.workspace.run_rows import run_rows
from tests.builders import ANNA, Story, plan, step
from tests.cli.desk import Desk
from tests.stories import failover, stopped

PROBE = PlannedProbe(name="write-ok", action=HttpAction(url="http://app1/health"), every=0.5)


def of_two() -> Story:
    return Story(plan(step("1.1", hosts=("db1", "db2")), step("1.2"))).start()


def went_on(choice: str, outcome: Outcome = Outcome.FAILED) -> Callable[[], Story]:
    def tell() -> Story:
        tale = of_two().ran("1.1", outcome, detail="exit code 3")
        by = None if choice in {"continue", "goto"} else ANNA
        tale.add(FailureResolved(step="1.1", choice=choice, by=by, reason="later"))
        return tale.ran("1.2").finish()

    return tell


def excluded() -> Story:
    return of_two().add(HostExcluded(host="db2", reason="no disk", by=ANNA)).ran("1.1").ran("1.2").finish()


def skipped() -> Story:
    return of_two().ran("1.1").add(StepSkipped(step="1.2", reason="anna: done by hand")).finish()


def halted() -> Story:
    return of_two().ran("1.1").add(HaltRequested(by=ANNA, reason="enough")).finish("enough")


def rolled_back(undone: Outcome = Outcome.SUCCEEDED) -> Story:
    undo = step("1.1.undo.1", CommandAction(shell="undo"), hosts=("db1", "db2"))
    tale = Story(plan(step("1.1", hosts=("db1", "db2"), undo=(undo,)))).start().ran("1.1", Outcome.FAILED)
    tale.add(FailureResolved(step="1.1", choice="rollback"), RollbackStarted(reason="step 1.1 failed"))
    return tale.ran("1.1.undo.1", undone).finish("step 1.1 failed")


def badly_rolled_back() -> Story:
    return rolled_back(Outcome.FAILED)


def cut_off() -> Story:
    return of_two().ran("1.1").add(AlwaysStarted())


def too_slow() -> Story:
    tale = Story(plan(step("1.1"), probes=(PROBE,), objectives=Objectives(rto=1.0))).start()
    return tale.sample("write-ok", True, False, False, False, False, True).ran("1.1").finish()


def drilled(*after: Event) -> Callable[[], Story]:
    """A fault was injected, and then came what is told of it."""

    def tell() -> Story:
        of = step("1.1", FaultAction(fault="process-kill", duration=30.0), hosts=("db1",))
        tale = Story(plan(of, step("1.2"), probes=(STEADY,), kind="drill")).start().sample("write-ok", True)
        tale.enter("1.1").attempt("1.1", "db1")
        tale.add(FaultArming(**DB1, fault="process-kill", lease_id="L", lease=60.0, limit=90.0, duration=30.0))
        tale.add(FaultArmed(**DB1), FaultInjected(**DB1), *after).answer("1.1", "db1").end("1.1")
        return tale.ran("1.2").sample("write-ok", True).finish()

    return tell


def still_down() -> Story:
    tale = Story(plan(step("1.1"), probes=(STEADY,), objectives=Objectives(rto=60.0))).start()
    return tale.sample("write-ok", True).ran("1.1").sample("write-ok", False, False).finish()


DB1 = {"step": "1.1", "host": "db1", "number": 1}
STEADY = PlannedProbe(name="write-ok", action=HttpAction(url="http://app1/health"), every=0.5, steady=True)
DEVIATED = "completed with deviations"
TALES = [
    pytest.param(failover, "completed", "ok", Exit.HELD, id="completed"),
    pytest.param(went_on("skip"), DEVIATED, "slip", Exit.FAILED, id="skip"),
    pytest.param(went_on("accept", Outcome.IN_DOUBT), DEVIATED, "slip", Exit.FAILED, id="accept"),
    pytest.param(went_on("exclude"), DEVIATED, "slip", Exit.FAILED, id="exclude"),
    pytest.param(went_on("continue"), DEVIATED, "slip", Exit.HELD, id="continue"),
    pytest.param(excluded, DEVIATED, "slip", Exit.FAILED, id="host-taken-out"),
    pytest.param(skipped, DEVIATED, "slip", Exit.FAILED, id="step-passed-over"),
    pytest.param(stopped, "failed", "bad", Exit.FAILED, id="failed"),
    pytest.param(rolled_back, "failed", "bad", Exit.FAILED, id="rolled-back"),
    pytest.param(halted, "aborted", "bad", Exit.FAILED, id="aborted"),
    pytest.param(cut_off, "interrupted", "unk", Exit.INTERRUPTED, id="interrupted"),
    pytest.param(too_slow, "completed", "bad", Exit.FAILED, id="objective-missed"),
    pytest.param(still_down, "completed", "bad", Exit.FAILED, id="steady-state-deviated"),
    pytest.param(
        drilled(FaultEffect(**DB1, ok=True), FaultReverted(**DB1, by="runner")),
        "completed",
        "text",
        Exit.HELD,
        id="revert-verified",
    ),
    pytest.param(
        drilled(FaultEffect(**DB1, ok=False), FaultReverted(**DB1, by="runner")),
        "completed",
        "unk",
        Exit.FAILED,
        id="inconclusive",
    ),
    pytest.param(
        drilled(FaultEffect(**DB1, ok=True), FaultPresent(**DB1, known=False)),
        "completed",
        "bad",
        Exit.FAULT_LIVE,
        id="revert-unverified",
    ),
    pytest.param(
        drilled(FaultEffect(**DB1, ok=True), FaultPresent(**DB1, known=True)),
        "completed",
        "bad",
        Exit.FAULT_LIVE,
        id="revert-failed",
    ),
]


@pytest.mark.parametrize(("tell", "verdict", "role", "status"), TALES)
def test_every_face_of_a_run_gives_the_same_verdict_and_the_role_of_the_worst(
    desk: Desk, tell: Callable[[], Story], verdict: str, role: str, status: Exit
) -> None:
    tale = tell()
    desk.told(tale)
    assert verdicts(tale.run).exit is status
    assert closing(tale.run, "r")[1].partition(": ")[2].partition(" (")[0] == verdict
    assert summary(tale.run, "r").verdicts.run == verdict
    assert [row["verdict"] for row in json.loads(desk.ask("runs", "--json").out)] == [verdict]
    assert re.split(r"  +", desk.ask("runs").out.splitlines()[1])[1].removesuffix(", FAULT LIVE") == verdict
    assert json.loads(desk.ask("report", "--format", "json").out)["verdicts"]["run"] == verdict
    assert f"| Run | **{verdict}** |" in desk.ask("report", "--format", "md").out
    assert f"<span>Run</span><strong>{verdict}</strong>" in desk.ask("report", "--format", "html").out


@pytest.mark.parametrize(("tell", "verdict", "role", "status"), TALES)
@pytest.mark.parametrize("width", [80, 160])
def test_the_screen_and_its_list_of_runs_say_it_whole_in_the_role_of_the_worst(
    desk: Desk, tell: Callable[[], Story], verdict: str, role: str, status: Exit, width: int
) -> None:
    tale = tell()
    desk.told(tale)
    runs = RunList()
    runs.fill(run_rows(store("")))
    word = runs.row(0, width)[0]
    assert (word.text.strip(), word.role) == (verdict.upper(), role)
    assert sum(len(part.text) for part in runs.row(0, width)) <= width
    if verdict != "interrupted":  # on the screen it is a run that goes on
        assert state_of(tale.run) == (verdict.upper(), role)
        assert f" {verdict.upper()} " in text_of(place_row(facts_of(tale.run, tale.now), width, UNICODE))


FOUR = ("run", "steady_state", "objectives", "revert")


@pytest.mark.parametrize(("tell", "verdict", "role", "status"), TALES)
def test_no_face_of_a_run_contradicts_another_in_any_of_its_four_verdicts(
    desk: Desk, tell: Callable[[], Story], verdict: str, role: str, status: Exit
) -> None:
    tale = tell()
    desk.told(tale)
    said = verdicts(tale.run)
    objective = said.objectives if said.objectives_declared else ""
    assert (said.run, verdict_role(said.worst, objective), said.exit) == (verdict, role, status)
    faces = {
        "last words": [line.split("  ", 2)[2].strip() for line in closing(tale.run, "r")[2:5]],
        "screen": [] if verdict == "interrupted" else _on_the_screen(tale),
        "report": _in_the_report(desk.ask("report", "--format", "md").out),
        "summary": _plain(msgspec.to_builtins(summary(tale.run, "r").verdicts), said),
        "report as data": _plain(json.loads(desk.ask("report", "--format", "json").out)["verdicts"], said),
    }
    others = [word for _, word in beside_the_run(said)]
    assert {name: face for name, face in faces.items() if face and face != others} == {}
    [row] = run_rows(store(""))
    assert (row.worst, row.objective) == (said.worst, said.objectives)
    assert ("FAULT LIVE" in desk.ask("runs").out) is (said.revert in {"unverified", "failed"})


def _on_the_screen(tale: Story) -> list[str]:
    facts = facts_of(tale.run, tale.now)
    assert verdicts(tale.run).run.upper() in text_of(place_row(facts, 160, UNICODE))
    said = wanted(facts)[0][1].text.rpartition("  ")[2]
    revert, *others = said.split(", ")
    told = zip((*others, revert), NAMES, strict=True)
    return [fact.strip().removeprefix(name).strip() for fact, name in told]


NAMES = ("steady state", "objectives", "revert")


def _in_the_report(told: str) -> list[str]:
    rows = dict(re.findall(r"^\| ([A-Z][a-z ]+) \| \*\*(.+?)\*\* \|", told, re.MULTILINE))
    return [rows[name.capitalize()] for name in NAMES]


def _plain(told: dict[str, str], said: Verdicts) -> list[str]:
    """The words as data has them; that nothing was declared stands beside them there."""
    assert {name: told[name] for name in FOUR} == {name: getattr(said, name) for name in FOUR}
    return [word for _, word in beside_the_run(said)]


@pytest.mark.parametrize(("tell", "word"), [(rolled_back, "held"), (badly_rolled_back, "failed"), (halted, "none")])
def test_every_face_of_a_run_says_the_same_of_its_rollback(desk: Desk, tell: Callable[[], Story], word: str) -> None:
    tale = tell()
    desk.told(tale)
    [told] = [line for line in closing(tale.run, "r") if line.startswith("  rollback ")]
    assert re.split(r"[:,]", told.split(maxsplit=1)[1])[0] == word
    assert [row.get("rollback", "none") for row in json.loads(desk.ask("runs", "--json").out)] == [word]
    assert word in desk.ask("runs").out.splitlines()[1] or word == "none"
    data = json.loads(desk.ask("report", "--format", "json").out)
    assert (data["verdicts"]["rollback"], data["rollback"]["verdict"]) == (word, word)
    assert f"| Rollback | **{word}** |" in desk.ask("report", "--format", "md").out
    assert f"rollback {word}" in desk.ask("replay", "--line").out


def test_a_live_run_is_live_in_its_report_as_in_the_list(desk: Desk) -> None:
    tale = of_two().ran("1.1")
    journal = desk.told(tale) / "journal.jsonl"
    with journal.open("rb") as runner:
        fcntl.flock(runner, fcntl.LOCK_EX)
        assert [row["verdict"] for row in json.loads(desk.ask("runs", "--json").out)] == ["live"]
        assert json.loads(desk.ask("report", "--format", "json").out)["verdicts"]["run"] == "live"
        told = desk.ask("report").out
        assert "| Run | **live** |" in told
        assert "The run goes on. All that stands here is as of " in told
    assert "| Run | **interrupted** |" in desk.ask("report").out


@pytest.mark.parametrize("name", ["x.pdf", "x.PDF", "x.docx", "x.csv"])
def test_a_report_in_a_format_that_there_is_not_is_refused_and_nothing_is_written(desk: Desk, name: str) -> None:
    desk.told(failover())
    said = desk.ask("report", "-o", name)
    assert (said.status, said.out) == (2, "")
    assert said.err == (
        f"error: there is no report as {name[2:].lower()}\n"
        "  why: reports are written as md, html, json\n"
        "  fix: Write a page, which a browser prints as PDF: runbook report RUN -o FILE.html\n"
    )
    assert not (desk.root / name).exists()
