"""`runbook verify`: recompute everything that a record claims, name what does not hold, and say what that proves."""

from __future__ import annotations

import click

from runbook.cli.compose import json_option, recordings_option, settings, store
from runbook.cli.diagnostics import explain
from runbook.cli.options.trust import roots, trust_options
from runbook.cli.text.data import print_json
from runbook.cli.text.verification import show_verification, verification_data
from runbook.problem import Problems, SeveralMeant
from runbook.record.checking.judgement import Status
from runbook.workspace.settings import TrustSettings


@click.command("verify")
@click.argument("run", default="last")
@recordings_option
@json_option
@trust_options
@click.option("--ledger", default="", metavar="FOLDER", help="The ledger, where it does not lie beside the record.")
def verb(*, run: str, recordings: str, as_json: bool, ledger: str, **given: str) -> int:
    """Check a record: its id or a part of it, a runbook's name, `last`, or a path.

    Its exit statuses are 0 sound, 1 altered, 2 incomplete, 3 sound with exceptions, 4 cannot be checked, 6 newer.
    """
    try:
        record = store(recordings).find(run)
        found = record.verify(roots(settings(recordings).trust, TrustSettings(**given), ledger))
    except SeveralMeant as several:
        explain(several.in_full(f"runbook verify {several.instead}"))
        return int(Status.UNCHECKED)
    except Problems as wrong:
        explain(wrong)
        return int(Status.UNCHECKED)
    if as_json:
        print_json(verification_data(found, record.address))
    else:
        show_verification(found, record.address)
    return int(found.grade.status)
