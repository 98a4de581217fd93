"""What a verifier believes because it came from somewhere else than the record: signers, a checkpoint, an authority.

Everything here is a path of a file that whoever is checked cannot have written. Nothing in a record or beside it ever
fills one in.
"""

from __future__ import annotations

import msgspec

from runbook.record.sealing.signing import Trust


class Roots(msgspec.Struct, frozen=True, kw_only=True):
    """Where trust begins; what is empty is not believed and not asked for."""

    trust: Trust = Trust()
    checkpoint: str = ""
    """The last checkpoint of the ledger that is known elsewhere; its signature lies beside it as `.sig`."""
    authority: str = ""
    """Certificates of the authority for time, in PEM."""
    ledger: str = ""
    """The folder of the ledger; empty is the one beside the record, which is nobody else's."""


NOTHING = Roots()
"""Nobody is believed: a record is held against itself and its ledger."""
