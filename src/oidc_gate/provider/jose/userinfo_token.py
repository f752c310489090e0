"""The validation of userinfo as a signed token (``application/jwt``), which may also be encrypted."""

from __future__ import annotations

from types import MappingProxyType

from .claims import ClaimChecks, Claims
from .jws import Trust, open_token
from .keys import KeySet
from .private_keys import DecryptionKey

_NAME = "userinfo"
_TYPES = frozenset({"jwt", "jose"})


def validate_userinfo_token(
    token: str,
    *,
    keys: KeySet,
    issuer: str,
    client_id: str,
    algorithms: tuple[str, ...],
    now: int,
    clock_skew_seconds: int = 60,
    client_secret: str | None = None,
    decryption_key: DecryptionKey | None = None,
) -> Claims:
    """Verify a signed userinfo answer and return its claims.

    An answer that is encrypted but not signed is refused, because any party can encrypt for a public key.

    Args:
        token: The body of the answer.
        keys: The provider's keys, from its ``jwks_uri``.
        issuer: The issuer from discovery, compared if there is an ``iss``.
        client_id: The client ID of the gate, compared if there is an ``aud``.
        algorithms: The ``alg`` values that are accepted.
        now: The time in epoch seconds.
        clock_skew_seconds: The allowed difference between the clocks.
        client_secret: The key for HS256.
        decryption_key: The key for an encrypted answer. An answer that is only signed is accepted too.

    Raises:
        KeyNotFound: The key is not in `keys`; see `may_have_rotated`.
        IDTokenError: The token is not valid for another reason.

    Not checked here: whether ``sub`` is that of the ID token, which is also required for plain JSON (§5.3.2).

    Spec: OpenID Connect Core §5.3.2, §5.3.4.
    """
    # The encryption of userinfo is registered separately from that of ID tokens, for which the key is configured.
    is_encrypted = token.count(".") == 4
    trust = Trust(keys, algorithms, client_secret, decryption_key if is_encrypted else None)
    opened = open_token(token, trust, name=_NAME, types=_TYPES)
    checks = ClaimChecks.begin(opened.claims, token=_NAME, now=now, skew=clock_skew_seconds)
    checks.text("sub")
    # §5.3.2: iss and aud SHOULD be present, exp and nbf are optional; those that are present are checked.
    if "iss" in checks.claims:
        checks.check_issuer(issuer)
    if "aud" in checks.claims:
        checks.check_audience(client_id)
    if "exp" in checks.claims:
        checks.check_not_expired()
    checks.check_not_before()
    return Claims(MappingProxyType(checks.claims))
