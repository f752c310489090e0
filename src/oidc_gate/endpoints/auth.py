"""``/oauth2/auth``: what Nginx's ``auth_request`` asks about every request.

202, 401, 403 or 503, with an empty body and its length spelled out; never a redirect, never HTML: to Nginx any
other status is an error of the backend, and the visitor sees 500.
"""

from __future__ import annotations

from ..effects import Step
from ..model import Reply
from ..observe import log
from ..request.forwarded import original_target
from .admission import admit, public_path
from .base import Parts, Visit
from .replies import bare

_UNKNOWN_PARAMETER = (
    "refused: the query of the auth location may hold allowed_groups, allowed_emails and allowed_email_domains, "
    "each once, and nothing else"
)


def answer(parts: Parts, visit: Visit) -> Step[Reply]:
    """Answer who it is, and whether they may enter; where, only if a trusted proxy says so."""
    yield from ()
    return judge(parts, visit)


def judge(parts: Parts, visit: Visit) -> Reply:
    """Return the verdict on a visit: 202, 401 or 403.

    A user whom the settings or the query refuse is let through to a public path as an anonymous visitor is:
    every identity header is there, and empty.
    """
    rules = parts.entry.narrowed(visit.request.query)
    if rules.query.demand is None:
        log.misconfigured(visit.request, _UNKNOWN_PARAMETER)
        return bare(403)
    original = original_target(visit.request, parts.settings, parts.trusted)
    is_public = original is not None and parts.public.matches(
        original.method, original.path, original.raw_path
    )
    if visit.session is None:
        if is_public:
            log.decided(visit.request, "202", "public path")
            return admit(parts, None)
        log.decided(visit.request, "401", visit.why)
        return bare(401)
    refused_by = rules.refuses(visit.session.identity)
    if refused_by and not is_public:
        log.decided(visit.request, "403", f"refused by {refused_by}")
        return bare(403)
    if refused_by:
        log.decided(visit.request, "202", public_path(refused_by))
        return admit(parts, None)
    log.decided(visit.request, "202", "signed in")
    return admit(parts, visit.session)
