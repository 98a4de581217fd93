"""The name of a machine in identities: it stays, and it does not give the machine's own id away."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from runbook.core.actor import Actor
from runbook.talk.person import person, this_machine

ID = "0123456789abcdef0123456789abcdef"


def test_a_machine_is_named_by_a_hash_that_its_id_keys(tmp_path: Path) -> None:
    file, copied = tmp_path / "machine-id", tmp_path / "copy"
    for path in (file, copied):
        path.write_text(f"{ID}\n")
    # printf 'runbook: the machine in an identity' | openssl dgst -sha256 -mac HMAC -macopt hexkey:$(cat machine-id)
    assert this_machine((file,)) == "fcd38abdbbe51955"
    assert this_machine((copied,)) == this_machine((file,))


def test_the_next_place_is_asked_where_the_first_has_none(tmp_path: Path) -> None:
    file = tmp_path / "machine-id"
    file.write_text(ID)
    assert this_machine((tmp_path / "none", file)) == this_machine((file,))


@pytest.mark.parametrize("text", ["", "uninitialized\n", "0" * 32, ID.upper(), ID[:-1], "\xff"])
def test_a_machine_without_an_id_is_named_by_its_host_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "machine-id"
    file.write_text(text, encoding="latin-1")
    assert this_machine((file, tmp_path / "none")) == socket.gethostname()


def test_a_person_is_a_uid_on_a_machine() -> None:
    assert person(0, machine="m1", via="halt") == Actor(name="root", uid=0, via="halt", identity="uid:0@m1")
