"""The runner's log: where its own trouble goes, beside the journal. It is no evidence, and holds no secret either.

Everything that Python, asyncio and libraries print as a last resort goes to standard error, in whatever words an
exception has; so the runner's standard error is this. A disk that takes no more must not add a second failure.
"""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Callable


class Log(io.TextIOBase):
    """A text stream over a descriptor, each write masked on its way."""

    def __init__(self, number: int, mask: Callable[[str], str]) -> None:
        """Write to that descriptor, which stays the caller's."""
        self._number = number
        self._mask = mask

    def write(self, text: str) -> int:
        """Append; what cannot be written is let go."""
        try:
            os.write(self._number, self._mask(text).encode("utf-8", "replace"))
        except OSError:
            pass  # the disk is full or gone, and that is what the run stops for elsewhere
        return len(text)


def log_crash(crash: BaseException) -> None:
    """Put a mistake of ours into the log, with its way through the code, for whoever mends it.

    The record says that something of ours failed and nothing more: it is read by people who cannot mend it.
    """
    sys.stderr.write("".join(traceback.format_exception(crash)))
