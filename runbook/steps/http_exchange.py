"""One HTTP request and its answer: the larger half of `http`, apart because its library costs a quarter of a second.

A probe must see what a new client would see, so no connection is kept, no proxy or credential is taken from the
environment, and no redirect is followed: a health check that is sent to a login page is not healthy, and a header
with a token must not travel to wherever an answer points. Whether anything was sent decides between *unreachable* and
*in doubt*: a request that may change something and whose answer never came is never called failed.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from functools import cache
from typing import Any

import httpx

from runbook.core.outcome import Grade, Outcome
from runbook.core.planned.action import HttpAction
from runbook.masking.masker import Masker
from runbook.steps.capture import Head
from runbook.steps.ending import judged
from runbook.steps.kind import Bench, Finding
from runbook.steps.tolerance import Kept, Observed
from runbook.transport.session import Stream

BODY_MAX = 1024 * 1024
"""Bytes of an answer that are read. A probe needs a word; a file is fetched by a command."""

PATIENCE = 30.0
"""Seconds for each of connecting, sending and waiting for the next bytes, where the step has no limit of its own."""

logging.getLogger("httpx").setLevel(logging.WARNING)  # It logs every URL, and a URL may hold a token.


async def exchange_once(action: HttpAction, bench: Bench, *, may_change: bool) -> Finding:
    """Ask once and judge the answer; `may_change` says whether asking could have done something."""
    exchange = _Exchange(action, bench, may_change=may_change)
    try:
        async with asyncio.timeout(bench.job.limit):
            observed = await exchange.run()
    except (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL, UnicodeError) as error:
        return exchange.finding(Outcome.FAILED, f"{action.url} cannot be asked: {error}")
    except (TimeoutError, httpx.TimeoutException):
        return exchange.unanswered(Outcome.TIMED_OUT, "no complete answer within its limit")
    except (httpx.TransportError, OSError) as error:
        return exchange.unanswered(Outcome.FAILED, str(error) or type(error).__name__)
    return exchange.with_pointer(await judged(observed, bench))


class _Exchange:
    """One request and its answer; remembers how far it came."""

    def __init__(self, action: HttpAction, bench: Bench, *, may_change: bool) -> None:
        self._action, self._bench, self._may_change = action, bench, may_change
        self._masker = Masker.for_secrets(bench.secrets)
        self._sent = False
        self._pointer = ""

    async def run(self) -> Observed:
        """Send, read, and put what was read on record."""
        began = self._bench.clock.monotonic()
        patience = self._bench.job.limit or PATIENCE
        context = _trust(verify=self._action.verify)
        async with (
            httpx.AsyncClient(verify=context, timeout=patience, trust_env=False) as client,
            client.stream(**self._request(), follow_redirects=False) as response,
        ):
            self._pointer = response.headers.get("location", "") if response.is_redirect else ""
            body = await self._read(response)
        took = self._bench.clock.monotonic() - began
        return Observed(status=response.status_code, body=body, latency=took)

    def _request(self) -> dict[str, Any]:
        # Compressed answers are not asked for and not unpacked: a few bytes could become gigabytes.
        headers = {"accept-encoding": "identity", "user-agent": "runbook", **self._action.headers}
        return {
            "method": self._action.method.upper(),
            "url": self._action.url,
            "headers": [(name.encode("ascii"), value.encode()) for name, value in headers.items()],
            "content": self._action.body.encode() or None,
            "extensions": {"trace": self._trace},
        }

    async def _trace(self, name: str, info: object) -> None:
        """Told by httpcore of every phase (its `trace` extension)."""
        del info
        if name.endswith("send_request_headers.started"):
            self._sent = True

    async def _read(self, response: httpx.Response) -> Kept:
        if not self._may_change:
            await self._bench.sink.reached(Grade.ATTACHED)
        head, size = Head(self._masker, BODY_MAX), 0
        async for chunk in response.aiter_raw():
            head.take(chunk)
            await self._bench.sink.receive(Stream.OUT, chunk[: BODY_MAX - size])
            size += len(chunk)
            if size > BODY_MAX:
                break
        return head.ended()

    def unanswered(self, outcome: Outcome, why: str) -> Finding:
        """No complete answer: what it means depends on whether anything was sent and whether it may change things."""
        if not self._sent:
            return self.finding(Outcome.UNREACHABLE, f"not sent: {why}")
        if self._may_change:
            return self.finding(Outcome.IN_DOUBT, f"sent, and no complete answer came: {why}", is_over=True)
        return self.finding(outcome, why)

    def finding(self, outcome: Outcome, detail: str, *, is_over: bool = False) -> Finding:
        """Without a result. The URL, or a library's words about it, may hold a secret."""
        return Finding(outcome=outcome, detail=self._masker.mask_text(detail), is_over=is_over)

    def with_pointer(self, finding: Finding) -> Finding:
        """Name where a redirect points, because that is usually the address that should have been asked."""
        if not self._pointer or finding.outcome is Outcome.SUCCEEDED:
            return finding
        detail = f"{finding.detail}; it points to {self._masker.mask_text(self._pointer)}"
        return Finding(outcome=finding.outcome, detail=detail, result=finding.result)


@cache
def _trust(*, verify: bool) -> ssl.SSLContext:
    """The system's certificate authorities, read once; without `verify`, whoever answers."""
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
