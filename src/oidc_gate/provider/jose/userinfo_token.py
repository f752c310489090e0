"""The validation of userinfo as a signed token (``application/jwt``), which may also be encrypted."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from .claims import ClaimChecks, Claims
from .jws import open_token
from .recipient import Recipient

_NAME = "userinfo"
_TYPES = frozenset({"jwt", "jose"})


def validate_userinfo_token(token: str, recipient: Recipient) -> Claims:
    """Verify a signed userinfo answer and return its claims.

    An answer that is encrypted but not signed is refused, because any party can encrypt for a public key. One that is
    only signed is accepted even if there is a decryption key.

    Args:
        token: The body of the answer.
        recipient: What the token is compared with: the issuer if there is an ``iss``, the client if there is an
            ``aud``.

    Raises:
        KeyNotFound: The key is not in `keys`; see `may_have_rotated`.
        IDTokenError: The token is not valid for another reason.

    Not checked here: whether ``sub`` is that of the ID token, which is also required for plain JSON (§5.3.2).

    Spec: OpenID Connect Core §5.3.2, §5.3.4.
    """
    # The encryption of userinfo is registered separately from that of ID tokens, for which the key is configured.
    if token.count(".") != 4:
        recipient = replace(recipient, decryption_key=None)
    opened = open_token(token, recipient, name=_NAME, types=_TYPES)
    checks = ClaimChecks.begin(opened.claims, recipient, token=_NAME)
    checks.text("sub")
    # §5.3.2: iss and aud SHOULD be present, exp and nbf are optional; those that are present are checked.
    if "iss" in checks.claims:
        checks.check_issuer(recipient.issuer)
    if "aud" in checks.claims:
        checks.check_audience(recipient.client_id)
    if "exp" in checks.claims:
        checks.check_not_expired()
    checks.check_not_before()
    return Claims(MappingProxyType(checks.claims))
