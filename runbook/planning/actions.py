"""From what a step is written to do to what it is planned to do: files read in, probes named, texts rendered.

A step's texts are treated as one. When any of them waits for a value of the run, all stay templates, with what is known
written in, and the plan says what for; otherwise all are rendered here, per host where they differ, and are final.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

import msgspec

from runbook.core.planned.action import (
    CONTROLLER,
    Action,
    BlockAction,
    CommandAction,
    DownloadAction,
    FabricAction,
    OnHosts,
    ParallelAction,
    ProbeAction,
    ScriptAction,
    SetAction,
    UploadAction,
    WaitForAction,
    Work,
)
from runbook.core.planned.command import SH
from runbook.core.planned.fault_action import RebootAction
from runbook.core.planned.plan import PlannedProbe
from runbook.core.written.runbook import (
    BlockStep,
    FaultStep,
    ParallelStep,
    Probe,
    ProbeStep,
    RevertStep,
    Step,
    WaitForStep,
    WrittenAction,
)
from runbook.document.source import Limits
from runbook.inventory.explain import why_missing
from runbook.planning.draft import Draft
from runbook.planning.fabfile import brought_along, entry, from_elsewhere
from runbook.planning.faults import to_fault, to_revert, with_known_peers
from runbook.planning.pins import missing
from runbook.planning.shells import bashisms, interpreter_of, is_posix_sh, shell_words
from runbook.planning.targets import EVERYTHING, limited, resolve
from runbook.problem import Problem, Where, nearest, problem
from runbook.template.action_texts import (
    expressions_of,
    faults_in_action,
    render_action,
    replace_expressions,
    replace_texts,
    texts_of,
)
from runbook.template.scope import Scope
from runbook.template.settled_text import settle_expression, settle_text
from runbook.template.template import (
    altered_in,
    faults_in,
    host_variables_in,
    names_in_expression,
)

_FILE_NAME = re.compile(r"[\w.@/-]*[./][\w.@/-]*")
"""A one-word `script:` with a dot or a slash is a path; `true` is a script."""


class Planned(NamedTuple):
    """An action with what the plan must say about it."""

    action: Action
    by_host: dict[str, Action]
    awaits: tuple[str, ...]


def word_of(action: WrittenAction) -> str:
    """The key in YAML that made it."""
    return str(action.__struct_config__.tag)


def to_action(  # noqa: C901, PLR0911 - one line or two for each kind that is written otherwise than it is planned
    draft: Draft, step: Step, *, label: str, hosts: tuple[str, ...] = (), shell: str = ""
) -> Action:
    """The planned form of a written action, its texts not rendered yet.

    A probe written in place is called `label` and asks on `hosts` when it names none; `shell` reads a command's text
    where its step says nothing.
    """
    written: WrittenAction = step.action
    where = step.at(word_of(written))
    match written:
        case ProbeStep():
            return ProbeAction(probe=probe_name(draft, written.probe, where, label=label, hosts=hosts))
        case WaitForStep():
            probe = probe_name(draft, written.probe, where, label=label, hosts=hosts) if written.probe else ""
            timeout, interval, hold = written.timeout, written.interval, written.hold
            command = written.command
            return WaitForAction(probe=probe, command=command, timeout=timeout, interval=interval, hold=hold)
        case BlockStep():
            return BlockAction()
        case ParallelStep():
            return ParallelAction()
        case CommandAction() if written.shell:
            with draft.collecting(step.at("shell")):
                words = shell_words(shell or draft.runbook.shell, step.at("shell"))
                _warn_of_bash(draft, written.shell, words, where, fix="Write shell: bash.")
                return msgspec.structs.replace(written, interpreter=() if words == SH else words)
            return written
        case ScriptAction():
            with draft.collecting(where):
                return with_text(draft, written, where)
            return written
        case UploadAction():
            return msgspec.structs.replace(written, src=draft.from_outside(written.src))
        case DownloadAction():
            return msgspec.structs.replace(written, dest=draft.from_outside(written.dest))
        case FaultStep():
            return to_fault(written)
        case RebootAction():
            if written.wait_for:
                probe_name(draft, written.wait_for, where, label=label)
            return written
        case RevertStep():
            return to_revert(written)
        case FabricAction():
            with draft.collecting(where):
                return _with_digests(draft, written, where)
            return written
        case _:
            return written


def runs_on_hosts(action: Action) -> bool:
    """Whether its targets are hosts."""
    return isinstance(action, OnHosts) or (isinstance(action, WaitForAction) and bool(action.command))


def fill_in(
    draft: Draft,
    action: Action,
    hosts: tuple[str, ...],
    *,
    beside: frozenset[str],
    where: Where,
    keeps_mode: bool = False,
) -> Planned:
    """The action rendered as far as it can be, and the file that it sends looked at.

    Args:
        draft: Of the plan.
        action: As written.
        hosts: Its targets.
        beside: Names that other texts of the same step need.
        where: Where the problems belong.
        keeps_mode: Of an upload, see `pins.pinned`.
    """
    with draft.collecting(where):
        names = _names_in(draft, action, where) | beside
        check_secrets(draft, action, where)
        if _can_have_values(draft, action, hosts, names, where) and not faults_in_action(action):
            late = draft.awaited(names)
            # env and cwd are one value for all hosts in a plan, so with `host` in them they are rendered on entering.
            late |= beside & {"host"}
            if not late:
                done = _addressed(draft, _rendered(draft, action, hosts, names), where)
                done = _pinned(draft, done, hosts, keeps_mode=keeps_mode)
                late = missing((done.action, *done.by_host.values()))
                if not late:
                    return done
            return Planned(_settled(draft, action), {}, tuple(sorted(late)))
    return Planned(action, {}, ())


def probe_name(draft: Draft, probe: str | Probe, where: Where, *, label: str, hosts: tuple[str, ...] = ()) -> str:
    """The name of a probe that a step asks; one written in place becomes a probe of the plan under `label`."""
    if isinstance(probe, Probe):
        name = probe.name or label
        plan_probe(draft, probe, name=name, steady=False, hosts=hosts)
        return name
    if probe not in draft.probes:
        draft.note(where, "unknown-probe", f'there is no probe "{probe}"', nearest(probe, draft.probes))
    return probe


def plan_probe(draft: Draft, probe: Probe, *, name: str, steady: bool, hosts: tuple[str, ...] = ()) -> None:
    """Add a probe to the plan; it asks on `hosts` when it names none."""
    if name in draft.probes:
        draft.note(probe.at("name"), "duplicate-name", f'probe "{name}" is already there', "Give it a name of its own.")
        return
    action: Work = probe.action
    if isinstance(action, ScriptAction):
        script = action
        with draft.collecting(probe.where):
            action = with_text(draft, script, probe.where)
    hosts = _probe_hosts(draft, probe, action, hosts)
    planned = fill_in(draft, action, hosts, beside=frozenset(), where=probe.where)
    by_host = {host: each for host, each in planned.by_host.items() if isinstance(each, Work)}
    if isinstance(planned.action, Work):
        draft.probes[name] = PlannedProbe(
            name=name,
            action=planned.action,
            by_host=by_host,
            hosts=hosts,
            expect=probe.expect,
            every=probe.every,
            timeout=probe.timeout,
            steady=steady,
            awaits=planned.awaits,
        )


def check_expressions(draft: Draft, expressions: tuple[str, ...], where: Where, *, hosts: tuple[str, ...]) -> None:
    """Note what an expression can never know, and any secret in it: its value would be in the record."""
    for expression in expressions:
        with draft.collecting(where):
            names = draft.names_in_expression(where, expression)
            draft.check_names(names, where)
            if "host" in names and hosts in {(), (CONTROLLER,)}:
                draft.note(where, "undefined-name", '"host" in a step that no host does', "Name it: hosts.NAME.")
            for name in sorted(names & draft.secrets):
                draft.note(where, "secret-compared", f'secret "{name}" in an expression', "Test what it is used for.")


def check_secrets(draft: Draft, action: Action, where: Where) -> None:
    """Note secrets that could not be masked any more, or that a process list would show."""
    for field in texts_of(action):
        if not faults_in(field.text):
            for name in sorted(altered_in(field.text, draft.secrets)):
                fix = "Write it out as it is, {{ " + name + " }}, and change it where it is used."
                draft.note(where, "secret-altered", f'secret "{name}" is changed by the template', fix)
    for name in sorted(frozenset().union(*map(names_in_expression, expressions_of(action))) & draft.secrets):
        draft.note(where, "secret-compared", f'secret "{name}" in an expression', "Test what it is used for.")
    if isinstance(action, SetAction):
        for name in sorted(draft.names(where, *(field.text for field in texts_of(action))) & draft.secrets):
            fix = "Write {{ " + name + " }} where it is used."
            draft.note(where, "secret-set", f'secret "{name}" as a value that stands in the record', fix)
    arguments = action.argv if isinstance(action, CommandAction) else getattr(action, "args", ())
    for name in sorted(draft.names(where, *arguments) & draft.secrets):
        fix = f"Put it into env, and read ${name.upper()} there."
        draft.note(where, "secret-in-arguments", f'secret "{name}" as an argument shows in process lists', fix)


def _names_in(draft: Draft, action: Action, where: Where) -> frozenset[str]:
    names = draft.names(where, *(field.text for field in texts_of(action)))
    return names.union(*(draft.names_in_expression(where, each) for each in expressions_of(action)))


def _can_have_values(draft: Draft, action: Action, hosts: tuple[str, ...], names: frozenset[str], where: Where) -> bool:
    """Whether every name will have a value when it is needed; notes those that will not."""
    if "host" in names and hosts in {(), (CONTROLLER,)}:
        draft.note(where, "undefined-name", '"host" in a step that no host does', "Name the host: hosts.NAME.")
        return False
    unreadable = _why_missing(draft, action, hosts)
    draft.problems += unreadable
    return draft.check_names(names, where) and not unreadable


def _why_missing(draft: Draft, action: Action, hosts: tuple[str, ...]) -> list[Problem]:
    """Why hosts lack variables that the templates look up, where the inventory has them and cannot give them."""
    sound = (field.text for field in texts_of(action) if not faults_in(field.text))
    wanted = {pair for text in sound for pair in host_variables_in(text)}
    pairs = [(host, name) for owner, name in sorted(wanted) for host in ((owner,) if owner else hosts)]
    return [each for host, name in dict.fromkeys(pairs) for each in why_missing(draft.inventory, host, name)]


def _settled(draft: Draft, action: Action) -> Action:
    # What stands for a value with its type must not become text.
    scope = Scope() if isinstance(action, SetAction) else draft.scope()
    settled = replace_texts(action, lambda field: settle_text(field, scope, draft.fixed))
    return replace_expressions(settled, lambda each: settle_expression(each, draft.fixed))


def _rendered(draft: Draft, action: Action, hosts: tuple[str, ...], names: frozenset[str]) -> Planned:
    if expressions_of(action):
        return Planned(_settled(draft, action), {}, ())
    if "host" not in names:
        return Planned(render_action(action, draft.scope()), {}, ())
    rendered = {host: render_action(action, draft.scope(host)) for host in hosts}
    first = rendered[hosts[0]]
    return Planned(first, {host: each for host, each in rendered.items() if each != first}, ())


def _addressed(draft: Draft, done: Planned, where: Where) -> Planned:
    by_host = {host: with_known_peers(draft, each, where) for host, each in done.by_host.items()}
    return done._replace(action=with_known_peers(draft, done.action, where), by_host=by_host)


def _pinned(draft: Draft, done: Planned, hosts: tuple[str, ...], *, keeps_mode: bool) -> Planned:
    on = draft.pins.on
    by_host = {host: on(each, keeps_mode=keeps_mode) for host, each in done.by_host.items()}
    for action in (done.action, *done.by_host.values()):
        draft.pins.made_by(action, hosts)
    return Planned(on(done.action, keeps_mode=keeps_mode), by_host, ())


def _probe_hosts(draft: Draft, probe: Probe, action: Action, around: tuple[str, ...]) -> tuple[str, ...]:
    if not runs_on_hosts(action):
        return (CONTROLLER,)
    if not probe.on and not around:
        fix = "Add on: HOSTS, or on: controller."
        draft.note(probe.where, "no-target", "a probe with a command needs its hosts", fix)
    return limited(draft, resolve(draft, probe.on, probe.at("on")) if probe.on else around, EVERYTHING)


def with_text(draft: Draft, script: ScriptAction, where: Where) -> ScriptAction:
    """The script with its file read in and what runs it, so that the plan and the gate show what will run.

    Raises:
        Problems: the file cannot be read, is larger than a document may be, or is no text.
    """
    path = script.path or (script.text if _FILE_NAME.fullmatch(script.text.strip()) else "")
    if path:
        file = draft.folder / path.strip()
        draft.read[str(file)] = None
        script = msgspec.structs.replace(script, path=path.strip(), text=_read(file, where))
    runs = interpreter_of(script.text, script.interpreter, where)
    _warn_of_bash(draft, script.text, runs, where, fix="Begin the script with #!/bin/bash.")
    return msgspec.structs.replace(script, interpreter=() if runs == SH else runs)


def _warn_of_bash(draft: Draft, text: str, interpreter: tuple[str, ...], where: Where, *, fix: str) -> None:
    """A shell that lacks a word stops at it, or takes it for a program that is not there, and may end well."""
    found = bashisms(text) if is_posix_sh(interpreter) else ()
    if found:
        what = f"/bin/sh reads this, and {', '.join(found)} is bash's"
        draft.warn(where, "bash-in-sh", what, fix)


def _with_digests(draft: Draft, fabric: FabricAction, where: Where) -> FabricAction:
    """The task with the digests of its fabfile and of what that brings along: what was confirmed is what is run.

    Raises:
        Problems: a file cannot be read, or is no text.
    """
    file = draft.folder / fabric.file
    sums = {}
    for path in (entry(file), *brought_along(file)):
        draft.read[str(path)] = None
        sums[path] = hashlib.sha256(_read(path, where).encode()).hexdigest()
    first, *others = sums
    beside = {str(path.relative_to(file.parent)): sums[path] for path in others}
    python = draft.from_outside(fabric.python) if "/" in fabric.python else fabric.python
    return msgspec.structs.replace(
        fabric,
        file=draft.from_outside(fabric.file),
        python=python,
        imports=from_elsewhere(file, tuple(sums), fabric.task, where),
        sha256=sums[first],
        beside=beside,
    )


def _read(file: Path, where: Where) -> str:
    try:
        with file.open("rb") as opened:
            data = opened.read(Limits().size + 1)
        text = data.decode()
    except OSError as error:
        why, fix = error.strerror or str(error), "Paths are relative to the runbook."
        raise problem(f"cannot read script {file}", why=why, fix=fix, where=where, code="unreadable") from error
    except UnicodeDecodeError as error:
        fix = "Upload programs with upload, and run them with command."
        raise problem(f"script {file} is not text", fix=fix, where=where, code="bad-encoding") from error
    if len(data) > Limits().size:
        raise problem(f"script {file} is too large", fix="Send it with upload.", where=where, code="too-large")
    return text
