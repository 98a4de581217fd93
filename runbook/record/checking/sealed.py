"""The seal against the record: is all here that was listed, as it was listed, and who says so?

What lies in a record may be anybody's, the names in its listings too: only plain files inside of it are opened. A seal
without a signature shows damage and no forgery, and a signature shows no more than that some key made it until somebody
says, from elsewhere, whose key that is; each of these has a finding of its own.
"""

from __future__ import annotations

import hashlib
import os
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from runbook.core.proof import Demand
from runbook.problem import Problems
from runbook.record.checking.roots import Roots
from runbook.record.checking.soundness import Examined, Soundness
from runbook.record.sealing import manifest as at
from runbook.record.sealing.manifest import content, digest_of_file, is_beside, names_in, read_listing
from runbook.record.sealing.signing import SEAL, Judged, Standing, judge
from runbook.record.sealing.stamp import Stamped, judge_stamp
from runbook.record.sealing.statement import Statement, read_statement

STAMPED_WITHIN = timedelta(minutes=10)
"""A seal is stamped in the same breath; clocks may differ by so much and nobody is called a forger."""
_OK, _NOTE = Soundness.OK, Soundness.NOTE


class SealedRecord:
    """What a record says of its own closing, read once and not believed."""

    def __init__(self, folder: Path) -> None:
        """Read the listings and the statement; what cannot be read is a trouble and not an exception."""
        self.folder = folder
        self.trouble = ""
        """Why the listings or the statement cannot be used; empty where they can, or there are none."""
        self.manifest = self._content(at.MANIFEST)
        self.is_sealed = os.path.lexists(folder / at.MANIFEST)
        self.permanent = self._listing(at.MANIFEST, self.manifest)
        self.outputs = self._listing(at.OUTPUTS, self._content(at.OUTPUTS)) if self.is_sealed else {}
        self.statement = self._statement() if self.is_sealed else None

    @property
    def digest(self) -> str:
        """SHA-256 of the listing that is signed; empty where there is none."""
        return hashlib.sha256(self.manifest).hexdigest() if self.manifest else ""

    def _content(self, name: str) -> bytes:
        try:
            return content(self.folder, name) or b""
        except Problems as wrong:
            self.trouble = self.trouble or f"{name}: {wrong.problems[0].what}"
            return b""

    def _listing(self, name: str, data: bytes) -> dict[str, str]:
        try:
            return read_listing(data)
        except (ValueError, UnicodeDecodeError) as error:
            self.trouble = self.trouble or f"{name} is no listing: {error}"
            return {}

    def _statement(self) -> Statement | None:
        try:
            return read_statement(self._content(at.SEAL))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            self.trouble = self.trouble or f"{at.SEAL} cannot be read: {error}"
            return None


def listing_check(sealed: SealedRecord) -> Examined:
    """Nothing lies there that is not listed, and all that is listed is there."""
    if not sealed.is_sealed:
        return Examined(name="listing", finding=_OK, detail="There is no listing, because the record is not sealed")
    try:
        found = {name for name in names_in(sealed.folder) if not is_beside(name)}
    except Problems as wrong:
        detail = f"{wrong.problems[0].what}, where a sealed record has plain files alone"
        return Examined(name="listing", finding=Soundness.ALTERED, detail=detail, kind="added")
    except OSError as error:
        return Examined(name="listing", finding=Soundness.MISSING, detail=f"It cannot be looked at: {error.strerror}")
    named = {*sealed.permanent, *sealed.outputs}
    if sealed.trouble:
        return Examined(name="listing", finding=Soundness.ALTERED, detail=sealed.trouble, kind="no-listing")
    if added := sorted(found - named):
        detail = f"{_first(added)} in no listing: added after the seal"
        return Examined(name="listing", finding=Soundness.ALTERED, detail=detail, kind="added")
    if gone := sorted(named - found):
        detail = f"{_first(gone)} listed and not there"
        return Examined(name="listing", finding=Soundness.ALTERED, detail=detail, kind="removed")
    if misplaced := sorted(name for name in sealed.permanent if at.is_output(name)):
        detail = f"{_first(misplaced)} in the wrong listing"
        return Examined(name="listing", finding=Soundness.ALTERED, detail=detail, kind="no-listing")
    return Examined(name="listing", finding=_OK, detail=f"{len(named)} files are listed, and no other is there")


