"""Rules between the keys of one struct that types cannot say, checked while the place in the file is at hand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec

from runbook.core.planned.action import (
    ApproveAction,
    BranchAction,
    ChecklistAction,
    ChooseAction,
    EndAction,
    Expectation,
    FabricAction,
    ScriptAction,
    SetAction,
    Tolerance,
    WaitAction,
)
from runbook.core.planned.plan import AbortRule
from runbook.core.written.runbook import (
    Canary,
    Loop,
    Parameter,
    Runbook,
    Safeguards,
    Section,
    Step,
    WaitForStep,
    WrittenRecoveryPoint,
)
from runbook.core.written.schedule import Schedule
from runbook.document.scalars import moment, seconds
from runbook.document.vocabulary import ON_FAILURE, RESERVED
from runbook.matching.pattern import check_pattern
from runbook.problem import Problems, nearest

MOST_TURNS = 500
"""Turns of one loop: more than anybody reads before he says yes."""
_SHOWN = 200
"""Characters of a pattern in a message about it."""
_MOST_RETRIES = 100_000
_MOST_BACKOFF = 1_000
_MOST_HOSTS = 1_000_000
"""Beyond these a number is a slip of the finger, and nothing that anybody waits for."""


class Broken(NamedTuple):
    """A rule that does not hold, and the key to point at."""

    key: str
    what: str
    fix: str
    code: str = "bad-value"
    why: str = ""


def broken_rules(value: msgspec.Struct) -> list[Broken]:
    """Every rule that the value breaks; most structs have none."""
    match value:
        case Tolerance():
            return list(_tolerance(value))
        case Expectation():
            return list(_expectation(value))
        case Parameter():
            return list(_parameter(value))
        case Step():
            return list(_step(value))
        case Runbook():
            return list(_runbook(value))
        case Section():
            return list(_section(value))
        case Schedule():
            return list(_schedule(value))
        case _:
            return [*_action(value), *_flow(value), *_counts(value)]


def _tolerance(value: Tolerance) -> Iterator[Broken]:
    if value == Tolerance():
        yield Broken("", "nothing to test", "Write equals, contains, matches, min, max, range, one_of or jsonpath.")
    if value.matches is not None:
        yield from _regex("matches", value.matches)
    low, high = value.range or (value.min, value.max)
    if low is not None and high is not None and low > high:
        key = "range" if value.range else "min"
        yield Broken(key, f"nothing lies between {low:g} and {high:g}", "Write the smaller number first.")


def _expectation(value: Expectation) -> Iterator[Broken]:
    if value == Expectation():
        yield Broken("", "nothing to test", "Write rc, stdout, stderr, json, status, body, latency or value.")


def _regex(key: str, pattern: str) -> Iterator[Broken]:
    try:
        check_pattern(pattern)
    except Problems as wrong:
        [why] = wrong.problems
        fix = why.fix or "Escape the character, or quote the text."
        yield Broken(key, f'"{pattern[:_SHOWN]}" is no regular expression', fix, "bad-regex", why.why or why.what)


def _parameter(value: Parameter) -> Iterator[Broken]:
    if value.pattern:
        yield from _regex("pattern", value.pattern)
    if value.type != "list" and (value.type == "choice") != bool(value.choices):
        yield Broken("choices", "choices belong to type choice, and it needs some", "Write both, or neither.")
    if value.type != "list" and isinstance(value.default, tuple):
        yield Broken("default", f"a list for a {value.type}", "Write type: list, or one value.")
    if value.type != "secret" and "from" in value.places:
        yield Broken("from", "only a secret says where it comes from", "Write type: secret, or use default.")
    if value.type == "secret" and not isinstance(value.default, msgspec.UnsetType):
        yield Broken("default", "a secret has no default", "Write from: env:NAME, file:PATH, command:TEXT or prompt.")
    if value.min is not None and value.max is not None and value.min > value.max:
        yield Broken("min", f"nothing lies between {value.min:g} and {value.max:g}", "Write the smaller number as min.")


def _step(value: Step) -> Iterator[Broken]:
    if value.register in RESERVED:
        yield Broken(
            "register", f'"{value.register}" has a meaning in templates', "Choose another name.", "reserved-name"
        )
    if isinstance(value.on_failure, dict) and set(value.on_failure) != {"goto"}:
        yield Broken("on_failure", "a mapping without goto", "Write on_failure: {goto: STEP}.", "bad-choice")
    if isinstance(value.on_failure, str) and not _is_failure_word(value.on_failure):
        fix = nearest(value.on_failure, (*ON_FAILURE, "goto: STEP"))
        yield Broken("on_failure", f'"{value.on_failure}" is not a way to go on', fix, "bad-choice")
    yield from (
        Broken(key, f"{key} is below {least}", f"Write {least} or more.")
        for key, number, least in (
            ("retries", value.retries, 0),
            ("concurrency", value.concurrency, 0),
            ("backoff", value.backoff, 1),
        )
        if number < least
    )
    yield from (
        Broken(key, f"{key} is above {most:,}", f"Write {most:,} or less.")
        for key, number, most in (
            ("retries", value.retries, _MOST_RETRIES),
            ("concurrency", value.concurrency, _MOST_HOSTS),
            ("backoff", value.backoff, _MOST_BACKOFF),
        )
        if number > most
    )
    yield from (*_shares("batch", value.batch, least=1), *_shares("max_errors", (value.max_errors,), least=0))
    yield from (*_fabric(value), *_end(value), *_set(value))
    if value.until and not value.retries:
        yield Broken("until", "until without retries never tries again", "Add retries.")


def _fabric(value: Step) -> Iterator[Broken]:
    """What the kind of command that a Fabric task is cannot be given; its process would refuse it at run time."""
    if not isinstance(value.action, FabricAction):
        return
    given = {"become": value.become, "become_user": value.become_user, "cwd": value.cwd}
    for key, written in given.items():
        if written:
            yield Broken(key, f"a Fabric task takes no {key}", "Take it out, and let the task do it or give it args.")


def _end(value: Step) -> Iterator[Broken]:
    """What follows from an end is its author's word already."""
    if not isinstance(value.action, EndAction) or value.on_failure in {"default", "abort"}:
        return
    if value.action.verdict == "completed" or value.on_failure != "rollback":
        fix = "Leave it out; end: failed takes on_failure: rollback."
        yield Broken("on_failure", "a runbook that has ended does not go on", fix, "bad-choice")


