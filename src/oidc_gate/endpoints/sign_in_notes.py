"""Notes for the operator about a successful sign-in: what is missing, and what to change."""

from __future__ import annotations

from ..model import Reason, Session
from ..policy.claim_notes import groups_without_scope, notes_on_claims
from ..policy.identity_headers import fits_header, is_token_too_long, untransmissible_groups
from ..provider.sign_in import SignedIn
from ..settings import Settings
from .context import Components, RequestContext

_NO_REFRESH_TOKEN = (
    "refresh is set, and the provider sent no refresh token. Fix: allow the client the grant refresh_token at the "
    "provider, and add offline_access to scopes if the provider has this scope"
)
_ID_TOKEN_LEFT_OUT = (
    "the ID token does not fit into the session, so sign-out at the provider goes without id_token_hint. "
    "Fix: set session_store, or have the provider send fewer claims"
)
_GROUPS_LEFT_OUT = (
    "the groups do not fit into the session: {} of {} remain, those in allowed_groups and groups_kept, and "
    "Identity.groups_complete is false. Fix: set session_store, have the provider send fewer groups, or name in "
    "groups_kept those that the application uses"
)
_TOKEN_TOO_LONG = (
    "the access token has {} characters. Behind a proxy that asks for a verdict, gunicorn and Apache refuse a header "
    "line of more than 8,190 bytes with 400, and Nginx answers 500 if the headers do not fit into proxy_buffer_size. "
    "Fix: have the provider issue shorter tokens, or raise these limits"
)
_HEADER_TOO_LONG = (
    "the {} groups do not fit into the headers: if one is sent, it contains only those in allowed_groups and "
    "groups_kept, and Groups-Incomplete says so. Fix: name in groups_kept those that the application uses, or have the "
    "provider send fewer"
)


def notes_on_provider(
    components: Components, context: RequestContext, signed_in: SignedIn
) -> tuple[Reason, ...]:
    """Return notes on the provider's answers. Some of them are logged once in each process."""
    settings, notes = components.settings, []
    if signed_in.userinfo_failure:
        detail = f"only the claims of the ID token are used: {signed_in.userinfo_failure}"
        notes.append(Reason("userinfo_failed", detail=detail))
    notes += notes_on_claims(signed_in.claims, settings)
    detail = groups_without_scope(signed_in.claims, settings)
    if detail and components.refusals.is_first("", "groups_scope", None, context.request):
        notes.append(Reason("groups_scope", detail=detail))
    needs_refresh_token = components.refresher is not None and settings.refresh
    if (
        needs_refresh_token
        and not signed_in.refresh_token
        and components.refusals.is_first("", "refresh_token_missing", None, context.request)
    ):
        notes.append(Reason("refresh_token_missing", detail=_NO_REFRESH_TOKEN))
    return tuple(notes)


def notes_on_session(session: Session, written: Session, settings: Settings) -> tuple[Reason, ...]:
    """Return notes on what does not fit into the session or into headers.

    Args:
        session: The session as it should have been written.
        written: The session as it was written, shortened if it did not fit.
    """
    notes = []
    identity, before = written.identity, session.identity
    if left_out := untransmissible_groups(identity):
        detail = f"{len(left_out)} group(s) cannot be part of a header and are left out of it"
        notes.append(Reason("groups_left_out", detail=detail))
    if is_token_too_long(written, settings):
        notes.append(
            Reason("token_header_too_long", detail=_TOKEN_TOO_LONG.format(len(written.access_token)))
        )
    if not fits_header(identity, settings):
        notes.append(Reason("groups_header_too_long", detail=_HEADER_TOO_LONG.format(len(identity.groups))))
    if written.id_token != session.id_token:
        notes.append(Reason("id_token_left_out", detail=_ID_TOKEN_LEFT_OUT))
    if identity.groups != before.groups:
        detail = _GROUPS_LEFT_OUT.format(len(identity.groups), len(before.groups))
        notes.append(Reason("groups_incomplete", detail=detail))
    if identity.claims != before.claims:
        detail = "the claims do not fit into the session: Identity.claims is empty"
        notes.append(
            Reason("claims_left_out", detail=f"{detail}. Fix: ask for fewer scopes, or set session_store")
        )
    return tuple(notes)
