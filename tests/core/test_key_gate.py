"""A changed host key: who is asked, what the answer lets through, and that nothing else ever does."""

from __future__ import annotations

import hashlib

import msgspec
import pytest

from runbook.core.events.event import AttemptEnded, AttemptStarted, GateOpened, HostKeyAccepted
from runbook.core.host_key import ChangedKey, HostKey, HostKeys
from runbook.core.intent import AnswerGate, HaltRun
from runbook.core.outcome import Outcome
from runbook.core.planned.plan import Environment, PlannedStep
from runbook.core.run import Phase
from tests.builders import ANNA, BEN, plan, step
from tests.core.driving import Drive, says
from tests.core.shapes import closing

OLD, NEW, THIRD = (HostKey("ssh-ed25519", f"SHA256:{name}") for name in ("old", "new", "third"))
ASKS = Environment(name="lab", host_keys=HostKeys(changed="ask"), auto=("all",))
OK, GONE, CANCELLED = Outcome.SUCCEEDED, Outcome.UNREACHABLE, Outcome.CANCELLED


def changed(machine: str = "db1", shown: HostKey = NEW) -> ChangedKey:
    return ChangedKey(machine=machine, known=(OLD,), shown=shown)


class Keys(Drive):
    """Machines that show other keys, to attempts that begin before somebody accepts them."""

    def __init__(self, *args: object, shows: dict[str, ChangedKey], **how: object) -> None:
        self._shows = shows
        super().__init__(*args, **how)

    def _end(self, effect: object, outcome: Outcome) -> None:
        key = self._shows.get(effect.host)
        if key is None or outcome is CANCELLED or self.run.accepted_key(key.machine) == key.shown:
            super()._end(effect, outcome)
            return
        del self.in_flight[effect]
        self.story.add(
            AttemptEnded(
                step=effect.step,
                host=effect.host,
                number=effect.number,
                outcome=GONE,
                detail="changed",
                changed_key=key,
            )
        )


def asks(*steps: PlannedStep, environment: Environment = ASKS, **how: object) -> Keys:
    how.setdefault("shows", {"db1": changed()})
    return Keys(plan(*steps, environment=environment), **how)


def accepts(word: str = "db1", **fields: object) -> object:
    return says("accept", typed=word, **fields)


# --- asking -----------------------------------------------------------------------------------------------------------


def test_the_gate_names_both_keys_and_asks_for_the_name_of_the_machine() -> None:
    drive = asks(step("1.1")).go()
    gate = drive.run.gates["1.1#1"].opened
    assert (gate.kind, gate.word, gate.choices) == ("host_key", "db1", ("accept", "refuse"))
    assert gate.message.splitlines()[1:3] == ["known  ssh-ed25519 SHA256:old", "shown  ssh-ed25519 SHA256:new"]
    assert (gate.changed_key, gate.digest) == (changed(), hashlib.sha256(gate.message.encode()).hexdigest())
    assert drive.run.open_gates == ("1.1#1",)


def test_what_was_accepted_is_tried_again_at_no_cost_and_stands_on_record_with_who_said_so() -> None:
    drive = asks(step("1.1", retries=1), replies={"1.1": [accepts(by=BEN)]}, outcomes={"1.1": [OK, Outcome.FAILED, OK]})
    drive.go()
    assert drive.events.count(HostKeyAccepted(changed=changed(), by=BEN, step="1.1")) == 1
    assert drive.tale[:8] == [
        "enter 1.1", "1.1@db1#1 unreachable", "ask 1.1#1 host_key", "ben: accept 1.1#1",
        "1.1@db1#2 failed", "1.1@db1#3 succeeded", "end 1.1 succeeded", "close",
    ]  # fmt: skip


