"""Userinfo as a signed token (``application/jwt``), encrypted too where the client registered that."""

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
    """Check a signed userinfo answer and return its claims.

    An answer that is encrypted and not signed is refused: anybody can encrypt to a public key.

    Args:
        token: The body of the answer; anything.
        keys: The provider's, from its ``jwks_uri``.
        issuer: Of discovery; compared if there is an ``iss``.
        client_id: Ours; compared if there is an ``aud``.
        algorithms: The ``alg`` values that are taken.
        now: Epoch seconds.
        clock_skew_seconds: How far the clocks may be apart.
        client_secret: For HS256.
        decryption_key: Ours, for an answer that is encrypted; one that is only signed is taken as well.

    Raises:
        KeyNotFound: The key is not in `keys`: see `may_have_rotated`.
        IDTokenError: Anything else that is not as it must be.

    Not checked here: that ``sub`` is the one of the ID token, which must be so for plain JSON too (§5.3.2).

    Spec: OpenID Connect Core §5.3.2, §5.3.4.
    """
    # Encryption of userinfo is registered apart from that of ID tokens, which is what the key is there for.
    is_encrypted = token.count(".") == 4
    trust = Trust(keys, algorithms, client_secret, decryption_key if is_encrypted else None)
    opened = open_token(token, trust, name=_NAME, types=_TYPES)
    checks = ClaimChecks.begin(opened.claims, token=_NAME, now=now, skew=clock_skew_seconds)
    checks.text("sub")
    # §5.3.2: iss and aud SHOULD be there, exp and nbf need not; what is there must hold.
    if "iss" in checks.claims:
        checks.check_issuer(issuer)
    if "aud" in checks.claims:
        checks.check_audience(client_id)
    if "exp" in checks.claims:
        checks.check_not_expired()
    checks.check_not_before()
    return Claims(MappingProxyType(checks.claims))
