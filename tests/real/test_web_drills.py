"""The runbooks of the web servers, as a user runs them, on three nginx behind an HAProxy with systemd on each host."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runbook.core.events.event import Checked, Event, ProbeSampled
from runbook.core.events.fault_event import FaultArming, FaultEffect, FaultReverted
from runbook.record.checking.verify import Judgement, verify
from runbook.record.files.reader import RecordReader
from tests.hosts.network import Network
from tests.hosts.outside import name_server
from tests.hosts.web import WEB, Farm, farm
from tests.real.faults.conftest import folder, network

__all__ = ["folder", "network"]

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(600)]

REPOSITORY = Path(__file__).parents[2]
LIMIT = 240
"""Seconds for a whole runbook on two busy cores."""


class Desk:
    """A workspace with the runbooks that come with the program, and an inventory of these hosts."""

    def __init__(self, root: Path, made: Farm) -> None:
        self.root, self.farm = root, made
        shutil.copytree(REPOSITORY / "drills", root / "drills")
        place = root / "inventories" / "farm"
        place.mkdir(parents=True)
        (place / "hosts.yaml").write_text(made.inventory(root / "known_hosts"))
        (place / "environment.yaml").write_text("name: staging\nconfirm: none\nauto: all\n")

    def types(self, *words: str) -> subprocess.CompletedProcess[str]:
        """What comes of a command line on these hosts."""
        return subprocess.run(
            [sys.executable, "-m", "runbook.cli", *words, "-i", "farm"],
            cwd=self.root, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT, check=False,
        )  # fmt: skip

    def run(self, book: str, *more: str) -> tuple[int, dict]:
        """Its exit status, and what it says of itself."""
        done = self.types("run", book, "--auto", "--line", "--json", *more)
        assert done.stdout, done.stderr
        said = json.loads(done.stdout)
        assert verify(Path(said["record"])).grade is Judgement.SOUND
        return done.returncode, said

    def events(self, said: dict, kind: type[Event]) -> list[Event]:
        """Those of a kind, as they are on record."""
        entries = RecordReader(self.root / "recordings" / said["run"]).entries()
        return [entry.event for entry in entries if isinstance(entry.event, kind)]

    def samples(self, said: dict, probe: str) -> list[bool]:
        """Every answer of a probe, from the first to the last."""
        return [sample.ok for sample in self.events(said, ProbeSampled) if sample.probe == probe]


@pytest.fixture(scope="module")
def made(network: Network, folder: Path) -> Iterator[Farm]:
    with farm(network, folder) as one:
        yield one


@pytest.fixture
def desk(tmp_path: Path, made: Farm) -> Desk:
    return Desk(tmp_path, made)


def green(said: dict) -> list[str]:
    """What keeps it from it."""
    return [
        f"{step['name']}: {step['outcome']}" for step in said["steps"] if step["outcome"] in {"failed", "timed_out"}
    ]


def on_web(made: Farm, text: str) -> list[str]:
    return [made.hosts[name].said(text) for name in WEB]


STARTED = "systemctl show -p ActiveEnterTimestampMonotonic --value nginx"
BOOT = "cat /proc/sys/kernel/random/boot_id"


def test_a_rolling_restart_restarts_every_server_and_no_answer_is_missing(desk: Desk, made: Farm) -> None:
    before = on_web(made, STARTED)
    code, said = desk.run("web-rolling-restart")
    assert (code, green(said)) == (0, [])
    assert all(now != then for now, then in zip(on_web(made, STARTED), before, strict=True))
    samples = desk.samples(said, "site-ok")
    assert (len(samples) > 20, samples.count(False)) == (True, 0)
    assert set(made.status().values()) == {"UP"}


def test_a_rolling_reboot_reboots_every_server_and_no_answer_is_missing(desk: Desk, made: Farm) -> None:
    lives = {name: len(made.hosts[name].ended) for name in WEB}
    before = on_web(made, BOOT)
    code, said = desk.run("web-rolling-reboot")
    assert (code, green(said)) == (0, [])
    for name in WEB:
        made.hosts[name].close()
    assert not set(on_web(made, BOOT)) & set(before)
    assert [made.hosts[name].ended[lives[name] :] for name in WEB] == [[133]] * 3
    samples = desk.samples(said, "site-ok")
    assert (len(samples) > 20, samples.count(False)) == (True, 0)


def test_a_good_release_reaches_every_server(desk: Desk, made: Farm) -> None:
    code, said = desk.run("web-release")
    assert (code, green(said)) == (0, [])
    assert on_web(made, "readlink /srv/site/current") == ["releases/2.0"] * 3
    assert 0 not in [len(made.hosts[name].said("cat /srv/site/current/index.html")) for name in WEB]


def test_a_bad_release_is_noticed_on_the_first_server_and_taken_back(desk: Desk, made: Farm) -> None:
    live = on_web(made, "readlink /srv/site/current")
    bad = desk.root / "drills/release/site/3.0"
    bad.mkdir()
    (bad / "index.html").write_text("release 3.0, and half of it is missing\n")
    code, said = desk.run("web-release", "-p", "release=3.0")
    assert code == 1
    assert green(said) == ["Its pages are well: timed_out"]
    assert on_web(made, "readlink /srv/site/current") == live
    switched = [step["hosts"] for step in said["steps"] if step["name"] == "Switch to the release"]
    assert switched[0] == ["web1"]
    assert said["verdicts"]["run"] == "failed"


def whole(desk: Desk, said: dict, *, effect: str) -> None:
    """What was broken was seen to be, and is whole again by us."""
    assert [found.ok for found in desk.events(said, FaultEffect)] == [True]
    assert effect in desk.events(said, FaultEffect)[0].detail
    assert [lifted.by for lifted in desk.events(said, FaultReverted)] == ["runner"]
    assert said["verdicts"] == {
        "run": "completed",
        "steady_state": "met",
        "objectives": "met",
        "revert": "verified",
    }


SLOW_LINE = """\
version: 1
kind: drill
name: slow-line
title: A slow line
inventory: farm
steady_state:
  - {name: site-ok, http: "{{ hosts.web1.site_url }}", every: 1s}
