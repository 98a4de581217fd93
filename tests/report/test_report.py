"""Reports as people and machines read them."""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from collections.abc import Callable
from html.parser import HTMLParser

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from runbook.core.events.event import (
    HaltRequested,
    HostExcluded,
    NoteAdded,
    OutputArrived,
    SessionLost,
    SessionOpened,
    StepSkipped,
    WaitCut,
)
from runbook.core.milestone_name import Milestone
from runbook.core.outcome import Outcome
from runbook.core.planned.action import CommandAction
from runbook.report.build import report
from runbook.report.deviation import FailedTry, HostOut, LinkLost, Resumed, StepLate, StepOdd, Stopped
from runbook.report.markdown import escaped, markdown
from runbook.report.model import (
    AnswerFacts,
    CheckFacts,
    DataLoss,
    Deed,
    Integrity,
    OutputFacts,
    Person,
    ProbeFacts,
    RecoveryTime,
    Report,
    Seen,
)
from runbook.report.render import render
from runbook.report.saying import deviation
from tests.builders import ANNA, BEN, Story, plan, step
from tests.stories import failover, failover_plan, resumed, stopped
from tests.view.reachable import folded, tapes

INTEGRITY = Integrity(head="a" * 64, lines=66, grade="sound")


def told(tale: Story, integrity: Integrity = INTEGRITY) -> Report:
    return report(tale.run, tale.entries, folder="recordings/r1", integrity=integrity)


@pytest.mark.parametrize("form", ["md", "html", "json"])
@pytest.mark.parametrize("tale", [failover, stopped, resumed], ids=lambda tale: tale.__name__)
def test_a_report_in_each_format(tale: object, form: str, snapshot: object) -> None:
    assert render(told(tale()), form) == snapshot


def test_objectives_stand_beside_what_was_measured_with_its_error() -> None:
    said = told(failover())
    assert said.recovery_time == RecoveryTime(
        promised=60.0, counted_from=Milestone.OUTAGE, actual=pytest.approx(27.81), error=pytest.approx(5.92),
        at_least=False, still_out=False, from_outage=pytest.approx(27.81), from_declared=pytest.approx(11.4),
        waiting_for_people=pytest.approx(14.0), verdict="met", parts=said.recovery_time.parts,
    )  # fmt: skip
    assert said.data_loss == DataLoss(
        promised=30.0, actual=pytest.approx(6.31), error=said.data_loss.error, lost=1, canary_every=0.5, verdict="met",
        method="canary", in_flight=1,
    )  # fmt: skip
    assert [part.name for part in said.recovery_time.parts] == ["detect", "decide", "mobilise", "recover"]
    text = markdown(said)
    assert "counted from outage; 27.8 s from outage, 11.4 s from declaration; 14.0 s of it waiting for people" in text
    assert "1 acknowledged write lost, 1 in flight gone, by a canary every 500 ms" in text


def test_what_was_not_measured_is_never_called_met() -> None:
    tale = Story(plan(step("1.1"), objectives=failover_plan().objectives)).start().ran("1.1").finish()
    said = told(tale)
    found = [(each.actual, each.verdict) for each in (said.recovery_time, said.data_loss)]
    assert found == [(None, "not_measured")] * 2


def test_everybody_who_took_part_is_named_with_what_they_did() -> None:
    assert told(failover()).people == (
        Person(
            actor=ANNA,
            deeds=(
                Deed(did="started"),
                Deed(did="answered", about="1.2#1", word="proceed"),
                Deed(did="marked", word="detected"),
                Deed(did="noted"),
            ),
        ),
        Person(actor=BEN, deeds=(Deed(did="answered", about="2.1#1", word="approve"),)),
    )
    text = markdown(told(failover())).replace("\\", "")
    assert "| anna | started the run, answered proceed at gate 1.2#1, marked detected, wrote notes |" in text


def test_one_person_under_two_names_is_told_once() -> None:
    anna = replace(ANNA, identity="uid:1000@m1")
    renamed = replace(anna, name="a.smith", via="approve")
    tale = Story(plan(step("1.1")), operator=anna).start().add(NoteAdded(text="All quiet", by=renamed)).finish()
    people = [(person.actor.name, [deed.did for deed in person.deeds]) for person in told(tale).people]
    assert people[0] == ("anna", ["started", "noted"])
    assert "a.smith" not in [name for name, _ in people]


