"""What is asked before a run begins: the values that are missing, and whether what is shown shall be done.

Only a person at a terminal is asked. A pipe, a timer and CI are not: there the command line is the word, as it always
was, and what is missing is refused. Nothing has been connected to when the question stands there, and what is started
on a yes is the very plan that was shown. It refuses to remember a yes: the next run asks again, or has `--yes`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

import click

from runbook.cli.beginning.values import values
from runbook.cli.diagnostics import explain, problem_text, say
from runbook.cli.line.keyboard import ask_now, is_ours
from runbook.cli.text.plan import plan_lines
from runbook.cli.text.policy import policy_lines
from runbook.core.planned.plan import Plan
from runbook.policy.judging import judged
from runbook.problem import Problem, Problems
from runbook.view.brief import brief_lines
from runbook.view.sanitize import safe
from runbook.workspace.local import LocalWorkspace
from runbook.workspace.permission import own_facts
from runbook.workspace.prepare import Prepared, SecretSource, Wish, typed_first

Compile = Callable[[Wish, SecretSource], Prepared]
"""Makes the plan of a wish. Raises Problems."""

_YES = {"y", "yes"}
_NO = {"", "n", "no"}


def is_somebody_here() -> bool:
    """True where a person can be shown a plan and asked: at a terminal, in front of it, and not in CI."""
    return sys.stderr.isatty() and sys.stdin.isatty() and is_ours() and not os.environ.get("CI")


@dataclass(slots=True, kw_only=True)
class Draft:
    """A run that has not begun: what is wanted of it so far, and how its plan is made."""

    place: LocalWorkspace
    wish: Wish
    compile: Compile
    secret: SecretSource
    """Asked for those secrets that nobody has typed here; once for each."""
    concerns: tuple[Problem, ...] = ()
    """What is wrong with the workspace's records, whatever is run."""

    def unasked(self) -> Prepared:
        """The plan, where nobody is there to be asked about it.

        Raises:
            Problems: Whatever keeps the plan from existing.
        """
        prepared = self.compile(self.wish, self.secret)
        self._warn(prepared)
        return prepared

    def agreed(self, *, yes: bool) -> Prepared:
        """Ask for what is missing, show the plan, and ask whether to start it; `yes` is the answer, where it is known.

        Raises:
            Problems: Whatever keeps the plan from existing.
            click.Abort: Nobody wants it.
        """
        try:
            return self._agreed(yes=yes)
        except KeyboardInterrupt:
            say()
            raise _leave() from None

    def _agreed(self, *, yes: bool) -> Prepared:
        told = values(self.place.settings, self.wish)
        self.wish = replace(self.wish, given=told.given)
        source = typed_first(told.secrets, self.secret)
        prepared = self.compile(self.wish, source)
        while True:
            self._show(prepared)
            change = {} if yes else _answer(prepared.plan)
            if not change:
                return prepared
            prepared = self._changed(prepared, change, source)

    def _changed(self, shown: Prepared, change: dict[str, str], source: SecretSource) -> Prepared:
        """The plan with another value; the one that was shown where that value is refused."""
        wish = replace(self.wish, given={**self.wish.given, **change})
        try:
            prepared = self.compile(wish, source)
        except Problems as refused:
            explain(refused)
            return shown
        self.wish = wish
        return prepared

    def _show(self, prepared: Prepared) -> None:
        _say_brief(self.place, prepared.plan)
        self._warn(prepared)

    def _warn(self, prepared: Prepared) -> None:
        for warning in (*prepared.warnings, *self.concerns):
            say(problem_text(warning))


def confirmed(place: LocalWorkspace, plan: Plan) -> str:
    """Show a plan whose values are settled, and ask whether to start it; gives the digest that was agreed to.

    Raises:
        click.Abort: They said no, or nobody answers any more.
    """
    try:
        _say_brief(place, plan)
        _answer(plan, is_settled=True)
    except KeyboardInterrupt:
        say()
        raise _leave() from None
    return plan.digest


def _say_brief(place: LocalWorkspace, plan: Plan) -> None:
    """What would be done, and what the rules of its environment have against that now."""
    verdicts = judged(own_facts(plan, place.settings, place.store))
    say()
    for line in (*brief_lines(plan), *policy_lines(verdicts)):
        say(line)


def _answer(plan: Plan, *, is_settled: bool = False) -> dict[str, str]:
    """Nothing for a yes, and the values that somebody would rather have where they are not settled.

    Raises:
        click.Abort: They said no, or nobody answers any more.
    """
    word = plan.environment.name if plan.environment.confirm == "typed" else ""
    prompt = f'Type "{safe(word)}" to start it, or Enter to leave it: ' if word else "Start it? [y/N] "
    takes_values = bool(plan.parameters) and not is_settled
    say("  (p shows every command; NAME=VALUE changes a value)" if takes_values else "  (p shows every command)")
    while True:
        typed = ask_now(prompt)
        if typed is None:
            say()
        if typed is None or typed.casefold() in _NO:
            raise _leave()
        if typed == word if word else typed.casefold() in _YES:
            return {}
        name, is_change, value = typed.partition("=")
        if is_change and takes_values:
            return {name.strip(): value.strip()}
        if typed == "p":
            _show_whole(plan)
        else:
            say(f'  Nothing is started by "{safe(typed)}".')


def _show_whole(plan: Plan) -> None:
    for line in plan_lines(plan):
        say(line)


def _leave() -> click.Abort:
    """A no is no mistake: it is told, and ends as an interruption does."""
    say("Nothing was started.")
    return click.Abort()
