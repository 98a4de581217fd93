#!/usr/bin/env python3
"""Verify a record of `runbook` without `runbook`: one file, Python's own library, and ssh-keygen for signatures.

    python3 verify_standalone.py RECORD [--allowed-signers FILE] [--checkpoint FILE] [--ledger FOLDER]

Exit status: 0 sound, 1 altered, 2 incomplete, 3 sound with exceptions, 4 cannot be checked.

Shares no line with the program, so that what both say was found twice. It judges the evidence of records of format 2,
and not the story: whether work began while somebody was still asked is left to `runbook verify`.
"""

import argparse
import base64
import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

OK, NOTE, EXCEPTION, MISSING, ALTERED = range(5)
NAMES = ("ok", "note", "exception", "missing", "altered")
ZERO = "0" * 64
RAN = {"succeeded", "failed", "timed_out", "cancelled", "in_doubt"}
FRAME = re.compile(rb'\{"prev":"(.{64})","seq":(.*),"sum":"(.{64})"\}\n\Z', re.DOTALL)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]*(/[A-Za-z0-9][A-Za-z0-9._~-]*)*\Z")
LOG = re.compile(r"out/[a-z0-9][a-z0-9._-]*(~[0-9a-f]{16})?\.log\Z")
BESIDE = re.compile(r"(\.?SHA256SUMS|SHA256SUMS\.sig(\.tsr|\.[0-9])?|runner\.log|addenda/.*)\Z")
POINT = re.compile(rb"runbook record ([A-Za-z0-9][A-Za-z0-9._-]*)\n([0-9]{1,12})\n([0-9a-f]{64})\n[0-9TZ:.-]*\n\Z")
ROOT = re.compile(rb"[^\n]+\n(0|[1-9][0-9]{0,11})\n([A-Za-z0-9+/=]{44})\n(\n.*)?\Z", re.DOTALL)
SIGNED = re.compile(rb"-----BEGIN SSH SIGNATURE-----\n(.*?)\n-----END SSH SIGNATURE-----\n?\Z", re.DOTALL)


def sha(data):
    return hashlib.sha256(data).hexdigest()


class Odd(Exception): ...  # noqa: N818 - something else stands where a plain file should be


def at(folder, name):
    """The bytes of a plain file below a folder, no link followed on the way; None where there is none."""
    path = Path(folder)
    for number, part in enumerate(parts := name.split("/"), start=1):
        path /= part
        if path.is_symlink() or (path.exists() and not (path.is_file() if number == len(parts) else path.is_dir())):
            raise Odd(name)
    return path.read_bytes() if path.exists() else None


def walk(folder, prefix=""):
    for entry in os.scandir(Path(folder) / prefix):
        if entry.is_dir(follow_symlinks=False):
            yield from walk(folder, f"{prefix}{entry.name}/")
        elif entry.is_file(follow_symlinks=False):
            yield prefix + entry.name
        else:
            raise Odd(prefix + entry.name)


def listing(data):
    """Name to hash; None for what is no listing in order."""
    found = dict(line.split("  ", 1)[::-1] for line in data.decode("latin-1").split("\n")[:-1] if "  " in line)
    odd = not all(NAME.match(name) and re.match(r"[0-9a-f]{64}\Z", digest) for name, digest in found.items())
    return (
        None
        if odd or "".join(f"{found[each]}  {each}\n" for each in sorted(found)).encode("latin-1") != data
        else found
    )


def member(text, start, name):
    """The text of one member of the JSON object that begins at `start`, exactly as it stands there."""
    decoder, place = json.JSONDecoder(), start + 1
    while text[place - 1] != "}":
        key, place = decoder.raw_decode(text, place)
        _, end = decoder.raw_decode(text, place + 1)
        if key == name:
            return text[place + 1 : end]
        place = end + 1
    return ""


def merkle(leaves):
    """RFC 6962, section 2.1, as it stands there."""
    if len(leaves) < 2:
        return hashlib.sha256(b"\0" + leaves[0] if leaves else b"").digest()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + merkle(leaves[:half]) + merkle(leaves[half:])).digest()