def test_the_decision_after_a_failure_is_the_answer_to_its_gate() -> None:
    gate = told(stopped()).gates[0]
    assert gate.answers == (
        AnswerFacts(by=ANNA, answer="abort", value=None, reason="looked by hand, it is down", at=gate.opened_at + 20.0),
    )
    assert "04:12:24 anna: abort (looked by hand, it is down)" in markdown(told(stopped()))
    assert gate.waited == 20.0


def test_whatever_did_not_go_as_planned_is_a_deviation() -> None:
    tale = Story(plan(step("1.1", retries=1, expected=2.0), step("1.2"), step("1.3"))).start()
    tale.add(SessionLost(host="db1", reason="reset"), SessionOpened(host="db1"))
    tale.enter("1.1").attempt("1.1", "db1").wait(1.0).answer("1.1", "db1", Outcome.FAILED, detail="exit code 3")
    tale.attempt("1.1", "db1").wait(9.0).answer("1.1", "db1").end("1.1")
    tale.add(StepSkipped(step="1.2", reason="not needed")).enter("1.3").add(
        WaitCut(step="1.3", by=BEN, reason="in a hurry")
    )
    tale.end("1.3").add(HostExcluded(host="db1", reason="broken"), HaltRequested(by=ANNA, reason="enough"))
    said = told(tale.finish())
    nothing = {"failed": (), "tries": (), "visits": 1, "wait_cut": "", "decisions": ()}
    failed = FailedTry(host="db1", number=1, outcome=Outcome.FAILED, detail="exit code 3")
    assert said.deviations == (
        Stopped(halted=True, reason="enough", by=ANNA),
        HostOut(host="db1", reason="broken"),
        LinkLost(host="db1", times=1),
        odd("1.1", Outcome.SUCCEEDED, **{**nothing, "tries": (failed,)}),
        odd("1.2", Outcome.SKIPPED, "not needed", **{**nothing, "visits": 0}),
        odd("1.3", Outcome.SUCCEEDED, **{**nothing, "wait_cut": "in a hurry"}),
        StepLate(step="1.1", name="Step 1.1", took=10.0, planned=2.0),
    )
    assert [deviation(each) for each in said.deviations] == [
        ("", "", "halted: enough", "by anna"),
        ("", "", "host db1 excluded: broken", ""),
        ("", "", "the link to db1 was lost 1 time", ""),
        ("1.1", "Step 1.1", "succeeded; try 1 on db1 failed: exit code 3", ""),
        ("1.2", "Step 1.2", "skipped: not needed", ""),
        ("1.3", "Step 1.3", "succeeded; wait cut short: in a hurry", ""),
        ("1.1", "Step 1.1", "late: took 0:10, planned 0:02", ""),
    ]


def odd(name: str, outcome: Outcome, detail: str = "", **fields: object) -> StepOdd:
    """A step among the deviations."""
    return StepOdd(step=name, name=f"Step {name}", outcome=outcome, detail=detail, **fields)


def test_a_resumed_run_says_so_among_its_deviations() -> None:
    first = told(resumed()).deviations[0]
    assert first == Resumed(at=pytest.approx(31.0), torn_bytes=17, by=BEN)
    assert deviation(first) == (
        "", "", "interrupted, and resumed 0:31 after the run began; 17 bytes of an unfinished line were set aside", "by ben"
    )  # fmt: skip


def test_a_lost_link_is_counted_also_when_the_host_came_back() -> None:
    tale = Story(plan(step("1.1"))).start().add(SessionLost(host="db1", reason="reset"), SessionOpened(host="db1"))
    assert told(tale).hosts[0].links_lost == 1


def test_the_steady_state_is_told_before_during_and_after() -> None:
    assert told(failover()).steady_state == (
        ProbeFacts(
            probe="write-ok", before=Seen(ok=True, detail=""), after=Seen(ok=True, detail=""), samples=11,
            bad=pytest.approx(22.4), bad_stretches=1, steady=True,
        ),
    )  # fmt: skip
    assert "| write-ok | good | not good for 0:22 in 1 stretch | good | 11 | yes |" in markdown(told(failover()))
    assert told(stopped()).steady_state == ()


def test_output_is_found_again_by_file_place_and_length() -> None:
    tale = Story(plan(step("1.1"))).start().enter("1.1").attempt("1.1", "db1")
    for offset, length in ((100, 50), (150, 4000)):
        tale.add(
            OutputArrived(step="1.1", host="db1", number=1, stream="out", file="out/db1.log", offset=offset, length=length, sha256="")
        )  # fmt: skip
    assert told(tale).steps[0].results[0].output == OutputFacts(file="out/db1.log", offset=100, length=4050)
    assert "out/db1.log, 4,050 bytes from 100" in markdown(told(tale))


