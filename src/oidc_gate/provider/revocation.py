"""The revocation of a session's tokens, after its user has signed out (RFC 7009).

It happens in the background and never delays or prevents a sign-out: the session has ended already.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import NamedTuple

from .. import effects
from ..effects import Fetch, Fetched, Step
from ..errors import GateError
from ..model import Session
from ..observe import current
from ..settings import Settings
from . import oauth
from .client import Provider
from .client_auth import Message, authenticate, uses_certificate
from .discovery import Metadata
from .responses import json_object, printable, raise_for_status, refuse

log = logging.getLogger("oidc_gate.provider")

WHAT = "revocation endpoint"
MAX_BYTES = 64 * 1024
MAX_THREADS = 2
MAX_WAITING = 1000
"""Tokens that wait for their turn. Each belongs to a user who has just signed out, so this is seldom reached."""


class Token(NamedTuple):
    """A token to revoke. `hint` is its type: ``refresh_token`` or ``access_token`` (RFC 7009 §2.1)."""

    value: str
    hint: str

    def __repr__(self) -> str:
        return f"Token({self.hint})"


def tokens_of(session: Session) -> tuple[Token, ...]:
    """Return the tokens of `session` that can be revoked: first the refresh token, with which the other usually ends.

    Spec: RFC 7009 §2.1.
    """
    tokens = (Token(session.refresh_token, "refresh_token"), Token(session.access_token, "access_token"))
    return tuple(token for token in tokens if token.value)


def build_revocation_request(metadata: Metadata, settings: Settings, token: Token) -> Step[Fetch]:
    """Build the request that revokes `token`, with the authentication of the client.

    Raises:
        ProviderError: ``client_auth_unsupported``.

    Spec: RFC 7009 §2.1; the client authenticates as at the token endpoint.
    """
    endpoint = metadata.endpoint("revocation_endpoint", with_certificate=uses_certificate(metadata, settings))
    body = oauth.form({"token": token.value, "token_type_hint": token.hint})
    message = yield from authenticate(Message(endpoint, body), metadata, settings)
    return Fetch("POST", endpoint, message.header_list(), message.body.encode(), max_bytes=MAX_BYTES)


def process_revocation(fetched: Fetched, token: Token) -> None:
    """Check that the provider accepted the request. A token that it does not know counts as revoked (RFC 7009 §2.2).

    Raises:
        ProviderUnavailable: The status is 429 or 5xx.
        ProviderError: The provider refuses the request; the detail contains its error code.

    Spec: RFC 7009 §2.2, §2.2.1.
    """
    raise_for_status(fetched, WHAT)
    if fetched.status in (200, 204):  # some answer 204, which says the same
        return
    error = json_object(fetched, WHAT, strict_type=False).get("error", "")
    refuse(WHAT, f"status {fetched.status}, error {printable(error, 60, hide=(token.value,))!r}")


class TokenRevocations:
    """Revokes tokens in the background, in at most `MAX_THREADS` threads. It is safe under threads."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Token, str]] = deque()  # with the ID of the request that ended the session
        self._threads = 0

    def begin(self, session: Session) -> Step[None]:
        """Begin to revoke the tokens of `session`, if there are any. The provider must have an endpoint for that."""
        tokens = tokens_of(session)
        if not tokens:
            return
        with self._lock:
            has_room = len(self._waiting) + len(tokens) <= MAX_WAITING
            if has_room:
                self._waiting.extend((token, current.request_id()) for token in tokens)
            starts = self._threads < MAX_THREADS  # if there is no room, all of them run
            self._threads += starts
        if not has_room:
            log.warning("revocation_failed: %d tokens wait already; they expire by themselves", MAX_WAITING)
        if starts:
            yield from effects.in_background(self._run)

    def _run(self) -> Step[None]:
        with current.deciding():
            while (token := self._next()) is not None:
                try:
                    yield from self._revoke(token)
                except GateError as error:
                    log.warning("revocation_failed: the %s was not revoked: %s", token.hint, error)
                except Exception:
                    log.exception("revocation_failed: an error in oidc_gate")

    def _next(self) -> Token | None:
        with self._lock:
            if not self._waiting:
                self._threads -= 1
                return None
            token, request_id = self._waiting.popleft()
        current.set_request_id(request_id)
        return token

    def _revoke(self, token: Token) -> Step[None]:
        metadata = yield from self._provider.metadata()
        request = yield from build_revocation_request(metadata, self._provider.settings, token)
        process_revocation((yield from self._provider.fetch("revocation", request)), token)
        log.debug("tokens_revoked: the %s of a session was revoked", token.hint)