def test_what_was_refused_is_unreachable_and_the_step_s_own_policy_follows() -> None:
    drive = asks(
        step("1.1", on_failure="continue"), step("1.2"), replies={"1.1": [says("refuse")]}, shows={"db1": changed()}
    )
    drive.go(until=lambda drive: drive.outcome("1.1") is not None)
    assert (drive.outcome("1.1"), drive.state("1.1").errors, dict(drive.run.accepted_keys)) == (GONE, 1, {})
    assert "policy: continue 1.1" in drive.go().tale


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"answer": "accept"}, "wrong-word"),
        ({"answer": "accept", "typed": "db2"}, "wrong-word"),
        ({"answer": "accept", "typed": "db1", "digest": changed(shown=THIRD).digest}, "stale-gate"),
        ({"answer": "proceed", "typed": "db1"}, "refused"),
    ],
)
def test_an_answer_without_the_name_or_to_another_key_does_not_count(answer: dict[str, str], code: str) -> None:
    drive = asks(step("1.1")).go()
    assert drive.ask(AnswerGate(gate="1.1#1", **answer)).code == code
    assert dict(drive.run.accepted_keys) == {}


def test_the_second_answer_comes_too_late() -> None:
    drive = asks(step("1.1")).go()
    assert drive.ask(AnswerGate(gate="1.1#1", answer="refuse")) is None
    assert drive.ask(AnswerGate(gate="1.1#1", answer="accept", typed="db1")).what == "gate 1.1#1 is closed"
    assert dict(drive.run.accepted_keys) == {}


# --- not asking -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("environment", [Environment(name="lab"), Environment(name="lab", host_keys=HostKeys())])
def test_where_the_place_does_not_allow_it_nobody_is_asked(environment: Environment) -> None:
    drive = asks(step("1.1", on_failure="continue"), environment=environment).go()
    assert drive.outcome("1.1") is GONE
    assert drive.entries_of(GateOpened) == []


def test_an_unattended_run_asks_nobody() -> None:
    drive = asks(step("1.1", on_failure="continue"), attended=False).go()
    assert (drive.outcome("1.1"), drive.entries_of(GateOpened)) == (GONE, [])


def test_no_machine_ever_vouches_for_a_key() -> None:
    drive = asks(step("1.1"), auto=True).go()
    assert drive.run.open_gates == ("1.1#1",)


def test_closing_steps_ask_nobody() -> None:
    of = msgspec.structs.replace(closing(step("1.1", hosts=("web1",))), environment=ASKS)
    drive = Keys(of, shows={"db1": changed()}).go()
    assert drive.run.phase is Phase.ENDED
    assert (drive.outcome("A.1"), drive.entries_of(GateOpened)) == (GONE, [])


# --- whom an answer is for --------------------------------------------------------------------------------------------


def test_an_accepted_key_holds_for_every_later_step_and_another_one_is_asked_about_again() -> None:
    drive = asks(step("1.1"), step("1.2"), replies={"1.1": [accepts()]})
    drive.go(until=lambda drive: drive.outcome("1.1") is not None)
    drive._shows["db1"] = changed(shown=THIRD)
    drive.go()
    assert drive.outcome("1.1") is OK
    assert drive.run.gates["1.2#1"].opened.changed_key.shown == THIRD


def test_every_changed_host_is_a_question_of_its_own_and_the_others_go_on_meanwhile() -> None:
    hosts = ("db1", "db2", "db3")
    shows = {"db1": changed("db1"), "db2": changed("db2")}
    drive = asks(step("1.1", hosts=hosts, max_errors=1), shows=shows).go()
    assert {drive.run.gates[gate].opened.word for gate in drive.run.open_gates} == {"db1", "db2"}
    assert dict(drive.state("1.1").settled) == {"db3": OK}
    drive.ask(AnswerGate(gate="1.1#1", answer="accept", typed="db1"))
    drive.ask(AnswerGate(gate="1.1#2", answer="refuse"))
    drive.go()
    assert dict(drive.state("1.1").settled) == {"db1": OK, "db2": GONE, "db3": OK}


