"""`http`: one request from the runner.

The kind itself is only the rule for a resume: what may change something is never asked again. The request is in
`http_exchange`, which is imported when the first one is made, because most runs make none.
"""

from __future__ import annotations

from runbook.core.planned.action import HttpAction
from runbook.steps.ending import granted, not_repeated
from runbook.steps.kind import Bench, Finding


class HttpKind:
    """Sends a request."""

    async def attempt(self, action: HttpAction, bench: Bench) -> Finding:
        """Ask once and judge the answer."""
        may_change = not action.is_look
        if bench.reattach and may_change:
            return not_repeated(f"{action.method} {action.url} was sent", is_over=True)
        if may_change and (refused := await granted(bench.claim(), bench)) is not None:
            return refused
        from runbook.steps.http_exchange import exchange_once  # noqa: PLC0415 - see above

        return await exchange_once(action, bench, may_change=may_change)