sections:
  - name: Slow
    on: web1
    steps:
      - {name: Change something, command: touch /var/tmp/changed, timeout: 10s}
      - {name: Slow, fault: {latency: {delay: 50ms}}, duration: 5m}
"""


def test_what_a_host_cannot_carry_is_refused_before_anything_changes(desk: Desk, made: Farm) -> None:
    (desk.root / "drills/slow-line.yaml").write_text(SLOW_LINE)
    code, said = desk.run("slow-line")
    failed = [check.detail for check in desk.events(said, Checked) if not check.ok]
    assert (code, green(said)) == (1, ["Hosts can carry what breaks them: failed"])
    assert [detail[:78] for detail in failed] == [
        "this host cannot carry latency, and nothing was broken: without the kernel's m"
    ]
    assert made.hosts["web1"].run("ls /var/tmp/changed").returncode != 0
    assert desk.events(said, FaultArming) == []


def test_preflight_says_without_a_run_what_holds_the_revert_on_each_host(desk: Desk) -> None:
    done = desk.types("preflight", "web-dependency-slow")
    assert done.returncode == 0, done.stdout + done.stderr
    said = [line.split(maxsplit=2) for line in done.stdout.splitlines() if "fault" in line]
    assert said == [["OK", "stock1", "fault bandwidth of step 2.2 can be made, guarantee K, S, V"]]


def test_an_expired_certificate_is_noticed_and_users_see_nothing_of_it(desk: Desk, made: Farm) -> None:
    code, said = desk.run("web-certificate-expired")
    assert (code, green(said)) == (0, [])
    whole(desk, said, effect="certificate-good fails after")
    assert desk.samples(said, "site-ok").count(False) == 0
    assert made.hosts["web1"].run("ls /run/site-expired.crt").returncode != 0


def test_a_full_disk_is_noticed_and_pages_go_on(desk: Desk) -> None:
    code, said = desk.run("web-disk-full")
    assert (code, green(said)) == (0, [])
    whole(desk, said, effect="sending-works fails after")


def test_without_names_pages_go_on(desk: Desk, made: Farm, network: Network) -> None:
    made.hosts["web2"].said(f"echo 'nameserver {network.own}' >/etc/resolv.conf")
    with name_server(network.own):
        code, said = desk.run("web-dns-gone", "-p", "victim=web2")
    assert (code, green(said)) == (0, [])
    whole(desk, said, effect="names-found fails after")


def test_a_slow_stock_leaves_pages_quick(desk: Desk) -> None:
    code, said = desk.run("web-dependency-slow")
    assert (code, green(said)) == (0, [])
    whole(desk, said, effect="stock-quick fails after")
    assert desk.samples(said, "stock-page-quick").count(False) == 0