def test_a_secret_shows_only_where_it_came_from() -> None:
    secret = told(failover()).parameters[1]
    assert (secret.name, secret.value, secret.secret, secret.source) == ("password", None, True, "env:DB_PASSWORD")
    assert "| password | (secret) | env:DB\\_PASSWORD |" in markdown(told(failover()))


def test_a_step_whose_log_is_not_kept_does_not_show_its_text() -> None:
    tale = Story(plan(step("1.1", CommandAction(shell="hidden-words"), no_log=True))).start().ran("1.1").finish()
    assert "hidden-words" not in markdown(told(tale))
    assert "not shown" in markdown(told(tale))


def test_without_a_verification_the_report_says_that_there_was_none() -> None:
    assert "| Verified | **not verified for this report** |" in markdown(told(failover(), Integrity()))
    damaged = Integrity(
        grade="altered", lines=3, findings=(CheckFacts(check="chain", ok=False, detail="line 4 was changed"),)
    )
    assert "| chain: line 4 was changed |" in markdown(told(failover(), damaged))


HOSTILE = "<script>alert(1)</script>|`\"'[x](javascript:1)\x1b[2J\u202e\n# h"


def hostile() -> Story:
    shown = step("1.1", CommandAction(shell=f"echo ```\n{HOSTILE}"), name=HOSTILE, section=HOSTILE, hosts=(HOSTILE,))
    tale = Story(plan(shown, title=HOSTILE, owner=HOSTILE)).start().ran("1.1", Outcome.FAILED, detail=HOSTILE)
    return tale.ask("1.1", "failure", message=HOSTILE).finish(HOSTILE)


class Elements(HTMLParser):
    """What a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs


def test_the_page_loads_nothing_and_runs_nothing_whatever_is_in_the_run() -> None:
    seen = Elements()
    seen.feed(render(told(hostile()), "html"))
    names = {name for name, _ in seen.attributes}
    assert seen.tags & {"script", "img", "iframe", "object", "embed", "link", "form", "base", "a"} == set()
    assert not names & {"src", "href", "style", "srcset", "action"}
    assert not any(name.startswith("on") for name in names)


def test_the_policy_of_the_page_names_its_own_style_sheet_and_nothing_else() -> None:
    text = render(told(failover()), "html")
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in text
    assert text.index("Content-Security-Policy") < text.index("<title>")


def test_nothing_from_a_run_becomes_markdown() -> None:
    text = markdown(told(hostile()))
    assert escaped("a|b*c_d`e`[x](y)<z>#~!&\\") == r"a\|b\*c\_d\`e\`\[x\](y)\<z\>\#\~\!\&\\"
    outside_code = re.sub(r"(?ms)^(`{3,})text$.*?^\1$", "", text)
    assert not re.search(r"(?<!\\)[<>`]", outside_code)
    assert re.search(r"(?m)^````text\necho ```$", text)


def test_every_row_of_a_markdown_table_has_as_many_cells_as_its_head() -> None:
    text = markdown(told(hostile()))
    for block in re.split(r"\n\n+", text):
        rows = [len(re.findall(r"(?<!\\)\|", line)) for line in block.split("\n") if line.startswith("| ")]
        assert len(set(rows)) <= 1, block


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(tapes(), st.sampled_from(["md", "html", "json"]))
def test_every_run_can_be_reported_and_nothing_in_a_report_drives_a_terminal(tape: tuple, form: str) -> None:
    text = render(report(folded(tape)[-1], tape), form)
    assert {char for char in text if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}} <= {"\n"}


@pytest.mark.parametrize("tale", [failover, stopped, resumed, hostile], ids=lambda tale: tale.__name__)
def test_the_data_reads_back_as_the_same_report(tale: Callable[[], Story]) -> None:
    said = told(tale())
    assert msgspec.json.decode(render(said, "json"), type=Report) == said


def test_the_data_holds_values_and_what_the_record_has_letter_for_letter() -> None:
    data = msgspec.json.decode(render(told(hostile()), "json"))
    assert (data["schema"], data["identity"]["title"], data["steps"][0]["hosts"]) == (2, HOSTILE, [HOSTILE])
    [step] = data["steps"]
    assert (step["outcome"], step["sent"][0]["action"]["kind"], step["results"][0]["rc"]) == ("failed", "command", 1)
