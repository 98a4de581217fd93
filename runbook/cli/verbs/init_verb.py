"""`runbook init`: a workspace with a first runbook that runs at once, on this machine and without SSH.

Whatever is there already stays as it is: it is somebody's work, and the second `init` is usually a mistake. What cannot
be made whole is not made at all: half a workspace would only be found to be one later.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from runbook.cli.diagnostics import say
from runbook.cli.making import make
from runbook.engine.clock import SystemClock
from runbook.talk.peer import login_name
from runbook.view.sanitize import safe

SETTINGS = """\
# What this workspace says about itself. Every line may be left out.
inventory = "example"   # for runbooks that name none

# [control]
# allow = ["a-login-name"]   # people who may answer the gates of runs started here
"""

HOSTS = """\
# Ansible's format: an inventory that you have already works as it is. Groups, group_vars/ and host_vars/ too.
all:
  hosts:
    localhost: {ansible_connection: local}
"""

ENVIRONMENT = """\
# What this place is, and how careful to be there. Without this file every changing step asks for a key.
name: example
purpose: A place to begin with.
confirm: none
auto: all
"""

RUNBOOK = """\
version: 1
kind: operation
name: first
title: Look at this machine
owner: {owner}
reviewed: {today}
sections:
  - name: Look
    steps:
      - {{name: How long it has been up, command: uptime, on: localhost, durable: false, timeout: 10s}}
"""

IGNORED = "# Recordings hold what hosts printed. They are kept, and not in a repository.\n*\n!.gitignore\n"

PRIVATE = 0o700
"""Mode of the folder for records: others have no business in what hosts printed."""


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
def verb(*, folder: Path) -> int:
    """Make a workspace in FOLDER (here, unless it is given). Nothing that is there is touched."""
    made = make(folder, _files(), private="recordings", mode=PRIVATE)
    for name in made:
        click.echo(safe(str(folder / name)))
    if made:
        say("Made. Now try: runbook check, runbook plan first, runbook run first")
    else:
        say("Everything is there already; nothing was changed.")
    return 0


def _files() -> dict[str, str]:
    today = SystemClock().today().isoformat()
    return {
        "runbook.toml": SETTINGS,
        # A login name in JSON's quotes is text in YAML too, also where it looks like a number.
        "drills/first.yaml": RUNBOOK.format(owner=json.dumps(login_name(os.getuid())), today=today),
        "inventories/example/hosts.yaml": HOSTS,
        "inventories/example/environment.yaml": ENVIRONMENT,
        "recordings/.gitignore": IGNORED,
    }
