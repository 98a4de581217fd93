"""Six megabytes from one step, in one line and in short ones: milliseconds until all of it is here.

    python -m benchmarks.long_line

base64 without wrapping, minified JSON and database dumps are one line. This machine is the host, over its own shell:
what counts is that shell, the files of a durable job, the masker and the kept beginning, and no link and no record.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time

from benchmarks.table import publish, rows
from runbook.core.host import Host
from runbook.core.outcome import Grade
from runbook.core.planned.command import Command, Secret
from runbook.masking.masker import Masker
from runbook.steps.capture import Capture
from runbook.transport.local.connector import LocalConnector
from runbook.transport.session import Job, Session, Stream

SIZE = 6_000_000
ROUNDS = 5
BUDGET = 200
"""Milliseconds, whatever the lines."""
SHAPES = {"one line": f"head -c {SIZE} /dev/zero | tr '\\0' x", "lines of 60": f"yes {'x' * 59} | head -c {SIZE}"}


class Counted:
    """A sink that only counts."""

    size = 0

    async def receive(self, stream: Stream, data: bytes) -> None:
        """Count."""
        del stream
        self.size += len(data)

    async def reached(self, grade: Grade, place: str = "") -> None:
        """Nothing to do."""


async def took(session: Session, text: str, job: Job) -> float:
    """Milliseconds."""
    sink = Counted()
    began = time.perf_counter()
    masker = Masker.for_secrets([Secret("password", "hunter22SuperSecret")])
    await session.run(Command(shell=text), job, Capture(sink, masker))
    assert sink.size == SIZE
    return (time.perf_counter() - began) * 1000


async def measured() -> list[tuple[str, ...]]:
    """A row for each shape and grade: the least of some rounds."""
    connector = LocalConnector(wall=time.time)
    session = await connector.connect(Host(name="here", connection="local"))
    body = []
    for shape, text in SHAPES.items():
        for grade, durable in (("durable", True), ("attached", False)):
            jobs = [Job(id=f"{grade} {shape} {number}", durable=durable) for number in range(ROUNDS)]
            least = min([await took(session, text, job) for job in jobs])
            body.append((f"{shape}, {grade}", f"{least:.0f}", "held" if least <= BUDGET else "**missed**"))
    await session.close()
    await connector.close()
    return body


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/README.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(HOME=home, XDG_STATE_HOME=home)
        body = asyncio.run(measured())
    heads = (f"{SIZE // 1_000_000} MB of output, as", "ms", f"budget <= {BUDGET}")
    publish("long_line", rows(heads, body), write=options.write)


if __name__ == "__main__":
    main()
