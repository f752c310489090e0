"""The validation of ID tokens."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from .algorithms import left_half_hash
from .claims import ClaimChecks, Claims, describe_offset
from .jws import open_token
from .recipient import Recipient

_NAME = "id_token"
# "JOSE" is the general type of RFC 7515 §4.1.9. Any other type (logout+jwt, at+jwt) names another kind of token.
_TYPES = frozenset({"jwt", "jose"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """The requirements of one sign-in for its ID token, in addition to those of `Recipient` for every token.

    Args:
        nonce: The nonce that this sign-in sent; None only if none was sent, on a refresh (Core §12.2).
        max_age_seconds: The requested maximum age; with it, ``auth_time`` is required and must not be older.
        acr_values: The values of which one is required; empty if none is.
        access_token: The access token that came with the ID token, for ``at_hash``.
    """

    nonce: str | None = field(repr=False)
    max_age_seconds: int | None = None
    acr_values: tuple[str, ...] = ()
    access_token: str | None = field(default=None, repr=False)


class ValidIDToken(NamedTuple):
    """The content of an ID token that passed every check.

    Args:
        alg: The algorithm of the signature.
    """

    claims: Claims
    alg: str

    def __repr__(self) -> str:
        return f"ValidIDToken(alg={self.alg!r})"  # the claims hold the nonce, and who the user is


def validate_id_token(token: str, recipient: Recipient, expected: Expectations) -> ValidIDToken:
    """Verify the signature of an ID token, check its claims, and return them with the algorithm.

    Args:
        token: The token as the token endpoint sent it.
        recipient: What the token is compared with.
        expected: What the settings and this sign-in require.

    Raises:
        KeyNotFound: The key is not in `keys`; see `may_have_rotated`.
        IDTokenError: A claim, a header parameter or the signature is not as expected.
        UnusableKey: The token uses HS256, and the client secret is too short.

    Not checked here: on a refresh, whether ``sub`` is that of the first token (Core §12.2).

    Spec: OpenID Connect Core §3.1.3.7.
    """
    opened = open_token(token, recipient, name=_NAME, types=_TYPES)
    checks = ClaimChecks.begin(opened.claims, recipient, token=_NAME)
    checks.check_issuer(recipient.issuer)
    checks.text("sub")
    checks.check_audience(recipient.client_id)
    checks.check_not_expired()
    checks.check_issued_now()
    checks.check_not_before()
    _check_nonce(checks, expected.nonce)
    _check_authentication(checks, expected)
    _check_access_token_hash(checks, opened.alg, expected.access_token)
    return ValidIDToken(Claims(MappingProxyType(checks.claims)), opened.alg)


def _check_nonce(checks: ClaimChecks, nonce: str | None) -> None:
    # Core §3.1.3.7 item 11. Neither value may be logged.
    if nonce is None:
        return
    got = checks.claims.get("nonce")
    if got is None:
        raise checks.refuse("nonce", expected="the nonce of this sign-in")
    if not isinstance(got, str) or not _same(got, nonce):
        raise checks.refuse("nonce", expected="the nonce of this sign-in", got="another one")


def _check_authentication(checks: ClaimChecks, expected: Expectations) -> None:
    # Core §3.1.3.7 item 13, §3.1.2.1 max_age: the provider may have ignored max_age, so the time itself is checked.
    if expected.max_age_seconds is not None:
        earliest = checks.now - expected.max_age_seconds - checks.skew
        if not earliest <= checks.time("auth_time") <= checks.now + checks.skew:
            offset = checks.time("auth_time") - checks.now
            hint = (
                f"the user signed in {describe_offset(offset)}; max_age_seconds is {expected.max_age_seconds}"
            )
            raise checks.refuse("auth_time", expected=f"{earliest} or later, and not ahead", hint=hint)
    # Core §3.1.3.7 item 12, §5.5.1.1
    if expected.acr_values and checks.claims.get("acr") not in expected.acr_values:
        raise checks.refuse("acr", expected=" or ".join(expected.acr_values))


def _check_access_token_hash(checks: ClaimChecks, alg: str, access_token: str | None) -> None:
    # Core §3.1.3.8: optional in the code flow, but checked if it is present.
    if access_token is None or "at_hash" not in checks.claims:
        return
    at_hash = checks.claims["at_hash"]
    if not isinstance(at_hash, str) or not _same(at_hash, left_half_hash(alg, access_token)):
        raise checks.refuse("at_hash", expected="the hash of the access token", got="another one")


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8"), other.encode("utf-8"))
