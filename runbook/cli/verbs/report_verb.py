"""`runbook report`: a record's report, for a ticket, a browser or a machine.

Everything in it is recomputed from the record, which is verified on the way; a damaged one is reported as far as it is
sound, and the report says so itself.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeGuard

import click

from runbook.cli.compose import json_option, recordings_option, store
from runbook.cli.diagnostics import explain, say
from runbook.cli.later import followed_by
from runbook.problem import Problems, Where, problem
from runbook.record.beginning import folded
from runbook.record.checking.verify import Verification
from runbook.report.build import report
from runbook.report.model import CheckFacts, Integrity
from runbook.report.render import Format, render
from runbook.view.sanitize import safe

FORMATS: tuple[Format, ...] = ("md", "html", "json")

_NOT_WRITTEN = frozenset({"pdf", "doc", "docx", "odt", "rtf", "ps", "tex", "csv", "xls", "xlsx", "xml", "yaml", "yml"})
"""Formats that a file's name promises and that nobody here writes: another one under that name would not open."""

PRIVATE = 0o600
"""Mode of a report's file."""


@click.command("report")
@click.argument("run", default="last")
@recordings_option
@json_option
@click.option("--format", "form", type=click.Choice(FORMATS), default=None, help="Default: as FILE is called, else md.")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=None, metavar="FILE", help="Write it there.")
def verb(*, run: str, recordings: str, as_json: bool, form: Format | None, output: Path | None) -> int:
    """Write a record's report: its id or a part of it, a runbook's name, `last`, or a path."""
    shape = "json" if as_json else form or _form_of(output)
    records = store(recordings)
    record = records.find(run)
    live = record.is_live()
    reader = record.read()
    verified = _integrity(record.verify())
    stands, where = folded(record.read()), record.address
    later = followed_by(records, stands)
    made = report(stands, reader.entries(), folder=where, integrity=verified, live=live, later=later)
    text = render(made, shape)
    if output is None:
        click.echo(text, nl=False)
    else:
        _write(output, text)
        say(f"Written: {safe(str(output))}")
    wrong = reader.damage or reader.newer.problem
    if wrong is not None:
        explain(Problems([wrong]))
    return 0


def _form_of(output: Path | None) -> Format:
    """As the file is called; a name without a word for it gets Markdown.

    Raises:
        Problems: The name promises a format that there is not.
    """
    suffix = output.suffix.removeprefix(".").lower() if output is not None else ""
    if suffix in _NOT_WRITTEN:
        raise problem(
            f"there is no report as {suffix}",
            why=f"reports are written as {', '.join(FORMATS)}",
            fix="Write a page, which a browser prints as PDF: runbook report RUN -o FILE.html",
            code="no-format",
        )
    return suffix if _is_format(suffix) else "md"


def _is_format(word: str) -> TypeGuard[Format]:
    return word in FORMATS


def _integrity(found: Verification) -> Integrity:
    failed = tuple(CheckFacts(check=one.name, ok=False, detail=one.detail) for one in found.checks if not one.ok)
    return Integrity(head=found.head, lines=found.lines, grade=str(found.grade), findings=failed)


def _write(path: Path, text: str) -> None:
    """Put it there whole or not at all, for its owner alone: it tells what hosts answered, as the record does.

    What is no plain file, such as a pipe or /dev/stdout, is written to and never replaced.

    Raises:
        Problems: It cannot be written.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")
        else:
            _replace(path.resolve(), text)
    except OSError as wrong:
        why, fix = wrong.strerror or str(wrong), "Choose another file: -o FILE"
        what = "the report cannot be written"
        raise problem(what, why=why, fix=fix, where=Where(str(path)), code="unwritable") from wrong


def _replace(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        number = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, PRIVATE)
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
