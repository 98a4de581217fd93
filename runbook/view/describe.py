"""What a step does, in one line or in full, as text for people. Never the text that is sent: `transport` quotes that.

Everything here may come from a runbook that somebody else wrote or from a rendered value, so all of it is sanitised.
"""

from __future__ import annotations

import shlex
from typing import assert_never

import msgspec

from runbook.core.host import Json
from runbook.core.planned.action import (
    Action,
    ApproveAction,
    AskAction,
    AssertAction,
    BlockAction,
    BranchAction,
    ChecklistAction,
    ChooseAction,
    CommandAction,
    ConfirmAction,
    DownloadAction,
    EndAction,
    FabricAction,
    HttpAction,
    Imports,
    LoopAction,
    ManualAction,
    NestedAction,
    NoticeAction,
    NotifyAction,
    ParallelAction,
    PreflightAction,
    ProbeAction,
    ScriptAction,
    SetAction,
    UploadAction,
    WaitAction,
    WaitForAction,
    Way,
)
from runbook.core.planned.command import SH
from runbook.core.planned.fault_action import FaultAction, RebootAction, RevertAction
from runbook.view.sanitize import safe, safe_lines
from runbook.view.words import duration, plural


def describe(action: Action) -> str:
    """What it does, in one safe line."""
    return safe(" ".join(line.strip() for line in _text(action).splitlines() if line.strip()))


def full_text(action: Action) -> tuple[str, ...]:
    """What it does, with every line of a script, safe; never empty."""
    return safe_lines(_text(action)) or ("",)


def _text(action: Action) -> str:  # noqa: C901, PLR0911, PLR0912 - one line for each kind there is
    match action:
        case CommandAction():
            return _command(action)
        case ScriptAction():
            return _script(action)
        case UploadAction():
            return _upload(action)
        case DownloadAction():
            return f"download {action.src} to {action.dest}"
        case HttpAction():
            return f"{action.method} {action.url}{'' if action.verify else ' (any certificate)'}"
        case ProbeAction():
            return f"ask probe {action.probe}"
        case WaitForAction():
            return _wait_for(action)
        case AssertAction():
            return f"check that {action.that}"
        case SetAction():
            return "\n".join(f"set {name} = {_spelled(value)}" for name, value in action.values.items())
        case BranchAction():
            return "\n".join(map(_way, action.ways))
        case EndAction():
            return f"the runbook ends here, {action.verdict}{f': {action.reason}' if action.reason else ''}"
        case PreflightAction():
            return _preflight(action)
        case NotifyAction():
            return f"notify {', '.join(action.to) or 'everybody'}: {action.message}"
        case FabricAction():
            return _fabric(action)
        case ConfirmAction():
            return action.message
        case ApproveAction():
            return f"{plural(action.min_required, 'approval')}: {action.message}"
        case AskAction():
            return f"{action.prompt} ({action.type})"
        case ChooseAction():
            return f"{action.prompt} ({' | '.join(option.label for option in action.options)})"
        case ManualAction():
            return action.instructions
        case ChecklistAction():
            return "\n".join(f"[ ] {item.item}{f' ({item.owner})' if item.owner else ''}" for item in action.items)
        case NoticeAction():
            return action.text
        case WaitAction():
            return f"wait until {action.until}" if action.until else f"wait {duration(action.seconds)}"
        case FaultAction() | RevertAction() | RebootAction():
            return _to_the_host(action)
        case BlockAction():
            return "a block of steps"
        case LoopAction():
            return _loop(action)
        case ParallelAction():
            return "steps side by side"
        case NestedAction():
            return f"runbook {action.name or action.file}"
        case _:
            assert_never(action)


def _spelled(value: Json) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _loop(action: LoopAction) -> str:
    if action.waits and not action.items:
        return f"for each of {_spelled(action.source)}, at most {action.at_most}"
    return f"for each of: {', '.join(map(_spelled, action.items))}" if action.items else "for each of nothing"


