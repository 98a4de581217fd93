"""What every session must do, whatever carries it. One suite: a double that passes it may stand for a real host.

A subclass gives a `session` fixture and takes the contracts that its kind can keep at all.
"""

import asyncio
import hashlib
import os
from pathlib import Path

import pytest

from runbook.core.outcome import Exited, Expired, Grade, Lost, NeverSent, Signalled, Stopped, Withheld
from runbook.problem import Problems
from runbook.transport.local import files
from runbook.transport.session import Job, Transferred
from tests.transport.recorder import Counter, Recorder, attached, ran, sh

ODD = "a  b\t'c' \"d\" $HOME `id` \\ \n * ~ ! # é -n"


class SessionContract:
    """Holds for every kind."""

    async def test_exit_codes_come_back_as_they_were(self, session):
        for code in (0, 1, 3, 255):
            ending, _, _ = await ran(session, sh(f"exit {code}"), name=f"exit/{code}")
            assert ending == Exited(code)

    async def test_output_comes_back_by_stream_and_byte_for_byte(self, session):
        result = await ran(session, sh("printf 'out\\377\\000\\303'; printf 'err\\376' >&2"))
        assert result == (Exited(0), b"out\xff\x00\xc3", b"err\xfe")

    async def test_the_grade_is_told_once_and_before_any_output(self, session):
        sink = Recorder()
        await session.run(sh("echo hello"), attached(), sink)
        assert sink.grades == [Grade.ATTACHED]

    async def test_a_signal_that_was_not_ours_is_no_success(self, session):
        """A shell in between can only say 128 and the signal's number, which a command may return as well."""
        ending, _, _ = await ran(session, sh("kill -KILL $$"))
        assert ending in (Signalled("KILL"), Exited(137))

    async def test_a_limit_ends_the_command_and_says_so(self, session):
        ending, out, _ = await ran(session, sh("echo begun; sleep 600"), limit=0.6)
        assert (ending, out) == (Expired(0.6), b"begun\n")

    async def test_cancelling_ends_the_command_and_returns_that_it_was_stopped(self, session):
        sink = Recorder(wanted=b"begun")
        running = asyncio.create_task(session.run(sh("echo begun; sleep 600"), attached(), sink))
        await asyncio.wait_for(sink.seen.wait(), 10)
        running.cancel()
        assert await running == Stopped()

    async def test_a_closed_session_sends_nothing_and_says_so(self, session):
        await session.close()
        await session.close()
        ending, out, _ = await ran(session, sh("echo ran"))
        assert (type(ending), out) == (NeverSent, b"")
        assert await session.wait_lost() != ""

    async def test_an_attached_job_cannot_be_followed_again(self, session):
        await ran(session, sh("exit 0"), name="once")
        job = attached("once", place=session.facts.place)
        ending = await session.reattach(sh("exit 0"), job, Recorder())
        assert (type(ending), ending.is_over) == (Lost, True)

    async def test_a_claim_is_granted_once(self, session):
        first, second = [await session.claim(Job(id="run/step/box/claimed")) for _ in range(2)]
        assert (first, type(second)) == (None, Withheld)

    async def test_a_file_comes_back_as_it_was_sent(self, session, tmp_path):
        data = os.urandom(300_000)
        (tmp_path / "source").write_bytes(data)
        whole = Transferred(size=len(data), sha256=hashlib.sha256(data).hexdigest())
        there = str(tmp_path / "there")
        assert await session.upload(tmp_path / "source", there, mode=0o640) == whole
        assert await session.download(there, tmp_path / "back") == whole
        assert (tmp_path / "back").read_bytes() == data

    async def test_a_file_that_is_not_there_is_a_problem_and_leaves_the_destination(self, session, tmp_path):
        back = tmp_path / "back"
        back.write_bytes(b"old")
        with pytest.raises(Problems) as raised:
            await session.download(str(tmp_path / "missing"), back)
        assert [p.code for p in raised.value.problems] == ["transfer"]
        assert sorted(p.name for p in tmp_path.iterdir() if "part" in p.name or "back" in p.name) == ["back"]
        assert back.read_bytes() == b"old"

    async def test_a_file_that_is_not_what_was_shown_is_not_sent(self, session, tmp_path):
        source, there = tmp_path / "source", tmp_path / "there"
        source.write_bytes(b"good")
        good = Transferred(size=4, sha256=hashlib.sha256(b"good").hexdigest())
        await session.upload(source, str(there), shown=good)
        source.unlink()
        (tmp_path / "evil").write_bytes(b"evil!")
        source.symlink_to(tmp_path / "evil")
        with pytest.raises(Problems) as raised:
            await session.upload(source, str(there), shown=good)
        found = Transferred(size=5, sha256=hashlib.sha256(b"evil!").hexdigest())
        assert [(p.code, p.what, p.why) for p in raised.value.problems] == [
            ("changed-since-shown", f"{source} is not what was shown", f"shown was {good}, it is now {found}")
        ]
        assert await session.download(str(there), tmp_path / "back") == good

    async def test_a_pipe_in_the_place_of_a_source_is_refused_and_nobody_waits_for_it(self, session, tmp_path):
        os.mkfifo(tmp_path / "source")
        with pytest.raises(Problems, match="is not a regular file"):
            await session.upload(tmp_path / "source", str(tmp_path / "there"))

    async def test_a_source_that_is_not_there_sends_nothing(self, session, tmp_path):
        with pytest.raises(Problems):
            await session.upload(tmp_path / "missing", str(tmp_path / "there"))
        assert not (tmp_path / "there").exists()


