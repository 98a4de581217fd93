"""`orders-app`: the HTTP front of the service, whose `/health` is what the drills measure.

Health is answered 200 only after a synced write on the current primary, because a check that only reads would
call a read-only service healthy. A write that meets a standby follows its hint to the primary, and a short
gap is waited out, so a planned handover is a pause; a dead primary gives no hint, and the app stays on it
until somebody repoints it.

Anybody on the machine may ask for health; taking an order needs the lab's token.
"""

from __future__ import annotations

import hmac
import json
import signal
import socketserver
import time
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import NamedTuple

from runbook.lab.orders.daemon import claim, end_on_term
from runbook.lab.orders.place import OrdersHome, OrdersRefused
from runbook.lab.orders.releases import current_release
from runbook.lab.orders.wire import Answer, Request, Silent, ask

PATIENCE = 0.8
"""Seconds for which a write is tried again before the caller is told; below the usual timeout of a probe."""

BODY_LIMIT = 64 * 1024
"""Bytes of a request body; an order is small."""


class Reply(NamedTuple):
    """What the caller gets."""

    status: HTTPStatus
    text: str
    """JSON."""


def reply(status: HTTPStatus, said: Mapping[str, object]) -> Reply:
    """A reply with these fields."""
    return Reply(status, json.dumps(said) + "\n")


class Shop:
    """The application itself: what each address does, without HTTP's details."""

    def __init__(self, place: OrdersHome) -> None:
        """Start with the release that is current."""
        self._place = place
        self._release = current_release(place)

    def reload(self) -> None:
        """Go over to the release that is current now, without dropping a request."""
        self._release = current_release(self._place)

    def health(self) -> Reply:
        """200 when a write on the primary works under this release."""
        return self._answered(self.write(Request("heartbeat")), HTTPStatus.OK)

    def take(self, mark: int, item: str) -> Reply:
        """201 with the order's number once it is on the primary's disk."""
        return self._answered(self.write(Request("put", mark=mark, item=item)), HTTPStatus.CREATED)

    def last(self) -> Reply:
        """The newest order that the primary has."""
        return self._answered(self.write(Request("last")), HTTPStatus.OK)

    def version(self) -> Reply:
        """Which release answers."""
        return reply(HTTPStatus.OK, {"release": self._release.version})

    def write(self, request: Request) -> Answer:
        """Ask the primary, following hints, until it answers or patience ends."""
        release, host = self._release, self._place.setting("primary")
        time.sleep(release.delay)
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = self._try(host, request)
            if answer.ok or time.monotonic() > deadline:
                return answer
            host = answer.primary or self._place.setting("primary")
            time.sleep(0.05)

    def _try(self, host: str, request: Request) -> Answer:
        try:
            return ask(self._place.socket_of(host), request, timeout=PATIENCE)
        except Silent as cause:
            return Answer(ok=False, message=str(cause))

    def _answered(self, answer: Answer, success: HTTPStatus) -> Reply:
        release = self._release
        if not answer.ok or not answer.status:
            return reply(HTTPStatus.SERVICE_UNAVAILABLE, {"status": "failing", "reason": answer.message})
        if answer.status.schema != release.schema:
            reason = f"release {release.version} needs schema {release.schema}, the data has {answer.status.schema}"
            return reply(HTTPStatus.INTERNAL_SERVER_ERROR, {"status": "failing", "reason": reason})
        said = {"status": "ok", "primary": answer.status.host, "release": release.version}
        return reply(success, said | {"order": answer.orders[0]._asdict()} if answer.orders else said)


class ShopServer(socketserver.ThreadingTCPServer):
    """The listening socket. Not http.server's own, which asks DNS for the machine's name before it starts."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, place: OrdersHome, shop: Shop) -> None:
        """Listen on the host's port, on loopback only."""
        self.shop = shop
        self.token = place.setting("api-token")
        super().__init__(("127.0.0.1", int(place.setting("http-port"))), Page)


class Page(BaseHTTPRequestHandler):
    """Turns HTTP into calls of the shop and back."""

    protocol_version = "HTTP/1.1"
    timeout = 10.0
    server: ShopServer

    def do_GET(self) -> None:
        """Everything that changes nothing."""
        shop = self.server.shop
        pages = {"/health": shop.health, "/orders/last": shop.last, "/version": shop.version}
        page = pages.get(self.path)
        self._send(page() if page else reply(HTTPStatus.NOT_FOUND, {"reason": f"known: {', '.join(pages)}"}))

    def do_POST(self) -> None:
        """Take an order."""
        if not hmac.compare_digest(self.headers.get("Authorization", ""), f"Bearer {self.server.token}"):
            self.close_connection = True
            self._send(reply(HTTPStatus.UNAUTHORIZED, {"reason": "the token of this lab is needed to order"}))
        elif self.path != "/orders":
            self.close_connection = True
            self._send(reply(HTTPStatus.NOT_FOUND, {"reason": "known: /orders"}))
        else:
            self._send(self._take())

    def _take(self) -> Reply:
        try:
            size = min(int(self.headers.get("Content-Length", "0")), BODY_LIMIT)
            said = json.loads(self.rfile.read(size))
            return self.server.shop.take(int(said["mark"]), str(said.get("item", "")))
        except (ValueError, TypeError, KeyError) as cause:
            self.close_connection = True
            reason = f"an order is a JSON object with a whole number `mark` ({cause})"
            return reply(HTTPStatus.BAD_REQUEST, {"reason": reason})

    def _send(self, answer: Reply) -> None:
        body = answer.text.encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, _format: str, *_args: object) -> None:
        """Nothing: five probes a second would fill the log, and a failure is told to the caller."""


def run_application(place: OrdersHome) -> None:
    """Be `orders-app` until told to stop.

    Raises:
        Refused: It runs already, or its port is taken.
    """
    end_on_term()
    with claim(place.pid_file("orders-app")):
        shop = Shop(place)
        signal.signal(signal.SIGHUP, lambda _number, _frame: shop.reload())
        try:
            server = ShopServer(place, shop)
        except OSError as cause:
            message = f"port {place.setting('http-port')} cannot be opened: {cause.strerror}"
            raise OrdersRefused(message) from cause
        with server:
            server.serve_forever()
