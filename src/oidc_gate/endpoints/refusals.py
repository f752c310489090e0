"""The refusal of a signed-in user: the page shows a request ID, and the log explains the refusal under this ID."""

from __future__ import annotations

from ..model import Identity, Reason
from ..policy.access import NarrowedRules, RuleSet
from ..policy.refusals import explain_refusal
from ..policy.requirements import SETTINGS
from .context import RequestContext

AUTH_QUERY = "auth_query"
"""The name for the rules in the query of ``/oauth2/auth``, where it is not known which of them refused the user."""


def refused(context: RequestContext, identity: Identity, rule: str) -> Reason:
    """Return the reason for refusing a user whom the settings refuse.

    It has a note that explains the refusal, unless this process has explained it already for this session.
    """
    return Reason("refused", rule, notes=explanation(context, identity, rule))


def explanation(context: RequestContext, identity: Identity, rule: str) -> tuple[Reason, ...]:
    """Return the note that explains a refusal by the settings; empty if it was explained for an earlier request."""
    return _notes(context, identity, rule, SETTINGS, context.components.access.rule_set)


def explained_in(context: RequestContext, identity: Identity, rule: str) -> str:
    """Return the ID of the request under which the log explains a refusal by the settings: this one, or an earlier."""
    return _explained_in(context, identity, rule, SETTINGS)


def refused_by_verdict(
    context: RequestContext, identity: Identity, rules: NarrowedRules, rule: str
) -> Reason:
    """Return the reason for refusing a user at ``/oauth2/auth``, by the settings or by the rules in the query."""
    if rules.rules.refuses(identity) or rules.query.rule_set is None:
        return refused(context, identity, rule)
    number = context.components.requirements.number(context.request.query)
    return Reason("refused", rule, notes=_notes(context, identity, rule, number, rules.query.rule_set))


def _notes(
    context: RequestContext, identity: Identity, rule: str, requirement: int | None, rules: RuleSet
) -> tuple[Reason, ...]:
    if not context.components.refusals.is_first(identity.session_id, rule, requirement, context.request):
        return ()
    source = " in the query of the request" if requirement != SETTINGS else ""
    subject, session_id = identity.subject, identity.session_id
    if rule == AUTH_QUERY:
        words = "the query of /oauth2/auth refuses the user; an earlier line has the same sub and the name of the rule"
        detail = f"sub={subject!a}; {words}"
        return (Reason("user_refused", rule, detail, subject=subject, session_id=session_id),)
    words = explain_refusal(rule, identity, rules, context.components.settings)
    detail = f"sub={subject!a}; {words}{source}"
    return (Reason("user_refused", rule, detail, subject=subject, session_id=session_id),)


def _explained_in(context: RequestContext, identity: Identity, rule: str, requirement: int | None) -> str:
    return context.components.refusals.request_id(identity.session_id, rule, requirement, context.request)
