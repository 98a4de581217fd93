"""Nothing is answered by accident, and everything that is answered is what was shown."""

from __future__ import annotations

import pytest
from textual import events
from textual.widgets import Button, Input, OptionList

from runbook.core.events.event import GateAnswered
from runbook.core.host_key import ChangedKey, HostKey
from runbook.core.intent import AnswerGate, HaltRun, PauseRun
from runbook.core.outcome import Outcome
from runbook.core.planned.action import (
    ApproveAction,
    AskAction,
    ChecklistAction,
    ChooseAction,
    ConfirmAction,
    Item,
    ManualAction,
    NoticeAction,
    Option,
)
from runbook.tui.modals.gate import GateModal
from runbook.tui.modals.gate_facts import key_rows
from runbook.tui.modals.keylock import KeyLock
from runbook.tui.modals.reason import Reason
from runbook.tui.modals.typed import compared
from tests.builders import BEN, Story, plan, step
from tests.tui.fakes import FakeFeed, refusal
from tests.tui.showing import asked, opened, shown, until, until_shown

CONFIRM = step("1.1", ConfirmAction(message="Go on?"), name="Ask")
WORD = step("1.1", ConfirmAction(message="Kills db1.", type="db1"), name="Ask")


def held(asked, kind="confirm", **fields) -> FakeFeed:
    """A run that waits at one gate."""
    tale = Story(plan(asked, step("1.2"))).start()
    return FakeFeed(tale.ask("1.1", kind, digest="d1", **fields))


def focused(pilot) -> str | None:
    return pilot.app.focused.id if pilot.app.focused else None


async def boxed(pilot) -> GateModal:
    return await asked(pilot, GateModal)


async def press_button(pilot, ident: str) -> None:
    """Go to a button by Tab, as a person does, and press it."""
    for _ in range(12):
        if focused(pilot) == ident:
            break
        await pilot.press("tab")
    assert focused(pilot) == ident
    await pilot.press("enter")


# --- the lock ---------------------------------------------------------------------------------------------------------


async def test_keys_made_before_the_question_was_seen_for_a_second_do_nothing():
    feed = held(CONFIRM)
    async with opened(feed=feed, start_on="run", lock_seconds=1.0) as pilot:
        box = await boxed(pilot)
        for key in ("tab", "tab", "enter", "escape"):
            early = events.Key(key, None)
            early.time = box.unlocks_at - 0.001
            pilot.app.post_message(early)
        await pilot.pause()
        assert (pilot.app.screen, focused(pilot), feed.sent) == (box, "safe", [])


async def test_a_key_made_after_the_lock_counts():
    async with opened(feed=held(CONFIRM), start_on="run", lock_seconds=1.0) as pilot:
        box = await boxed(pilot)
        late = events.Key("tab", None)
        late.time = box.unlocks_at
        pilot.app.post_message(late)
        await until(pilot, lambda: focused(pilot) == "stop")


@pytest.mark.parametrize("make", [lambda: events.Paste("db1"), lambda: events.Key("d", "d")], ids=["paste", "key"])
async def test_nothing_typed_or_pasted_before_reaches_the_field(make):
    async with opened(feed=held(WORD, word="db1"), start_on="run", lock_seconds=1.0) as pilot:
        box = await boxed(pilot)
        box.query_one("#typed").focus()
        event = make()
        event.time = box.unlocks_at - 0.5
        pilot.app.post_message(event)
        await pilot.pause()
        assert box.query_one("#typed", Input).value == ""


async def test_a_question_asked_by_a_question_is_locked_too():
    async with opened(feed=held(CONFIRM), start_on="run") as pilot:
        await boxed(pilot)
        pilot.app.screen.lock_seconds = 5.0
        await press_button(pilot, "stop")
        reason = await asked(pilot, Reason)
        assert not reason.takes(events.Key("a", "a"))


# --- safe by default --------------------------------------------------------------------------------------------------

