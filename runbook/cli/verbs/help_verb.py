"""`runbook help`: the manual, where the program is, also without a network and without the checkout."""

from __future__ import annotations

import click

from runbook.cli.shipped import shipped
from runbook.problem import nearest, problem
from runbook.view.sanitize import safe_lines


@click.command("help")
@click.argument("topic", default="")
@click.pass_context
def verb(context: click.Context, *, topic: str) -> int:
    """Show a page of the manual, or the options of a verb; without TOPIC, what there is."""
    pages = {path.stem: path for path in sorted(shipped("docs").glob("*.md"))}
    verbs = context.find_root().command
    if not topic:
        wide = max(map(len, pages))
        for name, path in pages.items():
            click.echo(f"{name:<{wide}}  {_title(path.read_text(encoding='utf-8'))}")
        click.echo("\nRead one with: runbook help TOPIC. The options of a verb: runbook help VERB")
        return 0
    if topic in pages:
        for line in safe_lines(pages[topic].read_text(encoding="utf-8")):
            click.echo(line)
        return 0
    known = verbs.list_commands(context) if isinstance(verbs, click.Group) else []
    if isinstance(verbs, click.Group) and topic in known:
        command = verbs.get_command(context, topic)
        with click.Context(command or verbs, info_name=topic, parent=context.find_root()) as inner:
            click.echo(inner.get_help())
        return 0
    fix = nearest(topic, (*pages, *known))
    if not fix.startswith("Did"):
        fix = "What there is is shown by: runbook help"
    raise problem(f'there is no page "{topic}"', fix=fix, code="no-topic")


def _title(text: str) -> str:
    return text.partition("\n")[0].removeprefix("#").strip()