def _first(names: list[str]) -> str:
    return f"{names[0]} is" if len(names) == 1 else f"{names[0]} and {len(names) - 1} more are"


def files_check(sealed: SealedRecord) -> Examined:
    """Every listed file has the SHA-256 that was listed."""
    if not sealed.is_sealed:
        return Examined(name="files", finding=_OK, detail="No file is listed, because the record is not sealed")
    for listing, kind in ((sealed.permanent, "changed"), (sealed.outputs, "output-changed")):
        for name, expected in listing.items():
            finding, detail = _compared(sealed.folder, name, expected)
            if finding is not _OK:
                return Examined(name="files", finding=finding, detail=detail, kind=kind)
    count = len(sealed.permanent) + len(sealed.outputs)
    return Examined(name="files", finding=_OK, detail=f"{count} files are as they were when the record was sealed")


def _compared(folder: Path, name: str, expected: str) -> tuple[Soundness, str]:
    try:
        found = digest_of_file(folder, name)
    except FileNotFoundError:
        return Soundness.ALTERED, f"{name} is not there"
    except Problems as wrong:
        return Soundness.ALTERED, wrong.problems[0].what
    except OSError as error:
        return Soundness.MISSING, f"{name} cannot be read: {error.strerror}"
    return (_OK, "") if found == expected else (Soundness.ALTERED, f"{name} was changed after the record was sealed")


def seal_check(sealed: SealedRecord, roots: Roots, demand: Demand) -> Examined:
    """Somebody who may has signed the listing."""
    said = sealed.statement
    if not sealed.is_sealed or said is None:
        finding = Soundness.MISSING if sealed.is_sealed or demand or roots.trust.signers else _NOTE
        return Examined(name="seal", finding=finding, detail=_unsealed(sealed, demand, roots), kind="unsealed")
    armoured = _signature(sealed)
    if not armoured and said.key:
        detail = f"The signature of {said.key} is gone"
        return Examined(name="seal", finding=Soundness.MISSING, detail=detail, kind="signature-gone")
    if not armoured:
        finding = Soundness.MISSING if demand or roots.trust.signers else _NOTE
        return Examined(name="seal", finding=finding, detail=f"Sealed, and {said.unsigned}", kind="unsigned")
    stamped = _stamp(sealed, armoured, roots)
    judged, since = _judged(armoured, sealed.manifest, roots, stamped, said)
    return _as_finding(judged, since, said, demand, stamped)


def _unsealed(sealed: SealedRecord, demand: Demand, roots: Roots) -> str:
    if sealed.is_sealed:
        return sealed.trouble or f"There is no {at.SEAL}"
    if demand:
        return "Not sealed, and its environment demands a seal"
    if roots.trust.signers:
        return "Not sealed: nobody whom you believe vouches for it"
    return "Not sealed: who can write to the whole folder could make another that is as sound"


def _signature(sealed: SealedRecord) -> bytes:
    try:
        return content(sealed.folder, at.SIGNATURE) or b""
    except Problems:
        return b""


def _stamp(sealed: SealedRecord, armoured: bytes, roots: Roots) -> Stamped | None:
    """What the time stamp says; None where there is none, or nobody said whose to believe."""
    try:
        answer = content(sealed.folder, at.STAMP)
    except Problems:
        return Stamped(ok=False, why="it is no file")
    return judge_stamp(answer, armoured, roots.authority) if answer and roots.authority else None


