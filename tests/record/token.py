"""A security token in software, behind an agent's socket: real OpenSSH signs with it, touched or not, with a PIN or without.

What a token signs is in PROTOCOL.u2f: the hash of its application, flags, a counter, and the hash of what was to be signed.
"""

from __future__ import annotations

import base64
import hashlib
import socket
import threading
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KIND = b"sk-ssh-ed25519@openssh.com"
APPLICATION = b"ssh:"
TOUCHED, PIN = 0x01, 0x04


def packed(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4) + part for part in parts)


class Token:
    """One key that never leaves it."""

    def __init__(self, folder: Path, flags: int) -> None:
        self._key = Ed25519PrivateKey.generate()
        self._flags = flags
        self._counter = 0
        self.blob = packed(KIND, self._key.public_key().public_bytes_raw(), APPLICATION)
        folder.mkdir(exist_ok=True)
        self.public = folder / "token.pub"
        self.public.write_bytes(KIND + b" " + base64.b64encode(self.blob) + b" anna\n")

    def serve(self, path: str) -> None:
        """As an agent, at that socket, until the test is over."""
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(path)
        listening.listen()
        threading.Thread(target=self._accept, args=(listening,), daemon=True).start()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            talking, _ = listening.accept()
            with talking:
                while request := self._read(talking):
                    talking.sendall(packed(self._answer(request)))

    def _read(self, talking: socket.socket) -> bytes:
        head = talking.recv(4, socket.MSG_WAITALL)
        return talking.recv(int.from_bytes(head), socket.MSG_WAITALL) if len(head) == 4 else b""

    def _answer(self, request: bytes) -> bytes:
        if request[0] == 11:  # SSH_AGENTC_REQUEST_IDENTITIES
            return bytes([12]) + (1).to_bytes(4) + packed(self.blob, b"anna")
        if request[0] == 13:  # SSH_AGENTC_SIGN_REQUEST
            start = 5 + len(self.blob)
            length = int.from_bytes(request[start : start + 4])
            return bytes([14]) + packed(self._signed(request[start + 4 : start + 4 + length]))
        return bytes([5])

    def _signed(self, data: bytes) -> bytes:
        self._counter += 1
        tail = bytes([self._flags]) + self._counter.to_bytes(4)
        signed = hashlib.sha256(APPLICATION).digest() + tail + hashlib.sha256(data).digest()
        return packed(KIND, self._key.sign(signed)) + tail
