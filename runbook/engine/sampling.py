"""Asking all the time: probes at their interval, and the canary whose marks tell what a recovery has lost.

Every answer is a sample on record, also the one that never came. A question that cannot be asked is a bad answer and
not an end: what is measured here is how long something was not there.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import re

from runbook.core.effect import Watch
from runbook.core.events.event import CanarySampled, ProbeSampled
from runbook.core.events.fact import Fact
from runbook.core.outcome import Outcome
from runbook.core.planned.action import Work
from runbook.core.planned.plan import MARK, PlannedCanary, PlannedProbe, PlannedStep
from runbook.engine.log import log_crash
from runbook.engine.masked import masked
from runbook.engine.sink import NoSink
from runbook.engine.tools import Tools
from runbook.problem import Problems, problem
from runbook.steps.kind import Bench, Finding, Sample
from runbook.steps.table import kind_for
from runbook.template.action_texts import replace_texts
from runbook.template.template import evaluate
from runbook.transport.session import Job
from runbook.view.words import fold_hosts

_MARK = re.compile(r"[0-9]{1,18}")
"""A mark as a host may print it; whatever else it prints is none."""


class Sampling:
    """The probes and the canary of one run."""

    def __init__(self, tools: Tools) -> None:
        """Ask with these tools."""
        self._tools = tools
        self._questions = itertools.count(1)

    async def watch(self, effect: Watch) -> None:
        """Ask at every interval, on a fixed grid: a slow answer delays the next question and adds none."""
        clock = self._tools.clock
        probe = self._tools.recorder.run.plan.probe(effect.probe)
        due = clock.monotonic()
        while probe is not None:
            await self.ask(effect.probe)
            due = max(due + probe.every, clock.monotonic())
            await clock.sleep(due - clock.monotonic())

    async def ask(self, name: str) -> Sample:
        """Ask a probe once, put the sample on record, and give it.

        Raises:
            Problems: The plan has no such probe.
        """
        probe = self._tools.recorder.run.plan.probe(name)
        if probe is None:
            raise problem(f'the plan has no probe "{name}"', code="no-probe")
        sample = await self._sample(probe)
        mask = self._tools.masker.mask_text
        if not self._tools.executor.is_stopping:
            self._tools.executor.tell(
                ProbeSampled(
                    probe=name,
                    ok=sample.ok,
                    took=sample.took,
                    value=masked(sample.value, mask),
                    detail=mask(sample.detail),
                )
            )
        return sample

    async def write_marks(self) -> None:
        """Write a mark at every interval; after a failed write, read the newest one back before writing the next."""
        clock = self._tools.clock
        canary = self._tools.recorder.run.plan.canary
        known = self._tools.recorder.run.canary
        mark, due = max(known.acknowledged, default=0), clock.monotonic()
        if canary is not None and known.failed_at is not None:
            # The runner before us had not read back what its failed write may have cost.
            await self._read_until_there(canary)
        while canary is not None:
            mark = max(mark + 1, int(clock.wall() * 1000))
            if not await self._write_mark(canary, mark):
                await self._read_until_there(canary)
            due = max(due + canary.every, clock.monotonic())
            await clock.sleep(due - clock.monotonic())

    async def _read_until_there(self, canary: PlannedCanary) -> None:
        while not await self._read_mark(canary):
            await self._tools.clock.sleep(canary.every)

    async def _write_mark(self, canary: PlannedCanary, mark: int) -> bool:
        action = replace_texts(canary.write, lambda field: field.text.replace(MARK, str(mark)))
        finding, took = await self.answer("canary", action, canary.write_on, canary.timeout)
        ok = finding.outcome is Outcome.SUCCEEDED
        self._tell_canary(CanarySampled(kind="write", mark=mark, ok=ok, took=took, detail=finding.detail))
        return ok

    async def _read_mark(self, canary: PlannedCanary) -> bool:
        finding, took = await self.answer("canary", canary.read, canary.read_on, canary.timeout)
        words = finding.result.stdout.split()
        ok = finding.outcome is Outcome.SUCCEEDED and bool(words) and _MARK.fullmatch(words[-1]) is not None
        if ok:
            self._tell_canary(CanarySampled(kind="read", mark=int(words[-1]), ok=True, took=took))
        return ok

    async def answer(self, name: str, action: Work, host: str, limit: float) -> tuple[Finding, float]:
        """What a host says, and the seconds it took; one that gives no answer in time is no success."""
        began = self._tools.clock.monotonic()
        finding = await self._in_time(PlannedProbe(name=name, action=action, hosts=(host,), timeout=limit), host)
        return finding, self._tools.clock.monotonic() - began

    def _tell_canary(self, event: CanarySampled) -> None:
        if not self._tools.executor.is_stopping:
            self._tools.executor.tell(masked(event, self._tools.masker.mask_text))

    async def _sample(self, probe: PlannedProbe) -> Sample:
        began = self._tools.clock.monotonic()
        findings = await asyncio.gather(*(self._in_time(probe, host) for host in probe.hosts))
        took = self._tools.clock.monotonic() - began
        bad = {
            host: finding.detail
            for host, finding in zip(probe.hosts, findings, strict=True)
            if finding.outcome is not Outcome.SUCCEEDED
        }
        return Sample(ok=not bad, took=took, detail=_bad_words(bad, probe.hosts))

    async def _in_time(self, probe: PlannedProbe, host: str) -> Finding:
        """The answer of one host; none in time is a bad one, of that host alone."""
        late = Finding(outcome=Outcome.TIMED_OUT, detail=f"no answer within {probe.timeout:g} s")
        try:
            async with asyncio.timeout(probe.timeout) as limit:
                finding = await self._asked_on(probe, host)
        except TimeoutError:
            return late
        # A command that was ended for being late tells that it was ended, and not why.
        return late if limit.expired() else finding

    async def _asked_on(self, probe: PlannedProbe, host: str) -> Finding:
        run = self._tools.recorder.run
        planned = PlannedStep(
            id=f"probe.{probe.name}",
            name=probe.name,
            action=probe.action,
            by_host={**probe.by_host},
            expect=probe.expect,
            awaits=probe.awaits,
            durable=False,
        )
        try:
            action = self._tools.entering.visit(run, planned).sent(host).action
            return await kind_for(action).attempt(action, self._probe_bench(planned, probe, host))
        except Problems as wrong:
            return Finding(outcome=Outcome.FAILED, detail="; ".join(str(one) for one in wrong.problems))
        except Exception as crash:  # noqa: BLE001 - a probe that we cannot ask is not good, and is asked again
            log_crash(crash)
            return Finding(outcome=Outcome.FAILED, detail=f"runbook itself failed ({type(crash).__name__})")

    def _probe_bench(self, planned: PlannedStep, probe: PlannedProbe, host: str) -> Bench:
        tools, run = self._tools, self._tools.recorder.run
        # Every question is a job of its own: what was answered once is never asked again under the same name.
        job = f"{run.id}/probe/{probe.name}/{host}/{run.runners}.{next(self._questions)}"

        return Bench(
            planned=planned,
            host=host,
            job=Job(id=job, limit=probe.timeout, durable=False, leaves_trace=False),
            sink=NoSink(),
            clock=tools.clock,
            open_session=functools.partial(tools.fleet.session, host),
            ask_probe=self.ask,
            evaluate=lambda expression, _result: (
                evaluate(expression, tools.entering.scope(tools.recorder.run, host)).verdict
            ),
            report=tools.reporter(host),
            state=_no_fact,
            secrets=tools.secrets,
            folder=tools.folder,
        )


def _bad_words(bad: dict[str, str], hosts: tuple[str, ...]) -> str:
    """Why a probe was not good: with several hosts, on which of them, those that say the same together."""
    if len(hosts) == 1:
        return bad.get(hosts[0], "")
    said: dict[str, list[str]] = {}
    for host, detail in bad.items():
        said.setdefault(detail or "not good", []).append(host)
    return "; ".join(f"{fold_hosts(members)}: {detail}" for detail, members in said.items())


async def _no_fact(fact: Fact) -> None:
    raise problem(f"a question is no attempt of which to record {type(fact).__name__}", code="no-attempt")
