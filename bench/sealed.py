"""As many different sessions of ours as are wanted: one really signed in, the rest sealed with the gate's own key."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from oidc_gate.effects import run
from oidc_gate.model import Session
from oidc_gate.shells.common import Engine


def session_of(engine: Engine[Any], cookie_header: str) -> Session:
    """Return the session that stands in a ``Cookie`` header."""
    found = run(engine.gate.parts.sessions.read(cookie_header), engine.world, _no_body)
    return found.session


def seal(engine: Engine[Any], session: Session) -> str:
    """Return the ``Cookie`` header of `session`."""
    _, cookies = run(engine.gate.parts.sessions.write(session), engine.world, _no_body)
    pairs = (cookie.partition(";")[0] for cookie in cookies)
    return "; ".join(pair for pair in pairs if not pair.endswith("="))


def sealed_cookies(engine: Engine[Any], cookie_header: str, count: int) -> list[str]:
    """Return ``Cookie`` headers of `count` people who are much like the one signed in by `cookie_header`."""
    first = session_of(engine, cookie_header)
    return [seal(engine, like(first, number)) for number in range(count)]


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
