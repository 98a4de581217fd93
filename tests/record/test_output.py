"""Output on its way to disk."""

from __future__ import annotations

import errno
import hashlib
import os
import resource
import signal
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.core.events.event import OutputArrived
from runbook.problem import Problems
from runbook.record.files.output import CHUNK, OutputStore, Source, output_file


def source(host: str = "db1", stream: str = "out", number: int = 1) -> Source:
    return Source(step="1.2", host=host, number=number, stream=stream)


def arrived(offset: int, data: bytes, stream: str = "out", number: int = 1) -> OutputArrived:
    digest = hashlib.sha256(data).hexdigest()
    place = {"file": "out/db1.log", "offset": offset, "length": len(data), "sha256": digest}
    return OutputArrived(step="1.2", host="db1", number=number, stream=stream, **place)


def test_small_pieces_become_one_chunk_when_the_timer_flushes(tmp_path: Path):
    store = OutputStore(tmp_path)
    assert store.write(source(), b"one\n") == ()
    assert store.write(source(), b"two\n") == ()
    assert store.flush() == (arrived(0, b"one\ntwo\n"),)
    assert store.flush() == ()
    assert (tmp_path / "out/db1.log").read_bytes() == b"one\ntwo\n"


def test_a_flood_is_cut_into_chunks_of_64_kib(tmp_path: Path):
    store = OutputStore(tmp_path)
    data = bytes(range(256)) * 600
    chunks = store.write(source(), data)
    assert chunks == (arrived(0, data[:CHUNK]), arrived(CHUNK, data[CHUNK : 2 * CHUNK]))
    assert store.flush("db1") == (arrived(2 * CHUNK, data[2 * CHUNK :]),)


def test_a_chunk_never_mixes_streams_or_attempts(tmp_path: Path):
    store = OutputStore(tmp_path)
    events = (
        *store.write(source(), b"a"),
        *store.write(source(stream="err"), b"b"),
        *store.write(source(stream="err", number=2), b"c"),
        *store.flush(),
    )
    assert events == (arrived(0, b"a"), arrived(1, b"b", "err"), arrived(2, b"c", "err", 2))


def test_hosts_do_not_wait_for_each_other(tmp_path: Path):
    store = OutputStore(tmp_path)
    store.write(source("db1"), b"a")
    store.write(source("db2"), b"b")
    assert [event.host for event in store.flush("db2")] == ["db2"]
    assert [event.host for event in store.flush("db2")] == []
    assert [event.host for event in store.flush("never seen")] == []
    assert [event.host for event in store.flush()] == ["db1"]


def test_bytes_from_before_a_crash_are_kept_and_the_gap_is_declared_by_the_next_offset(tmp_path: Path):
    first = OutputStore(tmp_path)
    journalled = (*first.write(source(), b"known\n"), *first.flush())
    first.write(source(), b"lost to the journal\n")
    first.flush()
    assert journalled == (arrived(0, b"known\n"),)
    second = OutputStore(tmp_path)
    second.write(source(number=2), b"after\n")
    assert second.flush() == (arrived(26, b"after\n", number=2),)


@pytest.mark.parametrize("host", ["db1", "web-01.example.com", "10.0.0.7"])
def test_an_ordinary_host_name_is_its_own_file_name(host: str):
    assert output_file(host) == f"out/{host}.log"


@pytest.mark.parametrize(
    "host", ["../../etc/passwd", "..", ".", "", "a/b", "DB1", "-x", "[::1]", "x" * 300, "naïve", "a\0b"]
)
def test_an_odd_host_name_gets_a_safe_file_of_its_own(host: str):
    name = output_file(host).removeprefix("out/")
    assert "/" not in name
    assert "\0" not in name
    assert not name.startswith(".")
    assert len(name) < 120
    assert "~" in name


@pytest.mark.parametrize(("host", "plain"), [("DB-1.Example", "db-1-example"), ("..", "host"), ("x" * 101, "x" * 40)])
def test_the_name_of_such_a_file_says_what_it_can_of_its_host(host: str, plain: str):
    assert output_file(host) == f"out/{plain}~{hashlib.sha256(host.encode()).hexdigest()[:16]}.log"


@given(st.lists(st.text(max_size=5) | st.from_regex(r"[dD][bB][0-9~.-]?\Z"), unique=True, max_size=30))
def test_no_two_hosts_share_a_file_even_where_case_does_not_count(hosts: list[str]):
    hosts = [host for host in hosts if not any(0xD800 <= ord(char) <= 0xDFFF for char in host)]
    assert len({output_file(host).lower() for host in hosts}) == len(hosts)


def test_output_is_private_whatever_the_umask(tmp_path: Path):
    before = os.umask(0)
    try:
        store = OutputStore(tmp_path / "run")
        store.write(source(), b"x")
        store.flush()
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert modes == {"run": 0o700, "out": 0o700, "db1.log": 0o600}


def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path: Path):
    store = OutputStore(tmp_path)
    (tmp_path / "elsewhere").write_bytes(b"")
    (tmp_path / "out/db1.log").symlink_to(tmp_path / "elsewhere")
    store.write(source(), b"x")
    with pytest.raises(Problems, match="Output cannot be written"):
        store.flush()
    assert (tmp_path / "elsewhere").read_bytes() == b""


def test_a_chunk_that_does_not_fit_leaves_nothing_and_ends_the_file(tmp_path: Path):
    store = OutputStore(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        store.write(source(), b"x" * 60)
        store.flush()
        for _ in range(2):
            store.write(source(), b"y" * 60)
            with pytest.raises(Problems, match=os.strerror(errno.ENOSPC)):
                store.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert (tmp_path / "out/db1.log").read_bytes() == b"x" * 60


def test_one_host_that_cannot_be_written_keeps_no_other_back_and_is_told_next(tmp_path: Path):
    store = OutputStore(tmp_path)
    (tmp_path / "out/db1.log").symlink_to(tmp_path / "elsewhere")
    store.write(source("db1"), b"a")
    store.write(source("db2"), b"b")
    assert [event.host for event in store.flush()] == ["db2"]
    with pytest.raises(Problems, match="Output cannot be written"):
        store.flush()


def test_what_was_written_can_be_made_durable(tmp_path: Path):
    store = OutputStore(tmp_path)
    assert store.unsynced().files == ()
    store.write(source(), b"x")
    store.flush()
    unsynced = store.unsynced()
    assert unsynced.files == ("out/db1.log",)
    unsynced.sync()
    assert store.unsynced().files == ()


def test_output_that_vanished_before_it_was_durable_is_a_problem(tmp_path: Path):
    store = OutputStore(tmp_path)
    store.write(source(), b"x")
    store.flush()
    (tmp_path / "out/db1.log").unlink()
    with pytest.raises(Problems, match="Output cannot be made durable"):
        store.unsynced().sync()
