"""The rules that keys keep."""

from __future__ import annotations

import re

import pytest

from runbook.tui.actions import DEEDS, bindings
from runbook.tui.app import RunbookApp
from runbook.tui.modals.failure_box import FailureBox
from runbook.tui.modals.help import help_rows, keys_shown
from runbook.tui.screens.library import LibraryScreen
from runbook.tui.screens.plan import PlanScreen
from runbook.tui.screens.replay import ReplayScreen
from runbook.tui.screens.run import RunScreen
from runbook.tui.screens.verify import VerifyScreen
from runbook.tui.widgets.outputview import OutputView
from runbook.tui.widgets.rows import Rows

HOMES = {
    "everywhere": (RunbookApp, LibraryScreen),
    "lists": (Rows,),
    "tabs": (LibraryScreen,),
    "library": (LibraryScreen,),
    "verify": (VerifyScreen,),
    "plan": (PlanScreen,),
    "run": (RunScreen,),
    "output": (OutputView,),
    "decide": (FailureBox,),
    "replay": (ReplayScreen,),
}
TAKEN = ("ctrl+h", "ctrl+i", "ctrl+j", "ctrl+m", "ctrl+a", "ctrl+b", "ctrl+left_square_bracket")


def test_ids_are_unique_and_name_their_area():
    ids = [deed.id for deed in DEEDS]
    assert len(set(ids)) == len(ids)
    assert {deed.area for deed in DEEDS} == set(HOMES)


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.id)
def test_every_key_does_something_where_it_counts(deed):
    name = f"action_{re.match(r'[a-z_]+', deed.verb)[0]}"
    assert any(hasattr(home, name) for home in HOMES[deed.area])


@pytest.mark.parametrize("area", HOMES)
def test_no_key_means_two_things_in_one_place(area):
    keys = [key for deed in DEEDS if deed.area == area for key in deed.keys.split(",")]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.id)
def test_no_key_is_one_that_terminals_or_multiplexers_take(deed):
    keys = deed.keys.split(",")
    assert not set(keys) & set(TAKEN)
    assert not any(key.startswith("alt+") for key in keys)
    assert not all(key.startswith("shift+") for key in keys)


def test_the_help_has_a_sentence_for_every_key():
    said = ["".join(part.text for part in row) for row in help_rows({deed.id: deed.keys for deed in DEEDS})]
    for deed in DEEDS:
        assert any(keys_shown(deed) in row and deed.help in row for row in said)


def test_bindings_carry_the_id_by_which_people_remap_them():
    assert [binding.id for binding in bindings("replay")] == [deed.id for deed in DEEDS if deed.area == "replay"]