def _way(way: Way) -> str:
    return f"{f'when {way.when}' if way.when else 'otherwise'}: go on {f'at {way.goto}' if way.goto else 'here'}"


def _command(action: CommandAction) -> str:
    if action.interpreter:
        return f"{shlex.join(action.interpreter)}: {action.shell}"
    return action.shell or shlex.join(action.argv)


def _script(action: ScriptAction) -> str:
    runs = shlex.join((*(action.interpreter or SH), *((action.path,) if action.path else ()), *action.args))
    return f"script for {runs}:\n{action.text}"


def _fabric(action: FabricAction) -> str:
    given = ", ".join(f"{name}={value!r}" for name, value in action.args.items())
    task = f"fabric task {action.task}({given}) of {action.file}{f' with {action.python}' if action.python else ''}"
    beside = (f"with {name}, SHA-256 {digest}" for name, digest in (action.beside or {}).items())
    return "\n".join((f"{task}, SHA-256 {action.sha256}" if action.sha256 else task, *beside))


def _upload(action: UploadAction) -> str:
    """With every file by itself, where there are many."""
    head = f"upload {action.src} to {action.dest}{_ownership(action)}"
    if not action.sha256:
        return head
    if not action.files:
        return f"{head},\n{action.size} bytes, SHA-256 {action.sha256}"
    each = (f"{action.mode or one.mode} {one.path}, {one.size} bytes, SHA-256 {one.sha256}" for one in action.files)
    return "\n".join((f"{head}, {plural(len(action.files), 'file')}, {action.size} bytes:", *each))


def _to_the_host(action: FaultAction | RevertAction | RebootAction) -> str:
    match action:
        case FaultAction():
            return _fault(action)
        case RevertAction():
            return f"lift {'what ' + ', '.join(action.faults) + ' broke' if action.faults else 'every live fault'}"
        case RebootAction():
            shown = f" and {action.wait_for} is good" if action.wait_for else ""
            how = f"restart ({action.command or 'systemctl reboot'})"
            return f"{how}, at most {duration(action.timeout)} until it is back{shown}"


def _fault(action: FaultAction) -> str:
    given = ", ".join(f"{name}={value}" for name, value in action.arguments.items())
    lost = "lifts itself" if action.on_link_loss == "revert" else "stays"
    lease = f"for {duration(action.duration)}; unheard of for {duration(action.lease)} it {lost}"
    effect = action.expect_effect
    shown = f"; must make {effect.probe} fail within {duration(effect.fails_within)}" if effect else ""
    return f"break: {action.fault}({given}), {lease}{shown}"


def _ownership(action: UploadAction) -> str:
    parts = [f"mode {action.mode}" if action.mode else "", f"owner {action.owner}" if action.owner else ""]
    return "".join(f", {part}" for part in parts if part)


def _wait_for(action: WaitForAction) -> str:
    subject = f"probe {action.probe}" if action.probe else action.command
    hold = f" and holds {duration(action.hold)}" if action.hold else ""
    limit = f", at most {duration(action.timeout)}"
    return f"every {duration(action.interval)} until good{hold}{limit}: {subject}"


def _preflight(action: PreflightAction) -> str:
    if action.imports:
        return "\n".join(_imports(each) for each in action.imports)
    if action.faults:
        return f"look whether it can carry {', '.join(dict.fromkeys(each.action.fault for each in action.faults))}"
    sudo = f"sudo to {' and '.join(action.users)}" if action.users else "sudo"
    extra = (*((sudo,) if action.become else ()), *action.tools)
    return f"reach the host and look: login, clock, space{''.join(f', {name}' for name in extra)}"


def _imports(needed: Imports) -> str:
    modules = f" and finds {', '.join(needed.modules)}" if needed.modules else ""
    return f"look whether {needed.python or 'the Python of runbook'} can run {needed.file}{modules}"
