"""Transfers that go wrong leave the destination as it was and nothing beside it."""

import time

import asyncssh
import pytest

from runbook.problem import Problems
from runbook.transport.ssh.connector import SshConnector, SshOptions
from tests.transport import server


@pytest.fixture
async def box(tmp_path_factory):
    running = await server.start(tmp_path_factory.mktemp("server"))
    yield running
    await running.stop()


@pytest.fixture
async def session(box):
    connector = SshConnector(SshOptions(wall=time.time, agent=""))
    opened = await connector.connect(box.host)
    yield opened
    await opened.close()
    await connector.close()


class Corrupting(asyncssh.SFTPServer):
    def write(self, file_obj, offset, data):
        return super().write(file_obj, offset, bytes(len(data)))


class FullDisk(asyncssh.SFTPServer):
    def write(self, file_obj, offset, data):
        raise asyncssh.SFTPFailure("No space left on device")


class OldProtocol(asyncssh.SFTPServer):
    def posix_rename(self, oldpath, newpath):
        raise asyncssh.SFTPOpUnsupported("posix-rename is not known here")


class HangsUp(asyncssh.SFTPServer):
    def __init__(self, channel):
        super().__init__(channel)
        self.channel_ = channel

    def write(self, file_obj, offset, data):
        self.channel_.get_connection().abort()


@pytest.fixture
def paths(tmp_path):
    (tmp_path / "source").write_bytes(b"new" * 50_000)
    (tmp_path / "there").write_bytes(b"old")
    return tmp_path / "source", tmp_path / "there"


async def fails(session, source, there):
    with pytest.raises(Problems) as raised:
        await session.upload(source, str(there))
    assert there.read_bytes() == b"old"
    (problem,) = raised.value.problems
    assert problem.code == "transfer"
    return problem


async def test_bytes_that_changed_on_the_way_are_noticed(box, session, paths):
    box.state.sftp = Corrupting
    problem = await fails(session, *paths)
    assert "did not arrive whole" in problem.what
    assert sorted(p.name for p in paths[0].parent.iterdir()) == ["source", "there"]


async def test_a_full_disk_leaves_nothing(box, session, paths):
    box.state.sftp = FullDisk
    problem = await fails(session, *paths)
    assert "No space left" in problem.why
    assert sorted(p.name for p in paths[0].parent.iterdir()) == ["source", "there"]


async def test_a_link_lost_in_the_middle_leaves_the_destination(box, session, paths):
    box.state.sftp = HangsUp
    problem = await fails(session, *paths)
    assert "may be left behind" in problem.why


async def test_a_server_that_cannot_replace_by_rename_is_not_helped_by_removing_first(box, session, paths):
    box.state.sftp = OldProtocol
    await fails(session, *paths)
    assert sorted(p.name for p in paths[0].parent.iterdir()) == ["source", "there"]


async def test_without_file_transfer_it_says_so(box, session, paths):
    box.state.sftp = None
    problem = await fails(session, *paths)
    assert "file transfer" in problem.why


async def test_where_no_tool_computes_the_sum_the_bytes_are_read_back(box, session, paths):
    box.state.shell = ("env", "PATH=/nowhere", "/bin/sh")
    done = await session.upload(paths[0], str(paths[1]))
    assert (done.size, paths[1].read_bytes()) == (150_000, b"new" * 50_000)


async def test_the_mode_is_the_sources_unless_another_is_given(session, paths):
    source, there = paths
    source.chmod(0o750)
    await session.upload(source, str(there))
    assert there.stat().st_mode & 0o7777 == 0o750


async def test_what_is_fetched_is_private(session, paths, tmp_path):
    paths[0].chmod(0o644)
    await session.download(str(paths[0]), tmp_path / "back")
    assert (tmp_path / "back").stat().st_mode & 0o7777 == 0o600
