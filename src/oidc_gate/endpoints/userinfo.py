"""``/oauth2/userinfo``: the identity as JSON, for the application's own scripts."""

from __future__ import annotations

from dataclasses import replace

from ..effects import Step
from ..model import Reply
from .challenge import SIGN_IN_FIRST, access_denied
from .context import Parts, Visit
from .responses import as_json, problem


def answer(parts: Parts, visit: Visit) -> Step[Reply]:
    """Answer who is signed in, 401 without a session, or 403 to a user whom the rules refuse."""
    yield from ()
    identity = visit.identity
    if identity is None:
        reply = problem(401, visit.why.code, SIGN_IN_FIRST, sign_in=visit.url_of("start"))
        return replace(reply, reason=visit.why)
    if visit.refused_by:
        return access_denied(403).because("refused", rule=visit.refused_by)
    return as_json(
        200,
        {
            "iss": identity.issuer,
            "sub": identity.subject,
            "email": identity.email,
            "email_verified": identity.email_verified,
            "name": identity.name,
            "preferred_username": identity.preferred_username,
            "groups": list(identity.groups),
            "provider": identity.provider,
            "acr": identity.acr,
            "amr": list(identity.amr),
            "auth_time": identity.authenticated_at,
            "expires_at": identity.expires_at,
            "claims": identity.claims,
        },
    ).because("endpoint")
