"""`runbook check`: everything that is wrong with runbooks, at once, without connecting; for save hooks and reviews."""

from __future__ import annotations

from typing import Literal, assert_never

import click

from runbook.cli.checking import Checker
from runbook.cli.compose import given, parameter_option, settings
from runbook.cli.diagnostics import say
from runbook.cli.options.inventory import inventory_options
from runbook.document.findings import as_json, as_sarif, as_text
from runbook.engine.clock import SystemClock
from runbook.inventory.manner import Reading
from runbook.problem import Exit, Problem, problem
from runbook.view.sanitize import escaped_json, safe_lines

Format = Literal["text", "json", "sarif"]


@click.command("check")
@click.argument("places", nargs=-1, metavar="[FILE|FOLDER|NAME]...")
@inventory_options
@parameter_option
@click.option("--with-parameters", is_flag=True, help="Let nothing stand in for a parameter: a run must be given all.")
@click.option("--format", "shape", type=click.Choice(["text", "json", "sarif"]), default="text", show_default=True)
@click.option("--json", "as_data", is_flag=True, help="The same as --format json.")
def verb(  # noqa: PLR0913 - one for each option
    *, places: tuple[str, ...], inventory: str, reading: Reading, params: tuple[str, ...], with_parameters: bool,
    shape: Format, as_data: bool,
) -> int:  # fmt: skip
    """Find everything that is wrong with runbooks; without a FILE, with the whole workspace.

    What a run has to be given has a stand-in here; a mistake that depends on its value is left to --with-parameters.
    """
    checker = Checker(
        settings(),
        today=SystemClock().today(),
        inventory=inventory,
        reading=reading,
        given=given(params),
        with_parameters=with_parameters,
    )
    looked_at = (checker.place(place) for place in places) if places else (checker.everything(),)
    found = tuple(dict.fromkeys(problem for problems in looked_at for problem in problems))
    _print(found, "json" if as_data else shape)
    if checker.left_open:
        values = " ".join(f"-p {name}=VALUE" for name in checker.left_open)
        say(f"What depends on a parameter was not looked at. Look: runbook check --with-parameters {values}")
    if not checker.files and not found:
        # In the wrong folder a check that passes would let a pipeline believe that something was looked at.
        fix = "Go to your workspace, name a file, or make a first one with: runbook init"
        raise problem("no runbook was found to check", fix=fix, code="no-runbook")
    if not found:
        count = len(checker.files)
        say(f"Nothing is wrong with {count} {'runbook' if count == 1 else 'runbooks'}.")
    return int(Exit.HELD if all(problem.warning for problem in found) else Exit.USAGE)


def _print(found: tuple[Problem, ...], shape: Format) -> None:
    match shape:
        case "text":
            for line in safe_lines(as_text(found)):
                click.echo(line)
        case "json":
            click.echo(escaped_json(as_json(found)), nl=False)
        case "sarif":
            click.echo(escaped_json(as_sarif(found, version=_version())), nl=False)
        case _:
            assert_never(shape)


def _version() -> str:
    from importlib.metadata import version  # noqa: PLC0415 - reads the disk, and only SARIF wants it

    return version("runbook")
