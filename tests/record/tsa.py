"""An authority for time on this machine, by openssl, which may also lie or be away."""

from __future__ import annotations

import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

CONFIG = """\
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
digests = sha256
default_policy = 1.2.3.4.1
[ext]
extendedKeyUsage = critical,timeStamping
[req]
distinguished_name = name
[name]
"""


class Authority:
    """Its certificate, and a server on loopback."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self.certificates = folder / "ca.pem"
        self.lies = ""
        """What it does instead of answering: `other` stamps something else, `noise` answers no stamp, `refuses` 500."""
        (folder / "ts.cnf").write_text(CONFIG.format(folder=folder))
        (folder / "serial").write_text("01\n")
        self._certify()
        self._server = HTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, query: bytes) -> bytes:
        """A reply to a request; of a liar, to another one."""
        if self.lies == "other":
            words = ("ts", "-query", "-digest", "0" * 64, "-sha256", "-cert")
            query = self._openssl(*words)
        (self._folder / "query").write_bytes(query)
        words = ("ts", "-reply", "-config", "ts.cnf", "-section", "here", "-queryfile", "query", "-inkey", "tsa.key")
        return b"noise" if self.lies == "noise" else self._openssl(*words, "-chain", "ca.pem")

    def _certify(self) -> None:
        key = ("-newkey", "rsa:2048", "-nodes", "-keyout")
        self._openssl(
            "req", "-x509", *key, "ca.key", "-out", "ca.pem", "-subj", "/CN=ca", "-config", "ts.cnf", "-days", "30"
        )
        self._openssl("req", *key, "tsa.key", "-out", "tsa.csr", "-subj", "/CN=tsa", "-config", "ts.cnf")
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "ts.cnf", "-extensions", "ext")
        self._openssl("x509", "-req", "-in", "tsa.csr", "-out", "tsa.pem", "-days", "30", *signed)

    def _openssl(self, *words: str) -> bytes:
        return subprocess.run(["openssl", *words], cwd=self._folder, capture_output=True, check=True).stdout

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                query = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(500 if authority.lies == "refuses" else 200)
                self.end_headers()
                self.wfile.write(authority.answer(query))

            def log_message(self, *_: object) -> None:
                pass

        return Handler
