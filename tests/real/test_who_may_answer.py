"""The socket asks the kernel who is calling: other accounts of this machine, for real, by changing the uid of a child."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from runbook.cli.others import found_elsewhere
from runbook.core.events.event import GateAnswered
from runbook.core.planned.action import ApproveAction, ConfirmAction
from runbook.core.planned.plan import PlannedStep
from runbook.problem import Problems
from runbook.talk.person import person, this_machine
from runbook.workspace.local import LocalWorkspace
from tests.conftest import runtime  # noqa: F401 - a fixture
from tests.place import Place, ended, plan, until

pytestmark = [pytest.mark.real]
ANSWER = {"ask": "intent", "intent": {"type": "AnswerGate", "gate": "1.1#1", "answer": "approve"}, "via": "approve"}
ALLOWED, STRANGER = 65533, 65532


@pytest.fixture
async def place(tmp_path: Path, runtime: Path) -> AsyncIterator[Place]:  # noqa: F811
    if os.getuid() != 0:
        if os.environ.get("RUNBOOK_REQUIRE_REAL"):
            pytest.fail("only root can be somebody else")
        pytest.skip("only root can be somebody else")
    made = Place(tmp_path)
    settings = replace(made.workspace.settings, allowed=frozenset({0, ALLOWED}))
    made.workspace = LocalWorkspace(settings, via="test")
    yield made
    await made.close()


def said_to(path: Path, uid: int, request: object) -> dict:
    """What a process of that uid is told."""

    def ask() -> bytes:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(10)
            line.connect(str(path))
            line.sendall(json.dumps(request).encode() + b"\n")
            return line.makefile("rb").readline()

    return as_user(uid, ask)


def found_by(uid: int, run: str) -> dict:
    """What a process of that uid finds when it looks for a live run of somebody else's, or why it does not."""

    def look() -> bytes:
        said: list[object] = []

        def search() -> None:
            try:
                said.append({"found": found_elsewhere(run, via="test", uid=None)})
            except Problems as refused:
                said.append({"refused": refused.problems[0].what, "fix": refused.problems[0].fix})

        # A thread of its own, because the test's loop runs in this one.
        thread = threading.Thread(target=search)
        thread.start()
        thread.join()
        return json.dumps(said[0]).encode()

    return as_user(uid, look)


def as_user(uid: int, ask: Callable[[], bytes]) -> dict:
    """What it gives, as JSON, in a process of that uid."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgid(uid)
            os.setuid(uid)
            os.write(theirs, ask())
        except OSError as wrong:
            os.write(theirs, json.dumps({"failed": str(wrong)}).encode())
        finally:
            os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return json.loads(said)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
async def test_a_stranger_is_shown_out_and_a_named_person_may_approve(place: Place) -> None:
    gate = PlannedStep(id="1.1", name="Sign", action=ApproveAction(message="Sign?"))
    feed = await place.start(plan(gate))
    await until(feed, lambda run: run.open_gates)
    path = place.door(feed.run.id).path

    shown_out = said_to(path, STRANGER, ANSWER)
    assert shown_out["problem"]["code"] == "not-allowed"
    assert said_to(path, 0, ANSWER)["problem"]["why"] == "root started this run, and nobody approves their own run"
    looked = said_to(path, ALLOWED, {"ask": "look"})
    assert [one["opened"]["message"] for one in looked["view"]["gates"]] == ["Sign?"]
    assert "problem" not in said_to(path, ALLOWED, ANSWER)

    run = await ended(feed)
    answers = [entry.event for entry in place.entries(run.id) if isinstance(entry.event, GateAnswered)]
    known = person(ALLOWED, machine=this_machine(), via="approve")
    assert [answer.by for answer in answers] == [known]
    assert run.operator == person(0, machine=this_machine(), via="test")


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
async def test_a_named_person_finds_the_run_by_name_and_a_stranger_is_told_why_not(place: Place) -> None:
    gate = PlannedStep(id="1.1", name="Sign", action=ApproveAction(message="Sign?"))
    feed = await place.start(plan(gate, runbook="sign-what-is-due"))
    await until(feed, lambda run: run.open_gates)

    for called in ("sign-what-is-due", feed.run.id, feed.run.id[:20]):
        assert found_by(ALLOWED, called) == {"found": feed.run.id}
    assert found_by(ALLOWED, "sign-something-else") == {"found": None}
    assert found_by(STRANGER, "sign-what-is-due") == {
        "refused": f"uid {STRANGER} may not control run {feed.run.id}",
        "fix": f'Ask root to write [control] allow = ["uid {STRANGER}"], which counts for runs begun after that, '
        f"or to answer: runbook approve {feed.run.id}",
    }


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
async def test_where_nobody_was_named_others_cannot_even_reach_the_socket(place: Place) -> None:
    settings = replace(place.workspace.settings, allowed=frozenset({0}))
    place.workspace = LocalWorkspace(settings, via="test")
    feed = await place.start(plan(PlannedStep(id="1.1", name="Go on?", action=ConfirmAction(message="?"))))
    path = place.door(feed.run.id).path
    assert said_to(path, STRANGER, ANSWER) == {"failed": "[Errno 13] Permission denied"}
