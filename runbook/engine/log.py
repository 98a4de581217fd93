"""The runner's log: where its own trouble goes, beside the journal. It is no evidence, and holds no secret either.

Everything that Python, asyncio and libraries print as a last resort goes to standard error, in whatever words an
exception has; so the runner's standard error is this. A disk that takes no more must not add a second failure.
"""

from __future__ import annotations

import io
import os
import sys
import traceback

from runbook.masking.masker import Masker


class Log(io.TextIOBase):
    """A text stream over a descriptor, masked on its way: a traceback comes in many pieces."""

    def __init__(self, number: int, masker: Masker) -> None:
        """Write to that descriptor, which stays the caller's."""
        self._number = number
        self._masker = masker.fresh()

    def write(self, text: str) -> int:
        """Append; what cannot be written is let go."""
        self._append(self._masker.feed(text.encode("utf-8", "replace")))
        return len(text)

    def flush(self) -> None:
        """Whoever flushes is done with what was written, as the interpreter at its end."""
        self._append(self._masker.flush())

    def _append(self, data: bytes) -> None:
        try:
            os.write(self._number, data)
        except OSError:
            pass  # the disk is full or gone, and that is what the run stops for elsewhere


def log_crash(crash: BaseException) -> None:
    """Put a mistake of ours into the log, with its way through the code, for whoever mends it.

    The record says that something of ours failed and nothing more: it is read by people who cannot mend it.
    """
    sys.stderr.write("".join(traceback.format_exception(crash)))