def keygen(action, signature, data, *words):
    with tempfile.NamedTemporaryFile() as file:
        file.write(signature)
        file.flush()
        command, zone = ["ssh-keygen", "-Y", action, "-s", file.name, *words], {**os.environ, "TZ": "UTC"}
        return subprocess.run(command, input=data, capture_output=True, env=zone, check=False)


def holds(signature, data, namespace):
    return SIGNED.match(signature) and not keygen("check-novalidate", signature, data, "-n", namespace).returncode


def signer(signature, data, namespace, signers, when=""):
    """Who signed it, of those who may; empty for anybody else."""
    time = [f"-Overify-time={when}"] if when else []
    who = keygen("find-principals", signature, data, "-f", signers, *time)
    for name in who.stdout.decode().replace(",", "\n").split() if who.returncode == 0 else ():
        if keygen("verify", signature, data, "-n", namespace, "-f", signers, "-I", name, *time).returncode == 0:
            return name
    return ""


def fingerprint(signature):
    """Of the key in a signature (PROTOCOL.sshsig); empty for a certificate, whose key lies deeper in it."""
    blob = base64.b64decode(SIGNED.match(signature)[1])
    key = blob[14 : 14 + int.from_bytes(blob[10:14], "big")]
    said = base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")
    return "" if b"-cert-v01" in key[:64] else f"SHA256:{said}"


