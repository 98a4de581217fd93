"""`runbook report`: a record's report, for a ticket, a browser or a machine.

Everything in it is recomputed from the record, which is verified on the way; a damaged one is reported as far as it is
sound, and the report says so itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeGuard

import click

from runbook.cli.compose import json_option, recordings_option, store
from runbook.cli.diagnostics import explain, say
from runbook.cli.later import followed_by
from runbook.cli.written import write_whole
from runbook.problem import Problems, problem
from runbook.record.beginning import folded
from runbook.record.checking.verify import Verification
from runbook.report.build import report
from runbook.report.model import CheckFacts, Integrity
from runbook.report.render import Format, render
from runbook.view.sanitize import safe

FORMATS: tuple[Format, ...] = ("md", "html", "json")

_NOT_WRITTEN = frozenset({"pdf", "doc", "docx", "odt", "rtf", "ps", "tex", "csv", "xls", "xlsx", "xml", "yaml", "yml"})
"""Formats that a file's name promises and that nobody here writes: another one under that name would not open."""


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
        write_whole(output, text, "report")
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
