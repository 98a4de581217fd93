"""The service loses, keeps and refuses what a replicated store loses, keeps and refuses."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.lab.running import RunningLab, Said

KILL = 'kill -9 "$(cat run/orders-db.pid)"'
STREAMING = "orders status --json | grep -q streaming"


async def role(lab: RunningLab, host: str) -> tuple[str, int, int]:
    said = json.loads((await lab.say(host, "orders status --json")).out)
    return said["role"], said["epoch"], said["last_mark"]


async def http(lab: RunningLab, request: str) -> tuple[int, str]:
    """One request, as bytes on a socket, so that nothing adds headers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", lab.state.http_port)
    writer.write(request.replace("\n", "\r\n").encode())
    head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return int(head.split()[1]), body.strip()


async def get(lab: RunningLab, path: str) -> tuple[int, str]:
    return await http(lab, f"GET {path} HTTP/1.1\nHost: lab\nConnection: close\n\n")


async def test_an_order_reaches_the_standby_a_little_later(lab: RunningLab) -> None:
    await lab.until("db1", STREAMING)
    await lab.say("db2", "orders set-lag 600")
    await lab.say("app1", "orders put 7")
    assert (await lab.say("db1", "orders lag; orders last")).out.splitlines()[1] == "7"
    assert (await lab.say("db2", "orders last")).out == "0"
    await lab.say("db2", "orders set-lag 0")
    assert await lab.until("db2", '[ "$(orders last)" = 7 ]') == Said(0, "", "")
    assert (await lab.say("db1", "orders lag")).out == "0.00"


async def test_the_lag_is_the_age_of_what_the_standby_has_not_got(lab: RunningLab) -> None:
    await lab.until("db1", STREAMING)
    await lab.say("db2", "orders set-lag 600")
    await lab.say("db1", "orders put 6")
    await lab.say("db1", "orders put 7")
    assert await lab.until("db1", "orders lag | awk '{exit !($1 > 0.4)}'") == Said(0, "", "")
    assert json.loads((await lab.say("db1", "orders status --json")).out)["behind"] == 2


async def test_a_killed_primary_takes_unreplicated_orders_with_it(lab: RunningLab) -> None:
    await lab.until("db1", STREAMING)
    await lab.say("db1", "orders put 1")
    await lab.until("db2", '[ "$(orders last)" = 1 ]')
    await lab.say("db2", "orders set-lag 600")
    acknowledged = await lab.say("app1", "orders put 2")
    await lab.say("db1", KILL)
    assert acknowledged.code == 0
    assert (await lab.say("db2", "orders promote")).code == 0
    assert await role(lab, "db2") == ("primary", 2, 1)


async def test_health_fails_while_the_primary_is_dead_and_holds_after_repointing(lab: RunningLab) -> None:
    assert (await get(lab, "/health"))[0] == 200
    await lab.say("db1", KILL)
    status, body = await get(lab, "/health")
    assert (status, json.loads(body)) == (503, {"status": "failing", "reason": "db1 does not answer"})
    assert (await lab.say("app1", "orders health")).code == 1
    await lab.say("db2", "orders promote")
    await lab.say("app1", "orders repoint db2")
    status, body = await get(lab, "/health")
    assert (status, json.loads(body)) == (200, {"status": "ok", "primary": "db2", "release": "1.4.0"})


async def test_a_killed_primary_keeps_every_acknowledged_order_on_its_own_disk(lab: RunningLab) -> None:
    for mark in (1, 2, 3):
        await lab.say("db1", f"orders put {mark}")
    await lab.say("db1", KILL)
    assert await lab.say("db1", "service orders-db status") == Said(1, "orders-db is dead", "")
    assert (await lab.say("db1", "service orders-db start")).code == 0
    assert await role(lab, "db1") == ("primary", 1, 3)


async def test_two_primaries_are_refused_on_either_side(lab: RunningLab) -> None:
    said = await lab.say("db2", "orders promote")
    assert (said.code, "db1 is primary and answers" in said.err) == (1, True)
    await lab.say("db1", KILL)
    await lab.say("db2", "orders promote")
    said = await lab.say("db1", "service orders-db start")
    assert (said.code, "db2 is primary since epoch 2: run `orders rejoin` on db1" in said.err) == (1, True)


async def test_rejoin_follows_the_new_primary_and_keeps_what_only_it_had(lab: RunningLab) -> None:
    await lab.until("db1", STREAMING)
    await lab.say("db1", "service orders-db stop")
    await lab.say("db2", "orders promote --force; orders put 20")
    await lab.say("db2", "service orders-db stop")
    await lab.say("db1", "service orders-db start; orders put 10; orders put 11")
    await lab.say("db1", "service orders-db stop")
    await lab.say("db2", "service orders-db start")
    said = await lab.say("db1", "orders rejoin")
    assert said == Said(0, "db1 follows db2; 2 orders were only here and are kept beside the data", "")
    assert await role(lab, "db1") == ("standby", 2, 20)
    kept = (await lab.say("db1", "cat data/diverged-1-41.log")).out.splitlines()
    assert [json.loads(line)["mark"] for line in kept] == [10, 11]