def _judged(armoured: bytes, data: bytes, roots: Roots, stamped: Stamped | None, said: Statement) -> tuple[Judged, str]:
    """The signature by now, else by the time of a stamp, else by the record's own time; and by which."""
    tries = [("", "")]
    tries += [("the time stamp", stamped.moment)] if stamped and stamped.ok else []
    tries += [("the record's own clock", _compact(said.sealed))] if _compact(said.sealed) else []
    first = judge(armoured, data, SEAL, roots.trust)
    if first.standing is not Standing.FOREIGN:
        return first, ""
    for since, moment in tries[1:]:
        found = judge(armoured, data, SEAL, roots.trust, moment)
        if found.standing is Standing.GOOD:
            return found, since
    return first, ""


def _as_finding(judged: Judged, since: str, said: Statement, demand: Demand, stamped: Stamped | None) -> Examined:
    key = judged.fingerprint
    if judged.standing is Standing.FALSE:
        detail = f"The signature does not belong to the listing: {judged.why}"
        return Examined(name="seal", finding=Soundness.ALTERED, detail=detail, kind="false-signature")
    if key != said.key:
        detail = f"It was signed with {key} and says {said.key}"
        return Examined(name="seal", finding=Soundness.ALTERED, detail=detail, kind="foreign-signer")
    if judged.standing is Standing.FOREIGN:
        detail = f"{key} may not seal here: {judged.why}"
        return Examined(name="seal", finding=Soundness.ALTERED, detail=detail, kind="foreign-signer")
    if stamped is not None and not stamped.ok:
        detail = f"The time stamp does not hold: {stamped.why}"
        return Examined(name="seal", finding=Soundness.ALTERED, detail=detail, kind="false-stamp")
    if judged.standing is Standing.UNCHECKED:
        detail = f"Nobody has checked the signature of {key}: {judged.why}"
        return Examined(name="seal", finding=Soundness.EXCEPTED, detail=detail, kind="unchecked")
    if demand == "fido" and not (judged.signature and judged.signature.touched):
        detail = f"Its environment demands that somebody touches a token, and nobody did for {key}"
        return Examined(name="seal", finding=Soundness.MISSING, detail=detail, kind="untouched")
    return _good(judged, since, said, stamped)


def _good(judged: Judged, since: str, said: Statement, stamped: Stamped | None) -> Examined:
    by = f"by {judged.principal} with {judged.fingerprint}" if judged.principal else f"with {judged.fingerprint}"
    touch = ""
    if judged.signature and judged.signature.touched is not None:
        touch = f", token {'touched' if judged.signature.touched else 'not touched'}"
        touch += f" and PIN {'given' if judged.signature.pin_given else 'not asked for'}"
    when = f", stamped {stamped.moment} UTC" if stamped else ""
    detail = f"Signed {by}{touch}{when}"
    if since.startswith("the record"):
        told = f"{detail}; the key may not sign now and could then, by {since} alone"
        return Examined(name="seal", finding=Soundness.EXCEPTED, detail=told, kind="expired")
    if stamped is not None and _apart(said.sealed, stamped.moment):
        told = f"{detail}; by its own words it was sealed at {said.sealed}"
        return Examined(name="seal", finding=Soundness.EXCEPTED, detail=told, kind="back-dated")
    if judged.standing is Standing.UNKNOWN:
        told = f"{detail}; whose key that is, only --allowed-signers from elsewhere can say"
        return Examined(name="seal", finding=_NOTE, detail=told, kind="unknown-signer")
    return Examined(name="seal", finding=_OK, detail=f"{detail}{f', who could by {since}' if since else ''}")


def _apart(wall: str, moment: str) -> bool:
    """True where two clocks tell of more than a slow authority between them, or one of them tells nothing."""
    try:
        own, theirs = (datetime.strptime(f"{text}+0000", "%Y%m%d%H%M%S%z") for text in (_compact(wall), moment))
    except ValueError:
        return True
    return abs(own - theirs) > STAMPED_WITHIN


def _compact(wall: str) -> str:
    """ISO 8601 in UTC as ssh-keygen takes times; empty for anything else."""
    digits = "".join(char for char in wall[:19] if char.isdigit())
    return digits if len(digits) == len("20261123041200") else ""
