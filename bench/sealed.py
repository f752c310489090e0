"""As many different sessions of ours as are wanted: one really signed in, the rest sealed with the gate's own key."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from oidc_gate.model import Session
from oidc_gate.runtime.driver import run
from oidc_gate.shells.common import Runtime


def session_of(runtime: Runtime[Any], cookie_header: str) -> Session:
    """Return the session that stands in a ``Cookie`` header."""
    found = run(runtime.gate.components.sessions.read(cookie_header), runtime.world, _no_body)
    return found.session


def seal(runtime: Runtime[Any], session: Session) -> str:
    """Return the ``Cookie`` header of `session`."""
    _, cookies = run(runtime.gate.components.sessions.write(session), runtime.world, _no_body)
    pairs = (cookie.partition(";")[0] for cookie in cookies)
    return "; ".join(pair for pair in pairs if not pair.endswith("="))


def sealed_cookies(runtime: Runtime[Any], cookie_header: str, count: int) -> list[str]:
    """Return ``Cookie`` headers of `count` people who are much like the one signed in by `cookie_header`."""
    first = session_of(runtime, cookie_header)
    return [seal(runtime, like(first, number)) for number in range(count)]


def like(session: Session, number: int) -> Session:
    """Return the session of somebody else who is much like the person of `session`."""
    who = session.identity
    other = replace(
        who, subject=f"{who.subject[:-6]}{number:06d}", email=f"person.{number}@example.com",
        session_id=f"{who.session_id[:-6]}{number:06d}",
    )  # fmt: skip
    return session._replace(identity=other)


def _no_body(limit: int) -> bytes:
    return b""