def _set(value: Step) -> Iterator[Broken]:
    if isinstance(value.action, SetAction) and value.no_log:
        yield Broken("no_log", "a value that is set stands in the record", "Take no_log out.")


def _shares(key: str, shares: tuple[str, ...], *, least: int) -> Iterator[Broken]:
    """Shares of hosts that can be meant."""
    for share in shares:
        percent = share.endswith("%")
        number = float(share.removesuffix("%"))
        if number < least and (number == 0 or not percent):
            yield Broken(key, f'"{share}" of the hosts is no host at all', "Write 1 or more.")
        if percent and number > 100:  # noqa: PLR2004 - all of them
            yield Broken(key, f'"{share}" is more than all hosts', "Write 100% or less.")
        if not percent and number > _MOST_HOSTS:
            yield Broken(key, f'"{share}" is more hosts than there can be', f"Write {_MOST_HOSTS:,} or less.")


def _safeguards(value: Safeguards) -> Iterator[Broken]:
    if value.max_hosts is not None and value.max_hosts < 0:
        yield Broken("max_hosts", "max_hosts is below 0", "Write 0 or more.")
    if value.max_percent is not None and not 0 <= value.max_percent <= 100:  # noqa: PLR2004 - all of them
        yield Broken("max_percent", "max_percent is no percentage", "Write a number from 0 to 100.")


def _moment(text: str) -> Iterator[Broken]:
    try:
        moment(text)
    except ValueError as error:
        yield Broken("until", f'"{text}" is no time to wait until', str(error), "bad-time")


def _is_failure_word(text: str) -> bool:
    return text in (*ON_FAILURE, "default") or re.fullmatch(r"goto:\s*\S.*", text) is not None


def _section(value: Section) -> Iterator[Broken]:
    if value.batch and value.strategy == "host-first":
        yield Broken("batch", "batch and strategy: host-first in one section", "Keep one: host-first is batch: 1.")
    yield from _shares("batch", value.batch, least=1)


def _runbook(value: Runbook) -> Iterator[Broken]:
    for name in value.parameters:
        if name in RESERVED:
            yield Broken(
                "parameters", f'parameter "{name}" has a meaning in templates', "Choose another name.", "reserved-name"
            )
    names = [each.name for each in value.schedules]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Broken("schedule", f'two schedules are called "{name}"', "Give each a name of its own.", "duplicate-name")
    if not value.sections:
        yield Broken("sections", "a runbook without sections", "Add a section with steps.", "missing-key")


