"""The wire of injected faults does what it is told, to the byte."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.real.injector.chaos_proxy import DOWN, UP, Wire, WireThread

PATIENCE = 20


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(PATIENCE)
        yield listening


@pytest.fixture
def wire(server: socket.socket) -> Iterator[Wire]:
    thread = WireThread()
    yield thread.wire(server.getsockname()[1])
    thread.close()


@pytest.fixture
def ends(wire: Wire, server: socket.socket) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A client and what the server sees of it."""
    with socket.create_connection(("127.0.0.1", wire.port), PATIENCE) as client:
        seen, _ = server.accept()
        with seen:
            seen.settimeout(PATIENCE)
            client.sendall(b"hello")
            assert taken(seen, 5) == b"hello"
            yield client, seen


def taken(end: socket.socket, count: int) -> bytes:
    """So many bytes, in however many pieces they come."""
    whole = b""
    while len(whole) < count and (piece := end.recv(count - len(whole))):
        whole += piece
    return whole


def test_bytes_go_both_ways_and_are_counted(wire: Wire, ends) -> None:
    client, server = ends
    server.sendall(b"welcome")
    assert taken(client, 7) == b"welcome"
    assert wire.carried == {UP: 5, DOWN: 7}


def test_a_cut_falls_in_front_of_its_byte(wire: Wire, ends) -> None:
    client, server = ends
    wire.cut(UP, 3)
    client.sendall(b"abcdef")
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    assert wire.carried[UP] == 5 + 3
    with pytest.raises(ConnectionResetError):
        taken(server, 10)


def test_one_byte_is_spoiled_and_no_other(wire: Wire, ends) -> None:
    client, server = ends
    wire.corrupt(UP, 2)
    client.sendall(b"abcd")
    client.sendall(b"efgh")
    assert taken(server, 8) == b"ab" + bytes([ord("c") ^ 0x55]) + b"defgh"


def test_half_closed_one_way_the_other_goes_on(wire: Wire, ends) -> None:
    client, server = ends
    wire.half_close(UP, 1)
    client.sendall(b"abc")
    assert server.recv(10) == b"a"
    assert server.recv(10) == b""
    server.sendall(b"still here")
    assert taken(client, 10) == b"still here"


def test_what_is_stalled_arrives_when_it_flows_again(wire: Wire, ends) -> None:
    client, server = ends
    wire.stall(UP)
    client.sendall(b"late")
    server.sendall(b"now")
    assert taken(client, 3) == b"now"
    wire.flow()
    assert taken(server, 4) == b"late"


def test_a_lingering_cut_is_heard_by_the_server_last(wire: Wire, ends) -> None:
    client, server = ends
    wire.stall(UP)
    client.sendall(b"on its way")
    while not wire.links[0].ways[UP].held:
        wire.thread.do(lambda: None)
    wire.linger()
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    wire.flow()
    assert taken(server, 10) == b"on its way"
    assert server.recv(1) == b""


def test_who_is_refused_is_told_so_and_let_in_later(wire: Wire, server: socket.socket) -> None:
    wire.refuse()
    with pytest.raises(ConnectionResetError), socket.create_connection(("127.0.0.1", wire.port), PATIENCE) as client:
        client.recv(1)
    wire.flow()
    with socket.create_connection(("127.0.0.1", wire.port), PATIENCE) as client:
        seen, _ = server.accept()
        with seen:
            client.sendall(b"in")
            assert taken(seen, 2) == b"in"
