"""What came out of verifying a record: a table, then what it proves and what not, or the same as data.

The sentences about proof are the ones an auditor may quote; they come from the checks' own table and are not made here.
"""

from __future__ import annotations

from collections.abc import Iterable

import click

from runbook.cli.diagnostics import tell
from runbook.cli.text.data import print_table
from runbook.record.checking.meaning import SIGNED, SOUND, Meaning, meaning_of
from runbook.record.checking.soundness import Examined, Soundness
from runbook.record.checking.verify import Verification
from runbook.view.sanitize import safe

WORDS = {
    Soundness.OK: "ok",
    Soundness.NOTE: "note",
    Soundness.EXCEPTED: "EXCEPTED",
    Soundness.NEWER: "NEWER",
    Soundness.MISSING: "MISSING",
    Soundness.ALTERED: "ALTERED",
}


def show_verification(found: Verification, address: str) -> None:
    """For a person, on standard output."""
    print_table(("check", "finding", "detail"), [_cells(check) for check in found.checks])
    click.echo("")
    for line in proof_lines(found.checks) or _sound_lines(found):
        click.echo(line)
    click.echo(f"head     {found.head}\nrecord   {safe(address)}")
    first = found.first_bad_line
    bad = f"; the first bad line is {first}" if first else ""
    tell(f"The record is {found.grade}: {found.lines} good lines{bad}.")


def _cells(check: Examined) -> tuple[str, ...]:
    place = f" (line {check.line})" if check.line else ""
    return (check.name, WORDS[check.finding], f"{safe(check.detail)}{place}")


def proof_lines(checks: Iterable[Examined]) -> list[str]:
    """What each finding that is more than a note proves, and what not."""
    wrong = ((check.name, meaning_of(check)) for check in checks if not check.ok)
    return [line for name, meaning in wrong if meaning is not None for line in _lines(name, meaning)]


def _sound_lines(found: Verification) -> list[str]:
    signed = any(check.name == "seal" and check.finding is Soundness.OK for check in found.checks)
    return _lines("record", SIGNED if signed else SOUND)


def _lines(name: str, meaning: Meaning) -> list[str]:
    return [f"PROVES   {name}: {meaning.proves}.", f"NOT      {meaning.not_proves}."]


def verification_data(found: Verification, address: str) -> dict[str, object]:
    """For a program."""
    return {
        "run": found.run,
        "record": address,
        "grade": str(found.grade),
        "lines": found.lines,
        "first_bad_line": found.first_bad_line,
        "head": found.head,
        "checks": [check_data(check) for check in found.checks],
    }


def check_data(check: Examined) -> dict[str, object]:
    """One check, with what it proves."""
    meaning = meaning_of(check)
    return {
        "name": check.name,
        "finding": check.finding.name.lower(),
        "detail": check.detail,
        "line": check.line,
        "kind": check.kind,
        "proves": meaning.proves if meaning else "",
        "proves_not": meaning.not_proves if meaning else "",
    }
