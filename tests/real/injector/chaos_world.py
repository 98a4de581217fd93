"""The world in which a drawn run happens: hosts behind wires, controllers, the record as anybody may read it.

Everything here looks at the program from outside: its command line, the lines of its journal as `docs/record.md` describes
them, the processes of this machine. A host is an OpenSSH server with a HOME of its own; a machine that the runbook is run
from is a HOME, a runtime folder and (where this user may) a boot id. Every process that descends from a world carries the
world's mark in its environment, so nothing of it can be overlooked at the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.real.injector.chaos_plan import CONTROLLER, Drawing, Paper, document, sent
from tests.real.injector.chaos_proxy import Wire, WireThread
from tests.real.injector.chaos_story import Effect, effects_in
from tests.real.openssh import RealServer, children, descendants, kill, read

ACT = """\
#!/bin/sh
# act NAME SECONDS CODES EFFECTS UNDOES: leave a line, take so long, leave a line, exit with the code whose turn it is.
# The first line ends with the processes of UNDOES that have begun, have not ended and still run.
name=$1 codes=$3 effects=$4 undoes=$5 turn=0 begun= ended=' '
if [ -e "$effects" ]; then
  while read -r who what pid rest; do
    [ "$who $what" = "$name BEGIN" ] && turn=$((turn + 1))
    [ "$who $what" = "$undoes BEGIN" ] && begun="$begun $pid"
    [ "$who $what" = "$undoes END" ] && ended="$ended$pid "
  done <"$effects"
fi
still=
for pid in $begun; do
  case $ended in *" $pid "*) continue ;; esac
  state=gone
  { read -r line_pid line_name state line_rest <"/proc/$pid/stat"; } 2>/dev/null
  case $state in gone | Z | X) ;; *) still="$still $pid" ;; esac
done
printf '%s BEGIN %s%s\\n' "$name" "$$" "$still" >>"$effects"
echo "$name begins"
sleep "$2"
printf '%s END %s\\n' "$name" "$$" >>"$effects"
echo "$name ended"
IFS=,
set -- $codes
while [ "$turn" -gt 0 ] && [ "$#" -gt 1 ]; do
  turn=$((turn - 1))
  shift
done
exit "$1"
"""
"""What every command of a drawn run is. Its lines are short and appended, so each is written in one piece."""

OTHER_BOOT = 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"'
"""Another machine has another boot id; only root in a mount namespace can show one."""


@dataclass
class ChaosHost:
    """A machine that steps run on."""

    name: str
    home: Path
    at: Path
    """Where its effects and the files that are sent to it are: never lost."""
    server: RealServer | None = None
    wire: Wire | None = None

    @property
    def effects(self) -> tuple[Effect, ...]:
        file = self.at / "effects"
        return effects_in(file.read_text()) if file.exists() else ()

    def sessions(self) -> list[int]:
        """The server's processes that speak for a connection."""
        if self.server is None or self.server.process is None:
            return []
        below = [pid for parent in children(self.server.process.pid) for pid in descendants(parent)]
        return [pid for pid in below if b"sshd" in read(f"/proc/{pid}/cmdline")]

    def lose(self, how: str) -> None:
        """What this machine keeps for its user is gone, all of it or a part. Folders go in one moment, under any writer."""
        state = self.home / ".local" / "state"
        away = self.home.with_name(f"lost-{uuid.uuid4().hex}")
        if how == "home":
            self.home.rename(away)
            self.home.mkdir(mode=0o700)
        elif how == "folder" and state.exists():
            state.rename(away)
        else:
            for file in state.rglob("*"):
                if file.is_file() and (how == "hidden too" or not file.name.startswith(".")):
                    file.unlink(missing_ok=True)


@dataclass
class Machine:
    """Where runbook is started: a HOME, a runtime folder, a boot id."""

    host: ChaosHost
    runtime: Path
    boot: Path | None = None
    """A file that is shown as the machine's boot id."""


