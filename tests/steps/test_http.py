"""`http`: what is sent, what an answer means, and what no answer means."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from runbook.core.outcome import Outcome, Withheld
from runbook.core.planned.action import Expectation, HttpAction, Tolerance
from runbook.core.planned.command import MASK, Secret
from runbook.core.result import Result
from runbook.steps.capture import KEEP
from runbook.steps.http import HttpKind
from runbook.steps.http_exchange import BODY_MAX
from runbook.steps.kind import Finding
from runbook.transport.session import Job
from tests.steps.answering import answering, http
from tests.steps.desk import Desk


async def ask(url: str, desk: Desk | None = None, **parts: object) -> Finding:
    action = HttpAction(
        url=url, **{name: parts.pop(name) for name in ("method", "headers", "body", "verify") if name in parts}
    )
    return await HttpKind().attempt(action, (desk or Desk()).bench(**parts))


async def test_an_answer_in_the_200s_succeeds_with_its_body_on_record():
    desk = Desk()
    async with answering(http("200 OK", b'{"ok": true}\n')) as server:
        finding = await ask(server.url, desk)
    assert finding == Finding(outcome=Outcome.SUCCEEDED, result=Result(status=200, stdout='{"ok": true}'))
    assert desk.page.out == b'{"ok": true}\n'


@pytest.mark.parametrize("status", ["404 Not Found", "503 Service Unavailable"])
async def test_any_other_status_fails_unless_it_is_expected(status):
    async with answering(http(status)) as server:
        plain = await ask(server.url)
        expected = await ask(server.url, expect=Expectation(status=Tolerance(equals=int(status[:3]))))
    assert (plain.outcome, plain.detail) == (Outcome.FAILED, f"HTTP status is {status[:3]}, expected from 200 to 299")
    assert expected.outcome is Outcome.SUCCEEDED


async def test_body_json_and_latency_are_judged():
    expect = Expectation(
        body=Tolerance(contains="up"),
        json=Tolerance(jsonpath="$.lag", max=3),
        latency=Tolerance(max=1),
    )
    async with answering(http("200 OK", b'{"lag": 5}')) as server:
        finding = await ask(server.url, expect=expect)
    assert (
        finding.detail == 'body is "{\\"lag\\": 5}", expected to contain "up"; json at $.lag is 5, expected at most 3'
    )


async def test_a_redirect_is_not_followed_and_its_target_is_named():
    async with answering(http("302 Found", b"", b"location: https://login.example/?next=health")) as server:
        finding = await ask(server.url)
        assert len(server.heard) == 1
    assert finding == Finding(
        outcome=Outcome.FAILED,
        detail="HTTP status is 302, expected from 200 to 299; it points to https://login.example/?next=health",
        result=Result(status=302),
    )


async def test_method_headers_and_body_are_sent_as_written():
    async with answering(http("204 No Content")) as server:
        await ask(server.url, method="post", headers={"X-Reason": "drill"}, body="now")
        (heard,) = server.heard
    assert heard.startswith(b"POST /health HTTP/1.1\r\n")
    assert b"X-Reason: drill\r\n" in heard
    assert heard.endswith(b"\r\n\r\nnow")


async def test_nothing_of_the_environment_is_used(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with answering(http("200 OK")) as server:
        assert (await ask(server.url)).outcome is Outcome.SUCCEEDED


async def test_a_refused_connection_is_unreachable_because_nothing_was_sent():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        finding = await ask(f"http://127.0.0.1:{closed.getsockname()[1]}/", method="POST")
    assert (finding.outcome, finding.result) == (Outcome.UNREACHABLE, Result())
    assert finding.detail.startswith("not sent: ")


@pytest.mark.parametrize(("method", "outcome"), [("GET", Outcome.FAILED), ("POST", Outcome.IN_DOUBT)])
async def test_a_connection_that_closes_without_an_answer_is_in_doubt_if_the_request_may_change_something(
    method, outcome
):
    async with answering(b"") as server:
        assert (await ask(server.url, method=method)).outcome is outcome


@pytest.mark.parametrize(("method", "outcome"), [("GET", Outcome.TIMED_OUT), ("PUT", Outcome.IN_DOUBT)])
@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhal"])
async def test_half_an_answer_at_the_limit_is_no_answer(method, outcome, answer):
    async with answering(answer, hang=True) as server:
        # Long enough for a busy machine to have sent the question: what was never asked ends in other words.
        finding = await ask(server.url, method=method, job=Job(id="j", limit=3.0))
    assert (finding.outcome, finding.result) == (outcome, Result())


async def test_cancelling_is_passed_on():
    async with answering(b"", hang=True) as server:
        task = asyncio.create_task(ask(server.url))
        while not server.heard:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("ftp://127.0.0.1/", {}),
        ("health", {}),
        ("http://[::1", {}),
        ("http://127.0.0.1:1/", {"X-é": "1"}),
    ],
)
async def test_what_cannot_be_asked_fails_in_words(url, headers):
    finding = await ask(url, headers=headers)
    assert finding.outcome is Outcome.FAILED
    assert finding.detail.startswith(f"{url} cannot be asked: ")


async def test_a_header_cannot_smuggle_a_second_request():
    async with answering(http("200 OK")) as server:
        finding = await ask(server.url, headers={"X": "1\r\nY: 2"})
        assert server.heard == []
    assert finding.outcome is Outcome.FAILED


async def test_a_body_is_read_no_further_than_its_bound():
    desk = Desk()
    async with answering(http("200 OK", b"x" * (BODY_MAX + 100_000))) as server:
        finding = await ask(server.url, desk, expect=Expectation(json=Tolerance(jsonpath="$")))
    assert finding.detail == "json cannot be read: only the first 1024 KiB were kept"
    assert (len(desk.page.out), len(finding.result.stdout)) == (BODY_MAX, KEEP)


async def test_a_compressed_answer_is_not_unpacked():
    bomb = gzip.compress(b"x" * 1_000_000)
    async with answering(http("200 OK", bomb, b"content-encoding: gzip")) as server:
        finding = await ask(server.url)
        assert b"accept-encoding: identity\r\n" in server.heard[0].lower()
    assert len(finding.result.stdout) <= len(bomb)


async def test_a_certificate_that_nobody_vouches_for_is_refused_before_anything_is_sent(self_signed):
    async with answering(http("200 OK"), tls=self_signed) as server:
        strict = await ask(server.url)
        assert server.heard == []
        lax = await ask(server.url, verify=False)
    assert (strict.outcome, lax.outcome) == (Outcome.UNREACHABLE, Outcome.SUCCEEDED)
    assert "CERTIFICATE_VERIFY_FAILED" in strict.detail


@pytest.fixture
def self_signed(tmp_path: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, begin, begin + timedelta(days=36500))
    (tmp_path / "cert").write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    (tmp_path / "key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    return context


async def test_a_secret_in_body_or_url_is_masked():
    secrets = (Secret("token", "correct-horse"),)
    async with answering(http("500 Oops", b"no correct-horse here")) as server:
        answered = await ask(server.url, secrets=secrets)
    refused = await ask("ftp://x/?t=correct-horse", secrets=secrets)
    assert answered.result == Result(status=500, stdout=f"no {MASK} here")
    assert refused.detail.startswith(f"ftp://x/?t={MASK} cannot be asked: ")


async def test_a_request_that_may_change_something_is_claimed_first_and_a_look_is_not():
    async def begun_before() -> Withheld:
        return Withheld("it was begun before")

    async with answering(http("200 OK")) as server:
        finding = await ask(server.url, method="POST", claim=begun_before)
        assert (finding.outcome, server.heard) == (Outcome.IN_DOUBT, [])
        assert finding.detail == "not sent now, because it may have happened before: it was begun before"
        assert (await ask(server.url, claim=begun_before)).outcome is Outcome.SUCCEEDED


async def test_a_request_of_a_dead_runner_is_repeated_only_when_it_changes_nothing():
    async with answering(http("200 OK")) as server:
        got = await ask(server.url, reattach=True)
        posted = await ask(server.url, method="POST", reattach=True)
        assert len(server.heard) == 1
    assert (got.outcome, posted.outcome) == (Outcome.SUCCEEDED, Outcome.IN_DOUBT)
