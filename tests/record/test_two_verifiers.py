"""The program and a verifier that shares no line with it say the same of damaged records.

`make test` draws some hundred; `make nightly` ten thousand (`RUNBOOK_DAMAGED_RECORDS`). A failure names its seed.
"""

from __future__ import annotations

import ast
import asyncio
import importlib.util
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from runbook.record.checking.roots import Roots
from runbook.record.checking.soundness import Soundness
from runbook.record.checking.verify import verify
from runbook.record.ledger.ledger import Ledger
from runbook.record.sealing.signing import Trust
from tests.record.damage import damaged
from tests.record.seals import (
    NEXT,
    RUN,
    by_hand,
    interrupted,
    make_key,
    open_up,
    recorded,
    run_to_its_end,
    sealer,
    signers,
)

PROGRAM = Path(__file__).parents[2] / "docs/verify_standalone.py"
DRAWN = int(os.environ.get("RUNBOOK_DAMAGED_RECORDS", "150"))
WORDS = {Soundness.EXCEPTED: "exception", Soundness.MISSING: "missing", Soundness.ALTERED: "altered"}
OF_THE_STORY = {"approvals", "gates", "faults", "version", "access"}
"""What the other one leaves to the program, by its own words."""


def loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("verify_standalone", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


STANDALONE = loaded()


class Auditor:
    """What somebody keeps elsewhere, and where the records are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.allowed = folder / "allowed_signers"
        self.checkpoint = folder / "known.txt"

    def ours(self, root: Path, *, trusting: bool) -> tuple[int, dict[str, str]]:
        roots = Roots(trust=Trust(signers=str(self.allowed)), checkpoint=str(self.checkpoint)) if trusting else Roots()
        found = verify(root / RUN, roots)
        wrong = {check.name: WORDS[check.finding] for check in found.checks if check.finding in WORDS}
        return int(found.grade.status), {name: word for name, word in wrong.items() if name not in OF_THE_STORY}

    def theirs(self, root: Path, *, trusting: bool) -> tuple[int, dict[str, str]]:
        given = (str(self.allowed), str(self.checkpoint)) if trusting else ("", "")
        report = STANDALONE.Verifier(root / RUN, *given)
        assert report.verify()
        said = {name: STANDALONE.NAMES[level] for name, (level, _) in report.found.items() if level > STANDALONE.NOTE}
        return report.status, said


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Auditor]:
    """Folders of two records and a ledger: signed, unsigned, unsealed, interrupted, sealed as interrupted."""
    return {name: asyncio.run(base(tmp_path_factory.mktemp("base"), name)) for name in BASES}


BASES = ("signed", "unsigned", "unsealed", "interrupted", "sealed as interrupted")


async def base(folder: Path, name: str) -> Auditor:
    key = make_key(folder / "keys")
    make_key(folder / "keys", "mallory")
    signers(folder / "allowed_signers", ("anna@example.org", key))
    root = folder / "recordings"
    by = sealer(key, every=4.0) if name in {"signed", "sealed as interrupted"} else sealer()
    if name in {"signed", "unsigned"}:
        await recorded(root, by, RUN, cut=0, pause=9)
    elif name == "unsealed":
        await run_to_its_end(root, None)
    else:
        await interrupted(root, by)
    if name == "sealed as interrupted":
        by_hand(root, by, reason="lost")
    await run_to_its_end(root, by, NEXT)
    Ledger(root).checkpoint(str(key))
    kept = max((root / "ledger/checkpoints").glob("*.txt"))
    shutil.copy(kept, folder / "known.txt")
    shutil.copy(f"{kept}.sig", folder / "known.txt.sig")
    open_up(root)
    return Auditor(folder)


@pytest.mark.parametrize("name", BASES)
@pytest.mark.parametrize("trusting", [True, False], ids=["with trust", "without"])
def test_both_call_an_untouched_record_what_it_is(bases: dict[str, Auditor], name: str, trusting: bool) -> None:
    auditor = bases[name]
    root = auditor.folder / "recordings"
    assert auditor.theirs(root, trusting=trusting) == auditor.ours(root, trusting=trusting)


def test_both_say_the_same_of_damaged_records(bases: dict[str, Auditor], tmp_path: Path) -> None:
    first = int(os.environ.get("RUNBOOK_DAMAGED_SEED", "0"))
    for seed in range(first, first + DRAWN):
        draw = random.Random(seed)
        auditor = bases[draw.choice(BASES)]
        root = tmp_path / "recordings"
        shutil.copytree(auditor.folder / "recordings", root)
        did = damaged(root, draw, str(auditor.folder / "keys/mallory"))
        trusting = draw.random() < 0.5
        ours, theirs = auditor.ours(root, trusting=trusting), auditor.theirs(root, trusting=trusting)
        assert theirs == ours, f"seed {seed}: {did} ({trusting=})"
        shutil.rmtree(root)


def test_the_other_verifier_is_short_and_needs_nothing_but_python() -> None:
    text = PROGRAM.read_text()
    names = {
        name.partition(".")[0]
        for node in ast.walk(ast.parse(text))
        for name in (
            [node.module]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in getattr(node, "names", ()) if isinstance(node, ast.Import)]
        )
    }
    assert (len(text.splitlines()) < 400, names - set(sys.stdlib_module_names)) == (True, set())


def test_the_other_verifier_runs_by_itself(bases: dict[str, Auditor], tmp_path: Path) -> None:
    """Copied elsewhere, with an interpreter that finds nothing of ours."""
    shutil.copy(PROGRAM, tmp_path / "verify.py")
    auditor = bases["signed"]
    words = [
        auditor.folder / "recordings" / RUN,
        "--allowed-signers",
        auditor.allowed,
        "--checkpoint",
        auditor.checkpoint,
    ]
    done = subprocess.run(
        [sys.executable, "-I", "-S", tmp_path / "verify.py", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr, done.stdout.splitlines()[-1]) == (0, "", "sound")