async def test_a_handover_loses_nothing_and_the_application_follows_it(lab: RunningLab) -> None:
    await lab.until("db1", STREAMING)
    await lab.say("app1", "orders put 5")
    assert (await lab.say("db1", "orders handover")).out == "db2 is primary in epoch 2, last order 41"
    assert (await get(lab, "/health"))[0] == 200
    assert (await lab.say("app1", "orders last")).out == "5"
    assert [await role(lab, host) for host in ("db1", "db2")] == [("standby", 2, 5), ("primary", 2, 5)]


@pytest.mark.slow
async def test_a_handover_without_a_standby_is_refused_and_changes_nothing(lab: RunningLab) -> None:
    await lab.say("db2", "service orders-db stop")
    await lab.until("db1", "! orders lag")
    assert (await lab.say("db1", "orders handover")).code == 1
    assert await role(lab, "db1") == ("primary", 1, 0)


async def test_an_order_over_http_needs_the_labs_token(lab: RunningLab) -> None:
    body = '{"mark": 9}'
    request = f"POST /orders HTTP/1.1\nHost: lab\nConnection: close\nContent-Length: {len(body)}\n"
    assert (await http(lab, f"{request}\n{body}"))[0] == 401
    assert (await http(lab, f"{request}Authorization: Bearer wrong\n\n{body}"))[0] == 401
    token = (lab.layout.home("app1") / "etc" / "api-token").read_text().strip()
    assert (await http(lab, f"{request}Authorization: Bearer {token}\n\n{body}"))[0] == 201
    assert (await http(lab, f"{request}Authorization: Bearer {token}\n\nnot an order"))[0] == 400
    assert (await lab.say("db1", "orders last")).out == "9"


async def test_probes_of_health_leave_no_order_behind(lab: RunningLab) -> None:
    for _ in range(5):
        assert (await get(lab, "/health"))[0] == 200
    assert await role(lab, "db1") == ("primary", 1, 0)


async def test_a_release_without_its_schema_fails_and_can_be_rolled_back(lab: RunningLab) -> None:
    await lab.say("app1", "orders switch-release 1.5.0")
    assert (await get(lab, "/health"))[0] == 500
    assert (await lab.say("app1", "orders put 1")).code == 1
    assert (await lab.say("app1", "orders rollback-release")).out == "release 1.4.0 (before: 1.5.0)"
    assert (await get(lab, "/version")) == (200, '{"release": "1.4.0"}')
    assert (await get(lab, "/health"))[0] == 200


@pytest.mark.slow
async def test_a_slow_release_is_only_noticed_by_a_limit_on_time(lab: RunningLab) -> None:
    await lab.say("app1", "orders switch-release 1.6.0")
    assert (await lab.say("app1", "orders health")).code == 0
    said = await lab.say("app1", "orders health --within 1")
    assert (said.code, "more than 1 s" in said.err) == (1, True)


async def test_a_backup_is_restored_beside_live_data_and_switched_both_ways(lab: RunningLab) -> None:
    await lab.say("db1", "orders put 1; orders backup monday; orders put 2")
    restored = json.loads((await lab.say("db1", "orders restore monday")).out)
    assert (restored["orders"], restored["last_mark"]) == (41, 1)
    assert await role(lab, "db1") == ("primary", 1, 2)
    assert (await lab.say("db1", "orders switch-data")).code == 1, "not while the database runs"
    await lab.say("db1", "service orders-db stop; orders switch-data; service orders-db start")
    assert await role(lab, "db1") == ("primary", 2, 1)
    await lab.say("db1", "service orders-db stop; orders switch-data --back; service orders-db start")
    assert await role(lab, "db1") == ("primary", 1, 2)


async def test_a_standby_refuses_restored_data_until_it_rejoins(lab: RunningLab) -> None:
    await lab.say("db1", "orders put 1")
    await lab.until("db2", '[ "$(orders last)" = 1 ]')
    await lab.say("db1", "orders restore nightly; service orders-db stop; orders switch-data; service orders-db start")
    assert await lab.until("db2", "orders status | grep 'history differs'") == Said(
        0, "link: history differs at order 41: rejoin", ""
    )
    assert (await lab.say("db2", "orders rejoin")).code == 0
    assert await role(lab, "db2") == ("standby", 2, 0)


async def test_a_damaged_backup_is_refused(lab: RunningLab) -> None:
    await lab.say("db1", "orders backup monday; printf x >> backups/monday/orders.log")
    for command in ("orders verify monday", "orders restore monday"):
        assert (await lab.say("db1", command)).code == 1
    assert (await lab.say("db1", "ls -d data.restored")).code != 0


async def test_a_refusal_is_a_sentence_and_never_a_traceback(lab: RunningLab) -> None:
    cases = {
        "orders frobnicate": (2, "orders: there is no such command: frobnicate. See `orders help`"),
        "orders put many": (1, "orders: a mark is a whole number, not 'many'"),
        "orders release": (1, "orders: db1 has no releases: this is not the host for that command"),
        "orders restore none": (1, "orders: there is no backup none on db1; there are: nightly"),
        "orders backup ../up": (
            1,
            "orders: a backup cannot be called '../up': the name is taken or is no plain file name",
        ),
        "service sshd stop": (1, "orders: db1 has no service sshd; it has orders-db"),
    }
    for command, (code, err) in cases.items():
        assert await lab.say("db1", command) == Said(code, "", err)
