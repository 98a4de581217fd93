"""What a finding proves, and what it does not: the sentences that an auditor may quote. A table and nothing else.

By the kind of the finding where it has one, else by the check. Whoever adds a kind adds its row here.
"""

from __future__ import annotations

import msgspec

from runbook.record.checking.soundness import Examined, Soundness


class Meaning(msgspec.Struct, frozen=True):
    """Two sentences about one finding."""

    proves: str
    not_proves: str


SOUND = Meaning(
    "The files belong together, and no part of them was changed without all of it being made anew",
    "That they were not made anew by somebody who could write to all of it, or that the runner was told the truth",
)
SIGNED = Meaning(
    "The holder of the key vouched for exactly these files, and none was changed since",
    "That what the runner saw was true: root on its machine could have lied to it while it ran",
)

_KINDS = {
    "added": Meaning("Something was put into the record after it was sealed", "Who did it, or that it is false"),
    "removed": Meaning("A file that was sealed is not there any more", "Who took it, or why"),
    "changed": Meaning("A file was changed after the record was sealed", "Who did it, or what it said before"),
    "output-changed": Meaning(
        "Output was changed or damaged after the record was sealed, and no addendum explains it", "Intent"
    ),
    "redacted": Meaning("Output was taken away by people who may", "What was taken away"),
    "no-listing": Meaning("The listing is not what the program wrote", "That the listed files were changed"),
    "unsealed": Meaning("Nothing about who could have changed it", "That it was changed"),
    "unsigned": Meaning(
        "The files are as they were when it was sealed, unless somebody made the seal anew", "Who made the seal"
    ),
    "signature-gone": Meaning("The record was signed once, by its own words", "That anything else was changed"),
    "false-signature": Meaning(
        "The listing was changed after it was signed, or another signature was put beside it",
        "That the contents are false",
    ),
    "foreign-signer": Meaning(
        "Somebody made this seal whom you do not trust to, at that time or for that purpose",
        "That the run did not happen as it says",
    ),
    "unknown-signer": Meaning("The holder of that key vouched for exactly these files", "Whose key it is"),
    "expired": Meaning(
        "The key's holder vouched for these files; that it was while the key counted rests on the record's own clock",
        "When it was signed: a time stamp would",
    ),
    "unchecked": Meaning("Nothing about the signature", "That it is good, or bad"),
    "untouched": Meaning("The key signed without anybody's touch", "That it was stolen"),
    "false-stamp": Meaning(
        "The time stamp is not one over this signature, or by nobody whom you believe", "When it was"
    ),
    "back-dated": Meaning("The clock that sealed was wrong, or the record was back-dated", "Which of the two"),
    "unsigned-checkpoint": Meaning("Signing was cut off while the run went on", "Anything about the lines"),
    "false-checkpoint": Meaning("A checkpoint was changed, or is another run's", "That the lines were changed"),
    "foreign-checkpoint": Meaning("It was signed with a key that you do not trust", "That the lines are false"),
    "cut-behind-checkpoint": Meaning("Lines existed, were signed for, and were removed", "What they said"),
    "made-anew": Meaning(
        "Lines that were signed for while the run went on are others now; the signature is the proof",
        "Who changed them",
    ),
    "hole": Meaning("An entry of the ledger was removed", "What it said; the records around it tell whose it may be"),
    "rewritten": Meaning("The ledger was written anew from there on", "Which of the two is true"),
    "fork": Meaning("The ledger's history is another than the one that was signed for", "Which of the two is true"),
    "tail-cut": Meaning("Entries that were signed for were taken from the ledger's end", "What they said"),
    "foreign-entry": Meaning("Something lies in the ledger that this program did not write", "Harm"),
    "missing-record": Meaning("A run began, and its record is not here", "Malice, or what it would say"),
    "unregistered": Meaning(
        "The record is of a run that the ledger was never told of", "That it is false: it may be older"
    ),
    "sealed-otherwise": Meaning(
        "The record is not the one that the ledger saw sealed", "Which of the two is the true one"
    ),
    "seal-untold": Meaning("The runner was cut off between the seal and the ledger, or somebody else sealed", "Which"),
    "no-ledger": Meaning("Nothing about records that are not here", "That there were any"),
    "destroyed": Meaning("Two people put on record that this record was to be destroyed", "Why it is still here"),
    "clock": Meaning("A clock of the machines that wrote was set back, or one of them lied", "Which"),
    "quiet": Meaning("Nobody wrote down that nothing happened in that time", "That anything did"),
    "approved-falsely": Meaning("The approval on record is not the one that was signed", "That nobody approved"),
}

_CHECKS = {
    "chain": Meaning("A line was changed, removed, added or moved after it was written, or was cut off", "Who, or why"),
    "plan": Meaning("The plan is not the one that was confirmed", "Which of the two was run"),
    "ending": Meaning("The run is live, died, or its end was cut off", "That it went well, or badly"),
    "attempts": Meaning("The record does not tell how an attempt went", "That it ran, or did not"),
    "shown": Meaning("What was sent or asked is not what was shown", "What was meant"),
    "gates": Meaning("Work began while somebody was still being asked", "That nobody had agreed"),
    "faults": Meaning("A fault was injected without its undo, by this record", "That it is still there"),
    "copies": Meaning("A file beside the journal is not the one that the run was made from", "Who changed it"),
    "output": Meaning("Output was changed, lost or added after it came in", "What it said before"),
    "torn": Meaning("Unfinished lines were taken away or added", "What they said"),
    "version": Meaning("A newer version wrote it", "Damage"),
}

_NOTHING = Meaning("What the detail says", "More than that")


def meaning_of(check: Examined) -> Meaning | None:
    """What a finding proves; None where nothing is wrong."""
    if check.finding is Soundness.OK:
        return None
    return _KINDS.get(check.kind) or _CHECKS.get(check.name) or _NOTHING
