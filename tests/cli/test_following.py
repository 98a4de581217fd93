"""Going on from an ended run, and taking it back: new runs that say which one they follow, and both reports name the other."""

from __future__ import annotations

import json

import pytest

from tests.cli.desk import Desk, Said, book

STEPS = """[
  {name: one, on: localhost, command: "echo one {{ word }} >> LOG; echo value", register: it, timeout: 9s,
   rollback: {name: u1, command: "echo undo1 {{ it.stdout | trim }} >> LOG", timeout: 9s}},
  {name: two, on: localhost, command: "echo two >> LOG; test -e OK", timeout: 9s, on_failure: abort,
   rollback: {name: u2, command: "echo undo2 >> LOG", timeout: 9s}},
  {name: three, on: localhost, command: "echo three {{ it.stdout | trim }} >> LOG", timeout: 9s,
   rollback: {name: u3, command: "echo undo3 >> LOG", timeout: 9s}}]"""
PARAMETER = "parameters: {word: {type: string, default: hi}}\n"


class Told:
    """A run that failed in its second step, and what its commands have written."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._log = desk.root / "log"
        steps = STEPS.replace("LOG", str(self._log)).replace("OK", str(desk.root / "ok"))
        desk.write("drills/look.yaml", book(head=PARAMETER, steps=steps))
        self.failed = self.run("run", "look", "-p", "word=ho")

    def run(self, *words: str) -> str:
        said = self._desk.start(*words, "--unattended", "--line", "--json")
        assert said.out, said.err
        return json.loads(said.out)["run"]

    @property
    def log(self) -> list[str]:
        return self._log.read_text().splitlines()

    def ask(self, *words: str) -> Said:
        return self._desk.ask(*words)

    def mend(self) -> None:
        self._desk.write("ok", "")


@pytest.fixture
def told(desk: Desk) -> Told:
    return Told(desk)


def test_a_run_goes_on_from_a_step_with_what_the_old_one_was_given_and_had_found_out(told: Told) -> None:
    told.mend()
    went_on = told.run("run", "--from", told.failed, "--at", "two")
    assert told.log == ["one ho", "two", "two", "three value"]
    assert f"| Follows | continues run {told.failed} at step 1.2 |" in told.ask("report", went_on).out
    assert f"| Followed by | run {went_on}, which continues it: completed |" in told.ask("report", told.failed).out
    assert f"continues run {told.failed} at step 1.2" in told.ask("replay", went_on, "--line").out
    assert told.ask("verify", went_on).status == 0


def test_where_to_go_on_is_asked_with_the_first_step_that_did_not_succeed(told: Told) -> None:
    assert told.ask("run", "--from", told.failed) == Said(
        2,
        "",
        "error: where to go on is not said\n"
        '  why: the first step that did not succeed is 1.2 "two"\n'
        f"  fix: Say it: runbook run --from {told.failed} --at 1.2\n",
    )
    assert told.ask("run", "--at", "1.2").err.startswith("error: which run is continued is not said\n")
    assert told.ask("run").err.startswith("error: which runbook is not said\n")


def test_an_ended_run_is_taken_back_once_and_both_reports_say_so(told: Told) -> None:
    back = told.run("rollback", told.failed)
    assert told.log == ["one ho", "two", "undo2", "undo1 value"]
    assert f"| Follows | rolls back run {told.failed} |" in told.ask("report", back).out
    assert f"| Followed by | run {back}, which rolls it back: completed |" in told.ask("report", told.failed).out
    assert told.ask("rollback", told.failed) == Said(
        5,
        "",
        f"error: run {told.failed} has nothing to roll back\n"
        "  why: everything that ran and has an undo is undone\n"
        f"  fix: See what ran: runbook report {told.failed}\n",
    )


def test_what_was_built_on_top_is_taken_back_first(told: Told) -> None:
    told.mend()
    went_on = told.run("run", "--from", told.failed, "--at", "1.2")
    refused = told.ask("rollback", told.failed)
    assert (refused.status, refused.err.splitlines()[-1]) == (
        5,
        f"  fix: Take that back first: runbook rollback {went_on}",
    )
    told.run("rollback", went_on)
    told.run("rollback", told.failed)
    assert told.log[4:] == ["undo3", "undo2", "undo2", "undo1 value"]


def test_a_run_that_has_not_ended_is_neither_continued_nor_taken_back(desk: Desk) -> None:
    desk.write("drills/look.yaml", book(steps="[{name: Sure, confirm: Really?}]"))
    run = desk.start("run", "look", "--detach", "--attended").out.strip()
    desk.until(lambda: desk.ask("approve", run), lambda said: "1.1#1" in said.out)
    for words in (("rollback", run), ("run", "--from", run, "--at", "1.1")):
        assert desk.ask(*words) == Said(
            5,
            "",
            f"error: run {run} is live\n"
            f'  fix: Stop it first: runbook halt {run} -m "WHY"; with --rollback it is undone at once.\n',
        )
