"""Refreshes the sessions in a store.

`oidc_gate.session.freshness` says when a refresh is due. The refresh takes a lease in the store, so that only one
process at a time refreshes a session. It then reads the row again, asks the provider, checks the access rules with the
answer, and writes the row by compare-and-swap.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from .. import effects
from ..effects import Signal, Step, TakeLease
from ..errors import CallbackError, GateError, IDTokenError, ProviderError, SessionError, Unavailable
from ..model import Identity, Session
from ..observe import audit
from ..policy.access import AccessRules
from ..policy.claims import identity_from_claims
from ..provider.client import Provider
from ..provider.refresh import NewTokens, ask_userinfo, exchange_refresh_token, identify
from ..provider.userinfo import AccessTokenRefused
from ..session.cache import SessionCache
from ..session.freshness import can_refresh, due
from ..session.sessions import LoadedSession
from ..session.stored_sessions import StoredSessions
from ..settings import Settings
from .flights import NO_RESULT, Flight, Flights, Outcome
from .open_streams import StreamRefresher

log = logging.getLogger("oidc_gate.refresh")

MAX_WAIT_SECONDS = 4.5  # Nginx waits 5 seconds for the answer of an auth location
LEASE_SECONDS = 3.0  # if the holder is killed, the other processes wait for this long
POLL_SECONDS = 0.25
RECHECK_SECONDS = 5  # when requests look for the result of a refresh for which they do not wait
# An answer may leave out how long its access token lasts (RFC 6749 §5.1). Without an ID token, nothing else shows it.
ASSUMED_TOKEN_SECONDS = 300  # the default of Keycloak, the shortest of the common providers
MIN_KNOWN_TOKEN_SECONDS = 60
WRITE_RETRY_SECONDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0)

_ENDED = "The session has ended. Please sign in again."


class Refresher:
    """Refreshes sessions in a store. It is safe under threads.

    Args:
        provider_name: The value of `Identity.provider`.
    """

    def __init__(
        self,
        settings: Settings,
        provider: Provider,
        provider_name: str,
        sessions: StoredSessions,
        access: AccessRules,
        cache: SessionCache[object],  # type: ignore[type-var]
    ) -> None:
        self._settings, self._provider, self._provider_name = settings, provider, provider_name
        self._sessions, self._access, self._cache = sessions, access, cache
        self._flights = Flights(self._refresh)

    def with_refresh_time(self, loaded: LoadedSession) -> LoadedSession:
        """Return `loaded` with the time at which its refresh is due, without refreshing it."""
        return loaded._replace(fresh_until=due(loaded.session, self._settings).soft)

    def for_stream(self, loaded: LoadedSession) -> StreamRefresher:
        """Return a callable that refreshes `loaded` while a connection of this session is open."""
        return StreamRefresher(self._flights, self._settings, loaded)

    def keep_fresh(self, loaded: LoadedSession) -> Step[LoadedSession]:
        """Return `loaded`, refreshed if that is due.

        After the soft time of `freshness.Due` the refresh is only started, and `loaded` is returned as it is. After the
        hard time this waits for the result, at most `MAX_WAIT_SECONDS`.

        Raises:
            SessionError: The session has ended, because the provider or the rules refuse its user; or the provider did
                not answer, and `refresh_required` is set.
            QueueFull: Too few threads of the server are left to wait.
        """
        times = due(loaded.session, self._settings)
        now = loaded.at
        if now < times.soft:
            return loaded._replace(fresh_until=times.soft)
        flight = yield from self._flights.join(loaded, now)
        if now < times.hard:
            again = self._flights.retry_at(loaded, now) if flight is None else now
            return loaded._replace(fresh_until=min(times.hard, max(again, now + RECHECK_SECONDS)))
        outcome = NO_RESULT if flight is None else (yield from self._wait(flight, now))
        if outcome.error is not None:
            raise SessionError(outcome.error.code, outcome.error.public_message)
        if outcome.loaded is not None:
            until = due(outcome.loaded.session, self._settings).soft
            return outcome.loaded._replace(value=loaded.value, at=now, fresh_until=until)
        if self._settings.refresh_required:
            raise SessionError("refresh_required", "The sign-in service did not confirm the session.")
        return loaded._replace(fresh_until=max(self._flights.retry_at(loaded, now), now + 1))

    @staticmethod
    def _wait(flight: Flight, now: int) -> Step[Outcome]:
        """Return the outcome of `flight`. The limit begins with the flight, whenever the request came."""
        seconds = min(max(flight.started_at + MAX_WAIT_SECONDS - now, 0.0), MAX_WAIT_SECONDS)
        yield from effects.wait_for(flight.is_over, seconds)
        return flight.outcome

    def _refresh(self, loaded: LoadedSession) -> Step[Outcome]:
        """Refresh a session, or wait until another process has done so."""
        assert loaded.stored is not None
        lease = TakeLease(b"refresh\0" + loaded.stored.row.key, LEASE_SECONDS)
        deadline = (yield from effects.now()) + self._settings.provider_timeout_seconds + 2 * LEASE_SECONDS
        while True:
            outcome = yield from effects.with_lease(lease, partial(self._with_lease, loaded))
            if outcome is not None:
                return outcome
            if (yield from effects.now()) >= deadline:
                return NO_RESULT
            yield from effects.wait_for(Signal(), POLL_SECONDS)

    def _with_lease(self, loaded: LoadedSession, is_held: bool) -> Step[Outcome | None]:
        """Return the session if another process has refreshed it; otherwise refresh it if the lease `is_held`."""
        try:
            current = yield from self._sessions.reload(loaded)
        except SessionError as error:
            return Outcome(error=error)
        if current.at < due(current.session, self._settings).soft:
            self._cache.drop(current.end_key)
            return Outcome(current)
        return (yield from self._ask_provider(current)) if is_held else None

    def _ask_provider(self, current: LoadedSession) -> Step[Outcome]:
        session = current.session
        try:
            if can_refresh(session, self._settings):
                return (yield from self._exchange(current))
            if session.access_token:
                asked_at = yield from effects.now()
                claims = yield from ask_userinfo(
                    self._provider, session.access_token, session.identity.subject
                )
                identity = self._identity(session, claims)
                return (
                    yield from self._write(current, session._replace(identity=identity, checked_at=asked_at))
                )
        except (CallbackError, AccessTokenRefused) as error:
            return (yield from self._end(current, SessionError("refresh_refused", _ENDED), error.detail))
        except IDTokenError as error:
            if error.claim == "sub":
                return (
                    yield from self._end(current, SessionError("refresh_other_user", _ENDED), error.detail)
                )
            return Outcome(failure=str(error))
        except (ProviderError, Unavailable) as error:
            return Outcome(failure=str(error))
        impossible = SessionError("refresh_impossible", _ENDED)
        return (yield from self._end(current, impossible, "there is no token to ask the provider with"))

    def _exchange(self, current: LoadedSession) -> Step[Outcome]:
        """Refresh the tokens of a session, and its identity."""
        session, settings = current.session, self._settings
        asked_at = yield from effects.now()
        new = yield from exchange_refresh_token(self._provider, session.refresh_token)
        try:
            claims, expires_at = yield from identify(self._provider, new, session.identity.subject)
        except (ProviderError, Unavailable) as error:
            is_about_the_user = isinstance(error, IDTokenError) and error.claim == "sub"
            if is_about_the_user or isinstance(error, AccessTokenRefused):
                raise  # the session ends
            # The provider may not accept the old refresh token any more.
            yield from self._put(current, session._replace(refresh_token=new.tokens.refresh_token))
            raise
        fresh = _with_tokens(session, new, expires_at, asked_at, keeps_id_token=bool(settings.keep_id_token))
        if claims is not None:
            fresh = fresh._replace(identity=self._identity(session, claims))
        return (yield from self._write(current, fresh))

    def _identity(self, session: Session, claims: Mapping[str, Any]) -> Identity:
        """Return the identity from the provider's current claims. The old value of an absent claim is not kept."""
        before = session.identity
        fresh = identity_from_claims(
            claims,
            issuer=before.issuer,
            provider=self._provider_name,
            settings=self._settings,
            session_id=before.session_id,
            authenticated_at=before.authenticated_at,
            expires_at=before.expires_at,
        )
        # How the user signed in has not changed. Many providers leave it out of the answer.
        return replace(fresh, acr=before.acr, amr=before.amr)

    def _write(self, current: LoadedSession, fresh: Session) -> Step[Outcome]:
        """Write the session if its user may still enter, and end it otherwise."""
        if rule := self._access.refuses(fresh.identity):
            return (yield from self._end(current, SessionError("refresh_user_refused", _ENDED), rule))
        outcome = yield from self._put(current, fresh)
        if outcome.loaded is not None:
            audit.refreshed(audit.REFRESHED, fresh.identity)
        return outcome

    def _put(self, current: LoadedSession, fresh: Session) -> Step[Outcome]:
        """Write `fresh`, with retries while the store does not answer, because a new refresh token must not be lost."""
        for seconds in (*WRITE_RETRY_SECONDS, None):
            try:
                written = yield from self._sessions.replace(current, fresh)
            except Unavailable as error:
                if seconds is None:
                    return Outcome(failure=f"its new tokens could not be stored: {error}")
                yield from effects.wait_for(Signal(), seconds)
            except GateError as error:
                return Outcome(failure=f"it could not be stored: {error}")
            else:
                if written is not None:
                    self._cache.drop(current.end_key)
                return (yield from self._as_stored(current))
        raise AssertionError("unreachable")

    def _as_stored(self, current: LoadedSession) -> Step[Outcome]:
        try:
            return Outcome((yield from self._sessions.reload(current)))
        except SessionError as error:
            return Outcome(error=error)

    def _end(self, current: LoadedSession, why: SessionError, detail: str) -> Step[Outcome]:
        """End a session, unless another process has changed it in the meantime."""
        stored = yield from self._as_stored(current)
        if stored.loaded is None:
            return stored
        assert stored.loaded.stored is not None
        assert current.stored is not None
        if stored.loaded.stored.row.version != current.stored.row.version:
            return stored
        identity = current.session.identity
        for seconds in (*WRITE_RETRY_SECONDS, None):
            try:
                yield from self._sessions.end(current.session)
                break
            except Unavailable:
                if seconds is not None:
                    yield from effects.wait_for(Signal(), seconds)
        self._cache.forget(current.end_key)
        log.info("%s: the session of sub=%a ended: %s", why.code, identity.subject, detail)
        audit.refreshed(why.code, identity, detail)
        return Outcome(error=why)


def _with_tokens(
    session: Session, new: NewTokens, expires_at: int, asked_at: int, *, keeps_id_token: bool
) -> Session:
    tokens = new.tokens
    return session._replace(
        id_token=tokens.id_token or session.id_token if keeps_id_token else "",
        access_token=tokens.access_token,
        access_token_expires_at=expires_at or asked_at + _assumed_seconds(session),
        refresh_token=tokens.refresh_token,
        checked_at=asked_at,
    )


def _assumed_seconds(session: Session) -> int:
    """Return for how many seconds a new access token probably lasts, if the answer of the provider does not say it.

    That is as long as the token before it, which came from the same provider.

    Args:
        session: The session before the refresh.
    """
    before = session.access_token_expires_at - (session.checked_at or session.started_at)
    return before if before >= MIN_KNOWN_TOKEN_SECONDS else ASSUMED_TOKEN_SECONDS
