"""Faults of the network, at one endpoint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from oidc_gate.testing.provider.faults import Fault
from oidc_gate.testing.provider.messages import Reply
from oidc_gate.testing.provider.misbehaviour.claims import Play
from oidc_gate.testing.provider.realm import Behaviour, Realm

ENDPOINTS = ("discovery", "jwks", "authorization", "token", "userinfo", "end_session", "par")
Send = Callable[[bytes], None]
Wait = Callable[[float], bool]
_CHUNK = b" " * 65_536


def _at(endpoint: str, change: Callable[[Reply, Realm], Reply]) -> Behaviour:
    if endpoint not in ENDPOINTS:
        raise ValueError(f"at={endpoint!r}: one of {', '.join(ENDPOINTS)}")

    def at_one(name: str, reply: Reply, realm: Realm) -> Reply:
        return change(reply, realm) if name == endpoint else reply

    return Behaviour(reply=at_one)


def _redirects(at: str = "token", to: str | None = None, status: int = 307) -> Behaviour:
    def change(reply: Reply, realm: Realm) -> Reply:
        # By default to the provider itself, so that `requests` shows whether a secret was sent along.
        return Reply(status, headers=(("Location", to or f"{realm.issuer}/elsewhere"),))

    return _at(at, change)


def _answers(reply: Reply, at: str = "token") -> Behaviour:
    return _at(at, lambda honest, realm: reply)


def _paced(pace: Callable[[Send, Wait, bytes], None], at: str) -> Behaviour:
    return _at(at, lambda honest, realm: replace(honest, pace=pace))


def _hangs(at: str = "token", seconds: float = 60) -> Behaviour:
    def pace(send: Send, wait: Wait, raw: bytes) -> None:
        wait(seconds)

    return _paced(pace, at)


def _slow(at: str = "token", seconds: float = 1) -> Behaviour:
    def pace(send: Send, wait: Wait, raw: bytes) -> None:
        if not wait(seconds):
            send(raw)

    return _paced(pace, at)


def _drips(at: str = "token", seconds: float = 1) -> Behaviour:
    def pace(send: Send, wait: Wait, raw: bytes) -> None:
        for byte in raw:
            send(bytes([byte]))
            if wait(seconds):
                return

    return _paced(pace, at)


def _huge(at: str = "token", size: int = 50_000_000) -> Behaviour:
    def pace(send: Send, wait: Wait, raw: bytes) -> None:
        head, _, body = raw.partition(b"\r\n\r\n")
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length:")]
        send(b"\r\n".join([*lines, b"Content-Length: %d" % (size + len(body))]) + b"\r\n\r\n")
        for _ in range(size // len(_CHUNK)):  # spaces before JSON are valid JSON: only the size is wrong
            send(_CHUNK)
        send(b" " * (size % len(_CHUNK)) + body)

    return _paced(pace, at)


def _endless(at: str = "token") -> Behaviour:
    def pace(send: Send, wait: Wait, raw: bytes) -> None:
        send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n")
        while not wait(0.001):
            send(_CHUNK)

    return _paced(pace, at)


def _truncated(at: str = "token") -> Behaviour:
    return _paced(lambda send, wait, raw: send(raw[: -max(1, len(raw.partition(b"\r\n\r\n")[2]) // 2)]), at)


def _too_many(at: str = "token", retry_after: int | str = 7) -> Behaviour:
    return _answers(Reply(429, b"{}", headers=(("Retry-After", str(retry_after)),)), at)


def _server_error(at: str = "token", status: int = 500) -> Behaviour:
    return _answers(Reply(status, b"<h1>Sorry</h1>", "text/html"), at)


def _deep(at: str = "token", depth: int = 100_000) -> Behaviour:
    return _answers(Reply(200, b"[" * depth + b"]" * depth), at)


PLAYS: dict[Fault, Play] = {
    Fault.REDIRECTS: _redirects,
    Fault.HANGS: _hangs,
    Fault.SLOW: _slow,
    Fault.DRIPS: _drips,
    Fault.HTML: partial(_answers, Reply(200, b"<!doctype html><h1>Welcome</h1>", "text/html")),
    Fault.SERVER_ERROR: _server_error,
    Fault.TOO_MANY_REQUESTS: _too_many,
    Fault.EMPTY_BODY: partial(_answers, Reply(200)),
    Fault.HUGE_BODY: _huge,
    Fault.ENDLESS_BODY: _endless,
    Fault.NOT_JSON: partial(_answers, Reply(200, b'{"access_token": "')),
    Fault.JSON_LIST: partial(_answers, Reply(200, b"[]")),
    Fault.DEEP_JSON: _deep,
    Fault.DISCONNECTS: lambda at="token": _paced(lambda send, wait, raw: None, at),
    Fault.TRUNCATED: _truncated,
}
