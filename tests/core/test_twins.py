"""One machine under two names, by what the hosts themselves say."""

from __future__ import annotations

import pytest

from runbook.core.events.event import RunnerStarted, SessionOpened
from runbook.core.fold.twins import same_machine
from runbook.view.story.lines import narrate
from tests.builders import Story, plan, step

PLACE, OTHER = "0a" * 16, "0b" * 16


def opened(**web2: str) -> Story:
    tale = Story(plan(step("1.1", hosts=("web1", "web2", "web3")))).add(RunnerStarted(pid=1))
    tale.add(SessionOpened(host="web1", address="10.0.0.1:22", host_key="SHA256:a", place=PLACE))
    tale.add(SessionOpened(host="web3", address="10.0.0.3:22", host_key="SHA256:c", place=OTHER))
    return tale.add(SessionOpened(host="web2", **web2))


@pytest.mark.parametrize(
    ("web2", "twins"),
    [
        ({"address": "10.0.0.2:22", "host_key": "SHA256:b", "place": PLACE}, ("web1",)),
        ({"address": "10.0.0.1:22", "host_key": "SHA256:a", "place": ""}, ("web1",)),
        ({"address": "10.0.0.2:22", "host_key": "SHA256:a", "place": ""}, ()),
        ({"address": "10.0.0.1:22", "host_key": "SHA256:b", "place": ""}, ()),
        ({}, ()),
    ],
    ids=["one-place", "one-address-and-key", "copied-machine", "another-behind-one-address", "nothing-known"],
)
def test_two_names_are_one_machine_by_their_place_or_by_address_and_key(
    web2: dict[str, str], twins: tuple[str, ...]
) -> None:
    assert same_machine(opened(**web2).run, "web2") == twins


def test_it_is_told_when_the_second_of_them_answers() -> None:
    tale = opened(address="10.0.0.2:22", host_key="SHA256:b", place=PLACE)
    *_, told = narrate(tale.before[-1], tale.run, tale.entries[-1])
    assert told.endswith("web2 -    | NOTE  the same machine as web1: what is done on both is done there twice")
    assert len(narrate(tale.before[1], tale.before[2], tale.entries[2])) == 1
