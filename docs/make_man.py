"""Makes `docs/runbook.1`, the manual page, from what the verbs say of themselves.

    python docs/make_man.py [--print]

Nothing is written by hand twice: a verb's help, its options and the exit statuses stand in the program, and
`tests/cli/test_man.py` notices when the page is behind them. With `--print` the page goes to standard output.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from runbook import problem
from runbook.cli.main import VERBS, runbook
from runbook.problem import Exit

PAGE = Path(__file__).with_name("runbook.1")
HEAD = """\
.\\" Made by docs/make_man.py from the help of the verbs; change that.
.TH RUNBOOK 1 "" "runbook" "User Commands"
.SH NAME
runbook \\- run written procedures over SSH, and prove afterwards what happened
.SH SYNOPSIS
.B runbook
.RI [ VERB
.RI [ ARGUMENT... ]]
"""
NAMES = """\
.SH NAMES
.I RUN
is any part of a run's id that no other has (the four letters at its end will do), the name of a runbook for its newest
run, or
.BR last .
Runbooks and inventories are named by a part, too. A word that means several things names them, and nothing is done.
"""
TAIL = """\
.SH FILES
.TP
.I runbook.toml
The workspace: where drills, inventories and recordings lie, and who may answer.
.TP
.IR drills/ , " inventories/" , " recordings/"
Runbooks, hosts and environments, and the records of all runs.
.SH SEE ALSO
.BR ssh (1),
.BR ssh_config (5)
"""


def page() -> str:
    """The whole page in man(7)."""
    top = click.Context(runbook, info_name="runbook")
    body = [".SH DESCRIPTION", *_text(runbook.help or ""), ".SH VERBS"]
    for verb in sorted(VERBS):
        body += _command(runbook.get_command(top, verb), click.Context(top.command, info_name="runbook"), verb)
    return f"{HEAD}{_joined(body)}{NAMES}{_joined(_statuses())}{TAIL}"


def _command(command: click.Command | None, parent: click.Context, name: str) -> Iterator[str]:
    """A verb: how it is typed, what it does, its options; then the verbs below it."""
    assert command is not None, name
    context = click.Context(command, info_name=name, parent=parent)
    yield f".SS {_plain(context.command_path)} {_plain(' '.join(command.collect_usage_pieces(context)))}"
    yield from _text(command.help or "")
    for param in command.get_params(context):
        shown = param.get_help_record(context) if isinstance(param, click.Option) else None
        if shown is not None and "--help" not in param.opts:
            yield from (".TP", f".B {_plain(shown[0])}", _plain(shown[1]) or "\\&")
    for below in sorted(command.commands) if isinstance(command, click.Group) else ():
        yield from _command(command.get_command(context, below), context, below)


def _statuses() -> Iterator[str]:
    """The exit statuses, in the words that stand beside them in the source."""
    yield ".SH EXIT STATUS"
    tree = ast.parse(Path(problem.__file__).read_text(encoding="utf-8"))
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Exit")
    told = dict(zip([node for node in body if isinstance(node, ast.Assign)], body[2::2], strict=True))
    for number, text in zip(Exit, told.values(), strict=True):
        yield from (".TP", f".B {int(number)}", _plain(ast.literal_eval(text.value)))


def _text(words: str) -> Iterator[str]:
    """Paragraphs."""
    for number, paragraph in enumerate(words.split("\n\n")):
        yield from ([".PP"] if number else [])
        yield _plain(" ".join(paragraph.split()))


def _plain(words: str) -> str:
    """Text that roff prints as it is."""
    escaped = words.replace("\\", "\\e").replace("-", "\\-").replace("`", "")
    return re.sub(r"^([.'])", r"\\&\1", escaped)


def _joined(lines: Iterator[str] | list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    if "--print" in sys.argv:
        print(page(), end="")
    else:
        PAGE.write_text(page(), encoding="utf-8")
