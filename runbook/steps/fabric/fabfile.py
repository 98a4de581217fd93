"""Reading a fabfile and calling one of its tasks, by Fabric's own loader, collection and executor.

The fabfile is taken from where the runbook says and nowhere else: Fabric would walk up towards the root until it finds
one. Arguments are checked against the task before anything runs, because a task that stops at its second argument has
stopped too late. The task gets the connection that was opened before; what the task reads of its configuration is what
`fab` would give it, its project's files included.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import Any

import fabric
import fabric.connection
import fabric.tasks
import paramiko
from invoke.collection import Collection
from invoke.loader import Loader
from invoke.parser.argument import Argument
from invoke.parser.context import ParserContext
from invoke.parser.parser import Parser
from invoke.tasks import Call, Task

from runbook.core.planned.action import FABRIC_SETTINGS
from runbook.problem import Exit, nearest, problem
from runbook.steps.fabric import runner as fabric_runner
from runbook.steps.fabric.project import Project, ShownFinder, ShownLoader
from runbook.steps.fabric.talk import Orders
from runbook.transport.ssh.resolve import ResolvedHost


class Fabfile(Loader):
    """One file, or one package."""

    def __init__(self, orders: Orders) -> None:
        """Nothing is read yet; from here on its folder gives only what was shown."""
        super().__init__(config=fabric.Config(lazy=True))
        self.path = Path(orders.file)
        self.project = Project(self.path, orders.shown)
        if orders.shown.beside is not None:
            sys.meta_path.insert(sys.meta_path.index(PathFinder), ShownFinder(self.project, self.path.stem))

    def find(self, name: str) -> ModuleSpec | None:
        """The file itself, whatever name is asked for."""
        del name
        inside = [str(self.path)] if self.path.is_dir() else None
        name, entry = self.path.name if inside else self.path.stem, str(self.project.entry)
        loader = ShownLoader(self.project, name, entry)
        return spec_from_file_location(name, entry, loader=loader, submodule_search_locations=inside)

    def configure(self, config: fabric.Config) -> None:
        """Give a configuration its project's settings."""
        _load(config, self.project.settings())


def login_settings(orders: Orders) -> dict[str, Any]:
    """`connect_kwargs` of Fabric's settings, as `fab` would log in with them: the system's, the user's, the project's.

    What would lead to another host has no say, and what is a program is not run; what cannot be read is told once it is
    due.
    """
    project = Project(Path(orders.file), orders.shown)
    found: dict[str, Any] = {}
    with contextlib.suppress(Exception):
        for files in (_kept_in("/etc/fabric"), _kept_in("~/.fabric"), project.settings()):
            config = fabric.Config(lazy=True, ssh_config=paramiko.SSHConfig())
            _load(config, [(name, data) for name, data in files if not name.endswith(".py")])
            found.update(config.connect_kwargs)
    return {name: value for name, value in found.items() if name not in _INVENTORYS}


def _kept_in(prefix: str) -> Iterator[tuple[str, bytes]]:
    """Settings outside the project, by the names that a project's would have."""
    for name in FABRIC_SETTINGS:
        path = Path(prefix + name.removeprefix("fabric")).expanduser()
        if path.is_file():
            yield name, path.read_bytes()


_INVENTORYS = frozenset({"hostname", "username", "port", "sock", "timeout", "transport_factory"})


def key_files(hop: ResolvedHost, own: Mapping[str, Any]) -> list[str]:
    """The inventory's keys, then the project's. A public key alone names one that the agent holds, which is asked."""
    said = own.get("key_filename") or []
    ours = [path for path in hop.key_files if os.access(path, os.R_OK) and path[-4:] != ".pub"]
    return [*ours, *([said] if isinstance(said, str) else said)]


def _load(config: fabric.Config, files: Iterable[tuple[str, bytes]]) -> None:
    """Settings from a copy that nobody can change meanwhile."""
    with tempfile.TemporaryDirectory() as private:
        for name, data in files:
            Path(private, name).write_bytes(data)
        config.set_project_location(private)
        config.load_project()


