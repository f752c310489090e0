"""``/oauth2/userinfo``: the identity as JSON, for scripts of the application."""

from __future__ import annotations

from dataclasses import replace

from ..effects import Step
from ..model import Reply
from .challenge import SIGN_IN_FIRST, access_denied
from .context import Components, RequestContext
from .refusals import refused
from .responses import as_json, problem


def answer(components: Components, context: RequestContext) -> Step[Reply]:
    """Answer with the identity of the user, with 401 without a session, or with 403 if the rules refuse the user."""
    yield from ()
    identity = context.identity
    if identity is None:
        reply = problem(401, context.reason.code, SIGN_IN_FIRST, sign_in=context.url_of("start"))
        return replace(reply, reason=context.reason)
    if context.refused_by:
        return replace(access_denied(403), reason=refused(context, identity, context.refused_by))
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
            "groups_complete": identity.groups_complete,
            "provider": identity.provider,
            "acr": identity.acr,
            "amr": list(identity.amr),
            "auth_time": identity.authenticated_at,
            "expires_at": identity.expires_at,
            "claims": identity.claims,
        },
    ).because("endpoint")
