"""Every decision and event that the gate logs, by its stable code.

This is the only list. The log takes the level of a line from it, and a test keeps ``docs/events.md`` equal to it. A
code that is not in it is the code of a `GateError` (``docs/errors.md``) and is logged as a warning.
"""

from __future__ import annotations

from logging import DEBUG, ERROR, INFO, WARNING
from typing import NamedTuple


class Event(NamedTuple):
    """The level at which an event is logged, and its meaning in one sentence, for the documentation."""

    level: int
    meaning: str


EVENTS: dict[str, Event] = {
    # requests for the application, and the answers of /oauth2/auth and /oauth2/forward
    "signed_in": Event(DEBUG, "A session was presented and its user may enter."),
    "public_path": Event(DEBUG, "The path is public, so no session is needed."),
    "refused": Event(DEBUG, "The user is signed in, and the named rule refuses them."),
    "user_refused": Event(
        INFO,
        "The named rule refuses a signed-in user: what the user has, what was looked for, and whether the claim is "
        "absent. Once for each session and rule in each process.",
    ),
    "refused_on_public_path": Event(
        DEBUG, "The named rule refuses the user; the path is public, so the request is anonymous."
    ),
    "origin_not_allowed": Event(DEBUG, "A page of another origin tried to open a WebSocket."),
    "unknown_parameter": Event(
        ERROR, "The query of `/oauth2/auth` contains something other than the rules that it may contain."
    ),
    "sign_in_unreachable": Event(
        WARNING,
        "Page loads were refused at `/oauth2/auth` again and again, and the sign-in page was never requested: the "
        "proxy does not show it. Once in each process.",
    ),
    "preflight_answered": Event(DEBUG, "The CORS preflight of a page of `allowed_origins` was answered."),
    # why there is no session
    "no_cookie": Event(DEBUG, "No session cookie was sent."),
    "seal_malformed": Event(DEBUG, "The session cookie does not have the form of a sealed value."),
    "seal_foreign": Event(DEBUG, "The session cookie was sealed by another gate, or with another secret."),
    "seal_forged": Event(DEBUG, "The session cookie was altered, or its secret was removed."),
    "session_expired": Event(DEBUG, "The session reached its absolute lifetime."),
    "session_idle": Event(DEBUG, "The session was not used for longer than the idle time."),
    "session_revoked": Event(DEBUG, "The session was ended by a sign-out."),
    "session_ended": Event(
        DEBUG,
        "The store has no such session: it was ended by a sign-out, expired, or the store lost its data.",
    ),
    "refresh_refused": Event(
        DEBUG,
        "The provider refused the refresh token or the access token of the session: the user was disabled or signed "
        "out there. The session has ended.",
    ),
    "refresh_user_refused": Event(
        DEBUG, "The rules refuse the user as the provider describes them now. The session has ended."
    ),
    "refresh_other_user": Event(
        DEBUG, "The answer to a refresh was about another user. The session has ended."
    ),
    "refresh_impossible": Event(
        DEBUG,
        "`recheck_seconds` have passed, the access token has expired, and there is no refresh token. The session has "
        "ended.",
    ),
    "refresh_required": Event(
        INFO, "The provider did not confirm the session, and `refresh_required` is set. The session stays."
    ),
    "session_before_store": Event(
        DEBUG,
        "The session is in a cookie and began before the `revocation_store` did, so its end may have been forgotten.",
    ),
    "session_parts": Event(DEBUG, "Another cookie of the session is missing or belongs to another session."),
    "session_record": Event(DEBUG, "The session was written by a version whose records cannot be read."),
    "session_from_the_future": Event(DEBUG, "The session starts later than the clock allows."),
    # signing in
    "sign_in_page": Event(DEBUG, "The sign-in page, or its equivalent for scripts, was shown."),
    "not_a_navigation": Event(DEBUG, "Something other than a page load requested `/oauth2/start`."),
    "moved_to_public_url": Event(
        DEBUG,
        "`/oauth2/start` was opened on another host than that of `public_url`, and the browser was sent there first.",
    ),
    "sign_in_started": Event(DEBUG, "The browser was sent to the provider."),
    "sign_in_loop": Event(
        ERROR,
        "The same browser signed in again and again: its cookie never came back, or another application replaced it.",
    ),
    "sign_in_completed": Event(INFO, "A user signed in."),
    "already_signed_in": Event(
        DEBUG, "The sign-in cannot be completed here, but the user is signed in already."
    ),
    "groups_left_out": Event(ERROR, "A group cannot be part of a header and is left out of it."),
    "userinfo_failed": Event(
        WARNING, "Userinfo gave no usable answer; no rule needs it, so the user signed in without its claims."
    ),
    "groups_unreadable": Event(
        WARNING, "The groups claim, or a part of it, is not a list of texts; the line says what it is."
    ),
    "groups_scope": Event(
        WARNING,
        "`allowed_groups` is set, no groups came, and no scope asks for them. Once in each process.",
    ),
    "refresh_token_missing": Event(
        WARNING, "`refresh` is set, and the provider sent no refresh token. Once in each process."
    ),
    "claims_elsewhere": Event(
        ERROR,
        "The provider sent only a reference (`_claim_names`, `hasgroups`) instead of a claim that is used, as Entra ID "
        "does for a user in many groups. Without the groups, `Identity.groups_complete` is false.",
    ),
    "id_token_left_out": Event(
        WARNING,
        "The ID token does not fit into the session and is not kept, although `keep_id_token` asks for it.",
    ),
    "groups_incomplete": Event(
        WARNING,
        "The groups do not fit into the session: only those that `allowed_groups` and `groups_kept` name remain, and "
        "`Identity.groups_complete` is false.",
    ),
    "groups_header_too_long": Event(
        WARNING,
        "The groups do not fit into a header: if one is sent, it contains only those that `allowed_groups` and "
        "`groups_kept` name.",
    ),
    "token_header_too_long": Event(
        WARNING,
        "The access token, which `pass_access_token` or `pass_authorization` passes on, is longer than 8,000 "
        "characters. It is passed on, and a proxy or an application server may refuse it.",
    ),
    "claims_left_out": Event(ERROR, "The claims do not fit into the session and are left out."),
    # signing out
    "signed_out": Event(DEBUG, "The session was ended by its user."),
    "sign_out_asked": Event(DEBUG, "The page that asks whether to sign out was shown."),
    "sign_out_not_meant": Event(DEBUG, "A sign-out was refused because it may not come from the user."),
    "still_signed_in": Event(DEBUG, "`/oauth2/signed_out` was opened by a user who is signed in."),
    "signed_out_page": Event(DEBUG, "The page at the end of a sign-out was shown."),
    "signed_out_target": Event(DEBUG, "After the sign-out at the provider, the user was sent to the target."),
    "logout_state": Event(
        WARNING, "`/oauth2/signed_out` was opened with a state that the gate did not send."
    ),
    "provider_logout": Event(DEBUG, "The provider ended sessions through back-channel logout."),
    "frontchannel_logout": Event(DEBUG, "The provider's sign-out page loaded the front-channel logout URI."),
    "frontchannel_without_effect": Event(
        WARNING,
        "The provider's sign-out page loaded the front-channel address, and no session ended: the browser sends no "
        "cookie there. Once in each process.",
    ),
    "not_supported": Event(ERROR, "A back-channel logout request came, but the settings do not allow it."),
    # everything else
    "endpoint": Event(
        DEBUG, "An endpoint that needs no decision answered: `ping`, `ready`, `static`, `userinfo`."
    ),
    "metrics_token": Event(WARNING, "`/oauth2/metrics` was requested without the right token."),
    "not_found": Event(DEBUG, "There is no such endpoint."),
    "method_not_allowed": Event(DEBUG, "The endpoint does not accept this method."),
}


