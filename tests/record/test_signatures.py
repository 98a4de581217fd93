"""Who signed, may sign, and could at that time; tokens and whether somebody touched them; what an authority for time adds."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from runbook.problem import Problems
from runbook.record.checking.roots import Roots
from runbook.record.sealing.signing import SEAL, Standing, Trust, judge, sign
from runbook.record.sealing.sshsig import read_signature
from runbook.record.sealing.stamp import moment_of
from tests.record.seals import (
    by_hand,
    finding,
    found,
    make_key,
    open_up,
    public,
    run_to_its_end,
    sealer,
    signers,
    trusting,
)
from tests.record.token import PIN, TOUCHED, Token
from tests.record.tsa import Authority

DATA = b"what is signed\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "recordings"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return make_key(tmp_path / "keys")


def judged(key: Path, *lines: tuple[str, Path] | str, at: str = "", revoked: str = "", data: bytes = DATA) -> Standing:
    trust = Trust(signers=str(signers(key.parent / "signers", *lines)), revoked=revoked)
    return judge(sign(str(key), SEAL, DATA), data, SEAL, trust, at).standing


def test_a_key_that_is_among_the_signers_is_good_and_no_other(key, tmp_path):
    assert judged(key, ("anna", key)) is Standing.GOOD
    assert judged(key, ("ben", make_key(tmp_path / "keys", "ben"))) is Standing.FOREIGN
    assert judged(key, ("anna", key), data=b"something else\n") is Standing.FALSE


@pytest.mark.parametrize(
    ("options", "at", "expected"),
    [
        ('namespaces="seal@runbook"', "", Standing.GOOD),
        ('namespaces="approve@runbook"', "", Standing.FOREIGN),
        ('valid-before="20200101"', "", Standing.FOREIGN),
        ('valid-before="20200101"', "20190601000000", Standing.GOOD),
        ('valid-after="20990101"', "", Standing.FOREIGN),
    ],
)
def test_signers_may_sign_for_some_things_and_for_some_time(key, options, at, expected):
    assert judged(key, f"anna {options} {public(key)}", at=at) is expected


def test_a_key_that_was_revoked_counts_no_more(key, tmp_path):
    subprocess.run(["ssh-keygen", "-q", "-k", "-f", tmp_path / "krl", f"{key}.pub"], check=True, capture_output=True)
    assert judged(key, ("anna", key), revoked=str(tmp_path / "krl")) is Standing.FOREIGN


def test_a_signature_for_something_else_is_none(key):
    made = judge(sign(str(key), "approve@runbook", DATA), DATA, SEAL, Trust())
    assert (made.standing, made.why) == (Standing.FALSE, 'it was made for "approve@runbook"')


@pytest.mark.parametrize("cut", [b"", b"-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n", b"noise"])
def test_what_is_no_signature_is_false_and_no_trouble(cut):
    assert judge(cut, DATA, SEAL, Trust()).standing is Standing.FALSE


def test_without_ssh_keygen_nothing_is_called_good_or_false(key, monkeypatch, tmp_path):
    made = sign(str(key), SEAL, DATA)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert judge(made, DATA, SEAL, Trust()).standing is Standing.UNCHECKED


# --- seals ------------------------------------------------------------------------------------------------------------


async def test_a_record_that_was_sealed_anew_with_another_key_is_named_for_it(root, key, tmp_path):
    """An attacker with the whole folder edits a line, rebuilds the chain, and seals as anybody can."""
    folder = await run_to_its_end(root, sealer(key))
    allowed = signers(tmp_path / "allowed", ("anna", key))
    open_up(folder)
    for name in ("SHA256SUMS", "SHA256SUMS.sig", "OUTPUT.SHA256SUMS", "SEAL.json", "VERIFY.txt"):
        (folder / name).unlink()
    (folder / "out/db1.log").write_bytes(b"restarting\nDONE\n")
    by_hand(root, sealer(make_key(tmp_path / "keys", "mallory")))
    assert finding(folder, "seal", trusting(allowed)) == ("altered", "foreign-signer")
    assert finding(folder, "ledger") == ("altered", "sealed-otherwise")


async def test_a_key_that_expired_since_is_an_exception_by_the_records_own_clock(root, key, tmp_path):
    folder = await run_to_its_end(root, sealer(key))
    allowed = signers(tmp_path / "allowed", f'anna valid-before="20261124" {public(key)}')
    expected = ("note", "unknown-signer")
    assert finding(folder, "seal") == expected
    assert finding(folder, "seal", trusting(allowed)) in {("excepted", "expired"), ("ok", "")}


async def test_a_key_that_may_not_sign_yet_or_any_more_is_foreign(root, key, tmp_path):
    folder = await run_to_its_end(root, sealer(key))
    allowed = signers(tmp_path / "allowed", f'anna valid-before="20200101" {public(key)}')
    assert finding(folder, "seal", trusting(allowed)) == ("altered", "foreign-signer")


# --- tokens -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def short() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="rb-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def token(tmp_path: Path, short: Path, monkeypatch: pytest.MonkeyPatch, flags: int) -> Token:
    made = Token(tmp_path / "token", flags)
    made.serve(str(short / "agent"))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(short / "agent"))
    return made


@pytest.mark.parametrize(
    ("flags", "said"),
    [(TOUCHED, "token touched and PIN not asked for"), (TOUCHED | PIN, "token touched and PIN given")],
)
async def test_a_token_that_somebody_touched_seals_and_verify_says_so(root, tmp_path, short, monkeypatch, flags, said):
    key = token(tmp_path, short, monkeypatch, flags)
    folder = await run_to_its_end(root, sealer(key.public, demand="fido", touches=True))
    allowed = tmp_path / "allowed"
    allowed.write_bytes(b"anna " + key.public.read_bytes())
    check = next(each for each in found(folder, trusting(allowed)).checks if each.name == "seal")
    assert (check.finding.name, said in check.detail) == ("OK", True)
    assert not list((root / "ledger").glob("*.sig"))  # nobody is asked to touch it for those


async def test_a_token_that_nobody_touched_makes_no_seal_where_a_touch_is_demanded(
    root, tmp_path, short, monkeypatch, capsys
):
    """ssh-keygen verifies such a signature as good."""
    key = token(tmp_path, short, monkeypatch, 0)
    assert read_signature(sign(str(key.public), SEAL, DATA)).touched is False
    assert judge(sign(str(key.public), SEAL, DATA), DATA, SEAL, Trust()).standing is Standing.UNKNOWN
    folder = await run_to_its_end(root, sealer(key.public, demand="fido", touches=True))
    assert ("nobody touched the token" in capsys.readouterr().err, (folder / "SHA256SUMS").exists()) == (True, False)


# --- time -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl on this machine")
    made = Authority(tmp_path / "tsa")
    yield made
    made.close()


def stamping(allowed: Path, authority: Authority) -> Roots:
    return trusting(allowed, authority=str(authority.certificates))


async def test_a_time_stamp_says_since_when_a_seal_is(root, key, tmp_path, authority):
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    folder = await run_to_its_end(root, sealer(key, stamp=authority.url, wall=now.isoformat()))
    allowed = signers(tmp_path / "allowed", ("anna", key))
    check = next(each for each in found(folder, stamping(allowed, authority)).checks if each.name == "seal")
    assert (check.finding.name, f"stamped {now:%Y%m%d}" in check.detail) == ("OK", True)


async def test_a_seal_that_says_another_time_than_its_stamp_was_back_dated_or_its_clock_was_wrong(
    root, key, tmp_path, authority
):
    folder = await run_to_its_end(root, sealer(key, stamp=authority.url, wall="2020-01-01T00:00:00.000Z"))
    allowed = signers(tmp_path / "allowed", ("anna", key))
    assert finding(folder, "seal", stamping(allowed, authority)) == ("excepted", "back-dated")


@pytest.mark.parametrize("lies", ["other", "noise", "refuses", "away"])
async def test_an_authority_that_lies_or_is_away_costs_the_stamp_alone(root, key, tmp_path, authority, lies, capsys):
    authority.lies = lies
    url = "http://127.0.0.1:9/" if lies == "away" else authority.url
    folder = await run_to_its_end(root, sealer(key, stamp=url))
    assert "There is no time stamp: " in capsys.readouterr().err
    assert not (folder / "SHA256SUMS.sig.tsr").exists()
    assert finding(folder, "seal", trusting(signers(tmp_path / "allowed", ("anna", key)))) == ("ok", "")


async def test_a_stamp_of_another_signature_does_not_hold(root, key, tmp_path, authority):
    folder = await run_to_its_end(root, sealer(key, stamp=authority.url))
    open_up(folder)
    from runbook.record.sealing.stamp import ask

    (folder / "SHA256SUMS.sig.tsr").write_bytes(ask(authority.url, b"another signature"))
    allowed = signers(tmp_path / "allowed", ("anna", key))
    assert finding(folder, "seal", stamping(allowed, authority)) == ("altered", "false-stamp")


def test_the_time_of_a_stamp_is_read_as_openssl_writes_it():
    text = b"Version: 1\nTime stamp: Nov  3 04:12:00.123 2026 GMT\nAccuracy: unspecified\n"
    assert (moment_of(text), moment_of(b"no time")) == ("20261103041200", "")


def test_a_key_that_cannot_be_named_is_a_problem_and_not_a_crash(tmp_path):
    with pytest.raises(Problems):
        sign(str(tmp_path / "gone"), SEAL, DATA)