class Verifier:
    """One record; `found` has the gravest finding of each check, the first of its kind."""

    def __init__(self, folder, signers="", known="", place=""):
        self.folder, self.signers, self.known = Path(folder), signers, known
        self.ledger_at = Path(place) if place else self.folder.resolve().parent / "ledger"
        self.found, self.events, self.heads, self.line = {}, [], [], b""

    @property
    def first(self):
        return self.events[0] if self.events and self.events[0]["type"] == "RunOpened" else {}

    def say(self, check, level, text):
        if check not in self.found or level > self.found[check][0]:
            self.found[check] = (level, text)

    @property
    def status(self):
        return (0, 0, 3, 2, 1)[max([OK, *(level for level, _ in self.found.values())])]

    def at(self, name):
        """Bytes; empty for what is no plain file."""
        with contextlib.suppress(Odd):
            return at(self.folder, name)
        return b""

    def verify(self):
        """Everything; False where the format is another one."""
        self.journal()
        if self.first and self.first.get("format", 1) != 2:
            return False
        for check in (self.plan, self.copies, self.attempts, self.shown, self.output, self.torn):
            check()
        words, manifest = self.sealed()
        if words.get("state") == "interrupted" and self.found.get("seal", (OK,))[0] < MISSING:
            for name in ("chain", "ending", "attempts", "output"):
                if self.found.get(name, (OK,))[0] == MISSING:
                    self.found[name] = (EXCEPTION, f"{self.found[name][1]}; it was sealed as interrupted")
        self.checkpoints()
        self.ledger(manifest)
        return True

    def journal(self):
        """Every good line; stops at the first that does not follow."""
        try:
            *lines, rest = (at(self.folder, "journal.jsonl") or b"").split(b"\n")
        except Odd:
            return self.say("chain", ALTERED, "journal.jsonl is not a plain file")
        before = 0.0
        for line in (part + b"\n" for part in lines):
            frame, due = FRAME.match(line), (self.heads or [ZERO])[-1]
            if not frame or sha(line[:-75]).encode() != frame[3]:
                return self.say("chain", ALTERED, f"line {len(self.heads) + 1} is not as it was written")
            entry = json.loads(line)
            if frame[1] != due.encode() or entry["seq"] != len(self.heads) or entry["at"] < before:
                return self.say("chain", ALTERED, f"line {len(self.heads) + 1} does not follow the one before it")
            before, self.line = entry["at"], self.line or line
            self.heads.append(sha(line))
            self.events.append(entry["event"])
        if rest:
            torn = len(rest) < 256 * 1024 or rest.startswith((b'{"prev":"', b"\0"))
            self.say("chain", MISSING if torn else ALTERED, f"line {len(self.heads) + 1} is cut off")

    def of(self, kind):
        return [event for event in self.events if event["type"] == kind]

    def plan(self):
        if not self.of("RunEnded"):
            self.say("ending", MISSING, "the journal does not say that the run ended")
        elif self.events.index(self.of("RunEnded")[0]) != len(self.events) - 1:
            self.say("ending", ALTERED, "the journal goes on behind its end")
        if not self.first or len(self.of("RunOpened")) > 1:
            return self.say("plan", ALTERED if self.events else MISSING, "the run is not opened once, in line 1")
        text = self.line.decode()
        digest = sha(member(text, text.index('"event":') + len('"event":'), "plan").encode())
        if digest != self.first["plan_digest"] or self.first.get("files", {}).get("plan.json", digest) != digest:
            self.say("plan", ALTERED, "the plan is not the one that was confirmed")

    def copies(self):
        for name, expected in self.first.get("files", {}).items():
            data = self.at(name) if NAME.match(name) and "/" not in name else b""
            if data is None or sha(data) != expected:
                self.say("copies", MISSING if data is None else ALTERED, f"{name} is not what the run was made from")

    def attempts(self):
        known, left = set(), set()
        for event in self.events:
            key, kind = (event.get("step"), event.get("host"), event.get("number")), event["type"]
            ran = kind == "AttemptEnded" and event["outcome"] in RAN
            if (kind == "AttemptStarted" and key in known) or (ran and key not in known):
                self.say("attempts", ALTERED, f"attempt {key} is started twice, or ends and never was")
            known |= {key} if kind == "AttemptStarted" else set()
            left = left | {key} if kind == "AttemptStarted" else left - {key} if kind == "AttemptEnded" else left
        if left:
            self.say("attempts", MISSING, f"{len(left)} attempts have no end")

    def shown(self):
        entered, texts = {}, {}
        for event in self.events:
            step, digest, kind = event.get("step"), event.get("digest", ""), event["type"]
            if kind == "StepEntered":
                said = event.get("shown", {})
                hosts = event.get("hosts") or "*"
                texts[step] = {name: sha(said.get(name, said.get("*", "")).encode()) for name in hosts}
                listed = "".join(f"{texts[step][name]}  {name}\n" for name in sorted(texts[step]))
                entered[step] = digest
                if (digest or said) and sha(listed.encode()) != digest:
                    self.say("shown", ALTERED, f"step {step} was entered with another digest than it shows")
            elif kind == "GateOpened":
                asked = sha(event.get("message", "").encode())
                if digest != (asked if event["kind"] == "host_key" else entered.get(step, "")):
                    self.say("shown", ALTERED, f"gate {event['gate']} was opened with another digest")
            elif kind == "AttemptStarted" and digest != texts.get(step, {}).get(event["host"], ""):
                self.say("shown", ALTERED, f"step {step} was started on {event['host']} with another digest")

    def output(self):
        ends, then, resumes = {}, {}, 0
        for event in self.events:
            resumes += event["type"] == "RunnerStarted" and event.get("resumed", False)
            if event["type"] == "OutputArrived":
                self.chunk(event, ends, resumes > then.get(event["file"], 0))
                then[event["file"]] = resumes
        place, names = self.folder / "out", []
        try:
            names = list(walk(self.folder, "out/")) if place.is_dir() else []
        except Odd:
            self.say("output", ALTERED, "something in out is no plain file")
        if place.is_symlink() or place.exists() != place.is_dir():
            self.say("output", ALTERED, "out is not a plain folder")
        for name in names:
            more = (self.folder / name).stat().st_size > ends.get(name, 0)
            if "/" in name[4:] or (more and self.of("RunEnded") and resumes == then.get(name, 0)):
                self.say("output", ALTERED, f"{name} has bytes that no line names")

    def chunk(self, event, ends, after_crash):
        name, offset, length = event["file"], event["offset"], event["length"]
        gap = offset - ends.get(name, 0)
        if not LOG.match(name) or offset < 0 or length < 0 or gap < 0 or (gap and not after_crash):
            return self.say("output", ALTERED, f"{name}: no chunk is due at {offset}")
        ends[name] = offset + length
        data = (self.at(name) or b"")[offset : offset + length]
        if len(data) < length or sha(data) != event["sha256"]:
            self.say("output", MISSING if len(data) < length else ALTERED, f"{name}: not what came in from {offset} on")

    def torn(self):
        declared = sum(event.get("torn_bytes", 0) for event in self.of("RunnerStarted"))
        found = list(self.folder.glob("torn-*"))
        kept = sum(path.lstat().st_size for path in found)
        odd = any(path.is_symlink() or not path.is_file() for path in found)
        if odd or kept != declared:
            wrong = odd or self.of("RunEnded") or kept < declared
            self.say("torn", ALTERED if wrong else NOTE, f"{declared} torn bytes are declared, and {kept} are kept")

    def sealed(self):
        """Listing, files and signature; gives the seal's words and the hash of what was signed, where there are any."""
        demand = self.first.get("plan", {}).get("environment", {}).get("seal", "") or self.signers
        if not (self.folder / "SHA256SUMS").is_symlink() and not (self.folder / "SHA256SUMS").exists():
            self.say("seal", MISSING if demand else NOTE, "not sealed")
            return {}, ""
        manifest = self.at("SHA256SUMS") or b""
        permanent, outputs = listing(manifest), listing(self.at("OUTPUT.SHA256SUMS") or b"")
        words = {}
        with contextlib.suppress(ValueError, AttributeError):
            said = json.loads(self.at("SEAL.json") or b"")
            words = said if {"run", "state", "lines", "head", "sealed"} <= said.keys() else {}
        self.listed(permanent, outputs, words)
        self.signed(manifest, words, demand)
        due = (self.first.get("run", words.get("run")), len(self.heads), (self.heads or [ZERO])[-1])
        if words and (words["run"], words["lines"], words["head"]) != due:
            self.say("seal", ALTERED, "it is the seal of another journal")
        return words, sha(manifest) if manifest else ""

    def listed(self, permanent, outputs, words):
        try:
            found = {name for name in walk(self.folder) if not BESIDE.match(name)}
        except Odd:
            found = None
        whole = permanent is not None and outputs is not None and words and found == {*permanent, *outputs}
        if not whole or any(name.startswith(("out/", "attach/")) for name in permanent):
            self.say("listing", ALTERED, "what lies here is not what was listed")
        for name, digest in {**(permanent or {}), **(outputs or {})}.items():
            if sha(self.at(name) or b"") != digest or self.at(name) is None:
                self.say("files", ALTERED, f"{name} is not as it was when the record was sealed")

    def signed(self, manifest, words, demand):
        signature, key, who = self.at("SHA256SUMS.sig"), words.get("key", ""), "seal@runbook"
        if not words:
            self.say("seal", MISSING, "there is no SEAL.json that can be read")
        elif not signature:
            self.say("seal", MISSING if key or demand else NOTE, "nobody signed it, or the signature is gone")
        elif not holds(signature, manifest, who):
            self.say("seal", ALTERED, "the signature does not belong to the listing")
        elif fingerprint(signature) not in ("", key):
            self.say("seal", ALTERED, "it was signed with another key than it says")
        elif not self.signers or signer(signature, manifest, who, self.signers):
            self.say("seal", OK if self.signers else NOTE, f"signed with {key}")
        elif signer(signature, manifest, who, self.signers, re.sub(r"\D", "", words["sealed"][:19])):
            self.say("seal", EXCEPTION, "the key may not sign now, and could by the record's own clock")
        else:
            self.say("seal", ALTERED, "it was signed by somebody who may not")

    def checkpoints(self):
        for path in sorted((self.folder / "checkpoints").glob("[0-9]*.txt")):
            name = f"checkpoints/{path.name}"
            text, signature = self.at(name) or b"", self.at(f"{name}.sig")
            said = POINT.match(text)
            mine = said and said[1].decode() == self.first.get("run")
            if said and not signature and not path.with_name(f"{path.name}.sig").is_symlink():
                self.say("checkpoints", NOTE, f"{name} has no signature")
            elif not mine or not holds(signature or b"", text, "checkpoint@runbook"):
                self.say("checkpoints", ALTERED, f"{name} was changed, or is another run's, or no checkpoint")
            elif self.heads[int(said[2]) - 1 : int(said[2])] != [said[3].decode()]:
                self.say("checkpoints", ALTERED, f"{name} was signed over a line that is not there any more")

    def ledger(self, manifest):
        quoted, run, place = self.first.get("ledger", ""), self.first.get("run", ""), self.ledger_at
        if not place.is_dir():
            return self.say("ledger", MISSING if self.known else NOTE, "there is no ledger here")
        files = sorted(path for path in place.iterdir() if re.match(r"[0-9]{9}\.json\Z", path.name))
        prev, mine, leaves = ZERO, [], []
        for number, path in enumerate(files, start=1):
            entry = self.entry(path, number, prev, run)
            leaves.append(at(place, path.name))
            prev = sha(leaves[-1])
            mine += [(prev, entry)] if run and entry.get("run") == run else []
        for path in [*sorted((place / "checkpoints").glob("*.txt")), *([Path(self.known)] if self.known else [])]:
            self.point(path, leaves)
        if quoted and not any(digest == quoted and entry["kind"] == "opened" for digest, entry in mine):
            self.say("ledger", ALTERED, "the entry that the record quotes is not in the ledger")
        for entry in (entry for _, entry in mine if entry["kind"] in ("sealed", "abandoned", "destroyed")):
            if entry["kind"] == "destroyed":
                self.say("ledger", EXCEPTION, "by the ledger it was destroyed lawfully")
            elif (entry.get("manifest", ""), entry.get("head", "")) != (manifest, (self.heads or [ZERO])[-1]):
                self.say("ledger", ALTERED, f"entry {entry['seq']} saw another record sealed")

    def entry(self, path, number, prev, run):
        data = path.read_bytes()
        try:
            said = json.loads(data)
            fits = (said["seq"], said["prev"], path.name) == (number, prev, f"{number:09d}.json")
            fits = fits and re.match(r"\d{4}-\d\d-\d\dT", said["time"])
        except (ValueError, KeyError, TypeError):
            said, fits = {}, False
        if not fits:
            self.say("ledger", ALTERED, f"entry {number} is missing, or does not follow the one before it")
        signature = at(path.parent, f"{path.name}.sig")
        if signature and said.get("run") == run and not holds(signature, data, "ledger@runbook"):
            self.say("ledger", ALTERED, f"entry {number} is not what was signed")
        return said

    def point(self, path, leaves):
        text, signature = at(path.parent, path.name) or b"", at(path.parent, f"{path.name}.sig")
        said = ROOT.match(text)
        if not said or (signature and not holds(signature, text, "checkpoint@runbook")):
            self.say("ledger", ALTERED, f"{path} is not the checkpoint that was signed")
        elif int(said[1]) > len(leaves) or base64.b64encode(merkle(leaves[: int(said[1])])) != said[2]:
            self.say("ledger", ALTERED, f"{path} knows other entries than are here, or more of them")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    for name in ("record", "--allowed-signers", "--checkpoint", "--ledger"):
        parser.add_argument(name, default="")
    verifier = Verifier(*vars(parser.parse_args()).values())
    if not os.path.lexists(verifier.folder / "journal.jsonl") or not verifier.verify():
        print("there is no record here, or it has a format that this program does not know", file=sys.stderr)
        return 4
    for name, (level, text) in sorted(verifier.found.items()):
        print(f"{name:12} {NAMES[level]:10} {text}")
    print(("sound", "altered", "incomplete", "sound with exceptions")[verifier.status])
    return verifier.status


if __name__ == "__main__":
    sys.exit(main())