def _schedule(value: Schedule) -> Iterator[Broken]:
    # Late, because zones are slow to read, and few runbooks have a schedule.
    from runbook.calendar.cron import read_cron  # noqa: PLC0415 - said above
    from runbook.calendar.window import read_window  # noqa: PLC0415 - said above
    from runbook.calendar.zone import zone_named  # noqa: PLC0415 - said above

    if bool(value.every) == bool(value.cron):
        yield Broken("every", "a schedule needs every or cron", "Write one of the two.")
    if value.cron:
        yield from _unreadable("cron", lambda: read_cron(value.cron, value.zone))
    elif value.zone:
        yield from _unreadable("zone", lambda: zone_named(value.zone))
    if value.window:
        yield from _unreadable("window", lambda: read_window(value.window))
    if value.run_late != "skip":
        try:
            seconds(value.run_late.removeprefix("within "))
        except ValueError as wrong:
            yield Broken("run_late", f'"{value.run_late}" is no length of time', str(wrong), "bad-duration")
    unused = [key for key in ("window", "jitter") if value.attended and getattr(value, key)]
    if value.attended and value.run_late != "skip":
        unused.append("run_late")
    for key in unused:
        yield Broken(key, f"{key} is for what nobody attends", "Write attended: false, or take it out.")


def _unreadable(key: str, reading: Callable[[], object]) -> Iterator[Broken]:
    try:
        reading()
    except Problems as wrong:
        [found] = wrong.problems
        yield Broken("zone" if found.code == "unknown-zone" else key, found.what, found.fix, found.code, found.why)


def _action(value: msgspec.Struct) -> Iterator[Broken]:
    match value:
        case WaitAction() if bool(value.seconds) == bool(value.until):
            yield Broken("until", "a wait needs a duration or an until", "Write wait: 30s, or wait: {until: 18:00}.")
        case WaitAction() if value.until and "{" not in value.until:
            yield from _moment(value.until)
        case ScriptAction() if bool(value.text) == bool(value.path):
            yield Broken("path", "a script needs its text or its path", "Write one of the two.")
        case WaitForStep() if bool(value.probe) == bool(value.command):
            yield Broken("probe", "wait_for needs a probe or a command", "Write one of the two.")
        case ChooseAction() if not value.options:
            yield Broken("options", "a choice without options", "Add at least one.")
        case ChecklistAction() if not value.items:
            yield Broken("items", "a checklist without items", "Add at least one.")
        case WrittenRecoveryPoint() if (
            sum(part is not None for part in (value.canary, value.watermark, value.backup)) != 1
        ):
            yield Broken("", "one method measures data loss", "Write one of canary, watermark and backup.")
        case _:
            pass


def _flow(value: msgspec.Struct) -> Iterator[Broken]:
    """Ways and values of a run that goes its own way."""
    match value:
        case BranchAction() if not value.ways:
            yield Broken("ways", "a branch without ways", "Write - {when: EXPRESSION, goto: STEP}, one or more.")
        case BranchAction() if not all(way.when for way in value.ways[:-1]):
            yield Broken("ways", "a way that is always open hides those behind it", "Let it be the last.")
        case Loop() if value.name in RESERVED:
            yield Broken("as", f'"{value.name}" has a meaning in templates', "Choose another name.", "reserved-name")
        case Loop() if not 1 <= value.at_most <= MOST_TURNS:
            yield Broken("at_most", f"{value.at_most} turns", f"Write a number from 1 to {MOST_TURNS}.")
        case SetAction() if not value.values:
            yield Broken("values", "nothing to set", "Write set: {NAME: VALUE}.")
        case SetAction() if RESERVED & set(value.values):
            what = f'"{min(RESERVED & set(value.values))}" has a meaning in templates'
            yield Broken("values", what, "Choose another name.", "reserved-name")
        case _:
            pass


def _counts(value: msgspec.Struct) -> Iterator[Broken]:
    """Numbers that can be read, and that nothing can be done with."""
    match value:
        case WaitForStep() if value.interval <= 0:
            yield Broken("interval", "an interval of nothing", "Write 1s, for example.")
        case ApproveAction() if value.min_required < 1:
            yield Broken("min_required", "an approval by nobody", "Write 1 or more.")
        case AbortRule() if value.failed < 1:
            yield Broken("failed", "a rule that holds before anything failed", "Write 1 or more.")
        case Canary() if value.every <= 0:
            yield Broken("every", "marks without a pause between them", "Write 1s, for example.")
        case Safeguards():
            yield from _safeguards(value)
        case _:
            pass
