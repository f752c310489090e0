"""Servers on real sockets that do exactly what a test says, byte by byte."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Speak = Callable[[socket.socket, bytes], None]
"""Answers one request, given as it came; the connection is then read on."""


@dataclass
class Wire:
    """A server; `requests` are those it has read whole."""

    port: int
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    scheme: str = "http"

    def url(self, path: str = "/") -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"


@contextmanager
def serving(speak: Speak, context: ssl.SSLContext | None = None) -> Iterator[Wire]:
    listener = socket.create_server(("127.0.0.1", 0))
    wire = Wire(listener.getsockname()[1], scheme="https" if context else "http")
    opened: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            opened.append(sock)
            wire.connections += 1
            threading.Thread(target=_converse, args=(sock, wire, speak, context), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield wire
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for sock in opened:
            sock.close()
        thread.join(60)


def _converse(sock: socket.socket, wire: Wire, speak: Speak, context: ssl.SSLContext | None) -> None:
    try:
        if context:
            sock = context.wrap_socket(sock, server_side=True)
        with sock:
            while request := _read(sock):
                wire.requests.append(request)
                speak(sock, request)
    except (OSError, ValueError):
        pass


def _read(sock: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        part = sock.recv(4096)
        if not part:
            return b""
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length:
        body += sock.recv(4096)
    return head + b"\r\n\r\n" + body


def reply(body: bytes = b"{}", status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def says(data: bytes) -> Speak:
    return lambda sock, _: sock.sendall(data)


@dataclass(frozen=True)
class Authority:
    """A certificate authority of a test's own, and what it signed, as files."""

    ca_file: str
    server: str
    client: str

    def context(self, *, wants_client: bool = False) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server)
        if wants_client:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.ca_file)
        return context


def make_authority(folder: Path, *, identifies_key: bool = True) -> Authority:
    """Make an authority.

    Args:
        identifies_key: Its certificates say by which key they were signed, as Python demands since 3.13.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("a test's own authority")
    root = _certificate(name, name, key.public_key(), key, is_authority=True)
    paths = {"ca": folder / "ca.pem"}
    paths["ca"].write_bytes(root.public_bytes(serialization.Encoding.PEM))
    for who in ("server", "client"):
        own = ec.generate_private_key(ec.SECP256R1())
        signed = _certificate(
            _name(who), name, own.public_key(), key, is_authority=False, identifies_key=identifies_key
        )
        paths[who] = folder / f"{who}.pem"
        paths[who].write_bytes(
            signed.public_bytes(serialization.Encoding.PEM)
            + own.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
    return Authority(str(paths["ca"]), str(paths["server"]), str(paths["client"]))


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def key_usage(*, is_authority: bool) -> x509.KeyUsage:
    """Return what a key may be used for, which Python demands of authorities since 3.13."""
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    by: ec.EllipticCurvePrivateKey,
    *,
    is_authority: bool,
    identifies_key: bool = True,
) -> x509.Certificate:
    today = datetime.datetime.now(datetime.UTC)
    names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(key_usage(is_authority=is_authority), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )
    if identifies_key:
        signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key())
        made = made.add_extension(signer, critical=False)
    return made.sign(by, hashes.SHA256())
