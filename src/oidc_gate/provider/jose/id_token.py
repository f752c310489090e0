"""The validation of ID tokens."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from .algorithms import left_half_hash
from .claims import ClaimChecks, Claims, describe_offset
from .jws import Trust, open_token
from .keys import KeySet
from .private_keys import DecryptionKey

_NAME = "id_token"
# "JOSE" is the general type of RFC 7515 §4.1.9. Any other type (logout+jwt, at+jwt) names another kind of token.
_TYPES = frozenset({"jwt", "jose"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """What an ID token must contain to be valid.

    Args:
        issuer: The issuer from discovery, compared exactly.
        nonce: The nonce that this sign-in sent; None only if none was sent, on a refresh (Core §12.2).
        algorithms: The ``alg`` values that are accepted. HS256 is accepted only if it is listed.
        client_secret: The key for HS256.
        max_age_seconds: The requested maximum age; with it, ``auth_time`` is required and must not be older.
        acr_values: The values of which one is required; empty if none is.
        clock_skew_seconds: The allowed difference between the clocks.
        access_token: The access token that came with the ID token, for ``at_hash``.
        decryption_key: The key for which ID tokens are encrypted, if the client registered one. A token that is only
            signed is then refused.
    """

    issuer: str
    client_id: str
    nonce: str | None = field(repr=False)
    algorithms: tuple[str, ...]
    client_secret: str | None = field(default=None, repr=False)
    max_age_seconds: int | None = None
    acr_values: tuple[str, ...] = ()
    clock_skew_seconds: int = 60
    access_token: str | None = field(default=None, repr=False)
    decryption_key: DecryptionKey | None = None


class ValidIDToken(NamedTuple):
    """The content of an ID token that passed every check.

    Args:
        alg: The algorithm of the signature.
    """

    claims: Claims
    alg: str

    def __repr__(self) -> str:
        return f"ValidIDToken(alg={self.alg!r})"  # the claims hold the nonce, and who the user is


def validate_id_token(token: str, *, keys: KeySet, expected: Expectations, now: int) -> ValidIDToken:
    """Verify the signature of an ID token, check its claims, and return them with the algorithm.

    Args:
        token: The token as the token endpoint sent it.
        keys: The provider's keys, from its ``jwks_uri``.
        expected: What the settings and this sign-in require.
        now: The time in epoch seconds.

    Raises:
        KeyNotFound: The key is not in `keys`; see `may_have_rotated`.
        IDTokenError: A claim, a header parameter or the signature is not as expected.
        UnusableKey: The token uses HS256, and the client secret is too short.

    Not checked here: on a refresh, whether ``sub`` is that of the first token (Core §12.2).

    Spec: OpenID Connect Core §3.1.3.7.
    """
    trust = Trust(keys, expected.algorithms, expected.client_secret, expected.decryption_key)
    opened = open_token(token, trust, name=_NAME, types=_TYPES)
    checks = ClaimChecks.begin(opened.claims, token=_NAME, now=now, skew=expected.clock_skew_seconds)
    checks.check_issuer(expected.issuer)
    checks.text("sub")
    checks.check_audience(expected.client_id)
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
