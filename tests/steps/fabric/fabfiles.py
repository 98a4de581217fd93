"""A fabfile in a folder, an SSH server to run its tasks on, and a bench between them."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from pathlib import Path

from runbook.core.host import Host
from runbook.core.planned.action import FabricAction
from runbook.steps.fabric.kind import FabricKind
from runbook.steps.kind import Bench, Finding
from tests.steps.desk import Desk
from tests.transport.server import Server


@dataclass
class Place:
    """Where one test plays."""

    folder: Path
    server: Server
    desk: Desk = field(default_factory=Desk)

    def write(self, text: str, name: str = "fabfile.py") -> None:
        self.folder.joinpath(name).write_text("from fabric import Connection, task\n" + textwrap.dedent(text))

    def bench(self, *, address: Host | None = None, **parts: object) -> Bench:
        return self.desk.bench(host="box", address=address or self.server.host, folder=self.folder, **parts)

    async def run(self, task: str, args: dict[str, object] | None = None, **parts: object) -> Finding:
        return await FabricKind().attempt(FabricAction(task=task, args=args or {}), self.bench(**parts))

    @property
    def out(self) -> bytes:
        return self.desk.page.out

    @property
    def err(self) -> bytes:
        return self.desk.page.err
