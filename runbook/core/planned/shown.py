"""What a host is sent, as people see it: the one text behind every digest that a gate confirms.

A command is not its words alone. The same words in another folder, under another user or with another environment are
another effect, so all of these stand in one text: a line of JSON that is written into the record when a step is entered
and hashed as it stands there. Nobody has to encode anything again to check it, neither an auditor with `jq` and
`sha256sum` nor a later version of this program that knows a field more. What an attempt sends is made anew right before
it leaves and must be the same value.

Secrets stand in it as the mask that everybody is shown, and no hash of their values is kept anywhere, not even a keyed
one: its key would have to lie beside the record for a resume to find it, and whoever holds both can guess a password at
leisure. So a resume that is given another value goes unnoticed here. That is also what it should do, where a password
was changed while a run lay still; who resumed is on record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import msgspec

from runbook.core.host import Host
from runbook.core.planned.action import Action, UploadAction
from runbook.core.planned.fault_action import FaultAction, peers_by_name
from runbook.core.planned.plan import PlannedStep

EVERYWHERE = "*"
"""Stands for every host of a step, and for the step itself where it has none."""


class Surroundings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What holds around a command on one host, rendered and masked."""

    env: dict[str, str] = {}
    cwd: str = ""
    user: str = ""
    """Who it becomes; empty is whoever logs in."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What is done on one host, and in what surroundings."""

    action: Action
    around: Surroundings

    @property
    def text(self) -> str:
        """A line of JSON. Written once, when a step is entered; from then on the record's text is the truth."""
        return msgspec.json.encode(self, order="deterministic").decode()

    def of(self, shown: Shown) -> Shown:
        """The same of the file that was shown, where the plan could not name it: what is there now is seen later."""
        return msgspec.structs.replace(self, action=pinned_as(self.action, shown.action))


_decoder = msgspec.json.Decoder(Shown)


def pinned_as(action: Action, shown: Action) -> Action:
    """The action of the file or the addresses that were shown, where the plan could not name them."""
    if isinstance(action, FaultAction) and isinstance(shown, FaultAction) and peers_by_name(action):
        return msgspec.structs.replace(action, arguments={**action.arguments, "peers": shown.arguments.get("peers")})
    if isinstance(action, UploadAction) and isinstance(shown, UploadAction) and not action.sha256:
        return action.pinned(size=shown.size, sha256=shown.sha256, mode=shown.mode, files=shown.files)
    return action


def texts_of(shown: Mapping[str, Shown]) -> dict[str, str]:
    """The text for each host; one for all of them where all are sent the same."""
    first = next(iter(shown.values()))
    if all(one == first for one in shown.values()):
        return {EVERYWHERE: first.text}
    return {host: one.text for host, one in shown.items()}


def text_for(texts: Mapping[str, str], host: str) -> str:
    """The text for a host; empty where there is none."""
    return texts.get(host) or texts.get(EVERYWHERE, "")


def hash_of(text: str) -> str:
    """SHA-256 of the text's bytes: what `AttemptStarted` carries."""
    return hashlib.sha256(text.encode()).hexdigest()


def digest_of(texts: Mapping[str, str], hosts: Iterable[str]) -> str:
    """What `StepEntered` carries: SHA-256 over a line for each host, in the order of their names.

    A line is what `sha256sum` would print of a file of that name: the hash of the host's text, two spaces, the host.
    """
    hashes = {text: hash_of(text) for text in texts.values()}
    lines = (f"{hashes[text_for(texts, host)]}  {host}\n" for host in sorted(hosts) or (EVERYWHERE,))
    return hash_of("".join(lines))


def read_back(texts: Mapping[str, str]) -> dict[str, Shown]:
    """What the texts say, without those that only a newer version can read."""
    found: dict[str, Shown] = {}
    for host, text in texts.items():
        try:
            found[host] = _decoder.decode(text)
        except msgspec.MsgspecError:
            continue
    return found


def becomes(planned: PlannedStep, host: Host | None) -> str:
    """Who a step becomes on a host: its own word, the inventory's, else root; empty when it becomes nobody."""
    return (planned.become_user or (host.become_user if host else "") or "root") if planned.become else ""


def as_planned(planned: PlannedStep, host: Host | None) -> Surroundings:
    """The surroundings of a step that waits for nothing: the plan has them already."""
    return Surroundings(env=planned.env, cwd=planned.cwd, user=becomes(planned, host))
