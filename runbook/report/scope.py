"""The scope of a run in its report: every host as it proved itself to be, and every parameter."""

from __future__ import annotations

from runbook.report import saying
from runbook.report.blocks import Block, Cell, Table, Word
from runbook.report.model import HostFacts, Report
from runbook.view.sanitize import safe
from runbook.view.words import fold_hosts


def hosts(found: tuple[HostFacts, ...]) -> Block:
    """Each host, and what is to be remarked about it."""
    return Table(
        ("Host", "Address", "Host key", "System", "Clock", "Preflight", "Remarks"),
        tuple(
            (
                safe(each.host),
                _address(each),
                safe(each.host_key) or ("-" if each.connection == "local" else "never connected"),
                ", ".join(safe(part) for part in (each.server, each.system) if part) or "-",
                f"{each.clock_offset:+.3f} s ± {each.clock_error:.3f} s" if each.host_key else "-",
                saying.checks(each.checks),
                _host_remark(each),
            )
            for each in found
        ),
        empty="No hosts.",
    )


def _address(host: HostFacts) -> str:
    where = "local" if host.connection == "local" else safe(host.address)
    return f"{safe(host.user)}@{where}" if host.user else where or "-"


def _host_remark(host: HostFacts) -> Cell:
    lost = f"link lost {host.links_lost} times" if host.links_lost else ""
    excluded = f"excluded: {safe(host.excluded)}" if host.excluded else ""
    twins = f"the same machine as {safe(fold_hosts(host.same_as))}" if host.same_as else ""
    text = "; ".join(part for part in (lost, excluded, twins) if part)
    return Word(text, "odd") if text else ""


def parameters(report: Report) -> Block:
    """Each parameter; a secret shows only where it came from."""
    return Table(
        ("Parameter", "Value", "From"),
        tuple(
            (safe(each.name), "(secret)" if each.secret else saying.plain(each.value), safe(each.source))
            for each in report.parameters
        ),
        empty="No parameters.",
    )
