"""`runbook faults`: what can be broken on purpose, and what each takes."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from runbook.cli.compose import json_option
from runbook.cli.diagnostics import tell
from runbook.cli.text.data import print_json, print_table
from runbook.faults.fault import Fault
from runbook.faults.table import FAULTS, fault_named
from runbook.faults.victim import Victim


@click.command("faults")
@click.argument("name", default="")
@json_option
def verb(*, name: str, as_json: bool) -> int:
    """List the catalogue of faults, or show the arguments of one by NAME."""
    chosen = (fault_named(name),) if name else FAULTS
    if as_json:
        print_json([{"fault": each.name, "does": each.says, "arguments": _schema(each)} for each in chosen])
        return 0
    if not name:
        print_table(("fault", "does"), [(each.name, each.says) for each in chosen])
        return 0
    _show(chosen[0])
    return 0


def _show(fault: Fault[Any]) -> None:
    schema = _schema(fault)
    needed = schema.get("required", [])
    tell(f"{fault.name}: {fault.says}")
    named = set(Victim.__struct_fields__) if issubclass(fault.arguments, Victim) else set()
    words = {**dict.fromkeys(named, "one of these"), **dict.fromkeys(needed, "yes")}
    rows = [(name, words.get(name, ""), *_said(one)) for name, one in schema["properties"].items()]
    print_table(("argument", "needed", "default", "what to write"), rows)


def _schema(fault: Fault[Any]) -> dict[str, Any]:
    """The arguments as JSON Schema, which says of each what to write."""
    schema: dict[str, Any] = msgspec.json.schema(fault.arguments)
    return dict(schema["$defs"][fault.arguments.__name__])


def _said(one: dict[str, Any]) -> tuple[str, str]:
    parts = (one, *one.get("anyOf", ()), one.get("items", {}))
    said = next((part["description"] for part in parts if "description" in part), "")
    words = ", ".join(str(word) for part in parts for word in part.get("enum", ()))
    default = one.get("default")
    kind = "true or false" if one.get("type") == "boolean" else str(one.get("type", ""))
    return "" if default is None else str(default).lower() if isinstance(default, bool) else str(
        default
    ), said or words or kind