def test_hosts_behind_one_bastion_are_one_question() -> None:
    shows = {"db1": changed("bastion"), "db2": changed("bastion")}
    drive = asks(step("1.1", hosts=("db1", "db2")), shows=shows, replies={"1.1": [accepts("bastion")]}).go()
    assert (drive.outcome("1.1"), len(drive.entries_of(GateOpened))) == (OK, 1)


def test_an_answer_in_one_step_answers_every_step_that_waits_for_the_same_key() -> None:
    from runbook.core.planned.action import ParallelAction

    both = PlannedStep(id="1.1", name="Both", action=ParallelAction(), steps=(step("1.1.1"), step("1.1.2")))
    drive = asks(both).go()
    assert len(drive.run.open_gates) == 2
    assert drive.ask(AnswerGate(gate=drive.run.open_gates[0], answer="accept", typed="db1")) is None
    assert drive.run.open_gates == ()
    assert drive.go().outcome("1.1") is OK


def test_a_machine_that_is_refused_although_its_key_was_accepted_is_unreachable_and_not_asked_about_for_ever() -> None:
    drive = asks(step("1.1", on_failure="continue"), replies={"1.1": [accepts()]})
    drive._end = lambda effect, outcome: (
        drive.in_flight.pop(effect),
        drive.story.add(
            AttemptEnded(step="1.1", host="db1", number=effect.number, outcome=GONE, changed_key=changed())
        ),
    )
    drive.go()
    assert (drive.did, drive.outcome("1.1")) == (["1.1@db1", "1.1@db1"], GONE)


def test_an_attempt_that_was_on_its_way_while_its_key_was_accepted_is_simply_tried_again() -> None:
    drive = asks(
        step("1.1", hosts=("db1", "db2")),
        shows={"db1": changed("bastion"), "db2": changed("bastion")},
        took={"1.1@db2": 5.0},
    )
    drive.go(until=lambda drive: drive.run.open_gates)
    assert drive.ask(AnswerGate(gate="1.1#1", answer="accept", typed="bastion")) is None
    drive.story.add(AttemptEnded(step="1.1", host="db2", number=1, outcome=GONE, changed_key=changed("bastion")))
    del drive.in_flight[next(effect for effect in drive.in_flight if effect.host == "db2")]
    drive.go()
    assert (drive.outcome("1.1"), len(drive.entries_of(GateOpened))) == (OK, 1)


# --- stopping and resuming --------------------------------------------------------------------------------------------


def test_a_halt_closes_the_question() -> None:
    drive = Keys(msgspec.structs.replace(closing(step("1.1")), environment=ASKS), shows={"db1": changed()})
    drive.go(until=lambda drive: drive.run.open_gates)
    drive._shows.clear()
    assert drive.ask(HaltRun(reason="not today")) is None
    drive.go()
    assert (drive.run.open_gates, drive.outcome("1.1"), drive.outcome("A.1")) == ((), CANCELLED, OK)


def test_question_and_answer_survive_the_runner() -> None:
    drive = asks(step("1.1"), step("1.2")).go()
    drive.crash_and_resume().go()
    assert drive.run.open_gates == ("1.1#1",)
    assert drive.ask(AnswerGate(gate="1.1#1", answer="accept", typed="db1"), ANNA) is None
    drive.crash_and_resume().go()
    assert drive.run.accepted_key("db1") == NEW
    assert (drive.did, drive.run.has_ended) == (["1.1@db1", "1.1@db1", "1.2@db1"], True)


def test_keys_travel_through_the_record() -> None:
    drive = asks(step("1.1"), replies={"1.1": [accepts()]}).go()
    kinds = AttemptEnded | GateOpened | HostKeyAccepted
    for entry in drive.story.entries:
        if isinstance(entry.event, kinds):
            assert msgspec.json.decode(msgspec.json.encode(entry), type=type(entry)) == entry
    assert [event.number for event in drive.events if isinstance(event, AttemptStarted)] == [1, 2]
