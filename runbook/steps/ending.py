"""From what the operating system observed to what it means: the one place where an ending becomes an outcome.

Sessions report endings and never success. Here an exit code meets the author's tolerances, and everything that is not
an exit code becomes the outcome that tells the truth about it: a lost link is in doubt, what was never sent is
unreachable, what we ended timed out or was cancelled. There is no road from anything but an exit code to success. Every
reason for a failure is given at once, because an operator who fixes one only to meet the next loses minutes.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import NamedTuple, assert_never

import msgspec

from runbook.core.host_key import changed_key
from runbook.core.outcome import (
    Ending,
    Exited,
    Expired,
    Grade,
    Lost,
    NeverSent,
    Outcome,
    Signalled,
    Stopped,
    Withheld,
)
from runbook.core.planned.action import Expectation, Tolerance
from runbook.core.result import Result
from runbook.matching.off_loop import off_loop
from runbook.problem import Problems
from runbook.steps.capture import KEEP
from runbook.steps.kind import Bench, Finding
from runbook.steps.tolerance import Kept, Observed, asks, judge

_RC_ZERO = Tolerance(equals=0)
_STATUS_GOOD = Tolerance(range=(200, 299))
_LAST_WORDS = 200
"""Characters of the last line of standard error that a detail repeats."""


async def concluded(ending: Ending, observed: Observed, bench: Bench) -> Finding:
    """What a command's ending means for its step."""
    match ending:
        case Exited(code, late_output, out_of_memory):
            finding = await judged(msgspec.structs.replace(observed, rc=code), bench)
            if out_of_memory:
                finding = _with_detail(finding, "the kernel ended a process of it for want of memory")
            late = "something that it started still runs and writes"
            return _with_detail(finding, late) if late_output else finding
        case Signalled(signal):
            return _ended(Outcome.FAILED, f"ended by signal {signal}", observed, bench)
        case Expired(after, survivors):
            finding = _ended(
                Outcome.TIMED_OUT, f"ended at its limit of {after:g} s{_still(survivors)}", observed, bench
            )
            return msgspec.structs.replace(finding, survivors=survivors)
        case Stopped(survivors):
            detail = f"ended because it was no longer wanted{_still(survivors)}"
            return msgspec.structs.replace(_ended(Outcome.CANCELLED, detail, observed, bench), survivors=survivors)
        case Lost(reason, is_over):
            detail = f"{_known_of(observed, bench)}: {reason}"
            return msgspec.structs.replace(_ended(Outcome.IN_DOUBT, detail, observed, bench), is_over=is_over)
        case Withheld(reason, is_over):
            detail = f"not sent now, because it may have happened before: {reason}"
            return msgspec.structs.replace(_ended(Outcome.IN_DOUBT, detail, observed, bench), is_over=is_over)
        case NeverSent(reason):
            return _ended(Outcome.UNREACHABLE, f"not sent: {reason}", observed, bench)
        case _:
            assert_never(ending)


def _known_of(observed: Observed, bench: Bench) -> str:
    """What is certain of work that nobody knows the end of."""
    if not bench.reattach:
        return "sent, and no answer came"
    said = any(kept and kept.text for kept in (observed.stdout, observed.stderr))
    return "begun, and no end is known" if said or bench.has_printed else "announced, and it may have run"


async def judged(observed: Observed, bench: Bench) -> Finding:
    """Success when nothing that was written about the result fails to hold; never asked about work that did not end."""
    result, expect = _result(observed), _expected(observed, bench)
    quoting = not bench.planned.no_log
    if asks(expect):
        misses = await off_loop(lambda: judge(expect, observed, quoting=quoting))
    else:
        misses = judge(expect, observed, quoting=quoting)
    said = _asked(result, bench)
    reasons = (*misses, *_last_words(misses, result, bench), *said.reasons)
    if not reasons:
        return _ended(Outcome.SUCCEEDED, "", observed, bench)
    why = f"; not tried again, as until holds: {bench.planned.until}" if said.is_last else ""
    finding = _ended(Outcome.FAILED, "; ".join(reasons) + why, observed, bench)
    return msgspec.structs.replace(finding, is_last=said.is_last)


def settled(finding: Finding, bench: Bench) -> Finding:
    """A finding that was reached without an `expect`, after `failed_when` and `until` have had their say."""
    if finding.outcome not in {Outcome.SUCCEEDED, Outcome.FAILED}:
        return finding
    said = _asked(finding.result, bench)
    if finding.outcome is Outcome.FAILED:
        return msgspec.structs.replace(finding, is_last=said.is_last)
    if not said.reasons:
        return finding
    detail = "; ".join(said.reasons)
    return msgspec.structs.replace(finding, outcome=Outcome.FAILED, detail=detail, is_last=said.is_last)