GATES = [
    pytest.param(CONFIRM, {}, id="confirm"),
    pytest.param(step("1.1", ApproveAction(message="Fail over?", allow_self=True)), {"kind": "approve"}, id="approve"),
    pytest.param(step("1.1", AskAction(prompt="Ticket?", default="T-1")), {"kind": "ask"}, id="ask"),
    pytest.param(
        step("1.1", ChooseAction(prompt="Which?", options=(Option(label="left"), Option(label="right")))),
        {"kind": "choose"},
        id="choose",
    ),
    pytest.param(step("1.1", ManualAction(instructions="Call the desk.")), {"kind": "manual"}, id="manual"),
    pytest.param(
        step("1.1", ChecklistAction(items=(Item(item="a"), Item(item="b")))), {"kind": "checklist"}, id="checklist"
    ),
]


@pytest.mark.parametrize(("question", "fields"), GATES)
async def test_every_gate_opens_on_the_answer_that_changes_nothing(question, fields):
    feed = held(question, **fields)
    async with opened(feed=feed, start_on="run") as pilot:
        await boxed(pilot)
        at_first = focused(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(pilot.app.screen, KeyLock))
        assert (at_first, feed.sent, feed.run.open_gates) == ("safe", [], ("1.1#1",))


@pytest.mark.parametrize(("question", "fields"), GATES)
async def test_escape_answers_nothing_and_a_opens_the_gate_again(question, fields):
    feed = held(question, **fields)
    async with opened(feed=feed, start_on="run") as pilot:
        await boxed(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, GateModal))
        await pilot.press("a")
        await boxed(pilot)
        assert feed.sent == []


@pytest.mark.parametrize("key", ["y", "n", "p", "a", "x", "q", "enter", "space"])
async def test_no_single_key_goes_on(key):
    feed = held(CONFIRM)
    async with opened(feed=feed, start_on="run") as pilot:
        await boxed(pilot)
        await pilot.press(key)
        await pilot.pause()
        assert feed.sent == []


# --- answering --------------------------------------------------------------------------------------------------------


async def test_going_on_sends_the_digest_that_was_shown():
    feed = held(CONFIRM)
    async with opened(feed=feed, start_on="run") as pilot:
        await boxed(pilot)
        await press_button(pilot, "proceed")
        await until(pilot, lambda: feed.sent)
        assert feed.sent == [AnswerGate(gate="1.1#1", answer="proceed", digest="d1")]


async def test_a_typed_word_turns_the_button_on_only_letter_for_letter():
    feed = held(WORD, word="db1")
    async with opened(feed=feed, start_on="run") as pilot:
        box = await boxed(pilot)
        box.query_one("#typed").focus()
        states = []
        for key in ("d", "b", "2", "backspace", "1"):
            await pilot.press(key)
            await pilot.pause()
            states.append(box.query_one("#proceed", Button).disabled)
        await pilot.press("enter")
        after_enter = (focused(pilot), list(feed.sent))
        await pilot.press("enter")
        await until(pilot, lambda: feed.sent)
        assert states == [True, True, True, True, False]
        assert after_enter == ("proceed", [])
        assert feed.sent == [AnswerGate(gate="1.1#1", answer="proceed", typed="db1", digest="d1")]


async def test_letters_reach_the_word_from_wherever_the_keys_are():
    feed = held(WORD, word="db1")
    async with opened(feed=feed, start_on="run") as pilot:
        box = await boxed(pilot)
        assert focused(pilot) == "safe"
        for key in ("d", "b", "1"):
            await pilot.press(key)
        await until(pilot, lambda: box.query_one("#typed", Input).value == "db1")
        assert focused(pilot) == "typed"
        await pilot.press("enter")
        await until(pilot, lambda: focused(pilot) == "proceed")
        assert feed.sent == []
        await pilot.press("enter")
        await until(pilot, lambda: feed.sent)
        assert feed.sent == [AnswerGate(gate="1.1#1", answer="proceed", typed="db1", digest="d1")]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "db1  no match yet"),
        ("d", "db1  1 of 3 letters"),
        ("dx", 'db1  differs at letter 2: "x"'),
        ("db1", "db1  matches"),
        ("db12", 'db1  differs at letter 4: "2"'),
        ("DB1", 'db1  differs at letter 1: "D"'),
    ],
)
def test_what_is_typed_is_compared_at_every_letter(typed, said):
    assert "".join(part.text for part in compared("db1", typed)) == said


