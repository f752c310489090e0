"""The validation of logout tokens, in which the provider reports that sessions have ended."""

from __future__ import annotations

from typing import NamedTuple

from .claims import MAX_TOKEN_AGE_SECONDS, ClaimChecks
from .encoding import describe_value
from .jws import open_token
from .recipient import Recipient

LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"

_NAME = "logout_token"
# The type logout+jwt is recommended, not required (§2.4), and older providers send JWT or none. `events` and `nonce`
# tell a logout token from an ID token.
_TYPES = frozenset({"logout+jwt", "jwt", "jose"})


class LogoutClaims(NamedTuple):
    """The sessions that a logout token ends: all sessions of `sub`, or the provider's session `sid`.

    One of the two may be empty.

    Args:
        exp: The time in epoch seconds until which `jti` must be remembered.
    """

    sub: str
    sid: str
    jti: str
    iat: int
    exp: int


def validate_logout_token(token: str, recipient: Recipient, *, needs_exp: bool = True) -> LogoutClaims:
    """Verify a logout token and return which sessions it ends.

    Args:
        token: The text that the form contained.
        recipient: What the token is compared with.
        needs_exp: Whether a token without ``exp`` is refused. If it is not, its ``iat`` limits it.

    Raises:
        KeyNotFound: The key is not in `keys`; see `may_have_rotated`.
        IDTokenError: The token is not valid for another reason.

    Not checked here: whether `jti` was used before (§2.6 item 8).

    Spec: OpenID Connect Back-Channel Logout §2.4, §2.6.
    """
    opened = open_token(token, recipient, name=_NAME, types=_TYPES)
    checks = ClaimChecks.begin(opened.claims, recipient, token=_NAME)
    # §2.6 item 7: a token with a nonce, even if it is null, is an ID token.
    if "nonce" in opened.claims:
        raise checks.refuse("nonce", expected="no nonce", got="one")
    # §2.6 item 4: the same checks as for an ID token.
    checks.check_issuer(recipient.issuer)
    checks.check_audience(recipient.client_id)
    if not needs_exp and "exp" not in checks.claims:
        checks.claims["exp"] = checks.time("iat") + MAX_TOKEN_AGE_SECONDS
    checks.check_not_expired()
    checks.check_issued_now()
    checks.check_not_before()
    _check_event(checks)
    sub, sid = _subject(checks)
    return LogoutClaims(sub, sid, checks.text("jti"), checks.time("iat"), checks.time("exp"))


def _check_event(checks: ClaimChecks) -> None:
    # §2.6 item 6; §2.4: the value is a JSON object, which may be empty.
    events = checks.claims.get("events")
    if not isinstance(events, dict):
        raise checks.refuse("events", expected=f"an object with {LOGOUT_EVENT}")
    if not isinstance(events.get(LOGOUT_EVENT), dict):
        got = ", ".join(f"{name}: {describe_value(value)}" for name, value in events.items())
        raise checks.refuse("events", expected=f"an object with {LOGOUT_EVENT}", got=got)


def _subject(checks: ClaimChecks) -> tuple[str, str]:
    # §2.6 item 5
    sub, sid = (checks.text(name) if name in checks.claims else "" for name in ("sub", "sid"))
    if not (sub or sid):
        raise checks.refuse("sub", expected="sub or sid")
    return sub, sid
