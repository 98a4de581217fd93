"""A changed host key at a line: both fingerprints are told, and only the name of the machine accepts one."""

from __future__ import annotations

import pytest

from runbook.cli.line.gates import question
from runbook.core.events.event import AttemptEnded, HostKeyAccepted
from runbook.core.host_key import ChangedKey, HostKey, HostKeys
from runbook.core.intent import AnswerGate
from runbook.core.outcome import Outcome
from runbook.core.planned.action import CommandAction
from runbook.core.planned.plan import Environment
from runbook.core.run import Run
from runbook.view.story.lines import narrate
from tests.builders import BEN, Story, plan, step
from tests.core.driving import Drive

OLD, NEW = HostKey("ssh-ed25519", "SHA256:old"), HostKey("ssh-rsa", "SHA256:new")
CHANGED = ChangedKey(machine="db1", known=(OLD,), shown=NEW)


class Typed:
    """A keyboard on which these lines are typed."""

    def __init__(self, *lines: str) -> None:
        self._lines = list(lines)
        self.prompts: list[str] = []

    async def ask(self, prompt: str) -> str | None:
        self.prompts.append(prompt)
        return self._lines.pop(0) if self._lines else None


def waiting() -> Drive:
    """A run that waits for a word about db1."""
    place = Environment(name="lab", host_keys=HostKeys(changed="ask"))
    drive = Drive(plan(step("1.1", CommandAction(shell="promote")), environment=place))
    drive.settle()
    drive.story.add(
        AttemptEnded(
            step="1.1", host="db1", number=1, outcome=Outcome.UNREACHABLE, detail="changed", changed_key=CHANGED
        )
    )
    drive.settle()
    assert drive.run.open_gates == ("1.1#1",)
    return drive


def lines(story: Story) -> str:
    pairs = zip(story.before, story.entries[1:], strict=True)
    after: list[Run] = [*story.before[1:], story.run]
    return "\n".join(
        line for (before, entry), run in zip(pairs, after, strict=True) for line in narrate(before, run, entry)
    )


def test_the_story_tells_both_keys_when_it_asks_and_when_somebody_has_vouched() -> None:
    drive = waiting()
    drive.story.add(HostKeyAccepted(changed=CHANGED, by=BEN, step="1.1"))
    story = lines(drive.story)
    assert "WAIT  host key 1.1#1: The key of db1 has changed, and nothing was sent to it." in story
    assert "known  ssh-ed25519 SHA256:old" in story
    assert "shown  ssh-rsa SHA256:new" in story
    assert "key of db1 accepted for this run by ben: ssh-rsa SHA256:new instead of ssh-ed25519 SHA256:old" in story


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("db1", AnswerGate(gate="1.1#1", answer="accept", typed="db1", digest=CHANGED.digest)),
        ("yes", AnswerGate(gate="1.1#1", answer="accept", typed="yes", digest=CHANGED.digest)),
        ("refuse", AnswerGate(gate="1.1#1", answer="refuse", digest=CHANGED.digest)),
    ],
)
async def test_what_is_typed_is_what_is_asked_for(typed: str, answer: AnswerGate) -> None:
    keyboard = Typed(typed)
    assert await question(waiting().run, "1.1#1", keyboard) == answer
    assert keyboard.prompts == ['Type "db1" to go on, or "refuse": ']


async def test_the_question_shows_what_waits_for_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    await question(waiting().run, "1.1#1", Typed())
    assert "promote" in capsys.readouterr().err
