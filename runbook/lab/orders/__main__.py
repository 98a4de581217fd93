"""The `orders` tool on every lab host: what operators and runbooks type.

Results go to standard output, one value or one sentence; refusals go to standard error as `orders: why`, with
exit code 1, and 2 for a command that does not exist. `orders help` lists what there is.
"""

from __future__ import annotations

import json
import sys
import time

from runbook.lab.orders import backups, cluster, releases, service
from runbook.lab.orders.daemon import run_database
from runbook.lab.orders.place import OrdersHome, OrdersRefused
from runbook.lab.orders.wire import Request, Silent, ask

HELP = """\
orders: the lab's replicated order service

On a database host:
  orders status [--json]        role, epoch, last order, link, lag
  orders lag                    seconds by which the standby is behind
  orders set-lag SECONDS        how long the primary of this standby holds orders back
  orders promote [--force]      make this standby the primary
  orders demote                 stop taking orders, follow the other
  orders handover               move the primary role to the other, losing nothing
  orders rejoin                 become a standby of the other, whatever is here
  orders backup [NAME]          copy the orders; prints the manifest
  orders backups                list them
  orders verify NAME            check a backup against its manifest
  orders restore NAME           build a restored set beside the live data
  orders verify-restore NAME    check the restored set against the manifest
  orders switch-data [--back]   put the restored set in place, or take that back
On the application host:
  orders health [--within SECONDS]
                                exit 0 when a write works, and fast enough
  orders repoint HOST           send writes to another primary
  orders release                which release is current
  orders switch-release VERSION
  orders rollback-release
On both:
  orders put MARK [ITEM]        place an order with this number as its mark
  orders last                   the mark of the newest order
  service NAME start|stop|restart|status
"""


class Unknown(OrdersRefused):
    """No such command; the tool ends with 2 and not with 1, so that a typing error is never a finding."""


def perform(place: OrdersHome, words: list[str]) -> str:  # noqa: C901, PLR0911, PLR0912 - one arm of one line per command
    """Do one command and give what it prints.

    Raises:
        Refused: The service will not do it.
        Unknown: There is no such command.
    """
    match words:
        case ["status"]:
            return status_text(place)
        case ["status", "--json"]:
            return json.dumps(cluster.status(place)._asdict())
        case ["lag"]:
            return cluster.lag(place)
        case ["set-lag", seconds]:
            return set_lag(place, seconds)
        case ["promote", *flags] if flags in ([], ["--force"]):
            return cluster.promote(place, force=bool(flags))
        case ["demote"]:
            return cluster.demote(place)
        case ["handover"]:
            return cluster.handover(place)
        case ["rejoin"]:
            return cluster.rejoin(place)
        case ["backup" | "backups" | "verify" | "restore" | "verify-restore" | "switch-data", *_]:
            return perform_backup(place, words)
        case ["health"]:
            return fetch(place, "/health")
        case ["health", "--within", seconds]:
            return fetch_within(place, "/health", number(seconds))
        case ["repoint", host]:
            return repoint(place, host)
        case ["release"]:
            return releases.current_release(place).version
        case ["switch-release", version]:
            return releases.switch(place, version)
        case ["rollback-release"]:
            return releases.roll_back(place)
        case ["put", mark, *item]:
            return put(place, mark, " ".join(item))
        case ["last"]:
            return last(place)
        case ["service", name, verb]:
            return control(place, service.named(place, name), verb)
        case ["run", "orders-db"]:
            run_database(place)
            return ""
        case ["run", "orders-app"]:
            from runbook.lab.orders.api import run_application  # noqa: PLC0415 - the tool must not pay for http.server

            run_application(place)
            return ""
        case _:
            raise unknown(words)


def perform_backup(place: OrdersHome, words: list[str]) -> str:
    """Like `perform`, for the commands about backups and what is restored from them.

    Raises:
        Refused: The service will not do it.
        Unknown: There is no such command.
    """
    match words:
        case ["backup"]:
            return json.dumps(backups.take(place, time.strftime("%Y%m%dT%H%M%S"))._asdict())
        case ["backup", name]:
            return json.dumps(backups.take(place, name)._asdict())
        case ["backups"]:
            return "\n".join(json.dumps(backup._asdict()) for backup in backups.listed(place))
        case ["verify", name]:
            return json.dumps(backups.verify(place, name, place.backups / name)._asdict())
        case ["restore", name]:
            return json.dumps(backups.restore(place, name)._asdict())
        case ["verify-restore", name]:
            return json.dumps(backups.verify(place, name, place.restored)._asdict())
        case ["switch-data"]:
            return backups.switch(place)
        case ["switch-data", "--back"]:
            return backups.switch_back(place)
        case _:
            raise unknown(words)


def unknown(words: list[str]) -> Unknown:
    """What to say about a command that there is not."""
    return Unknown(f"there is no such command: {' '.join(words)}. See `orders help`")