@dataclass
class Record:
    """One record's folder, or a copy of it, and the machine on which it is taken up."""

    folder: Path
    machine: Machine
    touched: set[str] = field(default_factory=set)
    """What was done to it by others than the program: cut, torn, copied, taken elsewhere."""
    _taken: int = 0
    _lines: list[dict] = field(default_factory=list)

    @property
    def run(self) -> str:
        return self.folder.name

    @property
    def journal(self) -> Path:
        return self.folder / "journal.jsonl"

    def lines(self) -> list[dict]:
        """Every whole line, as `docs/record.md` describes it."""
        with contextlib.suppress(FileNotFoundError), self.journal.open("rb") as journal:
            journal.seek(self._taken)
            *whole, _ = journal.read().split(b"\n")
            self._taken += sum(len(line) + 1 for line in whole)
            self._lines.extend(json.loads(line) for line in whole)
        return self._lines

    def printed(self, step: str, host: str, number: int) -> str:
        """What the record says that an attempt printed on standard output."""
        of = [line["event"] for line in self.lines() if line["event"]["type"] == "OutputArrived"]
        whole = b""
        for chunk in of:
            if (chunk["step"], chunk["host"], chunk["number"], chunk["stream"]) == (step, host, number, "out"):
                data = (self.folder / chunk["file"]).read_bytes()
                whole += data[chunk["offset"] : chunk["offset"] + chunk["length"]]
        return whole.decode()

    def cut(self, share: float, *, torn: bool) -> str:
        """Take lines off the end; with `torn`, half of the first of them stays. Tells what is left."""
        lines = self.journal.read_bytes().splitlines(keepends=True)
        keep = max(1, round(len(lines) * (1 - share)))
        rest = lines[keep][: len(lines[keep]) // 2] if torn and keep < len(lines) else b""
        self.journal.write_bytes(b"".join(lines[:keep]) + rest)
        self._taken, self._lines = 0, []
        self.touched.add("cut")
        return f"{keep} of {len(lines)} lines" + (f" and {len(rest)} bytes" if rest else "")


@dataclass
class Started:
    """A command line of the program's."""

    process: subprocess.Popen
    out: Path
    err: Path


class World:
    """Hosts, wires, machines and a workspace, all under one folder and one mark."""

    def __init__(self, drawing: Drawing, folder: Path) -> None:
        self.drawing, self.folder = drawing, folder
        self.mark = f"ORDEAL={uuid.uuid4().hex}"
        self.threads = WireThread()
        self.hosts = {name: self._place(name) for name in (*drawing.hosts, CONTROLLER)}
        self.workspace = folder / "ws"
        self.recordings = self.workspace / "recordings"
        self.machines = 0

    def _place(self, name: str) -> ChaosHost:
        host = ChaosHost(name=name, home=self.folder / f"home-{name}", at=self.folder / f"at-{name}")
        for made in (host.home, host.at):
            made.mkdir(mode=0o700)
        return host

    def open(self) -> None:
        """Start the servers and write the workspace."""
        for name in self.drawing.hosts:
            host = self.hosts[name]
            keys = self.folder / f"sshd-{name}"
            keys.mkdir()
            host.server = RealServer(keys, f"SetEnv HOME={host.home} {self.mark}")
            asyncio.run(host.server.start())
            host.wire = self.threads.wire(host.server.port)
            key = (keys / "host_key.pub").read_text()
            (keys / "known_hosts").write_text(f"[127.0.0.1]:{host.wire.port} {key}")
        self._write()

    def _write(self) -> None:
        act = self.folder / "act"
        act.write_text(ACT)
        act.chmod(0o755)
        files = {
            "inventories/real/hosts.yaml": json.dumps(
                {"all": {"hosts": {n: self._known(n) for n in self.drawing.hosts}}}
            ),
            "inventories/real/environment.yaml": "name: real\npurpose: ordeal\naccess: open\nstatus: live\nconfirm: none\nauto: all\n",
            "drills/ordeal.yaml": document(self.drawing, Paper(str(act), str(self.hosts[CONTROLLER].at / "effects"))),
            **{f"files/{a.name}": sent(a.name) for a in self.drawing.acts if a.kind == "upload"},
        }
        for name, text in files.items():
            (self.workspace / name).parent.mkdir(parents=True, exist_ok=True)
            (self.workspace / name).write_text(text)

    def _known(self, name: str) -> dict[str, object]:
        host = self.hosts[name]
        assert host.server is not None
        assert host.wire is not None
        return {
            "ansible_host": "127.0.0.1",
            "ansible_port": host.wire.port,
            "ansible_user": host.server.user,
            "ansible_ssh_private_key_file": str(host.server.folder / "id"),
            "ansible_ssh_common_args": f"-F none -o UserKnownHostsFile={host.server.folder}/known_hosts",
            "effects": str(host.at / "effects"),
            "at": str(host.at),
        }

    def machine(self) -> Machine:
        """The machine that everything begins on, or one more that nobody has worked on yet."""
        number, self.machines = self.machines, self.machines + 1
        runtime = self.folder / f"r{number}"
        runtime.mkdir(mode=0o700)
        own = self.hosts[CONTROLLER]
        if not number:
            return Machine(own, runtime)
        home = self.folder / f"home-{CONTROLLER}-{number}"
        home.mkdir(mode=0o700)
        return Machine(ChaosHost(CONTROLLER, home, own.at), runtime, self._boot(number))

    def _boot(self, number: int) -> Path | None:
        file = self.folder / f"boot-{number}"
        file.write_text(f"{uuid.UUID(int=number)}\n")
        shown = subprocess.run(
            ["unshare", "-m", "sh", "-c", OTHER_BOOT, str(file), "true"], capture_output=True, check=False
        )
        return file if shown.returncode == 0 else None

    def runbook(self, machine: Machine, *words: str) -> Started:
        """A command line that has been started and not waited for."""
        argv = [sys.executable, "-m", "runbook.cli", *words]
        if machine.boot is not None:
            argv = ["unshare", "-m", "sh", "-c", OTHER_BOOT, str(machine.boot), *argv]
        name, _, value = self.mark.partition("=")
        env = {
            "HOME": str(machine.host.home),
            "XDG_RUNTIME_DIR": str(machine.runtime),
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            name: value,
            **{word: os.environ[word] for word in ("PATH", "PYTHONPATH") if word in os.environ},
        }
        out, err = (self.folder / f"said-{uuid.uuid4().hex}" for _ in range(2))
        with out.open("wb") as to_out, err.open("wb") as to_err:
            process = subprocess.Popen(
                argv, cwd=self.workspace, env=env, stdin=subprocess.DEVNULL, stdout=to_out, stderr=to_err
            )
        return Started(process, out, err)

    def processes(self) -> dict[int, str]:
        """Every living process that descends from this world, and what it is; servers apart."""
        servers = {host.server.process.pid for host in self.hosts.values() if host.server and host.server.process}
        mark = self.mark.encode()
        found: dict[int, str] = {}
        for entry in os.scandir("/proc"):
            if entry.name.isdigit() and mark in read(f"/proc/{entry.name}/environ") and not is_gone(int(entry.name)):
                found[int(entry.name)] = (
                    read(f"/proc/{entry.name}/cmdline").replace(b"\0", b" ").decode(errors="replace")
                )
        return {pid: words for pid, words in found.items() if pid not in servers}

    def close(self) -> None:
        """Nothing of it is left: processes, servers, threads."""
        for pid in self.processes():
            kill(pid)
        for host in self.hosts.values():
            for pid in host.sessions():
                kill(pid, signal.SIGCONT)
            if host.server is not None:
                asyncio.run(host.server.stop())
        for pid in self.processes():
            kill(pid)
        self.threads.close()


def is_gone(pid: int) -> bool:
    """There is no such process, or only its remains."""
    return read(f"/proc/{pid}/stat").decode(errors="replace").rpartition(")")[2].split()[:1] in ([], ["Z"], ["X"])


def parent_of(pid: int) -> int:
    """The process that started it; 0 when there is none."""
    rest = read(f"/proc/{pid}/stat").decode(errors="replace").rpartition(")")[2].split()
    return int(rest[1]) if len(rest) > 1 else 0


def has_open(pid: int, file: Path) -> bool:
    """Whether a process has this file open."""
    try:
        return any(entry.readlink() == file for entry in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


@contextmanager
def world(drawing: Drawing) -> Iterator[World]:
    """One for a drawing. Its folder has a short name, because sockets lie in it."""
    folder = Path(tempfile.mkdtemp(prefix="rb-"))
    made = World(drawing, folder)
    try:
        made.open()
        yield made
    finally:
        made.close()
        with contextlib.suppress(OSError):
            shutil.rmtree(folder)
