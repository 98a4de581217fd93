"""The command line: which verbs there are, and nothing of what they do.

A verb's module is imported when the verb is used, because `runbook check` in an editor's save hook must not pay for
SSH or for a screen. Whatever a verb raises for a user's mistake arrives here as `Problems` and leaves as words and a
number. What the system refuses (a full disk, a forbidden file) and what we did wrong ourselves leave as words too: a
traceback is for us, so it goes to a file.
"""

from __future__ import annotations

import gc
import importlib
import io
import shlex
import sys

import click

from runbook.cli.diagnostics import can_show_screen, explain, give_up_output
from runbook.problem import Exit, Problems, SeveralMeant, near, problem

VERBS = {
    "approve": "Answer a gate of a live run, from any terminal.",
    "attach": "Watch a live run, and answer its gates.",
    "can": "Say whether a runbook may be run in a place, and if not, when next.",
    "check": "Find everything that is wrong with runbooks, without connecting.",
    "completion": "Print the script that lets a shell complete verbs, runs, runbooks and hosts.",
    "demo": "Bring the lab up, fail a database over on it, and show what was measured.",
    "doctor": "Look whether this machine and this terminal have what is needed.",
    "due": "Show how every schedule stands, and what is next.",
    "faults": "List what can be broken on purpose, and what each takes.",
    "finding": "Write down what came to light, and close what is mended.",
    "halt": "Stop a live run: cancel what runs, lift what is broken, then its closing steps.",
    "handbook": "Write the handbook of the workspace, every figure with its source.",
    "help": "Read the manual: what there is, or one page of it.",
    "hosts": "List an inventory's hosts, or explain one.",
    "init": "Make a workspace here, with a first runbook.",
    "lab": "A fleet of real SSH servers on this machine, to practise on.",
    "ledger": "The chain of what happened to records: check it, sign it, add to it.",
    "list": "List the workspace's runbooks.",
    "plan": "Show every command on every host, without connecting.",
    "preflight": "Connect and look, before anything changes.",
    "register": "Hold every scenario of every service against what was rehearsed.",
    "replay": "Watch a record again on its own time axis.",
    "report": "Write a record's report.",
    "resume": "Continue a run whose runner is gone.",
    "review": "Write what to look at after a run.",
    "rollback": "Undo what an ended run did, in a new run.",
    "run": "Run a runbook.",
    "runs": "List the records, newest first.",
    "scheduler": "Begin what nobody attends, and account for every moment.",
    "schema": "Print the JSON Schema of runbooks, for editors.",
    "seal": "Close a record for good that its runner did not, or that never goes on.",
    "show": "Show a runbook as its author wrote it, readable.",
    "stats": "Count how well it goes: releases, drills, objectives, recovery times.",
    "sweep": "Find what faults have left on hosts, and lift it.",
    "tell": "Steer a live run from any terminal: pause, skip, note, undo, ...",
    "verify": "Check a record: its chain, its files, its order.",
}
"""Verb to its one line. Here and not in the modules, so that `--help` imports none of them."""


class Verbs(click.Group):
    """A group whose commands live in modules of their own name."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """All verbs, sorted."""
        return sorted(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import one verb."""
        if cmd_name not in VERBS:
            raise _no_verb(cmd_name, [])
        return _loaded(f"runbook.cli.verbs.{cmd_name}_verb")

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb, or what might have been meant with all that was typed behind it."""
        if args[0] not in VERBS and not args[0].startswith("-"):
            raise _no_verb(args[0], args[1:])
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """The list in `--help`, from the table above."""
        with formatter.section("Verbs"):
            formatter.write_dl(sorted(VERBS.items()))


def _no_verb(word: str, rest: list[str]) -> Problems:
    """What is no verb may be a slip, or what is told to a run; either is written out as it could be typed."""
    from runbook.cli.line.steering import WORDS  # noqa: PLC0415 - only when it happens

    what = f'there is no verb "{word}"'
    told = [one.word for one in WORDS if one.word not in VERBS]
    slip, saying = near(word, VERBS), near(word, told)
    if saying and (word in told or not slip):
        fix = f"Tell it to a run: {shlex.join(['runbook', 'tell', 'last', saying, *rest])}"
        return problem(what, why=f'"{saying}" is told to a run', fix=fix, code="no-verb")
    if slip:
        return problem(what, fix=f"Did you mean: {shlex.join(['runbook', slip, *rest])}", code="no-verb")
    why = f"the verbs are: {', '.join(VERBS)}"
    return problem(what, why=why, fix="What each of them does is shown by: runbook --help", code="no-verb")


def _unusable(wrong: click.ClickException) -> Problems:
    """What click says of a command line, in our form."""
    said = wrong.format_message().rstrip(".")
    what, dot, guess = said.partition(". ")
    context = wrong.ctx if isinstance(wrong, click.UsageError) else None
    help_of = f"See: {context.command_path if context else 'runbook'} --help"
    return problem(what[:1].lower() + what[1:], fix=f"{guess} {help_of}" if dot else help_of, code="usage")


def _in_full(several: SeveralMeant, words: list[str]) -> Problems:
    """With the command that was typed, meaning one thing; as it is where the word stands in it as part of another."""
    if several.typed not in words:
        return several
    place = words.index(several.typed)
    return several.in_full(shlex.join(["runbook", *words[:place], several.instead, *words[place + 1 :]]))


def _loaded(module: str) -> click.Command:
    """Import a verb. What is loaded stays; to look for garbage in it, now or later, takes a fifth of a check's time."""
    gc.disable()
    try:
        command: click.Command = importlib.import_module(module).verb
    finally:
        gc.freeze()
        gc.enable()
    return command


@click.group(cls=Verbs, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="runbook")
@click.pass_context
def runbook(context: click.Context) -> None:
    """Run written procedures over SSH, and be able to prove afterwards what happened.

    Without a verb it opens the screen on the workspace around you.
    """
    if context.invoked_subcommand is None:
        _open_screen()


def _open_screen() -> None:
    """The library of the workspace. Whether it can be shown is asked before the screen is loaded, which takes a second.

    Raises:
        Problems: There is no terminal to draw on.
    """
    if not can_show_screen():
        raise problem(
            "there is no terminal for the screen",
            why="standard input or output is no terminal, TERM is dumb, or CI is set",
            fix="Use the verbs instead: runbook --help",
            code="no-terminal",
        )
    importlib.import_module("runbook.cli.screen").open_library()


def main() -> None:
    """Entry of the console script."""
    sys.exit(int(_status()))


def _status() -> int:
    """Run the verb; whatever comes of it is said here, and only its number is left."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name that the terminal's encoding does not have is written out, as on standard error; it is no mistake.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        status = runbook.main(prog_name="runbook", standalone_mode=False)
        sys.stdout.flush()
    except SeveralMeant as several:
        explain(_in_full(several, sys.argv[1:]))
        return several.exit
    except Problems as wrong:
        explain(wrong)
        return wrong.exit
    except click.ClickException as wrong:
        explain(_unusable(wrong))
        return Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except BrokenPipeError:
        give_up_output()  # whoever read it had enough
        return Exit.HELD
    except OSError as refused:
        give_up_output()
        from runbook.cli.failing import system_refused  # noqa: PLC0415 - only when it happens

        return system_refused(refused)
    except Exception as ours:  # noqa: BLE001 - the last door: behind it there is only the interpreter's traceback
        from runbook.cli.failing import we_failed  # noqa: PLC0415 - only when it happens

        return we_failed(ours)
    return status or Exit.HELD
