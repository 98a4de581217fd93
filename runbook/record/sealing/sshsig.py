"""Reading what ssh signed: which key, as what, and whether a person touched it. Nothing is judged here.

The form is OpenSSH's own (PROTOCOL.sshsig, PROTOCOL.u2f, PROTOCOL.certkeys). It is read because `ssh-keygen -Y verify`
takes a signature of a security key that nobody touched, and says so only to those who debug it; and because people
want to be told which key it was before they say whether they trust it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

import msgspec

_ARMOUR = re.compile(rb"-----BEGIN SSH SIGNATURE-----\n(.*?)\n-----END SSH SIGNATURE-----\n?", re.DOTALL)
_MAGIC = b"SSHSIG"
_CERTIFICATE = "-cert-v01@openssh.com"
_SECURITY_KEY = "sk-"
_TOUCHED, _PIN_GIVEN = 0x01, 0x04
"""Flags of an authenticator (WebAuthn, section 6.1): user present, user verified."""
_KEY_FIELDS = {
    "ssh-ed25519": 1,
    "ssh-rsa": 2,
    "ecdsa-sha2-nistp256": 2,
    "ecdsa-sha2-nistp384": 2,
    "ecdsa-sha2-nistp521": 2,
    "sk-ssh-ed25519@openssh.com": 2,
    "sk-ecdsa-sha2-nistp256@openssh.com": 3,
}
"""How many strings a public key of that kind has behind its name."""


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """What an authority says of a key."""

    identity: str
    serial: int
    valid_before: int
    """Seconds since 1970; all ones for ever."""


class PublicKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key as people compare it."""

    kind: str
    """As in authorized_keys, without the certificate around it."""
    fingerprint: str
    """`SHA256:...`, as `ssh-keygen -l` prints it."""
    certificate: Certificate | None = None

    @property
    def is_security_key(self) -> bool:
        """True where the private half never leaves a token."""
        return self.kind.startswith(_SECURITY_KEY)


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """One signature, read and not believed."""

    key: PublicKey
    namespace: str
    """What it was made for; a signature for one purpose counts for no other."""
    touched: bool | None = None
    """Somebody touched the token; None for keys that are no tokens."""
    pin_given: bool | None = None
    """The token knew who it was."""


def read_signature(armoured: bytes) -> Signature:
    """What a signature file says of itself.

    Raises:
        ValueError: It is no signature of ssh.
    """
    found = _ARMOUR.fullmatch(armoured)
    if found is None:
        raise ValueError("it does not have the form of a signature of ssh")
    try:
        wire = _Wire(base64.b64decode(found[1].replace(b"\n", b""), validate=True))
    except binascii.Error:
        raise ValueError("it is not the base64 that it says it is") from None
    if wire.take(len(_MAGIC)) != _MAGIC or wire.number() != 1:
        raise ValueError("it is of another version")
    blob, namespace = wire.string(), wire.text()
    wire.string(), wire.string()
    key, flags = read_key(blob), _flags(wire.string())
    if flags is None or not key.is_security_key:
        return Signature(key=key, namespace=namespace)
    return Signature(key=key, namespace=namespace, touched=bool(flags & _TOUCHED), pin_given=bool(flags & _PIN_GIVEN))


def read_key(blob: bytes) -> PublicKey:
    """A public key or a certificate, in ssh's own bytes.

    Raises:
        ValueError: It is none, or of a kind that nobody here knows.
    """
    wire = _Wire(blob)
    kind = wire.text()
    if not kind.endswith(_CERTIFICATE):
        _fields(wire, kind)
        return PublicKey(kind=kind, fingerprint=_fingerprint(blob))
    plain = kind.removesuffix(_CERTIFICATE)
    plain = f"{plain}@openssh.com" if plain.startswith(_SECURITY_KEY) else plain
    wire.string()  # the nonce
    inner = _packed(plain.encode(), *_fields(wire, plain))
    serial, _, identity, _, _ = wire.number(8), wire.number(), wire.text(), wire.string(), wire.number(8)
    certificate = Certificate(identity=identity, serial=serial, valid_before=wire.number(8))
    return PublicKey(kind=plain, fingerprint=_fingerprint(inner), certificate=certificate)


def read_key_line(line: bytes) -> PublicKey:
    """A line of a `.pub` file.

    Raises:
        ValueError: It is none.
    """
    words = line.split()
    if len(words) < 2:  # noqa: PLR2004 - the kind and the key
        raise ValueError("there is no key in it")
    return read_key(binascii.a2b_base64(words[1]))


def _fields(wire: _Wire, kind: str) -> list[bytes]:
    if kind not in _KEY_FIELDS:
        raise ValueError(f'"{kind}" is no kind of key that is known here')
    return [wire.string() for _ in range(_KEY_FIELDS[kind])]


def _flags(signature: bytes) -> int | None:
    """The byte behind the signature of a token; None for every other key."""
    wire = _Wire(signature)
    kind = wire.text()
    wire.string()
    return wire.take(1)[0] if kind.startswith(_SECURITY_KEY) else None


def _fingerprint(blob: bytes) -> str:
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def _packed(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4) + part for part in parts)


class _Wire:
    """ssh's strings and numbers, one after the other (RFC 4251, section 5)."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, length: int) -> bytes:
        found = self._data[self._at : self._at + length]
        if len(found) < length:
            raise ValueError("it is cut off")
        self._at += length
        return found

    def number(self, size: int = 4) -> int:
        return int.from_bytes(self.take(size))

    def string(self) -> bytes:
        return self.take(self.number())

    def text(self) -> str:
        return self.string().decode("utf-8", "replace")
