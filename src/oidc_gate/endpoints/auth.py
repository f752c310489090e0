"""``/oauth2/auth``: the endpoint to which Nginx's ``auth_request`` sends a subrequest for every request.

It answers 202, 401, 403 or 503 with an empty body and ``Content-Length: 0``, never with a redirect or HTML. For Nginx
any other status is an error of the backend, and the user sees a 500.
"""

from __future__ import annotations

from dataclasses import replace

from ..effects import Step
from ..model import Reason, Reply
from ..policy.access import names_a_rule
from ..policy.identity_headers import auth_headers
from ..policy.public_paths import reason_without_identity
from ..request.forwarded import client_queries, original_target
from ..request.navigation import Audience, is_handshake
from ..request.sign_in_watch import MAX_UNANSWERED
from .context import NO_COOKIE, Components, RequestContext
from .refusals import refused_by_verdict
from .responses import bare

_UNKNOWN_PARAMETER = (
    "the query of the auth location may contain allowed_groups, allowed_emails and allowed_email_domains, "
    "each at most once, and nothing else; Caddy appends the query of the client's request: let uri end with a ?, or "
    "name Caddy in trusted_proxies"
)


def answer(components: Components, context: RequestContext) -> Step[Reply]:
    """Answer whether the user may enter, and with which identity.

    The path of the client's request is used only if a trusted proxy reports it.
    """
    yield from ()
    reply = verdict(components, context)
    is_unanswered = reply.reason == NO_COOKIE and _is_page_load(context)
    if is_unanswered and components.sign_in_watch.page_load_refused():
        return replace(reply, reason=reply.reason._replace(notes=(_unreachable(context),)))
    return reply


def _is_page_load(context: RequestContext) -> bool:
    """Return whether the proxy asks about a page load, by the headers of the client, which the proxy passes on.

    The method says nothing, because Nginx always asks with GET.
    """
    return context.as_first_sent("x-auth-request-method").audience is Audience.NAVIGATION


def _unreachable(context: RequestContext) -> Reason:
    sign_in, prefix = context.path_to("sign_in"), context.path_to("")
    detail = (
        f"{MAX_UNANSWERED} page loads got 401, and none was followed by a request for the sign-in page, so users see "
        f"the proxy's own 401 page. Fix: write `error_page 401 = {sign_in};` in the location that has `auth_request`, "
        f"and proxy the location {prefix} to this gate"
    )
    return Reason("sign_in_unreachable", detail=detail)


def verdict(components: Components, context: RequestContext) -> Reply:
    """Return the answer to the proxy: 202, 401 or 403.

    On a public path, a user whom the settings or the query refuse passes like an anonymous user: all identity headers
    are present, and empty. For a WebSocket handshake the ``Origin`` is checked too, as in front of an application.
    """
    query = _operators_query(components, context)
    rules = components.access.narrowed(query)
    if rules.query.rule_set is None:
        return bare(403).because("unknown_parameter", _UNKNOWN_PARAMETER)
    original = original_target(context.request, components.settings, components.trusted)
    is_public = original is not None and components.public.matches(
        original.method, original.path, original.raw_path
    )
    if context.session is None:
        if is_public:
            return replace(
                bare(202, auth_headers(components.settings, None)), reason=reason_without_identity(None)
            )
        return replace(bare(401), reason=context.reason)
    refused_by = rules.refuses(context.session.identity)
    _note_requirement(context, query, is_met=not refused_by)
    if refused_by:
        reason = refused_by_verdict(context, context.session.identity, rules, refused_by)
        if not is_public:
            return replace(bare(403), reason=reason)
        without_identity = reason_without_identity(refused_by, reason.notes)
        return replace(bare(202, auth_headers(components.settings, None)), reason=without_identity)
    if (context.request.is_websocket or is_handshake(context.request.headers)) and context.has_foreign_origin:
        return bare(403).because("origin_not_allowed")
    return bare(202, auth_headers(components.settings, context.session)).because("signed_in")


def _operators_query(components: Components, context: RequestContext) -> str:
    """Return the query with rules that the operator wrote at the proxy; empty if the query is that of the client.

    Caddy appends the query of the client's request to a ``uri`` that has none. A query that names a rule, or something
    like a rule, is always taken for that of the operator. A client that sends one can therefore only be refused.
    """
    query = context.request.query
    if not query or names_a_rule(query):
        return query
    is_clients = query in client_queries(context.request, components.settings, components.trusted)
    return "" if is_clients else query


def _note_requirement(context: RequestContext, query: str, *, is_met: bool) -> None:
    """Record in the admission of this session whether it satisfies the query, so that it is not checked again."""
    if not query or context.loaded is None:
        return
    number = context.components.requirements.number(query)
    admission = context.components.cache.get(context.loaded.value)
    if admission is not None and number is not None:
        admission.note(number, is_met=is_met)
