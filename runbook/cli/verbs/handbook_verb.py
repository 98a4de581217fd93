"""`runbook handbook`: the document about this workspace, filled from what is written and from records."""

from __future__ import annotations

from pathlib import Path

import click

from runbook.cli.compose import recordings_option, settings, store
from runbook.cli.diagnostics import problem_text, say
from runbook.cli.options.moment import instant
from runbook.cli.written import write_whole
from runbook.handbook.layout import handbook, overdue_pages
from runbook.handbook.reading import facts
from runbook.handbook.render import Format, made_from, render
from runbook.problem import Exit, Where, problem
from runbook.view.sanitize import safe

FORMATS: tuple[Format, ...] = ("md", "html", "json")


@click.command("handbook")
@recordings_option
@click.option("--format", "form", type=click.Choice(FORMATS), default=None, help="Default: as FILE is called, else md.")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=None, metavar="FILE", help="Write it there.")
@click.option(
    "--check", is_flag=True, help="End with status 1 when FILE is older than its sources, or a page is overdue."
)
@click.option("--at", "moment", default="", metavar="TIME", help="As it would be then: 2026-12-24T02:00Z.")
def verb(*, recordings: str, form: Format | None, output: Path | None, check: bool, moment: str) -> int:
    """Write the handbook of the workspace, every figure with its source."""
    found, problems = facts(settings(recordings), store(recordings), instant(moment))
    for one in problems:
        say(problem_text(one))
    book = handbook(found)
    if check:
        late = [f"handbook/{slug}.md should have been looked at again by {day}" for slug, day in overdue_pages(found)]
        old = (
            [f"{output} is older than its sources: runbook handbook -o {output}"]
            if _is_old(output, book.digest)
            else []
        )
        for line in (*old, *late):
            say(safe(line))
        return int(Exit.FAILED if old or late else Exit.HELD)
    text = render(book, form or _form_of(output))
    if output is None:
        click.echo(text, nl=False)
    else:
        write_whole(output, text, "handbook")
        say(f"Written: {safe(str(output))}")
    return int(Exit.HELD)


def _form_of(output: Path | None) -> Format:
    """As the file is called.

    Raises:
        Problems: No format is called so.
    """
    suffix = output.suffix.removeprefix(".").lower() if output is not None else "md"
    for form in FORMATS:
        if form == suffix:
            return form
    raise problem(
        f'no handbook is written as "{suffix}"',
        fix=f"Call the file .md, .html or .json, or say --format: {', '.join(FORMATS)}.",
        where=Where(str(output)),
        code="no-format",
    )


def _is_old(output: Path | None, digest: str) -> bool:
    """Whether the file was made from other sources.

    Raises:
        Problems: There is none, or it is no handbook.
    """
    if output is None:
        raise problem("no file was named to look at", fix="Name it: runbook handbook --check -o FILE", code="usage")
    try:
        made = made_from(output.read_text(encoding="utf-8"))
    except (OSError, ValueError) as wrong:
        what = "the handbook cannot be read"
        fix = f"Write it: runbook handbook -o {output}"
        raise problem(what, why=str(wrong), fix=fix, where=Where(str(output)), code="unreadable") from wrong
    return made != digest