async def test_stopping_asks_for_a_reason_and_sends_it():
    feed = held(CONFIRM)
    async with opened(feed=feed, start_on="run") as pilot:
        await boxed(pilot)
        await press_button(pilot, "stop")
        await asked(pilot, Reason)
        await pilot.press(*"wrong day", "enter", "enter")
        await until(pilot, lambda: feed.sent)
        assert feed.sent == [AnswerGate(gate="1.1#1", answer="stop", reason="wrong day", digest="d1")]


async def test_a_box_closes_when_somebody_else_answered():
    feed = held(CONFIRM)
    async with opened(feed=feed, start_on="run") as pilot:
        await boxed(pilot)
        feed.happens(GateAnswered(gate="1.1#1", step="1.1", by=BEN, answer="proceed"))
        feed.story.end("1.1")
        feed.news()
        await until(pilot, lambda: not isinstance(pilot.app.screen, KeyLock))
        assert feed.sent == []


async def test_a_refusal_is_shown_in_the_box_and_the_gate_stays_open():
    feed = held(WORD, word="db1")

    async def refuse(intent):
        feed.sent.append(intent)
        return refusal("what this gate lets through has changed")

    feed.send = refuse
    async with opened(feed=feed, start_on="run") as pilot:
        box = await boxed(pilot)
        box.query_one("#typed").focus()
        await pilot.press(*"db1", "enter", "enter")
        await until_shown(pilot, "what this gate lets through has changed")
        assert pilot.app.screen is box


async def test_who_may_not_approve_is_told_why_and_cannot_press():
    feed = held(step("1.1", ApproveAction(message="Fail over?")), "approve")
    async with opened(feed=feed, start_on="run") as pilot:
        box = await boxed(pilot)
        await until_shown(pilot, "nobody approves their own")
        assert [button.id for button in box.query(".buttons Button") if not button.disabled] == ["safe"]


async def test_a_value_is_given():
    feed = held(step("1.1", AskAction(prompt="Ticket?", default="T-1")), "ask")
    async with opened(feed=feed, start_on="run") as pilot:
        await boxed(pilot)
        pilot.app.screen.query_one("#value").focus()
        await pilot.press("end", "2", "enter", "enter")
        await until(pilot, lambda: feed.sent)
        assert feed.sent == [AnswerGate(gate="1.1#1", answer="value", value="T-12", digest="d1")]


async def test_one_of_several_ways_is_chosen_by_name():
    ways = ChooseAction(prompt="Which?", options=(Option(label="left"), Option(label="right")))
    feed = held(step("1.1", ways), "choose", choices=("left", "right"))
    async with opened(feed=feed, start_on="run") as pilot:
        await boxed(pilot)
        pilot.app.screen.query_one("#ways").focus()
        await pilot.press("down", "enter")
        await until_shown(pilot, "Choose: right")
        await pilot.press("enter")
        await until(pilot, lambda: feed.sent)
        assert feed.sent == [AnswerGate(gate="1.1#1", answer="choose", value="right", digest="d1")]


async def test_manual_work_is_done_failed_or_skipped():
    feed = held(step("1.1", ManualAction(instructions="Call the desk.")), "manual")
    async with opened(feed=feed, start_on="run") as pilot:
        box = await boxed(pilot)
        offered = [button.id for button in box.query(".buttons Button")]
        await press_button(pilot, "done")
        await until(pilot, lambda: feed.sent)
        assert (offered, feed.sent) == (
            ["safe", "skip", "failed", "done"],
            [AnswerGate(gate="1.1#1", answer="done", digest="d1")],
        )


async def test_a_checklist_stays_open_until_every_item_has_an_answer():
    feed = held(step("1.1", ChecklistAction(items=(Item(item="page them"), Item(item="freeze")))), "checklist")
    async with opened(feed=feed, start_on="run") as pilot:
        await boxed(pilot)
        await press_button(pilot, "tick")
        await until_shown(pilot, "[x] page them  tick by anna")
        items = pilot.app.screen.query_one("#items", OptionList)
        assert ([intent.value for intent in feed.sent], items.highlighted) == ([0], 1)


# --- the run's own keys -----------------------------------------------------------------------------------------------


