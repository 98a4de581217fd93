"""What faults have left on a host is read from its own list, and of that only what is another run's concerns this one."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from runbook.faults.ground import Control
from runbook.problem import Problems
from runbook.steps.left_behind import Left, about, check_whole, foreign, is_whole, left_by_faults

OWN = "runbook-20261127T215929Z-shop-e6ca-2-1-web1-1"
RUN = "20261127T215929Z-shop-e6ca"


def through(server: str, port: int = 22) -> Control:
    return Control(client="198.51.100.1", client_port=40000, server=server, server_port=port)


def left(**more: object) -> Left:
    return Left(**{"host": "web1", "user": "", "own": OWN, "state": "injected", "present": "there", **more})


def test_a_lease_is_known_by_what_it_says_of_itself() -> None:
    file, said = about("partition", RUN, through("198.51.100.2"))
    heard = f"about {OWN} 75 {said}lease {OWN} injected - 4711 lease 25 there\nend\n"
    assert file == "about"
    assert left_by_faults("web1", "root", heard) == (
        left(user="root", left=25, fault="partition", run=RUN, server="198.51.100.2:22", age=75),
    )


def test_a_lease_that_says_nothing_of_itself_and_what_has_none_are_read_all_the_same() -> None:
    heard = f"lease {OWN} reverted lease 4711 held absent\ntorn .{OWN}.77\nstray {OWN} table {OWN}\nend\n"
    assert left_by_faults("web1", "", heard) == (
        left(state="reverted", present="absent", is_held=True),
        left(own=f".{OWN}.77", state="torn", present=""),
        left(state="stray", present=f"table {OWN}"),
    )


@pytest.mark.parametrize(("heard", "whole"), [("end\n", True), ("", False), (f"torn {OWN}\n", False)])
def test_a_list_without_its_end_is_not_all_of_it(heard: str, whole: bool) -> None:
    assert is_whole(heard) is whole


@pytest.mark.parametrize(
    ("found", "reached", "counts"),
    [
        (left(server="198.51.100.2:22"), through("198.51.100.2"), True),
        (left(server="198.51.100.2:22"), through("fd00::2"), True),
        (left(server="198.51.100.2:22"), None, True),
        (left(), through("198.51.100.2"), True),
        (left(server="127.0.0.1:2201"), through("127.0.0.1", 2201), True),
        (left(server="127.0.0.1:2201"), through("127.0.0.1", 2202), False),
        (left(server="::1:2201"), through("::1", 2202), False),
        (left(server="127.0.0.1:2201"), None, False),
        (left(server="198.51.100.2:22"), through("127.0.0.1", 2202), False),
        (left(), through("127.0.0.1", 2202), False),
        (left(state="reverted", present="absent"), through("198.51.100.2"), False),
        (left(state="reverted", present="unknown"), through("198.51.100.2"), True),
        (left(state="armed", present="absent"), through("198.51.100.2"), True),
    ],
)
def test_what_may_be_live_concerns_its_whole_machine_and_in_a_laboratory_its_own_server(found, reached, counts) -> None:
    assert foreign([found], "another-run", reached) == ((found,) if counts else ())


def test_a_run_is_not_in_its_own_way_and_a_name_that_only_begins_alike_is_another() -> None:
    longer = left(own=OWN.replace("e6ca", "e6cab"))
    assert foreign([left(), longer], RUN, None) == (longer,)


async def test_what_a_host_says_of_a_run_is_a_word_of_the_command_that_is_offered_and_nothing_more() -> None:
    async def says(_text: str) -> str:
        return f"about {OWN} 75 partition - x;reboot\nlease {OWN} injected - 4711 lease 25 there\nend\n"

    hand, ground = SimpleNamespace(say=says, become=None), SimpleNamespace(directory="/run/runbook", control=None)
    with pytest.raises(Problems) as refused:
        await check_whole(hand, ground, run="another-run", host="web1")
    assert "\"runbook tell 'x;reboot' lift\"" in refused.value.problems[0].fix
