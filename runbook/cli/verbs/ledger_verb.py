"""`runbook ledger`: the chain that knows of every record: check it, sign its root, and tell it what no run tells."""

from __future__ import annotations

from typing import get_args

import click

from runbook.cli.compose import json_option, recordings_option, settings, workspace
from runbook.cli.diagnostics import explain, tell
from runbook.cli.options.trust import roots, trust_options
from runbook.cli.text.data import print_json, print_table
from runbook.cli.text.verification import WORDS, check_data, proof_lines
from runbook.problem import Problems
from runbook.record.address import open_ledger
from runbook.record.checking.judgement import Status
from runbook.record.checking.ledgered import LedgerVerdict, examine_ledger
from runbook.record.ledger.entry import Kind, LedgerEntry
from runbook.view.sanitize import safe
from runbook.workspace.sealing import quiet_key
from runbook.workspace.settings import TrustSettings

BY_RUNS = ("opened", "resumed", "sealed", "abandoned")
"""What only a run, or whoever seals it, can tell."""
BY_PEOPLE = tuple(kind for kind in get_args(Kind) if kind not in BY_RUNS)


@click.group("ledger")
def verb() -> None:
    """The chain of what happened to records: check it, sign it, add to it."""


@verb.command("check")
@recordings_option
@json_option
@trust_options
def check(*, recordings: str, as_json: bool, **given: str) -> int:
    """Look for holes, cut ends and records that are gone. Exit statuses as for `runbook verify`."""
    known = settings(recordings)
    try:
        found = examine_ledger(str(known.recordings), roots(known.trust, TrustSettings(**given)))
    except Problems as wrong:
        explain(wrong)
        return int(Status.UNCHECKED)
    if as_json:
        print_json({"grade": str(found.grade), "entries": found.entries, "head": found.head, "missing": found.missing,
                    "findings": [check_data(one) for one in found.checks]})  # fmt: skip
    else:
        _show(found)
    return int(found.grade.status)


def _show(found: LedgerVerdict) -> None:
    if found.checks:
        print_table(("finding", "detail"), [(WORDS[one.finding], safe(one.detail)) for one in found.checks])
        click.echo("")
    for line in proof_lines(found.checks):
        click.echo(line)
    click.echo(f"head     {found.head}")
    tell(f"The ledger is {found.grade}: {found.entries} entries.")


@verb.command("checkpoint")
@recordings_option
def checkpoint(*, recordings: str) -> int:
    """Sign the root over all entries, keep it, and print it: a copy elsewhere pins everything before it."""
    place = workspace("ledger", recordings)
    point = open_ledger(place.store.address).checkpoint(place.settings.seal.key)
    click.echo(point.text.decode(), nl=False)
    return 0


@verb.command("heartbeat")
@recordings_option
def heartbeat(*, recordings: str) -> int:
    """Write down that nothing happened: once a day, so that silence is seen to be silence."""
    return _add(recordings, LedgerEntry(kind="heartbeat", time=""))


@verb.command("add")
@click.argument("kind", type=click.Choice([kind for kind in BY_PEOPLE if kind != "heartbeat"]))
@click.option("-m", "--reason", required=True, help="What, and why.")
@click.option("--run", default="", help="About which run: its whole id.")
@click.option("--key", default="", metavar="SHA256:...", help="About which key.")
@recordings_option
def add(*, kind: str, reason: str, run: str, key: str, recordings: str) -> int:
    """Tell the ledger what no run tells: a drill that was missed, a key that was revoked, a legal hold."""
    return _add(recordings, LedgerEntry(kind=kind, time="", text=reason, run=run, key=key))


def _add(recordings: str, said: LedgerEntry) -> int:
    place = workspace("ledger", recordings)
    draft = said.told(place.wall(), place.whoami())
    made = open_ledger(place.store.address).append(draft, quiet_key(place.settings))
    click.echo(f"{made.entry.seq} {made.entry.kind} {made.digest}")
    return 0
