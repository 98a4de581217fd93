"""Trees of a small Debian that hosts are started from: built once from a recipe, kept under its digest.

mmdebstrap drives apt with this machine's own sources, so nothing here names a server. A tree is never changed once it is
there: hosts put an overlay over it. It is built beside its place and renamed into it, so a build that was cut leaves nothing
that looks complete, and of two builders at once one waits for the other.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(os.environ.get("RUNBOOK_TEST_HOSTS", "/var/cache/runbook-tests"))
_BASE = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "openssh-server",
    "nftables",
    "iproute2",
    "procps",
    "stress-ng",
    "sudo",
    "busybox",
)
_BUILD_LIMIT = 900
"""Seconds. 28 on a quiet machine, three minutes on a busy one."""

APP = """\
$| = 1;
use IO::Socket::INET;
my $server = IO::Socket::INET->new(LocalAddr => "0.0.0.0", LocalPort => 8080, Listen => 5, ReuseAddr => 1) or die $!;
while (1) {
  my $client = $server->accept() or next;
  while (my $line = <$client>) {
    my $said = "pong";
    if ($line =~ /^read (\\S+)/) { my $f; $said = open($f, "<", $1) ? (<$f> // "") : "error $!"; chomp $said; }
    if ($line =~ /^write (\\S+)/) { my $f; $said = open($f, ">", $1) && print({$f} "x" x 65536) && close($f) ? "wrote" : "error $!"; unlink $1; }
    if ($line =~ /^fork/) { my $pid = fork(); if (!defined $pid) { $said = "error $!" } elsif (!$pid) { exit 0 } else { waitpid($pid, 0); $said = "forked" } }
    if ($line =~ /^name (\\S+)/) { my @found = gethostbyname($1); $said = @found ? join(".", unpack("C4", $found[4])) : "no such name"; }
    if ($line =~ /^grow (\\d+)/) { my $held = "x" x ($1 * 1048576); $said = "grew"; }
    if ($line =~ /^send (\\d+)/) { print $client "x" x (1024 * $1); }
    if ($line =~ /^burn/) { my $n = 0; $n += $_ for 1 .. 2000000; $said = "burnt"; }
    print $client "$said\\n";
  }
}
"""
"""A server that answers lines on port 8080, one client at a time, and tells what its own process can still do."""

APP_UNIT = """\
[Unit]
StartLimitIntervalSec=0
[Service]
ExecStart=/usr/bin/perl /opt/app.pl
Restart=always
RestartSec=100ms
[Install]
WantedBy=multi-user.target
"""


FILES = {
    "opt/app.pl": APP,
    "etc/systemd/system/app.service": APP_UNIT,
    "etc/sudoers.d/ann": "ann ALL=(ALL) NOPASSWD: ALL\n",
    "etc/ssh/sshd_config.d/test.conf": "UseDNS no\nMaxStartups 100:30:200\nPrintMotd no\n",
    "etc/hosts": "127.0.0.1 localhost\n",
}
SETUP = """\
set -e
ssh-keygen -A
useradd -m -s /bin/sh ann
ln -sf /lib/systemd/systemd /sbin/init
cd /etc/systemd/system
ln -s ../app.service multi-user.target.wants/app.service
for timer in apt-daily apt-daily-upgrade dpkg-db-backup fstrim e2scrub_all; do ln -sf /dev/null $timer.timer; done
"""
"""Run in the new tree."""


@dataclass(frozen=True)
class Recipe:
    """What decides a tree's contents."""

    packages: tuple[str, ...] = ()
    """Debian packages beyond those of every host."""

    @property
    def digest(self) -> str:
        """The name that its tree is kept under."""
        said = repr((sorted((*_BASE, *self.packages)), SETUP))
        return hashlib.sha256(said.encode()).hexdigest()[:16]


def tree(recipe: Recipe) -> Path:
    """The tree of a recipe, built when it is not there yet. Never to be written to."""
    place = CACHE / recipe.digest
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{recipe.digest}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            building = place.with_suffix(".building")
            shutil.rmtree(building, ignore_errors=True)
            _build(recipe, building)
            _in(building, SETUP)
            building.rename(place)
    return place


def _build(recipe: Recipe, into: Path) -> None:
    command = ["mmdebstrap", "--quiet", "--variant=minbase", "--mode=root"]
    # A machine of tests may be kept in the past, and its sources with it.
    command += [f'--aptopt=Acquire::Check-{what} "false"' for what in ("Valid-Until", "Date")]
    command += [f"--include={','.join((*_BASE, *recipe.packages))}", _release(), str(into), *_sources()]
    subprocess.run(command, check=True, timeout=_BUILD_LIMIT)


def _release() -> str:
    said = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    return said["VERSION_CODENAME"].strip('"')


def _sources() -> list[str]:
    return [
        str(path)
        for path in (Path("/etc/apt/sources.list"), Path("/etc/apt/sources.list.d/debian.sources"))
        if path.exists()
    ]


def furnish(root: Path) -> None:
    """Put into a host what changes more often than its packages: the server that faults are tried on."""
    for path, text in FILES.items():
        (root / path).write_text(text)


def _in(root: Path, command: str) -> None:
    subprocess.run(["chroot", str(root), "/bin/sh", "-c", command], check=True, capture_output=True, timeout=60)