def status_text(place: OrdersHome) -> str:
    """The host's state in lines of `name: value`."""
    if not place.has("peer"):
        release = releases.current_release(place).version
        return f"host: {place.host}\nrelease: {release}\nprimary: {place.setting('primary')}"
    return "\n".join(f"{name}: {value}" for name, value in cluster.status(place)._asdict().items())


def set_lag(place: OrdersHome, seconds: str) -> str:
    """Change how far this standby stays behind on purpose; in force when this returns.

    Raises:
        Refused: Not a number of seconds, or the standby does not run.
    """
    place.setting("replication-delay")
    place.set("replication-delay", str(number(seconds)))
    while (now := cluster.status(place)).link == "streaming" and now.delay != number(seconds):
        time.sleep(0.02)  # the question that is under way still has the old delay; it ends within a second
    return f"orders reach {place.host} after {seconds} s"


def number(text: str) -> float:
    """A number of seconds from the command line.

    Raises:
        Refused: It is none.
    """
    if not text.replace(".", "", 1).isdigit():
        message = f"{text!r} is not a number of seconds"
        raise OrdersRefused(message)
    return float(text)


def repoint(place: OrdersHome, host: str) -> str:
    """Send the application's writes to another database.

    Raises:
        Refused: That host has no database.
    """
    before = place.setting("primary")
    if not place.socket_of(host).exists():
        message = f"{host} has no database"
        raise OrdersRefused(message)
    place.set("primary", host)
    return f"orders go to {host} (before: {before})"


def put(place: OrdersHome, mark: str, item: str) -> str:
    """Place an order: over HTTP where the application is, else with the database itself.

    Raises:
        Refused: It was not taken, or the mark is not a whole number.
    """
    if not mark.isdigit():
        message = f"a mark is a whole number, not {mark!r}"
        raise OrdersRefused(message)
    if not place.has("peer"):
        return fetch(place, "/orders", body=json.dumps({"mark": int(mark), "item": item}))
    answer = ask(place.socket_of(place.host), Request("put", mark=int(mark), item=item))
    if not answer.ok:
        raise OrdersRefused(answer.message)
    return str(answer.orders[0].seq)


def last(place: OrdersHome) -> str:
    """The mark of the newest order that can be read here; 0 when there is none."""
    if not place.has("peer"):
        return str(json.loads(fetch(place, "/orders/last"))["order"]["mark"])
    return str(cluster.status(place).last_mark)


def fetch(place: OrdersHome, path: str, body: str = "") -> str:
    """Ask this host's application.

    Raises:
        Refused: It does not answer, or says that it is failing.
    """
    import urllib.error  # noqa: PLC0415 - half of this tool's start, and only this needs it
    import urllib.request  # noqa: PLC0415 - the same

    address = f"http://127.0.0.1:{place.setting('http-port')}{path}"
    headers = {"Authorization": f"Bearer {place.setting('api-token')}"} if body else {}
    asked = urllib.request.Request(address, data=body.encode() or None, headers=headers)
    try:
        with urllib.request.urlopen(asked, timeout=5.0) as response:
            return str(response.read().decode().strip())
    except urllib.error.HTTPError as cause:
        with cause:
            raise OrdersRefused(cause.read().decode().strip()) from cause
    except OSError as cause:
        message = f"orders-app does not answer: {cause}"
        raise OrdersRefused(message) from cause


def fetch_within(place: OrdersHome, path: str, seconds: float) -> str:
    """Ask this host's application, and hold a late answer against it.

    Raises:
        Refused: It failed, or took longer than `seconds`.
    """
    started = time.monotonic()
    said = fetch(place, path)
    took = time.monotonic() - started
    if took > seconds:
        message = f"the answer took {took:.2f} s, more than {seconds:g} s"
        raise OrdersRefused(message)
    return said


def control(place: OrdersHome, name: service.Service, verb: str) -> str:
    """`service NAME VERB`.

    Raises:
        Refused: It did not work.
        Unknown: No such verb.
        SystemExit: `status` of a service that does not run, with the code of an init script.
    """
    match verb:
        case "start":
            return service.start(place, name)
        case "stop":
            return service.stop(place, name)
        case "restart":
            return f"{service.stop(place, name)}; {service.start(place, name)}"
        case "status":
            state = service.state(place, name)
            sys.stdout.write(f"{name} is {state.name.lower()}\n")
            sys.exit(state)
        case _:
            message = f"a service can start, stop, restart and tell its status, not {verb}"
            raise Unknown(message)


def main(words: list[str]) -> int:
    """Run one command; gives the exit code."""
    if words in ([], ["help"], ["--help"]):
        sys.stdout.write(HELP)
        return 0
    try:
        said = perform(OrdersHome.here(), words)
    except (OrdersRefused, Silent) as no:
        sys.stderr.write(f"orders: {no}\n")
        return 2 if isinstance(no, Unknown) else 1
    if said:
        sys.stdout.write(f"{said}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
