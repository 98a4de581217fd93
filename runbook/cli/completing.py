"""What may come next on a command line: verbs, options, and the names that a workspace has.

It runs at every press of a key, so it reads names and little else: folders are listed, one runbook is read for its
parameters, one inventory for its hosts. A name is told by what its parameter is called, so a verb that takes a `run`
completes runs and need not know of this file. Whatever is wrong is no business of a shell that only asks: it gets
nothing, and the verb itself says why. No host is called and no program is run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice

import click
from click.shell_completion import CompletionItem, ShellComplete

from runbook.cli.compose import settings, store
from runbook.core.milestone_name import Milestone
from runbook.core.planned.plan import Plan
from runbook.core.written.runbook import Runbook
from runbook.problem import Problems, meant_by

RECENT = 40
"""Runs that are offered, the newest."""

Offer = Callable[[click.Context, str], Iterable[tuple[str, str]]]
"""Names, each with a word about it, for what was typed so far; more than fit may be given."""


def offered(root: click.Group, lines: Mapping[str, str], words: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """What may stand for the last of these words, each with a word about it; nothing where anything may.

    Args:
        root: All verbs.
        lines: Verb to its one line.
        words: What was typed behind the program's name.
    """
    *before, last = words or ("",)
    shell = ShellComplete(_Asked(root, lines), {}, "runbook", "")
    try:
        found = shell.get_completions(before, last)
    except (Problems, OSError):
        return ()
    return tuple((item.value, _line(item.help or "")) for item in found if item.type == "plain")


class _Named(click.types.StringParamType):
    """A word that is one of the names that an offer gives."""

    name = "name"

    def __init__(self, offer: Offer) -> None:
        self._offer = offer

    def shell_complete(
        self,
        ctx: click.Context,
        param: click.Parameter,  # noqa: ARG002 - click's signature
        incomplete: str,
    ) -> list[CompletionItem[str]]:
        """Those that begin with what was typed, else those that have it in them."""
        known = dict(self._offer(ctx, incomplete))
        begun = [name for name in known if name.startswith(incomplete)]
        return [CompletionItem(name, help=known[name]) for name in begun or meant_by(incomplete, known)]


class _Asked(click.Group):
    """The verbs as a shell asks about them: listed without being loaded, and with names where there are some."""

    def __init__(self, root: click.Group, lines: Mapping[str, str]) -> None:
        super().__init__(root.name, params=root.params)
        self._root, self._lines = root, lines

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The one verb that is being typed."""
        found = self._root.get_command(ctx, cmd_name)
        return _completing(found) if found is not None else None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """Verbs by the table of them, or our own options."""
        if incomplete.startswith("-"):
            return click.Command.shell_complete(self, ctx, incomplete)
        return [CompletionItem(verb, help=line) for verb, line in self._lines.items() if verb.startswith(incomplete)]


def _completing(command: click.Command) -> click.Command:
    """The command, with names where its parameters are called like some."""
    for each in command.commands.values() if isinstance(command, click.Group) else ():
        _completing(each)
    for param in command.params:
        offer = _OFFERS.get(param.name or "")
        if offer is not None:
            param.type = _Named(offer)
    return command


def _line(text: str) -> str:
    return " ".join(text.split())


# --- what a workspace has ---------------------------------------------------------------------------------------------


def _runs(ctx: click.Context, _typed: str) -> Iterator[tuple[str, str]]:
    rows = store(ctx.params.get("recordings") or "").runs(limit=RECENT)
    yield from ((row.run, f"{row.verdict}, by {row.operator}") for row in rows)
    yield ("last", "the newest run")
    yield from ((row.runbook, "its newest run") for row in rows if row.runbook)


def _books(_ctx: click.Context, _typed: str) -> Iterator[tuple[str, str]]:
    """By the names of their files; where two share one, by their paths."""
    from runbook.workspace.books import book_files  # noqa: PLC0415 - runs and hosts have no runbook

    place = settings()
    files = book_files(place)
    count = Counter(path.stem for path in files)
    for path in files:
        shown = str(path.relative_to(place.root)) if path.is_relative_to(place.root) else str(path)
        yield (path.stem, shown) if count[path.stem] == 1 else (shown, "")


def _inventories(_ctx: click.Context, _typed: str) -> Iterator[tuple[str, str]]:
    from runbook.inventory.places import inventory_names  # noqa: PLC0415 - only where `-i` is typed

    yield from ((name, "") for name in inventory_names(settings().root))


def _hosts(ctx: click.Context, _typed: str) -> Iterator[tuple[str, str]]:
    from runbook.inventory.manner import JOINT  # noqa: PLC0415 - reading an inventory is for hosts alone
    from runbook.inventory.reading import read_inventory  # noqa: PLC0415

    named = JOINT.join(ctx.params.get("inventories") or ()) or _inventory_of(ctx) or settings().inventory
    place = read_inventory(named, workspace=settings().root)
    yield from ((name, f"group of {len(hosts)}") for name, hosts in place.groups.items())
    yield from ((name, host.address) for name, host in place.hosts.items())


def _book(ctx: click.Context) -> Runbook:
    from runbook.document.runbook_file import read_runbook  # noqa: PLC0415 - only where a runbook has been named
    from runbook.workspace.books import find_book  # noqa: PLC0415

    # Behind an option that lacks its value, click has put no word in its place.
    named = (ctx.params.get("book"), *ctx.args)
    return read_runbook(find_book(settings(), str(next(filter(None, named), ""))))


def _parameters(ctx: click.Context, typed: str) -> Iterator[tuple[str, str]]:
    """`name=` first, then what may stand behind it."""
    name, is_given, _ = typed.partition("=")
    for known, parameter in _book(ctx).parameters.items():
        if not is_given:
            yield f"{known}=", parameter.help
        elif known == name:
            values = ("true", "false") if parameter.type == "boolean" else parameter.choices
            yield from ((f"{name}={value}", "") for value in values)
            if parameter.type == "host":
                yield from ((f"{name}={host}", text) for host, text in _hosts(ctx, ""))


def _words(ctx: click.Context, _typed: str) -> Iterator[tuple[str, str]]:
    """What a run is told, then what that is about; the plan alone is read, of however long a record."""
    from runbook.cli.line.steering import WORDS  # noqa: PLC0415 - only `tell` has words

    said = ctx.params.get("words") or ()
    if not said:
        yield from ((word.word, word.line) for word in WORDS)
    elif len(said) == 1:
        about = next((word.about for word in WORDS if word.word == said[0]), "")
        if about == "MILESTONE":
            yield from ((name, "") for name in Milestone)
        elif about in {"STEP", "HOST"}:
            plan = _plan(ctx)
            names = [(host.name, host.address) for host in plan.hosts]
            yield from names if about == "HOST" else ((step.id, step.name) for step in plan.walk())


def _plan(ctx: click.Context) -> Plan:
    from runbook.record.beginning import begun  # noqa: PLC0415 - only where a step or a host is told

    run = store(ctx.params.get("recordings") or "").find(str(ctx.params.get("run") or ""))
    reading = run.read()
    return begun(reading, [*islice(reading.entries(), 1)]).plan


def _inventory_of(ctx: click.Context) -> str:
    return _book(ctx).inventory if "book" in ctx.params else ""


_OFFERS: dict[str, Offer] = {
    "run": _runs,
    "book": _books,
    "places": _books,
    "inventories": _inventories,
    "limit": _hosts,
    "pattern": _hosts,
    "host": _hosts,
    "params": _parameters,
    "words": _words,
}
"""What a parameter is called, and the names that it takes."""
