"""Hosts with PostgreSQL as Debian installs it: a primary, its streaming standby, and a host with a client.

What the drills say has to be there before they begin is made here, and nothing that they do themselves: how a team sets its
servers up is its own affair. Passwords are in files, roles have what the manual says they need, clients reach the
database by a named service.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.hosts.network import Network
from tests.hosts.systemd_host import SystemdHost, host, wait_until
from tests.hosts.tree import Recipe

RECIPE = Recipe(packages=("postgresql",))
VERSION = "15"
UNIT = f"postgresql@{VERSION}-main.service"
DATA = f"/var/lib/postgresql/{VERSION}/main"
CLIENT = "PGSERVICE=orders PGCONNECT_TIMEOUT=2 psql -XAtqc"
"""How a client asks; a text follows."""

_NAME = 'echo "127.0.1.1 $(cat /etc/hostname)" >>/etc/hosts\n'
"""Nobody here answers questions about names, and sudo asks for the host's own."""
_SERVER = f"""\
cat >/etc/postgresql/{VERSION}/main/conf.d/pair.conf <<'END'
listen_addresses = '*'
wal_log_hints = on
wal_keep_size = 512MB
shared_buffers = 16MB
max_wal_senders = 8
END
cat >>/etc/postgresql/{VERSION}/main/pg_hba.conf <<'END'
host all all samenet scram-sha-256
host replication all samenet scram-sha-256
END
echo '*:*:*:replicator:copied' >~postgres/.pgpass
chown postgres: ~postgres/.pgpass
chmod 600 ~postgres/.pgpass
systemctl stop {UNIT}
"""
_ROLES = """\
create role replicator login replication password 'copied';
grant execute on function pg_ls_dir(text, boolean, boolean), pg_stat_file(text, boolean), pg_read_binary_file(text),
  pg_read_binary_file(text, bigint, bigint, boolean) to replicator;
create role orders login password 'ordered';
create database orders owner orders;
\\connect orders orders
create table runbook_canary (mark bigint primary key, at timestamptz not null default now());
create table runbook_heartbeat (beat timestamptz);
insert into runbook_heartbeat values (now());
create table orders (number bigint primary key, at timestamptz not null default clock_timestamp());
"""
_CLIENT = """\
systemctl disable --now postgresql.service {unit} 2>/dev/null
cat >/etc/postgresql-common/pg_service.conf <<'END'
[orders]
host={address}
dbname=orders
user=orders
[other]
host=198.51.100.254
END
echo '*:*:*:orders:ordered' >~/.pgpass
chmod 600 ~/.pgpass
"""
_KEEPER = """\
install -d -o postgres -g postgres /var/backups/postgresql /var/backups/postgresql/base /var/backups/postgresql/log
echo '*:*:*:replicator:copied' >~postgres/.pgpass
chown postgres: ~postgres/.pgpass
chmod 600 ~postgres/.pgpass
systemd-run -q --unit=kept-log -p User=postgres -p Restart=always /usr/lib/postgresql/{version}/bin/pg_receivewal \
  -D /var/backups/postgresql/log -h {address} -U replicator --synchronous --status-interval=1
"""


@dataclass
class Pair:
    """A primary with its standby, and who uses them."""

    primary: SystemdHost
    standby: SystemdHost
    client: SystemdHost

    @property
    def servers(self) -> tuple[SystemdHost, SystemdHost]:
        """Both, whichever is what now."""
        return self.primary, self.standby

    def set_up(self) -> None:
        """From what the packages left to what a drill finds."""
        for each in (*self.servers, self.client):
            each.said(_NAME)
        for server in self.servers:
            server.said(_SERVER)
        self.primary.said(f"systemctl start {UNIT}")
        # Local connections of the new owner are let in by their name.
        owner = _ROLES.replace("\\connect orders orders\n", "\\connect orders\nset role orders;\n")
        self.primary.said(f"cd / && sudo -u postgres psql -Xq -v ON_ERROR_STOP=1 <<'END'\n{owner}END\n")
        copied = f"pg_basebackup -h {self.primary.address} -U replicator -D {DATA} -c fast -R"
        self.standby.said(f"cd / && rm -rf {DATA} && sudo -u postgres {copied} && systemctl start {UNIT}")
        self.client.said(_CLIENT.format(unit=UNIT, address=self.primary.address))
        wait_until(self.streams, 30, "the standby streams")

    def keep(self) -> None:
        """The client keeps the primary's log from now on, and a base backup."""
        self.client.said(_KEEPER.format(version=VERSION, address=self.primary.address))
        keeps = "select count(*) from pg_stat_replication where application_name = 'pg_receivewal'"
        wait_until(lambda: self.ask(self.primary, keeps) == "1", 30, "the log is kept")
        copied = (
            f"pg_basebackup -h {self.primary.address} -U replicator -D /var/backups/postgresql/base/1 -c fast -X none"
        )
        self.client.said(f"cd / && sudo -u postgres {copied}")

    def keep_no_more(self) -> None:
        """What was kept is gone."""
        self.client.said("systemctl stop kept-log; rm -rf /var/backups/postgresql")

    def streams(self) -> bool:
        """The standby follows the primary."""
        return self.ask(self.primary, "select count(*) from pg_stat_replication where state = 'streaming'") == "1"

    def ask(self, server: SystemdHost, question: str, cluster: str = "main") -> str:
        """A server itself, past its network; empty where it does not answer."""
        told = f'cd / && sudo -u postgres psql --cluster {VERSION}/{cluster} -XAtqd orders -c "{question}"'
        return server.run(told).stdout.strip()

    def marks(self, server: SystemdHost) -> set[int]:
        """The marks of the canary that are there."""
        return {int(mark) for mark in self.ask(server, "select mark from runbook_canary").split()}


def inside(host: SystemdHost, *words: str, **how: object) -> subprocess.Popen[str]:
    """A process of this machine's on the network of a host, past its logins and everything that a run does there."""
    return subprocess.Popen(["ip", "netns", "exec", host.name, *words], text=True, **how)  # type: ignore[call-overload]


@contextlib.contextmanager
def pair(network: Network, folder: Path) -> Iterator[Pair]:
    """Three hosts that have booted and were set up; gone at the end."""
    with contextlib.ExitStack() as stack:
        primary, standby, client = (
            stack.enter_context(host(network, name, folder, RECIPE)) for name in ("db1", "db2", "app1")
        )
        made = Pair(primary, standby, client)
        made.set_up()
        yield made
