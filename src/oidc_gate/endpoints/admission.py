"""What follows from a session: whether the person may enter, and how the application and Nginx are told who it is.

Found out once for each cookie and kept in the session cache: nothing of it depends on the request.
"""

from __future__ import annotations

from ..model import Allow, HeaderList, Identity, Reply, Session
from ..policy.claims import identity_headers, user_of
from ..session.cache import Known
from ..session.lifetime import ends_at, renew_at
from .base import Parts
from .replies import bare


def know(parts: Parts, session: Session) -> Known:
    """Return all that is to be remembered about a cookie that was opened."""
    identity, settings = session.identity, parts.settings
    refused = parts.entry.refuses(identity)
    allow = Allow(identity, application_headers(parts, session))
    return Known(
        session=session,
        until=min(ends_at(session, settings), renew_at(session, settings)),
        allow=None if refused else allow,
        verdict=bare(403) if refused else admit(parts, session),
        environ=build_environ(parts, allow),
        scope_headers=build_scope_headers(allow),
        size=_size(session),
    )


def application_headers(parts: Parts, session: Session | None) -> HeaderList:
    """Return the headers for the wrapped application; those that are asked for come always, empty if need be."""
    settings = parts.settings
    token = session.access_token if session else ""
    identity = session.identity if session else NOBODY
    headers: HeaderList = ()
    if settings.identity_headers:
        headers = identity_headers(
            identity, settings, "X-Forwarded", token if settings.pass_access_token else None
        )
    elif settings.pass_access_token:
        headers = (("X-Forwarded-Access-Token", token),)
    if settings.pass_authorization and token:
        headers += (("Authorization", f"Bearer {token}"),)
    return headers


def admit(parts: Parts, session: Session | None) -> Reply:
    """Return the 202 of ``/oauth2/auth``: every identity header, empty where nobody is signed in."""
    settings = parts.settings
    token = (session.access_token if session else "") if settings.pass_access_token else None
    identity = session.identity if session else NOBODY
    headers = identity_headers(identity, settings, "X-Auth-Request", token)
    if settings.pass_authorization:
        headers += (("Authorization", f"Bearer {session.access_token}" if session else ""),)
    return bare(202, headers)


def build_environ(parts: Parts, allow: Allow) -> dict[str, object]:
    """Return what a WSGI ``environ`` is given."""
    environ: dict[str, object] = {
        "HTTP_" + name.upper().replace("-", "_"): value for name, value in allow.headers
    }
    environ["oidc_gate.identity"] = allow.identity
    if allow.identity is not None:
        environ["REMOTE_USER"] = user_of(allow.identity, parts.settings)
        environ["AUTH_TYPE"] = "oidc_gate"
    return environ


def build_scope_headers(allow: Allow) -> tuple[tuple[bytes, bytes], ...]:
    """Return the headers that an ASGI scope is given."""
    return tuple((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in allow.headers)


NOBODY = Identity("", "")


def _size(session: Session) -> int:
    """Estimate, on the high side, the bytes that a session takes in memory with all that hangs on it."""
    who = session.identity
    texts = len(who.subject) + len(who.email) + len(who.name) + len(who.preferred_username)
    groups = sum(len(group) + 60 for group in who.groups)
    tokens = len(session.id_token) + 3 * len(session.access_token)
    return 6_000 + 8 * texts + 4 * groups + tokens + 6 * len(repr(dict(who.claims)))