async def test_pausing_is_one_key_and_going_on_is_asked():
    feed = FakeFeed(Story(plan(step("1.1"))).start().enter("1.1"))
    async with opened(feed=feed, start_on="run") as pilot:
        await pilot.press("p")
        await until_shown(pilot, "PAUSED")
        await pilot.press("p")
        await until_shown(pilot, "The run enters new steps again.")
        assert (feed.sent, focused(pilot)) == ([PauseRun()], "safe")


async def test_halting_needs_the_typed_word_and_a_reason():
    feed = FakeFeed(Story(plan(step("1.1"))).start().enter("1.1"))
    async with opened(feed=feed, start_on="run") as pilot:
        await pilot.press("x")
        await asked(pilot, Reason)
        await pilot.press(*"halt", "enter", *"fire", "enter")
        await until(pilot, lambda: focused(pilot) == "go")
        before = list(feed.sent)
        await pilot.press("enter")
        await until(pilot, lambda: feed.sent)
        assert (before, feed.sent) == ([], [HaltRun(reason="fire")])


async def test_enter_in_an_unfinished_halt_goes_to_the_safe_button():
    feed = FakeFeed(Story(plan(step("1.1"))).start().enter("1.1"))
    async with opened(feed=feed, start_on="run") as pilot:
        await pilot.press("x")
        await asked(pilot, Reason)
        pilot.app.screen.query_one("#reason").focus()
        await pilot.press(*"fire", "enter")
        await until(pilot, lambda: focused(pilot) == "safe")
        assert feed.sent == []


async def test_an_authors_marks_are_looks_and_a_programs_words_are_not():
    marked = "Kills **db1**.\n- see [wiki](https://x)"
    tale = Story(plan(step("1.1", ConfirmAction(message=marked)), step("1.2"))).start()
    tale.ask("1.1", message=marked)
    async with opened(feed=FakeFeed(tale), start_on="run") as pilot:
        await until_shown(pilot, "Kills db1.")
        assert "- see wiki (https://x)" in shown(pilot.app)
    tale = Story(plan(step("1.1"))).start().enter("1.1").attempt("1.1", "db1").wait(1)
    tale.answer("1.1", "db1", Outcome.FAILED, detail="**odd** `exit`")
    tale.ask("1.1", "failure", message="failed: **odd** `exit`", choices=("retry", "abort"))
    async with opened(feed=FakeFeed(tale), start_on="run") as pilot:
        await until_shown(pilot, "**odd** `exit`")


async def test_a_notice_is_read_where_the_hosts_would_be():
    tale = Story(plan(step("1.1", NoticeAction(text="Tell **everybody**.\nThen go on."), hosts=()))).start()
    async with opened(feed=FakeFeed(tale), start_on="run") as pilot:
        await until_shown(pilot, "Tell everybody.")
        assert "What it says" in shown(pilot.app)


async def test_a_changed_host_key_stands_under_the_known_one_with_what_differs_standing_out():
    known = HostKey("ssh-rsa", "SHA256:aaaaXaaa")
    changed = ChangedKey(machine="db1", known=(known,), shown=HostKey("ssh-rsa", "SHA256:aaaaYaab"))
    tale = Story(plan(step("1.1"))).start().enter("1.1").attempt("1.1", "db1")
    tale.ask("1.1", "host_key", word="db1", changed_key=changed, choices=("accept", "refuse"), digest=changed.digest)
    feed = FakeFeed(tale)
    async with opened(feed=feed, start_on="run") as pilot:
        await boxed(pilot)
        await until_shown(pilot, "changed host key")
        rows = shown(pilot.app).splitlines()
        columns = [row.index("SHA256:") for row in rows if "SHA256:" in row]
        differing = [part.text for row in key_rows(changed) for part in row if "reverse" in part.attributes]
        assert (len(columns), len(set(columns)), differing, focused(pilot)) == (2, 1, ["Y", "b"], "safe")
        await pilot.press(*"db1", "enter", "enter")
        await until(pilot, lambda: feed.sent)
        assert feed.sent == [AnswerGate(gate="1.1#1", answer="accept", typed="db1", digest=changed.digest)]
