"""From the list of runbooks to a run that has started, and what is said when that does not work."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import Input

from runbook.core.planned.plan import Environment
from runbook.problem import Problem, Problems, where_given
from runbook.tui.modals.refusal import Refusal
from runbook.tui.modals.sure import Sure
from runbook.tui.screens.library import LibraryScreen
from runbook.tui.screens.plan import PlanScreen
from runbook.tui.screens.replay import ReplayScreen
from runbook.tui.screens.run import RunScreen
from runbook.tui.widgets.booklist import BookList, RunList, matches
from runbook.tui.widgets.parameterform import ParameterForm
from runbook.tui.widgets.planview import PlanView
from runbook.tui.widgets.rows import Part, wrap
from runbook.workspace.rows import ParameterField
from tests.builders import Story, plan, step
from tests.stories import failover, failover_plan
from tests.tui.fakes import FakeFeed, FakeReplay, FakeWorkspace, book, refusal, run_row
from tests.tui.showing import asked, opened, painted, shown, until, until_shown

REASON = ParameterField(name="reason", type="string", help="Why", default="", required=True, choices=(), secret=False)
MODE = ParameterField(
    name="mode", type="choice", help="", default="graceful", required=False, choices=("graceful", "hard"), secret=False
)
HOST = ParameterField(
    name="primary", type="host", help="", default="", required=True, choices=("db1", "db2", "app1"), secret=False
)
PASSWORD = ParameterField(
    name="password", type="secret", help="", default="hunter2", required=True, choices=(), secret=True
)


def shelf(*, of=None, fields=()) -> FakeWorkspace:
    workspace = FakeWorkspace(
        books=(book("orders-failover"), book("daily-health", kind="operation")), of=of or failover_plan()
    )
    workspace.fields = fields
    return workspace


async def at_plan(pilot) -> PlanScreen:
    await until_shown(pilot, "daily-health")
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, PlanScreen))
    return pilot.app.screen


# --- library ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("", True),
        ("orders", True),
        ("ORDERS failover", True),
        ("orders restore", False),
        ("!restore", True),
        ("orders !tier-1", False),
        ("!", False),
    ],
)
def test_the_filter_wants_every_word_and_none_of_those_behind_an_exclamation_mark(wanted, found):
    assert matches(book("orders-failover"), wanted) is found


async def test_the_filter_narrows_both_lists_and_escape_empties_it():
    workspace = FakeWorkspace(books=(book("a-one"), book("b-two")), runs=(run_row("r1", runbook="b-two"),))
    async with opened(workspace) as pilot:
        await until_shown(pilot, "b-two")
        await pilot.press("slash", *"two", "enter")
        books, runs = pilot.app.screen.query_one(BookList), pilot.app.screen.query_one(RunList)
        await until(pilot, lambda: (books.count, runs.count) == (1, 1))
        await pilot.press("escape")
        await until(pilot, lambda: books.count == 2)


async def test_a_broken_runbook_says_what_is_wrong_instead_of_opening():
    async with opened(FakeWorkspace(books=(book("bad", problem=refusal('unknown key "comand"')),))) as pilot:
        await until_shown(pilot, "BROKEN")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Refusal))
        await until_shown(pilot, 'unknown key "comand"')


async def test_a_folder_that_cannot_be_read_is_told_and_ends_nothing():
    workspace = FakeWorkspace()

    def broken() -> tuple:
        raise OSError("disk on fire")

    workspace.books = broken
    async with opened(workspace) as pilot:
        await until_shown(pilot, "disk on fire")
        await asked(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, LibraryScreen))
        assert pilot.app.is_running


async def test_enter_on_a_record_replays_it():
    workspace = FakeWorkspace(runs=(run_row("r1"),))
    workspace.feed = FakeReplay(failover())
    async with opened(workspace) as pilot:
        await until_shown(pilot, "1 record.")
        await pilot.press("3", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ReplayScreen))


async def test_enter_on_a_live_run_attaches_to_it():
    workspace = FakeWorkspace(runs=(run_row("r1", live=True, verdict="live"),))
    workspace.feed = FakeFeed(Story(plan(step("1.1"))).start())
    async with opened(workspace) as pilot:
        await until_shown(pilot, "nobody; step 0 of 0")
        await pilot.press("1", "enter")
        await until(pilot, lambda: type(pilot.app.screen) is RunScreen)


# --- plan -------------------------------------------------------------------------------------------------------------


async def test_starting_is_asked_with_the_digest_in_sight_and_the_safe_answer_focused():
    workspace = shelf()
    workspace.feed = FakeFeed(Story(failover_plan()).start())
    async with opened(workspace) as pilot:
        await at_plan(pilot)
        await until_shown(pilot, "orders promote")
        await pilot.press("ctrl+s")
        await until_shown(pilot, "2.2 Promote the standby on db2")
        await pilot.press("pagedown", "pagedown")
        await until_shown(pilot, f"digest     {failover_plan().digest[:16]}")
        await asked(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, PlanScreen))
        assert workspace.started == []


async def test_what_is_started_is_the_digest_that_was_shown():
    workspace = shelf()
    workspace.feed = FakeFeed(Story(failover_plan()).start())
    async with opened(workspace) as pilot:
        await at_plan(pilot)
        await until_shown(pilot, "orders promote")
        await pilot.press("ctrl+s")
        await asked(pilot)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: workspace.started)
        assert workspace.digest == failover_plan().digest


async def test_an_inventory_that_is_a_program_is_asked_about_before_anything_is_planned_with_it():
    workspace = shelf()
    workspace.program = Path("/srv/inventory.py")
    workspace.feed = FakeFeed(Story(failover_plan()).start())
    async with opened(workspace) as pilot:
        await until_shown(pilot, "daily-health")
        await pilot.press("enter")
        await asked(pilot, Sure)
        await until_shown(pilot, "/srv/inventory.py")
        await pilot.press("tab", "enter")
        await until_shown(pilot, "orders promote")
        await pilot.press("ctrl+s")
        await asked(pilot, Sure)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: workspace.started)


async def test_an_inventory_that_was_not_agreed_to_is_not_run_and_there_is_no_plan():
    workspace = shelf()
    workspace.program = Path("/srv/inventory.py")
    async with opened(workspace) as pilot:
        await until_shown(pilot, "daily-health")
        await pilot.press("enter")
        await asked(pilot, Sure)
        await pilot.press("enter")
        await until_shown(pilot, "was not run")
        assert isinstance(pilot.app.screen, PlanScreen)
        assert pilot.app.screen.check_action("start", ()) is None


async def test_start_goes_to_the_run_and_leaving_it_leads_to_the_library():
    workspace = shelf()
    workspace.feed = FakeFeed(Story(failover_plan()).start())
    async with opened(workspace) as pilot:
        await at_plan(pilot)
        await until_shown(pilot, "orders promote")
        await pilot.press("ctrl+s")
        await asked(pilot)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: type(pilot.app.screen) is RunScreen)
        await pilot.press("q")
        await until(pilot, lambda: isinstance(pilot.app.screen, LibraryScreen) and workspace.feed.closed)
        assert workspace.started == [("drills/daily-health.yaml", {}, False)]


async def test_where_the_environment_says_so_its_name_is_typed_before_a_start():
    workspace = shelf(of=failover_plan(environment=Environment(name="production", confirm="typed")))
    async with opened(workspace) as pilot:
        await at_plan(pilot)
        await until_shown(pilot, "orders promote")
        await pilot.press("ctrl+s")
        await until_shown(pilot, 'Type "production" letter for letter')
        assert pilot.app.screen.query_one("#go").disabled


async def test_a_plan_made_with_other_values_cannot_be_started():
    workspace = shelf(fields=(replace(REASON, required=False),))
    async with opened(workspace) as pilot:
        screen = await at_plan(pilot)
        await until_shown(pilot, "orders promote")
        screen.query_one("#field-0", Input).value = "INC-7"
        await until(pilot, lambda: screen.check_action("start", ()) is None)
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert pilot.app.screen is screen
        await pilot.press("f5")
        await until(pilot, lambda: screen.check_action("start", ()) is True)


async def test_a_runbook_that_needs_a_value_greets_with_its_form_and_with_no_box():
    async with opened(shelf(fields=(MODE, REASON))) as pilot:
        screen = await at_plan(pilot)
        await until_shown(pilot, "Needed, and not given yet: reason")
        assert screen.focused is screen.query_one("#field-1")
        assert "(* is needed)" in shown(pilot.app)
        assert "*reason" in shown(pilot.app)
        assert screen.check_action("start", ()) is None
        await pilot.press(*"INC-7", "enter")
        await until_shown(pilot, "Promote the standby")
        await until(pilot, lambda: screen.check_action("start", ()) is True)
        assert screen.query_one(PlanView).has_focus


async def test_a_host_is_picked_by_a_part_of_its_name():
    workspace = shelf(fields=(HOST,))
    async with opened(workspace) as pilot:
        screen = await at_plan(pilot)
        await until_shown(pilot, "Needed, and not given yet: primary")
        await pilot.press("enter", *"b2", "enter")
        await until_shown(pilot, "orders promote")
        assert screen.query_one(ParameterForm).given == {"primary": "db2"}


async def test_what_is_wrong_with_a_value_stands_under_its_field_until_it_is_right():
    workspace = shelf(fields=(MODE, replace(REASON, default="no")))
    wrong = Problem(what='"no" is no change', fix="Write CHG-7.", where=where_given("reason", "form"))
    workspace.refusal = Problems([wrong])
    async with opened(workspace) as pilot:
        screen = await at_plan(pilot)
        await until_shown(pilot, '"no" is no change. Write CHG-7.')
        await until(pilot, lambda: screen.focused is screen.query_one("#field-1"))
        assert type(pilot.app.screen) is PlanScreen
        workspace.refusal = None
        await pilot.press("enter")
        await until_shown(pilot, "Promote the standby")
        assert "is no change" not in shown(pilot.app)


async def test_why_there_is_no_plan_stands_in_its_place():
    workspace = shelf()
    workspace.refusal = Problems([refusal()])
    async with opened(workspace) as pilot:
        screen = await at_plan(pilot)
        await until_shown(pilot, "this runbook needs a value for reason")
        assert pilot.app.screen is screen


async def test_a_secret_is_typed_unseen_and_goes_to_the_run_and_not_into_the_plan():
    workspace = shelf(fields=(replace(PASSWORD, default=""),))
    workspace.feed = FakeFeed(Story(failover_plan()).start())
    async with opened(workspace) as pilot:
        screen = await at_plan(pilot)
        await until_shown(pilot, "orders promote")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: screen.focused is screen.query_one("#field-0"))
        await pilot.press(*"geheim", "enter")
        assert "geheim" not in await painted(pilot)
        await pilot.press("ctrl+s")
        await asked(pilot, Sure)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: workspace.started)
        assert (workspace.started, workspace.secrets) == (
            [("drills/daily-health.yaml", {}, False)],
            {"password": "geheim"},
        )


async def test_a_secret_is_never_shown_and_its_default_never_filled_in():
    async with opened(shelf(fields=(PASSWORD, MODE))) as pilot:
        screen = await at_plan(pilot)
        field = screen.query_one("#field-0", Input)
        assert (field.password, field.value) == (True, "")
        assert screen.query_one("#form").given == {"mode": "graceful"}


# --- long lines -------------------------------------------------------------------------------------------------------


def test_a_long_command_goes_on_below_to_its_last_letter():
    row = (Part("db1: ", "sky"), Part("orders backup --all --verify --and-more"))
    lines = ["".join(part.text for part in line) for line in wrap(row, 20, hang=5)]
    assert lines == ["db1: orders backup ", "     --all --verify ", "     --and-more"]


def test_a_word_longer_than_the_line_is_cut_and_nothing_is_lost():
    lines = ["".join(part.text for part in line) for line in wrap((Part("x" * 25),), 10)]
    assert lines == ["x" * 10, "x" * 10, "x" * 5]