def refused(problems: Problems) -> Finding:
    """Work that could not be done here, in the words of whoever refused it."""
    return Finding(outcome=Outcome.FAILED, detail=told(problems))


def unopened(problems: Problems, bench: Bench) -> Finding:
    """The host could not be opened: nothing was sent now, but what an earlier runner started may have run."""
    if bench.reattach:
        return Finding(outcome=Outcome.IN_DOUBT, detail=f"started, and cannot be asked about: {told(problems)}")
    return Finding(outcome=Outcome.UNREACHABLE, detail=told(problems), changed_key=changed_key(problems.problems))


def not_repeated(what: str, *, is_over: bool) -> Finding:
    """The runner that was to do it is gone and the work cannot be followed again: a person, or `idempotent`, decides.

    Args:
        what: What was to be done.
        is_over: True for work that ends with the runner that does it.
    """
    detail = f"{what}, perhaps, by a runner that is gone"
    return Finding(outcome=Outcome.IN_DOUBT, detail=detail, is_over=is_over)


async def granted(claim: Awaitable[Ending | None], bench: Bench) -> Finding | None:
    """Why work that only claims its name must not be done now; None when it may, and from then on it may have been."""
    try:
        refusal = await claim
    except Problems as problems:
        return unopened(problems, bench)
    if refusal is not None:
        return await concluded(refusal, Observed(), bench)
    await bench.sink.reached(Grade.ATTACHED)
    return None


def told(problems: Problems) -> str:
    """Problems as one line."""
    return " ".join(str(problem) for problem in problems.problems)


def _ended(outcome: Outcome, detail: str, observed: Observed, bench: Bench) -> Finding:
    result = _result(observed)
    if bench.planned.no_log:
        result = msgspec.structs.replace(result, stdout="", stderr="")
    return Finding(outcome=outcome, detail=detail, result=result)


def _with_detail(finding: Finding, more: str) -> Finding:
    return msgspec.structs.replace(finding, detail="; ".join(filter(None, (finding.detail, more))))


def _still(survivors: tuple[str, ...]) -> str:
    return f"; still running: {', '.join(survivors)}" if survivors else ""


def _result(observed: Observed) -> Result:
    said = observed.body or observed.stdout or Kept("")
    return Result(
        rc=observed.rc,
        stdout=said.text[:KEEP],
        stderr=(observed.stderr or Kept("")).text,
        status=observed.status,
        value=msgspec.json.decode(observed.value.text) if observed.value and not observed.value.cut else None,
        duration=observed.latency,
    )


def _last_words(misses: tuple[str, ...], result: Result, bench: Bench) -> tuple[str, ...]:
    """The last of standard error, where the exit code is among what is wrong."""
    words = result.stderr.rstrip().rpartition("\n")[2].strip()
    is_wanted = words and not bench.planned.no_log and any(miss.startswith("exit code") for miss in misses)
    return (f"stderr ends: {words[:_LAST_WORDS]}",) if is_wanted else ()


def _expected(observed: Observed, bench: Bench) -> Expectation:
    """What was written, with the rule for exit codes and statuses that nobody writes down.

    An author who says `failed_when` has said what failure is, so the unwritten rule steps back, as in Ansible.
    """
    expect = bench.planned.expect or Expectation()
    if bench.planned.failed_when:
        return expect
    if observed.rc is not None and expect.rc is None:
        return msgspec.structs.replace(expect, rc=_RC_ZERO)
    if observed.status is not None and expect.status is None:
        return msgspec.structs.replace(expect, status=_STATUS_GOOD)
    return expect


class _Said(NamedTuple):
    """What the step's own expressions made of a result."""

    reasons: tuple[str, ...]
    """Why it is a failure; none where it is not."""
    is_last: bool
    """`until` holds: this was the last attempt, whatever else is wrong with it."""


def _asked(result: Result, bench: Bench) -> _Said:
    """As Ansible does: `until` alone decides whether there is another attempt, the rest whether this one failed."""
    failed_when, until = bench.planned.failed_when, bench.planned.until
    reasons: list[str] = []
    is_last = False
    try:
        if failed_when and bench.evaluate(failed_when, result):
            reasons.append(f"failed_when holds: {failed_when}")
        is_last = bool(until) and bench.evaluate(until, result)
        if until and not is_last:
            reasons.append(f"until does not hold: {until}")
    except Problems as problems:
        reasons.append("an expression cannot be evaluated" if bench.planned.no_log else told(problems))
    return _Said(tuple(reasons), is_last)