class OpenConnection(fabric.Connection):  # type: ignore[misc]
    """The connection of a task, open already, with the task's own configuration.

    Under `fab` it would be opened by the first command, with what the task has set on it until then: `c.user`, or a
    password in `c.connect_kwargs`. So where that differs from how it was opened, it is opened anew, as checked as ever.
    """

    def __init__(self, opened: fabric.Connection, config: fabric.Config) -> None:
        """Take over the client."""
        place = {"host": opened.host, "user": opened.user, "port": opened.port, "gateway": opened.gateway}
        super().__init__(**place, config=config)
        self.client, self.transport = opened.client, opened.transport
        self._set(_opened_as=self._said())

    @property
    def is_connected(self) -> bool:
        """False as well when it is open as somebody else than the task has said since."""
        return bool(super().is_connected) and self._opened_as == self._said()

    def open(self) -> Any:
        """As Fabric's; what was open before stays open for whoever uses it."""
        if not self.is_connected and self._opened_as != self._said():
            self.client, self.transport = fabric.connection.SSHClient(), None
            self._set(_opened_as=self._said(), _sftp=None)
        return super().open()

    def _said(self) -> tuple[object, ...]:
        # Lists are copied: a task may add a key to one.
        given = {key: list(value) if isinstance(value, list) else value for key, value in self.connect_kwargs.items()}
        return self.host, self.user, self.port, self.gateway, given


class _OpenCall(fabric.tasks.ConnectionCall):  # type: ignore[misc]
    """A call whose connection is open already."""

    def make_context(self, config: fabric.Config) -> fabric.Connection:
        """A connection with the task's configuration that takes over the open client."""
        return OpenConnection(self.init_kwargs["opened"], config)


class _HostExecutor(fabric.Executor):  # type: ignore[misc]
    """Calls a task on one open connection, its pre- and post-tasks without a host, as `fab -H` does."""

    def __init__(self, collection: Collection, config: fabric.Config, opened: fabric.Connection) -> None:
        argument = Argument(names=("hosts",), default=opened.host)
        core = Parser(initial=ParserContext(args=[argument])).parse_argv([])
        super().__init__(collection, config, core)
        self._opened = opened

    def normalize_hosts(self, hosts: Sequence[Any] | None) -> list[dict[str, Any]]:
        """The step's host is the open connection; hosts that a pre- or post-task names for itself stay."""
        return super().normalize_hosts(hosts) if hosts != [self._opened.host] else [{"host": self._opened.host}]

    def parameterize(self, call: Call, connection_init_kwargs: dict[str, Any]) -> Call:
        """A call with its connection."""
        if connection_init_kwargs != {"host": self._opened.host}:
            return super().parameterize(call, connection_init_kwargs)  # type: ignore[no-any-return]
        return call.clone(into=_OpenCall, with_={"init_kwargs": {**connection_init_kwargs, "opened": self._opened}})


def execute(fabfile: Fabfile, orders: Orders, opened: fabric.Connection) -> object:
    """Read the fabfile and call the task; gives what it returned.

    Raises:
        Problems: There is no such task, or it does not take these arguments.
        BaseException: Whatever the fabfile raises.
    """
    # The keys stand where `fab -i` puts them, so that what the fabfile opens for itself has them too.
    keys = {"connect_kwargs": {"key_filename": opened.connect_kwargs["key_filename"]}}
    settings = {**fabric_runner.settings(orders.connect_limit), **keys}
    config = fabric.Config(overrides=settings, ssh_config=paramiko.SSHConfig())
    module, folder = fabfile.load(fabfile.path.stem)
    fabfile.configure(config)
    dashes = config.tasks.auto_dash_names
    collection = Collection.from_module(module, loaded_from=folder, auto_dash_names=dashes)
    name = _named(collection, orders)
    task = collection[name]
    _check_arguments(task, orders)
    return _HostExecutor(collection, config, opened).execute((name, orders.args)).get(task)


def _named(collection: Collection, orders: Orders) -> str:
    """The task's name as the collection knows it: `deploy_all` is `deploy-all` there unless it says otherwise."""
    known = {name for main, aliases in collection.task_names.items() for name in (main, *aliases)}
    for name in (orders.task, orders.task.replace("_", "-")):
        if name in known:
            return name
    raise problem(
        f'{Path(orders.file).name} has no task "{orders.task}"',
        fix=nearest(orders.task, known) or "It has no task at all.",
        code="no-task",
        exit=Exit.FAILED,
    )


def _check_arguments(task: Task[Any], orders: Orders) -> None:
    try:
        inspect.signature(task.body).bind(None, **orders.args)
    except TypeError as error:
        names = [name for name, _ in list(inspect.signature(task.body).parameters.items())[1:]]
        raise problem(
            f'task "{orders.task}" cannot be called with these args',
            why=str(error),
            fix=f"It takes: {', '.join(names)}." if names else "It takes none.",
            code="task-args",
            exit=Exit.FAILED,
        ) from error
