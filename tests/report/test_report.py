"""Reports as people and machines read them."""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from html.parser import HTMLParser

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runbook.core.action import CommandAction
from runbook.core.event import (
    HaltRequested,
    HostExcluded,
    OutputArrived,
    SessionLost,
    SessionOpened,
    StepSkipped,
    WaitCut,
)
from runbook.core.outcome import Outcome
from runbook.report.build import report
from runbook.report.markdown import escaped, markdown
from runbook.report.model import AnswerFacts, Deviation, Integrity, Objective, Person, ProbeFacts, Report
from runbook.report.render import render
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
    recovery, point = told(failover()).objectives
    assert (round(recovery.actual or 0, 3), round(recovery.error, 3)) == (27.81, 5.92)
    assert recovery == Objective(
        name="recovery time", promised=60.0, actual=recovery.actual, error=recovery.error, verdict="met",
        remark="counted from outage; 27.8 s from outage, 11.4 s from declaration; 14.0 s of it waiting for people, not subtracted",
    )  # fmt: skip
    assert (point.promised, point.verdict) == (30.0, "met")
    assert point.remark == "1 acknowledged write lost, by a canary every 500 ms"


def test_what_was_not_measured_is_never_called_met() -> None:
    tale = Story(plan(step("1.1"), objectives=failover_plan().objectives)).start().ran("1.1").finish()
    recovery, point = told(tale).objectives
    assert [(each.actual, each.verdict) for each in (recovery, point)] == [(None, "not_measured")] * 2


def test_everybody_who_took_part_is_named_with_what_they_did() -> None:
    assert told(failover()).people == (
        Person(
            name="anna",
            machine=False,
            deeds=("started the run", "answered proceed at gate 1.2#1", "marked detected", "wrote notes"),
        ),
        Person(name="ben", machine=False, deeds=("answered approve at gate 2.1#1",)),
    )


def test_the_decision_after_a_failure_is_the_answer_to_its_gate() -> None:
    gate = told(stopped()).gates[0]
    assert gate.answers == (
        AnswerFacts(who="anna", answer="abort", reason="looked by hand, it is down", label="04:12:24"),
    )
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
    assert told(tale.finish()).deviations == (
        Deviation(step="", name="", what="halted: enough", decided="by anna"),
        Deviation(step="", name="", what="host db1 excluded: broken", decided=""),
        Deviation(step="", name="", what="the link to db1 was lost 1 time", decided=""),
        Deviation(step="1.1", name="Step 1.1", what="succeeded; try 1 on db1 failed: exit code 3", decided=""),
        Deviation(step="1.2", name="Step 1.2", what="skipped: not needed", decided=""),
        Deviation(step="1.3", name="Step 1.3", what="succeeded; wait cut short: in a hurry", decided=""),
        Deviation(step="1.1", name="Step 1.1", what="late: took 0:10, planned 0:02", decided=""),
    )


def test_a_resumed_run_says_so_among_its_deviations() -> None:
    assert told(resumed()).deviations[0] == Deviation(
        step="", name="", what="interrupted, and resumed 0:31 after the run began; 17 bytes of an unfinished line were set aside", decided="by ben"
    )  # fmt: skip


def test_a_lost_link_is_counted_also_when_the_host_came_back() -> None:
    tale = Story(plan(step("1.1"))).start().add(SessionLost(host="db1", reason="reset"), SessionOpened(host="db1"))
    assert told(tale).hosts[0].links_lost == 1


def test_the_steady_state_is_told_before_during_and_after() -> None:
    assert told(failover()).steady_state == (
        ProbeFacts(probe="write-ok", before="good", during="not good for 0:22 in 1 stretch", after="good", samples=11, bad=pytest.approx(22.4), steady=True),
    )  # fmt: skip
    assert told(stopped()).steady_state == ()


def test_output_is_found_again_by_file_place_and_length() -> None:
    tale = Story(plan(step("1.1"))).start().enter("1.1").attempt("1.1", "db1")
    for offset, length in ((100, 50), (150, 4000)):
        tale.add(
            OutputArrived(step="1.1", host="db1", number=1, stream="out", file="out/db1.log", offset=offset, length=length, sha256="")
        )  # fmt: skip
    assert told(tale).steps[0].results[0].output == "out/db1.log, 4,050 bytes from 100"


def test_a_secret_shows_only_where_it_came_from() -> None:
    secret = told(failover()).parameters[1]
    assert (secret.name, secret.value, secret.source) == ("password", "(secret)", "env:DB_PASSWORD")


def test_a_step_whose_log_is_not_kept_does_not_show_its_text() -> None:
    tale = Story(plan(step("1.1", CommandAction(shell="hidden-words"), no_log=True))).start().ran("1.1").finish()
    assert "hidden-words" not in markdown(told(tale))
    assert "not shown" in markdown(told(tale))


def test_without_a_verification_the_report_says_that_there_was_none() -> None:
    assert "| Verified | **not verified for this report** |" in markdown(told(failover(), Integrity()))
    damaged = Integrity(grade="altered", lines=3, findings=("line 4 was changed",))
    assert "| line 4 was changed |" in markdown(told(failover(), damaged))


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


def test_the_data_reads_back_as_the_same_report() -> None:
    said = told(failover())
    assert msgspec.json.decode(render(said, "json"), type=Report) == said
