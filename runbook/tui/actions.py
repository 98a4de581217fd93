"""Every key of the screen, in one registry.

Bindings, the footer, the help page and the keymap page of the manual are all made from here, so a key cannot be bound
and undocumented, or documented and dead. Ids are stable: people remap keys by them. The rules (why there is no bare
letter that destroys, no Ctrl+H or Ctrl+B, no Alt) stand beside the registry's test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding, BindingType

Area = Literal["everywhere", "lists", "tabs", "library", "verify", "plan", "run", "output", "decide", "replay"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One thing a key does."""

    id: str
    """Area and verb, `run.halt`: stable for ever."""
    verb: str
    """Name of the `action_` method."""
    keys: str
    """Comma-separated, the first is shown."""
    label: str
    """A word or two for the footer."""
    help: str
    """One sentence for the help page."""
    footer: bool = False
    """Shown in the footer; the rest is in help."""
    shown: str = ""
    """How the keys stand in the help where they are several deeds in one row; those without `help` have no row."""

    @property
    def area(self) -> str:
        """Where it counts."""
        return self.id.partition(".")[0]


DEEDS = (
    Deed(
        id="everywhere.help", verb="help", keys="question_mark,f1", label="help", help="Show these keys.", footer=True
    ),
    Deed(
        id="everywhere.back", verb="back", keys="escape", label="back", help="Back one level. Never quits or answers."
    ),
    Deed(
        id="everywhere.leave",
        verb="leave",
        keys="q",
        label="leave",
        help="Leave this screen. A run goes on without it.",
        footer=True,
    ),
    Deed(id="everywhere.quit", verb="quit", keys="ctrl+q", label="quit", help="Close the program. A run goes on."),
    Deed(
        id="everywhere.interrupt",
        verb="interrupt",
        keys="ctrl+c",
        label="copy",
        help="Copy what is selected. It stops nothing.",
    ),
    Deed(id="everywhere.theme", verb="next_theme", keys="f9", label="theme", help="Next theme."),
    Deed(id="everywhere.picture", verb="picture", keys="f8", label="picture", help="Save this screen as a picture."),
    Deed(id="everywhere.redraw", verb="redraw", keys="ctrl+r", label="redraw", help="Draw everything again."),
    Deed(
        id="everywhere.next",
        verb="focus_next",
        keys="tab",
        label="next",
        help="Next pane, field or button; Shift+Tab goes back.",
    ),
    *(
        Deed(id=f"everywhere.{place}", verb=f"place('{place}')", keys=key, label=place, help=said)
        for place, key, said in (
            ("library", "L", "The library: what waits, runbooks, records."),
            ("run", "R", "The run that needs you most."),
            ("replay", "P", "Replay the newest run that has ended."),
            ("dr", "D", "The state of recovery: what was tried, and what it took."),
            ("verify", "V", "Whether the records can be believed."),
        )
    ),
    Deed(id="lists.up", verb="up", keys="up,k", label="up", help="One row up."),
    Deed(id="lists.down", verb="down", keys="down,j", label="down", help="One row down."),
    Deed(id="lists.page_up", verb="page_up", keys="pageup,ctrl+u", label="page up", help="One page up."),
    Deed(id="lists.page_down", verb="page_down", keys="pagedown,ctrl+d", label="page down", help="One page down."),
    Deed(id="lists.first", verb="first", keys="home,g", label="first", help="First row."),
    Deed(id="lists.last", verb="last", keys="end,G", label="last", help="Last row."),
    Deed(id="lists.open", verb="open", keys="enter", label="open", help="Open the row that has the cursor."),
    Deed(id="lists.copy", verb="copy", keys="y", label="copy", help="Copy the row, or what is selected of the output."),
    Deed(
        id="tabs.waiting",
        verb="waiting",
        keys="a",
        label="answer",
        help="Open the run that waits for you.",
        footer=True,
    ),
    Deed(id="tabs.reload", verb="reload", keys="r", label="reload", help="Read the folders again."),
    Deed(id="library.live", verb="live", keys="1", label="waiting", help="What runs and waits."),
    Deed(id="library.books", verb="books", keys="2", label="runbooks", help="The list of runbooks.", footer=True),
    Deed(id="library.runs", verb="runs", keys="3,h", label="records", help="The records of runs.", footer=True),
    Deed(id="library.filter", verb="filter", keys="slash", label="filter", help="Show what matches.", footer=True),
    Deed(id="library.sort", verb="sort", keys="s", label="sort", help="Another order of the runbooks.", footer=True),
    Deed(
        id="verify.bad_only",
        verb="bad_only",
        keys="exclamation_mark",
        label="bad only",
        help="Only records that are not sound.",
        footer=True,
    ),
    Deed(
        id="plan.start",
        verb="start",
        keys="ctrl+s",
        label="start",
        help="Start the run; asks once more.",
        footer=True,
    ),
    Deed(
        id="plan.compile",
        verb="compile",
        keys="f5",
        label="plan again",
        help="Plan with the values of the form.",
        footer=True,
    ),
    Deed(id="plan.form", verb="form", keys="1", label="values", help="Go to the form."),
    Deed(id="plan.rows", verb="rows", keys="2", label="plan", help="Go to the plan."),
    Deed(
        id="run.gate",
        verb="gate",
        keys="a",
        label="answer",
        help="Open what waits for you. It answers nothing.",
        footer=True,
    ),
    Deed(id="run.pause", verb="pause", keys="p", label="pause", help="Enter no new step; again to go on.", footer=True),
    Deed(id="run.halt", verb="halt", keys="x", label="halt", help="Stop the run; typed, with a reason.", footer=True),
    Deed(id="run.note", verb="note", keys="m", label="note", help="Write a remark into the record.", footer=True),
    Deed(
        id="run.failed",
        verb="failed(1)",
        keys="b",
        label="next bad",
        help="To the next step that went badly.",
        footer=True,
    ),
    Deed(id="run.failed_before", verb="failed(-1)", keys="B", label="bad before", help="To the bad step before."),
    Deed(
        id="run.fold", verb="fold", keys="f", label="fold", help="Fold hosts that are in the same state.", footer=True
    ),
    Deed(id="run.search", verb="search", keys="slash", label="search", help="Search the output.", footer=True),
    Deed(
        id="run.zoom", verb="zoom", keys="z", label="zoom", help="Give the focused pane the whole screen.", footer=True
    ),
    Deed(
        id="run.timeline",
        verb="timeline",
        keys="t",
        label="timeline",
        help="Show the steps on the time axis, or as a list.",
        footer=True,
    ),
    Deed(id="run.steps", verb="pane('steps')", keys="1", label="steps", help="Go to the steps."),
    Deed(id="run.hosts", verb="pane('hosts')", keys="2", label="hosts", help="Go to the hosts."),
    Deed(id="run.output", verb="pane('output')", keys="3", label="output", help="Go to the output."),
    Deed(id="run.notes", verb="pane('notes')", keys="4", label="notes", help="Go to the notes."),
    Deed(id="run.faults", verb="faults", keys="exclamation_mark", label="faults", help="Only hosts that are not well."),
    Deed(id="run.hosts_named", verb="hosts_named", keys="backslash", label="hosts", help="Only hosts named like this."),
    Deed(id="run.next_hit", verb="hit(1)", keys="n", label="next", help="To the next line found."),
    Deed(id="run.hit_before", verb="hit(-1)", keys="N", label="before", help="To the line found before."),
    Deed(id="run.time", verb="time", keys="at", label="time", help="Go to a time, counted from the start of the run."),
    Deed(id="run.skip", verb="skip", keys="s", label="skip", help="Skip a step that is still ahead, with a reason."),
    Deed(id="run.cut", verb="cut", keys="c", label="cut wait", help="End a countdown now, with a reason."),
    Deed(id="run.undo", verb="undo", keys="u", label="roll back", help="Undo what ran; typed, with a reason."),
    Deed(
        id="output.follow", verb="follow", keys="F", label="follow", help="Keep the newest line in sight.", footer=True
    ),
    Deed(id="output.wrap", verb="wrap", keys="w", label="wrap", help="Break long lines, or cut them.", footer=True),
    Deed(
        id="output.select", verb="select", keys="v", label="select", help="Begin a selection; move, then y copies it."
    ),
    Deed(id="output.left", verb="left", keys="left,h", label="left", help="Sideways."),
    Deed(id="output.right", verb="right", keys="right,l", label="right", help="Sideways."),
    Deed(id="output.fault", verb="next_fault", keys="e", label="next err", help="Next line of standard error."),
    Deed(id="output.before", verb="fault_before", keys="E", label="err before", help="Line of standard error before."),
    Deed(
        id="decide.choose", verb="choose", keys="1,2,3,4,5,6,7", shown="1..7", label="choose", help="Go to that choice."
    ),
    Deed(
        id="decide.enter",
        verb="enter",
        keys="enter",
        label="next",
        help="Show by name whom the choice reaches; the second Enter does it.",
    ),
    Deed(id="decide.next", verb="next_host", keys="tab", label="next host", help="What the next failed host said."),
    Deed(id="decide.commands", verb="commands", keys="v", label="commands", help="What was sent, or what was said."),
    Deed(id="replay.play", verb="play", keys="space", label="play", help="Let time run, or stop it.", footer=True),
    Deed(id="replay.back", verb="jump(-5)", keys="left", label="5 s back", help="Five seconds back."),
    Deed(id="replay.forth", verb="jump(5)", keys="right", label="5 s on", help="Five seconds on."),
    Deed(id="replay.event_back", verb="event(-1)", keys="comma", label="event back", help="One event back."),
    Deed(id="replay.event", verb="event(1)", keys="full_stop", label="event", help="One event on.", footer=True),
    Deed(
        id="replay.step_back",
        verb="step(-1)",
        keys="left_square_bracket",
        label="step back",
        help="To the step before.",
    ),
    Deed(
        id="replay.step",
        verb="step(1)",
        keys="right_square_bracket",
        label="step",
        help="To the next step.",
        footer=True,
    ),
    Deed(
        id="replay.mark_back",
        verb="mark(-1)",
        keys="left_curly_bracket",
        label="mark back",
        help="To the gate or failure before.",
    ),
    Deed(
        id="replay.mark",
        verb="mark(1)",
        keys="right_curly_bracket",
        label="gate, failure",
        help="To the next gate or failure.",
        footer=True,
    ),
    Deed(id="replay.slower", verb="speed(-1)", keys="less_than_sign", label="slower", help="Half the speed."),
    Deed(id="replay.faster", verb="speed(1)", keys="greater_than_sign", label="faster", help="Twice the speed."),
    *(
        Deed(
            id=f"replay.tenth_{tenth}",
            verb=f"tenth({tenth})",
            keys=str(tenth),
            shown="0 ... 9",
            label=f"{tenth}0%",
            help="" if tenth else "To a tenth of the record: 0 is its beginning, 5 its middle.",
        )
        for tenth in range(10)
    ),
)  # fmt: skip - a table


LEAVING = ("everywhere.back", "everywhere.leave")
"""Deeds that each screen does in its own way; the others of `everywhere` are the app's."""


def bindings(*areas: Area, only: tuple[str, ...] = ()) -> list[BindingType]:
    """The bindings of some areas (of those, `only` some), for a screen's or a widget's `BINDINGS`."""
    return [_binding(deed) for deed in DEEDS if deed.area in areas and (not only or deed.id in only)]


def _binding(deed: Deed) -> Binding:
    return Binding(
        deed.keys, deed.verb, deed.label, id=deed.id, tooltip=deed.help, show=deed.footer, priority=deed.verb == "quit"
    )
