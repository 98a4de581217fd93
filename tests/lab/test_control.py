"""A lab comes up, stays, is made new, and goes without leaving anything."""

from __future__ import annotations

import os
import signal
import socket
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runbook.lab.control import down, status, up
from runbook.lab.inventory import COMMITTED, committed_text
from runbook.lab.layout import Layout
from runbook.lab.processes import lab_processes
from runbook.lab.state import LabState, read_state
from runbook.problem import Problems

MakeLab = Callable[[str], Path]
REPOSITORY = Path(__file__).parents[2]


def services(state: LabState) -> dict[str, dict[str, str]]:
    return {host.name: host.services for host in state.hosts}


ALL_RUNNING = {
    "db1": {"orders-db": "running"},
    "db2": {"orders-db": "running"},
    "app1": {"orders-app": "running"},
}


def test_up_starts_three_hosts_and_their_services(make_lab: MakeLab) -> None:
    state = up(make_lab("a"))
    assert state.running
    assert services(state) == ALL_RUNNING
    assert state == status(Path(state.root))


def test_up_on_a_lab_that_is_up_changes_nothing(make_lab: MakeLab) -> None:
    root = make_lab("a")
    first = up(root)
    (root / "hosts" / "db1" / "note").write_text("mine")
    assert up(root) == first
    assert (root / "hosts" / "db1" / "note").read_text() == "mine"


def test_a_lab_claims_its_block_of_ports_so_that_no_other_takes_one_while_it_is_made_new(make_lab: MakeLab) -> None:
    root = make_lab("a")
    up(root)
    base = read_state(Layout.at(root)).base_port
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", base))
    down(root)
    with socket.socket() as other:
        other.bind(("127.0.0.1", base))


def test_fresh_gives_the_first_state_back_and_keeps_ports_and_keys(make_lab: MakeLab) -> None:
    root = make_lab("a")
    before = up(root)
    key = (root / "keys" / "operator").read_bytes()
    (root / "hosts" / "db1" / "note").write_text("mine")
    os.kill(int((root / "hosts" / "db1" / "run" / "orders-db.pid").read_text()), signal.SIGKILL)
    assert up(root, fresh=True) == before
    assert not (root / "hosts" / "db1" / "note").exists()
    assert (root / "keys" / "operator").read_bytes() == key


def test_a_killed_service_is_shown_as_dead(make_lab: MakeLab) -> None:
    root = make_lab("a")
    up(root)
    os.kill(int((root / "hosts" / "db1" / "run" / "orders-db.pid").read_text()), signal.SIGKILL)
    while (now := services(status(root)))["db1"]["orders-db"] == "running":
        time.sleep(0.01)
    assert now == ALL_RUNNING | {"db1": {"orders-db": "dead"}}


def test_down_leaves_no_process_and_no_socket_and_may_be_repeated(make_lab: MakeLab) -> None:
    root = make_lab("a")
    up(root)
    sockets = Path(read_state(Layout.at(root)).sockets)
    assert len(lab_processes(root)) == 4
    first = down(root)
    assert not first.running
    assert lab_processes(root) == frozenset()
    assert not sockets.exists()
    assert down(root) == first


def test_down_and_status_of_a_lab_that_never_was_say_that_it_is_down(tmp_path: Path) -> None:
    root = tmp_path / "never"
    assert down(root) == status(root)
    assert not status(root).running
    assert not root.exists()


def test_data_and_ports_survive_down_and_up(make_lab: MakeLab) -> None:
    root = make_lab("a")
    ports = [host.port for host in up(root).hosts]
    (root / "hosts" / "db1" / "note").write_text("mine")
    down(root)
    assert [host.port for host in up(root).hosts] == ports
    assert (root / "hosts" / "db1" / "note").read_text() == "mine"


def test_up_clears_away_what_a_killed_server_left(make_lab: MakeLab) -> None:
    root = make_lab("a")
    first = up(root)
    left = lab_processes(root) - {first.pid}
    os.kill(first.pid, signal.SIGKILL)
    second = up(root)
    assert second.running
    assert services(second) == ALL_RUNNING
    assert not left & lab_processes(root)


def test_two_labs_share_no_port(make_lab: MakeLab) -> None:
    first, second = up(make_lab("a")), up(make_lab("b"))
    taken = [{host.port for host in lab.hosts} | {lab.http_port} for lab in (first, second)]
    assert [len(ports) for ports in taken] == [4, 4]
    assert not taken[0] & taken[1]


def test_nobody_else_can_read_what_a_lab_holds(make_lab: MakeLab) -> None:
    root = make_lab("a")
    up(root)
    open_to_others = [path for path in (root, *root.rglob("*")) if _opens(path)]
    assert open_to_others == []
    assert stat.S_IMODE(Path(read_state(Layout.at(root)).sockets).stat().st_mode) == 0o700


def _opens(path: Path) -> bool:
    return not path.is_symlink() and bool(path.stat().st_mode & 0o077)


def test_a_directory_with_other_things_in_it_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(Problems) as refused:
        up(tmp_path, fresh=True)
    assert refused.value.problems[0].code == "lab-directory"
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_in_the_place_of_the_directory_is_a_problem_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "lab").write_text("")
    with pytest.raises(Problems) as refused:
        up(tmp_path / "lab")
    assert refused.value.problems[0].code == "lab-directory"


def test_an_inventory_of_choice_learns_the_ports(make_lab: MakeLab, tmp_path: Path) -> None:
    state = up(make_lab("a"), inventory=tmp_path / "inventories" / "lab")
    written = (tmp_path / "inventories" / "lab" / "host_vars" / "app1.yaml").read_text().splitlines()
    assert f"ansible_port: {state.hosts[2].port}" in written
    assert f"http_port: {state.http_port}" in written


@pytest.mark.parametrize("name", COMMITTED)
def test_the_committed_inventory_is_the_one_that_the_package_writes(name: str) -> None:
    assert (REPOSITORY / "inventories" / "lab" / name).read_text() == committed_text(name)