class ShellContract(SessionContract):
    """Holds for every kind behind which a real shell runs."""

    async def test_arguments_environment_and_folder_arrive_as_they_are(self, session, tmp_path):
        folder = tmp_path / "a 'b' $c"
        folder.mkdir()
        text = 'printf "%s|" "$X"; pwd; exec printf "[%s]" "$Y"'
        result = await ran(session, sh(text, env=(("X", ODD), ("Y", "é")), cwd=str(folder)))
        assert result == (Exited(0), f"{ODD}|{folder}\n[é]".encode(), b"")

    async def test_argv_is_not_read_by_a_shell(self, session):
        from runbook.core.planned.command import Command

        result = await ran(session, Command(argv=("printf", "[%s]", ODD, "", "--")))
        assert result == (Exited(0), f"[{ODD}][][--]".encode(), b"")

    async def test_input_reaches_the_command_whole_and_ends(self, session):
        data = bytes(range(256)) * 4000
        ending, out, _ = await ran(session, sh("cat", stdin=data))
        assert (ending, out == data) == (Exited(0), True)

    async def test_a_command_that_does_not_read_its_input_ends_all_the_same(self, session):
        ending, out, _ = await ran(session, sh("echo done", stdin=b"x" * 3_000_000))
        assert (ending, out) == (Exited(0), b"done\n")

    async def test_without_input_a_command_reads_nothing(self, session):
        assert await ran(session, sh("cat; echo end")) == (Exited(0), b"end\n", b"")

    async def test_a_program_that_is_missing_is_an_exit_code(self, session):
        from runbook.core.planned.command import Command

        ending, _, err = await ran(session, Command(argv=("no-such-program-here",)))
        assert (ending, b"not found" in err) == (Exited(127), True)

    async def test_much_output_arrives_whole(self, session):
        sink = Counter()
        ending = await session.run(sh("head -c 8000000 /dev/zero"), attached(), sink)
        assert (ending, sink.total) == (Exited(0), 8_000_000)

    async def test_a_slow_sink_slows_the_command_and_not_our_memory(self, session, tmp_path):
        """The writer notes how far it came; with nobody reading it must stop far short of its end."""
        mark = tmp_path / "written"
        sink = Recorder(gate=asyncio.Event())
        text = f"for i in $(seq 150); do head -c 65536 /dev/zero; echo $i > {mark}; done"
        running = asyncio.create_task(session.run(sh(text), attached(), sink))
        last = await settled(mark)
        assert 0 < last < 110
        sink.gate.set()
        assert await running == Exited(0)
        assert len(sink.out) == 150 * 65536

    async def test_ending_reaches_grandchildren_that_left_the_session(self, session, tmp_path):
        sink = Recorder(wanted=b"ready")
        text = f"setsid sh -c 'echo $$ > {tmp_path}/pid; echo ready; exec sleep 600' & wait"
        running = asyncio.create_task(session.run(sh(text), attached(), sink))
        await asyncio.wait_for(sink.seen.wait(), 10)
        running.cancel()
        assert await running == Stopped()
        assert not is_alive(int((tmp_path / "pid").read_text()))

    async def test_what_ignores_term_is_killed(self, session):
        ending, _, _ = await ran(session, sh("trap '' TERM; echo x; while :; do sleep 0.2; done"), limit=0.5, grace=0.3)
        assert ending == Expired(0.5)

    async def test_a_process_left_behind_does_not_hold_the_command(self, session, tmp_path):
        ending, out, _ = await ran(session, sh(f"sleep 600 & echo $! > {tmp_path}/pid; echo done; exit 4"))
        assert (ending, out) == (Exited(4, late_output=True), b"done\n")
        os.kill(int((tmp_path / "pid").read_text()), 9)

    async def test_many_commands_at_once_all_come_back(self, session):
        many = [ran(session, sh(f"echo {i}; exit {i}"), name=f"many/{i}") for i in range(20)]
        assert await asyncio.gather(*many) == [(Exited(i), f"{i}\n".encode(), b"") for i in range(20)]

    async def test_an_upload_replaces_by_rename_and_sets_the_mode(self, session, tmp_path):
        there = tmp_path / "there"
        there.write_bytes(b"old")
        before = there.stat().st_ino
        (tmp_path / "source").write_bytes(b"new")
        await session.upload(tmp_path / "source", str(there), mode=0o640)
        assert (there.read_bytes(), there.stat().st_mode & 0o7777) == (b"new", 0o640)
        assert there.stat().st_ino != before
        assert sorted(p.name for p in tmp_path.iterdir()) == ["source", "there"]

    @pytest.mark.parametrize("data", [b"good and more", b"go", b"evil"])
    async def test_a_file_that_changes_while_it_is_sent_takes_no_place(self, session, tmp_path, monkeypatch, data):
        source, there = tmp_path / "source", tmp_path / "there"
        source.write_bytes(b"good")
        there.write_bytes(b"old")
        require = files.Source.require

        def swapped(self, shown):
            require(self, shown)
            source.write_bytes(data)  # in place, behind the descriptor that was measured

        monkeypatch.setattr(files.Source, "require", swapped)
        with pytest.raises(Problems) as raised:
            await session.upload(source, str(there))
        assert [p.code for p in raised.value.problems] == ["changed-since-shown"]
        assert there.read_bytes() == b"old"
        assert sorted(p.name for p in tmp_path.iterdir()) == ["source", "there"]

    async def test_an_upload_to_nowhere_leaves_nothing_behind(self, session, tmp_path):
        (tmp_path / "source").write_bytes(b"new")
        with pytest.raises(Problems) as raised:
            await session.upload(tmp_path / "source", str(tmp_path / "no" / "there"))
        assert "there" in raised.value.problems[0].what
        assert sorted(p.name for p in tmp_path.iterdir()) == ["source"]

    async def test_an_upload_never_replaces_a_folder(self, session, tmp_path):
        (tmp_path / "source").write_bytes(b"new")
        (tmp_path / "folder").mkdir()
        with pytest.raises(Problems):
            await session.upload(tmp_path / "source", str(tmp_path / "folder"))
        assert sorted(p.name for p in tmp_path.iterdir()) == ["folder", "source"]

    async def test_the_facts_are_what_the_host_says(self, session):
        facts = session.facts
        assert facts.system.startswith(os.uname().sysname)
        assert facts.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        assert abs(facts.clock_offset) <= facts.clock_error + 0.05


class LinkContract:
    """Holds for every kind that reaches its host over a link which can be lost."""

    async def test_a_lost_link_is_in_doubt_and_never_success(self, session):
        ending, out, _ = await ran(session, sh("echo before; echo @@drop@@; sleep 5"))
        assert (type(ending), out) == (Lost, b"before\n")
        assert await asyncio.wait_for(session.wait_lost(), 10) != ""

    async def test_after_a_lost_link_nothing_is_sent(self, session):
        await ran(session, sh("echo before; echo @@drop@@; sleep 5"))
        await asyncio.wait_for(session.wait_lost(), 10)
        ending, _, _ = await ran(session, sh("echo again"), name="again")
        assert isinstance(ending, NeverSent)


async def settled(path: Path) -> int:
    """The number in a file once it has stopped changing for a while, and is there."""
    last, still = -1, 0
    while still < 8:
        await asyncio.sleep(0.1)
        text = path.read_text().strip() if path.exists() else ""
        now = int(text) if text else -1
        still = still + 1 if now == last and now >= 0 else 0
        last = now
    return last


def is_alive(pid: int) -> bool:
    """True unless it is gone or a zombie."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
