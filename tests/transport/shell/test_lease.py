"""Texts that arm a lease and speak of it, read by this machine's own shell; what a host does with them is `tests/real/faults`."""

import shutil
import subprocess

import pytest

from runbook.transport.shell.lease import Answer, Lease, answer, arming, asking, owned, sweeping


@pytest.fixture
def lease(tmp_path):
    fault = tmp_path / "broken"
    scripts = (
        ("inject", f"touch {fault}"),
        ("effect", f"test -e {fault} && echo seen it"),
        ("revert", f"rm -f {fault}"),
        ("present", f"if [ -e {fault} ]; then echo there; else echo absent; fi"),
    )
    return Lease(
        own=owned("20270101T000000Z-a.b-1f", 3),
        directory=f"{tmp_path}/leases",
        scripts=scripts,
        seconds=30,
        most=60,
        limit=10,
        watch="pair",
    )


def sent(text: str, shell: str = "/bin/sh") -> Answer:
    return answer(subprocess.run([shell], input=text, capture_output=True, text=True, timeout=60, check=False).stdout)


def asked(lease: Lease, *words: str) -> Answer:
    return sent(asking(lease.directory, lease.own, *words))


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_a_lease_goes_its_way_and_leaves_nothing(lease, tmp_path, shell):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not here")
    before = sorted(tmp_path.iterdir())
    assert sent(arming(lease), shell) == Answer("armed", "pair")
    assert asked(lease, "prove").word == "proved"
    assert asked(lease, "inject") == Answer("injected")
    assert asked(lease, "effect") == Answer("effect", "seen it")
    assert asked(lease, "renew") == Answer("renewed", "30")
    assert asked(lease, "present") == Answer("there")
    assert asked(lease, "disarm") == Answer("refused", "injected")
    first = asked(lease, "revert", "runner")
    assert first.rest.startswith("runner ")
    assert asked(lease, "revert", "operator") == first
    assert asked(lease, "disarm") == Answer("disarmed")
    assert asked(lease, "state").word == "gone"
    assert sorted(tmp_path.iterdir()) == before


def test_of_half_a_text_nothing_is_run(lease, tmp_path):
    text = arming(lease)
    for end in range(10, len(text) - 1, 997):
        assert sent(text[:end]) == Answer()
    listing = sweeping(lease.directory, "list")
    assert sent(listing[: len(listing) // 2]) == Answer()
    assert list(tmp_path.iterdir()) == []


def test_what_was_altered_on_the_way_is_refused_and_removed(lease, tmp_path):
    assert sent(arming(lease).replace("rm -f", "rm -fr")) == Answer("refused", "upload")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_somebody_else_laid_is_not_used(lease, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "leases").symlink_to(tmp_path / "elsewhere")
    assert sent(arming(lease)) == Answer("refused", "place")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_name_is_made_of_what_every_table_unit_and_file_may_be_called():
    assert owned("20270101T000000Z-pay ments/é-1f", 12) == "runbook-20270101T000000Z-pay-ments-1f-12"
    assert len(owned("x" * 500, 1)) < 140


def test_the_last_answer_counts_and_none_is_not_known():
    assert answer("hello\nrunbook-lease armed unit\nrunbook-lease renewed 9\n") == Answer("renewed", "9")
    assert answer("Connection closed") == Answer()
