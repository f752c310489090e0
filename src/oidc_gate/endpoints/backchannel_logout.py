"""``/oauth2/backchannel_logout``: the provider reports directly to the gate that a user signed out.

A session in a store is deleted. For a session that is stored in a cookie, it is recorded that it has ended. Without
`session_store` and `revocation_store`, only this process would have that record, so the answer is 400 unless
`insecure_single_process_revocation` is set.
"""

from __future__ import annotations

from dataclasses import replace

from .. import effects
from ..effects import Step
from ..errors import GateError, IDTokenError
from ..model import Reason, Reply
from ..provider.logout import process_logout_token
from ..syntax.forms import values_of
from .context import Components, RequestContext
from .error_pages import reason_of, retry_after
from .responses import as_json, bare

MAX_BODY_BYTES = 96 * 1024  # a form with one logout token, which takes about 1 kB
REPLAY_SECONDS = 3600


def answer(components: Components, context: RequestContext) -> Step[Reply]:
    """Answer a logout token: 200 if sessions were ended, 400 if the token is refused, 503 if it should be sent again.

    Spec: OpenID Connect Back-Channel Logout §2.5 to §2.8.
    """
    is_shared = components.sessions.ends_are_shared
    if not (is_shared or components.settings.insecure_single_process_revocation):
        message = (
            "back-channel logout needs a session store that all processes share; session_store is cookie"
        )
        detail = (
            f"{message}; set revocation_store or session_store, or, with a single process, "
            "insecure_single_process_revocation"
        )
        return _refuse("not_supported", message).because("not_supported", detail)
    try:
        return (yield from _end_sessions(components, context))
    except GateError as error:
        reply = bare(503, retry_after(error)) if error.status == 503 else _refuse(error.code, "refused")
        return replace(reply, reason=reason_of(error))


def _end_sessions(components: Components, context: RequestContext) -> Step[Reply]:
    token = yield from _logout_token()
    settings = components.settings
    claims = yield from process_logout_token(components.provider, token)
    now = yield from effects.now()
    # An older token is refused for its iat, so a jti does not have to be stored until an exp in the year 9999.
    until = min(claims.exp, now + REPLAY_SECONDS) + settings.clock_skew_seconds + 1
    used = f"jti\0{claims.jti}"
    # The token counts as used only after sessions have ended: if the store fails before, the provider sends it again.
    is_used = (yield from effects.last_seen(used)) is not None
    if not is_used:
        yield from components.sessions.end_at_provider(subject=claims.sub or "", sid=claims.sid or "")
        is_used = not (yield from effects.add_once(used, until))
    if is_used:
        raise IDTokenError(
            "jti", expected="a logout token that was not used", got="a replay", token="logout_token"
        )
    if not components.sessions.ends_are_shared:
        components.cache.clear()
    return replace(bare(200), reason=Reason("provider_logout", subject=claims.sub or ""))


def _logout_token() -> Step[str]:
    body = yield from effects.read_body(MAX_BODY_BYTES)
    tokens = values_of(body.decode("latin-1"), "logout_token")
    if len(tokens) != 1:
        raise GateError("logout_token_missing", "One logout_token is expected.", status=400)
    return tokens[0]


def _refuse(code: str, description: str) -> Reply:
    return as_json(400, {"error": "invalid_request", "error_description": f"{code}: {description}"})
