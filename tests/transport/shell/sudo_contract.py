"""What becoming somebody else promises, whatever sudo there is. One suite: a stand-in that passes it may stand for one.

A subclass gives `place`: an object with `opened(password)`, an open session whose host has a rule that asks for
`password`; `wrong()`, how many wrong ones were given; and `unruled(password)`, a session of a host without a rule.
"""

from __future__ import annotations

from runbook.core.outcome import Exited, NeverSent
from runbook.core.planned.command import Become, Command
from tests.transport.recorder import Recorder, attached

ROOT = Become(user="root")
GIVE = "with --ask-become-pass (-K) or ansible_become_password"


def asks(text: str, **parts) -> Command:
    return Command(shell=text, become=ROOT, **parts)


async def ran(session, command: Command, **parts):
    sink = Recorder()
    return await session.run(command, attached(**parts), sink), sink.out


class SudoContract:
    """Holds for every kind."""

    async def test_a_password_opens_a_shell_and_is_no_part_of_its_input(self, place):
        async with place.opened(place.password) as session:
            assert await ran(session, asks("cat; echo $X", stdin=b"in\n", env=(("X", "a 'b'"),))) == (
                Exited(0),
                b"in\na 'b'\n",
            )
        assert await place.wrong() == 0

    async def test_without_one_it_is_said_how_to_give_it_and_nothing_is_sent(self, place):
        async with place.opened(None) as session:
            ending, out = await ran(session, asks("echo in"))
            assert (type(ending), out) == (NeverSent, b"")
            assert ending.reason.startswith("cannot become root: sudo: ")
            assert f"; give the password {GIVE}, or allow a shell without one in sudoers: " in ending.reason
            assert "is required; " in ending.reason

    async def test_a_wrong_one_is_tried_once_and_not_again(self, place):
        async with place.opened("a wrong one") as session:
            first, second = [await ran(session, asks("echo in")) for _ in range(2)]
            assert (type(first[0]), first[1], type(second[0]), second[1]) == (NeverSent, b"", NeverSent, b"")
            assert first[0].reason.startswith(
                "cannot become root: sudo: it asked for the password of rbuser, and refused the one given: "
            )
            assert first[0].reason.endswith(f"; give the right one {GIVE}")
            assert "is tried on no other host" in second[0].reason
        assert await place.wrong() == 1

    async def test_a_right_one_that_opens_nothing_is_not_called_wrong(self, place):
        async with place.unruled(place.password) as session:
            ending, _ = await ran(session, asks("echo in"))
            assert "refused the one given" not in ending.reason
            assert ending.reason.endswith("add to sudoers: rbuser ALL=(root) /bin/sh")
            assert (await ran(session, asks("echo in")))[0] == ending
        assert await place.wrong() == 0
