"""Words of other tools that people write here by habit, each with ours: a table for hints, and nothing that reads them.

Runbooks are not read in another tool's language: what looks alike means something else in the details, and a run is no
place to find that out. So a foreign word stays an unknown key, and its problem says what to write instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_ANSIBLE = {
    "hosts": "`on: HOSTS` in a section or a step",
    "tasks": "`steps` in a section under `sections`",
    "pre_tasks": "a section of its own in front",
    "post_tasks": "a section of its own behind, or `always` for what comes whatever happened",
    "handlers": "a step where it is needed, with `when: NAME.rc == 0` over a registered result",
    "roles": "`runbook: FILE` as a step",
    "include_role": "`runbook: FILE`",
    "import_role": "`runbook: FILE`",
    "include_tasks": "`runbook: FILE`",
    "import_tasks": "`runbook: FILE`",
    "import_playbook": "`runbook: FILE`",
    "vars": "`parameters`, each with a type and a default",
    "vars_prompt": "`parameters`; one without a default must be given",
    "vars_files": "the inventory's `group_vars` and `host_vars`",
    "gather_facts": "nothing: a run looks at its hosts before it changes anything",
    "serial": "`batch`, as in `batch: [1, 25%]`",
    "throttle": "`concurrency`",
    "forks": "`concurrency`",
    "max_fail_percentage": "`max_errors`, as in `max_errors: 10%`",
    "any_errors_fatal": "nothing: a failure stops the run unless `max_errors` or `on_failure` says otherwise",
    "ignore_errors": "`on_failure: continue`",
    "ignore_unreachable": "`max_errors`, or `on_failure: continue`",
    "changed_when": "`changes: false` for a step that changes nothing",
    "delegate_to": "`on: HOST`",
    "local_action": "`on: controller`",
    "remote_user": "`ansible_user` in the inventory",
    "connection": "`ansible_connection` in the inventory",
    "port": "`ansible_port` in the inventory",
    "environment": "`env`",
    "chdir": "`cwd`",
    "with_items": "`loop: [A, B]`",
    "loop_control": "`loop: {items: [A, B], as: NAME}`",
    "async": "nothing: commands outlive their link anyway; `timeout` ends them",
    "poll": "nothing: commands outlive their link anyway; `timeout` ends them",
    "check_mode": "`changes: false`, or `runbook plan`, which shows everything and connects to nothing",
    "copy": "`upload: {src, dest, mode}`",
    "template": "`script`, or `upload` of a file that is ready",
    "fetch": "`download: {src, dest}`",
    "raw": "`command`",
    "service": "`command: systemctl restart NAME`",
    "systemd": "`command: systemctl restart NAME`",
    "uri": "`http: {url, method}`",
    "get_url": "`http`, or `command: curl -fO URL`",
    "debug": "`notice`",
    "pause": "`confirm` for a person, `wait` for a time",
    "fail": "`assert`, or `end: failed`",
    "set_fact": "`set: {NAME: VALUE}`",
    "lineinfile": "`script`",
    "file": "`command`",
    "package": "`command`",
    "apt": "`command`",
    "yum": "`command`",
    "dnf": "`command`",
    "meta": "`end`, or `on_failure`",
}
_RUNDECK = {
    "exec": "`command`",
    "scriptfile": "`script: PATH`",
    "scripturl": "`script` with its text: nothing is fetched while a run goes on",
    "scriptargs": "`args` beside `script`",
    "scriptInterpreter": "`interpreter` beside `script`",
    "jobref": "`runbook: {file: FILE, parameters: {...}}`",
    "sequence": "`sections` with `steps`",
    "commands": "`steps`",
    "nodefilters": "`on: HOSTS` in a section or a step",
    "keepgoing": "`on_failure: continue`",
    "errorhandler": "`on_failure`, or a `block` with `rescue`",
    "options": "`parameters`",
    "threadcount": "`concurrency`",
    "nodeThreadcount": "`concurrency`",
    "retry": "`retries`",
    "notification": "`notify` in `always`",
    "loglevel": "nothing: all output is kept, unless `no_log` says otherwise",
    "group": "`tags`",
    "uuid": "`name`",
    "executionEnabled": "nothing: whether something runs is said when it is run",
    "scheduleEnabled": "nothing: whether something runs is said when it is run",
}
_OURS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {word: ("Rundeck", ours) for word, ours in _RUNDECK.items()}
    | {word: ("Ansible", ours) for word, ours in _ANSIBLE.items()}
)
_COLLECTIONS = ("ansible.builtin.", "ansible.legacy.", "ansible.posix.", "community.general.")
_SAME = frozenset({"command", "script", "assert", "wait_for"})
"""Modules whose short name is a word here too."""


def ours_for(word: str) -> str:
    """What to write instead of another tool's word, as a sentence; empty for a word that is no such."""
    collection = next((each for each in _COLLECTIONS if word.startswith(each)), "")
    short = word.removeprefix(collection)
    if collection and short in _SAME:
        return f"That is Ansible's name of it; here it is `{short}`."
    if collection and short == "shell":
        return "That is Ansible's name of it; here it is `command`, and `shell:` says what reads its text."
    tool, ours = _OURS.get(short, ("", ""))
    return f"That is a word of {tool}; here it is {ours}." if tool else ""
