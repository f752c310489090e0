"""The ID token: who signed in, if every check holds."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from .algorithms import left_half_hash
from .claims import ClaimChecks, Claims
from .jws import Trust, open_token
from .keys import KeySet
from .private_keys import DecryptionKey

_NAME = "id_token"
# "JOSE" is the general name of RFC 7515 §4.1.9. Whatever else may stand there (logout+jwt, at+jwt) names
# another kind of token.
_TYPES = frozenset({"jwt", "jose"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """What an ID token must say to be believed.

    Args:
        issuer: Of discovery, compared exactly.
        nonce: What this sign-in sent; None only where none was sent: a refresh (Core §12.2).
        algorithms: The ``alg`` values that are taken; HS256 only if it stands here.
        client_secret: For HS256.
        max_age_seconds: As asked for; then ``auth_time`` must be there, and not be older.
        acr_values: Those that were demanded, not merely wished for; empty if none.
        clock_skew_seconds: How far the clocks may be apart.
        access_token: What came with it, for ``at_hash``.
        decryption_key: If the client registered encryption; then a token that is only signed is refused.
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
    """What an ID token says, every check passed.

    Args:
        alg: What it was signed with.
    """

    claims: Claims
    alg: str

    def __repr__(self) -> str:
        return f"ValidIDToken(alg={self.alg!r})"  # the claims hold the nonce, and who the user is


def validate_id_token(token: str, *, keys: KeySet, expected: Expectations, now: int) -> ValidIDToken:
    """Check an ID token, its signature always, and return its claims and its algorithm.

    Args:
        token: As it came from the token endpoint.
        keys: The provider's, from its ``jwks_uri``.
        expected: By the settings and by this sign-in.
        now: Epoch seconds.

    Raises:
        KeyNotFound: The key is not in `keys`: see `may_have_rotated`.
        IDTokenError: Another claim, header parameter or signature than expected.
        UnusableKey: HS256 is asked for, and the client secret is too short.

    Not checked here: on a refresh, that ``sub`` is that of the first token (Core §12.2).

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
    # Core §3.1.3.7 item 11. Neither value goes to the log.
    if nonce is None:
        return
    got = checks.claims.get("nonce")
    if got is None:
        raise checks.refuse("nonce", expected="the nonce of this sign-in")
    if not isinstance(got, str) or not _same(got, nonce):
        raise checks.refuse("nonce", expected="the nonce of this sign-in", got="another one")


def _check_authentication(checks: ClaimChecks, expected: Expectations) -> None:
    # Core §3.1.3.7 item 13, §3.1.2.1 max_age: presence is not enough, the provider may have ignored the wish.
    if expected.max_age_seconds is not None:
        earliest = checks.now - expected.max_age_seconds - checks.skew
        if not earliest <= checks.time("auth_time") <= checks.now + checks.skew:
            raise checks.refuse("auth_time", expected=f"{earliest} or later, and not ahead")
    # Core §3.1.3.7 item 12, §5.5.1.1
    if expected.acr_values and checks.claims.get("acr") not in expected.acr_values:
        raise checks.refuse("acr", expected=" or ".join(expected.acr_values))


def _check_access_token_hash(checks: ClaimChecks, alg: str, access_token: str | None) -> None:
    # Core §3.1.3.8: optional in the code flow, binding where it is there.
    if access_token is None or "at_hash" not in checks.claims:
        return
    at_hash = checks.claims["at_hash"]
    if not isinstance(at_hash, str) or not _same(at_hash, left_half_hash(alg, access_token)):
        raise checks.refuse("at_hash", expected="the hash of the access token", got="another one")


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8"), other.encode("utf-8"))
