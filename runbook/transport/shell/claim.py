"""How a job is named on its host, and on which terms it may begin there: what every frame that starts one says first.

The rules themselves are `place.sh` and `durable.sh`; this file only puts them into words. They are the same for what is
durable, for what runs attached, and for work that no shell does and that only claims its name (`claimed`).
"""

from __future__ import annotations

import hashlib

from runbook.core.outcome import Ending
from runbook.transport.session import Job
from runbook.transport.shell import last_words
from runbook.transport.shell.answer import answered
from runbook.transport.shell.limits import SETTLE
from runbook.transport.shell.quoting import quote
from runbook.transport.shell.worker import Worker


def file_name(job: str) -> str:
    """The name of a job's files on its host: the same for every runner that ever asks for it."""
    return hashlib.sha256(job.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def terms(job: Job, digest: str = "") -> str:
    """Lines that tell a shell what a job is for, and what must hold of the past before it may begin.

    Args:
        job: The job.
        digest: Of its command: two commands of one name are not the same job.
    """
    spec = " ".join(f"{job.id} {digest}".split())
    resumed = "blind" if job.is_blind else "yes" if job.is_resumed else ""
    earlier = " ".join(file_name(unsent) for unsent in job.unsent)
    return (
        f"rb_spec={quote(spec)}\nrb_group={file_name(job.id.partition('/')[0])[:16]}\nrb_expect={quote(job.place)}\n"
        f"rb_resumed={resumed}\nrb_earlier='{earlier}'\nrb_wait=0\n"
    )


async def claimed(worker: Worker, job: Job, kind: str, digest: str = "") -> Ending | None:
    """Claim a job's name for work that is not this shell's.

    Args:
        worker: Of the user whose place keeps the claim.
        job: The job.
        kind: `channel` or `held` (`durable.sh`).
        digest: As for `terms`.

    Returns:
        None when it may be done now, and why not otherwise.

    Raises:
        ChannelRefused: No answer came; the work must not be done.
    """
    text = f"{terms(job, digest)}rb_claim {file_name(job.id)} {kind}\n"
    last = (await answered(worker, text, within=SETTLE))[-1]
    return None if last.word == "claimed" else last_words.begun(last.word, last.rest, has_output=False)
