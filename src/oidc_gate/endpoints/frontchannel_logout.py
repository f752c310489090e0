"""``/oauth2/frontchannel_logout``: the sign-out page of the provider loads this in a frame.

``iss`` and ``sid`` name the session. If the browser still sends the session cookie in a frame of another site, the
cookie is cleared. If it does not (SameSite), the session is ended by its ``sid``, under the conditions of back-channel
logout.
"""

from __future__ import annotations

from dataclasses import replace

from .. import pages
from ..effects import Step
from ..errors import GateError
from ..model import Reason, Reply
from ..syntax.forms import read_form
from .context import Components, RequestContext
from .error_pages import reason_of
from .responses import page, problem, with_cookies

MAX_SID_LENGTH = 255  # as for `sub` (OpenID Connect Core §2)


def answer(components: Components, context: RequestContext) -> Step[Reply]:
    """Answer with an empty page, and end the session that is named.

    Spec: OpenID Connect Front-Channel Logout §2, §3.
    """
    try:
        sid = _sid(components, context)
    except GateError as error:
        return replace(problem(400, error.code, error.public_message), reason=reason_of(error))
    cookies: tuple[str, ...] = ()
    notes: tuple[Reason, ...] = ()
    ended = "the session ended"
    sessions = components.sessions
    if context.loaded is not None and context.loaded.session.sid == sid:
        yield from components.end_session(context.loaded)
        cookies = sessions.clear(context.cookie_header)
    elif sessions.ends_are_shared:
        yield from sessions.end_from_frame(sid)
    elif components.settings.insecure_single_process_revocation:
        yield from sessions.end_from_frame(sid)
        components.cache.clear()
    else:  # this is frequent: the user signed out here first, or the browser sends no cookie in a frame
        reason = "the session of the request is another one" if context.session else context.reason.code
        ended = f"no session ended: {reason}, and there is no shared store"
        notes = _without_effect(components, context)
    reply = page(200, pages.frontchannel_page()).because("frontchannel_logout", ended, notes=notes)
    return with_cookies(reply, cookies)


def _without_effect(components: Components, context: RequestContext) -> tuple[Reason, ...]:
    """Return the note that such a logout has no effect; once in each process, because any client can send one."""
    samesite = components.settings.cookie_samesite
    if not components.refusals.is_first("", "frontchannel_without_effect", None, context.request):
        return ()
    detail = (
        f"front-channel logout ended no session: browsers send a SameSite={samesite} cookie in no frame of another "
        "site, and no store is shared. Fix: register back-channel logout"
    )
    return (Reason("frontchannel_without_effect", detail=detail),)


def _sid(components: Components, context: RequestContext) -> str:
    try:
        pairs = read_form(context.request.query)
    except ValueError:
        pairs = []
    given = dict(pairs)
    is_repeated = len(given) != len(pairs)
    if is_repeated or given.get("iss") != components.settings.issuer:
        wrong_issuer = f"iss: expected {components.settings.issuer!r}, got {str(given.get('iss'))[:100]!r}"
        raise GateError(
            "frontchannel_iss",
            "The iss parameter does not name the provider of this site.",
            detail="a parameter is repeated" if is_repeated else wrong_issuer,
            status=400,
        )
    sid = given.get("sid", "")
    if not 0 < len(sid) <= MAX_SID_LENGTH:
        raise GateError("frontchannel_sid", "The sid parameter is missing or too long.", status=400)
    return sid