class AuditEvent(NamedTuple):
    """An event of the logger ``oidc_gate.audit``.

    Attributes:
        codes: The codes of `EVENTS` that are logged as this event.
    """

    meaning: str
    codes: tuple[str, ...]


AUDIT: dict[str, AuditEvent] = {
    "sign_in": AuditEvent(
        "A user signed in. `rule` is not part of it: whether they may enter is another event.",
        ("sign_in_completed",),
    ),
    "sign_in_failed": AuditEvent(
        "The browser came back from the provider, and no session began. `code` is the error code.", ()
    ),
    "refusal": AuditEvent(
        "The named rule refuses a signed-in user. Once for each session and rule in each process.",
        ("user_refused",),
    ),
    "sign_out": AuditEvent("A user who was signed in signed out.", ("signed_out",)),
    "revocation": AuditEvent(
        "The provider ended sessions, or asked for it from a frame of its sign-out page.",
        ("provider_logout", "frontchannel_logout"),
    ),
    "refresh": AuditEvent(
        "The provider was asked again about the user of a session. After `refreshed`, at DEBUG, the session goes on; "
        "after any other code it has ended. It belongs to no request.",
        ("refreshed", "refresh_refused", "refresh_user_refused", "refresh_other_user", "refresh_impossible"),
    ),
    "forged_cookie": AuditEvent(
        "The session cookie was altered, or its secret was removed.", ("seal_forged",)
    ),
}
"""The events of the audit log, by their stable names."""

UNLISTED = Event(WARNING, "An error, by its code.")
