"""DPoP: access tokens that are bound to a key of the gate, and the proofs that are sent with them."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .. import effects
from ..effects import Step
from ..settings import Settings

if TYPE_CHECKING:
    from .jose.private_keys import SigningKey


@dataclass(frozen=True, slots=True)
class DPoPKey:
    """The key that access tokens are bound to.

    It is derived from the newest cookie secret, because the process that ends a sign-in may not be the one that started
    it, and the code is bound to the key that the authorization request names.

    Spec: RFC 9449 §4, §10.
    """

    key: SigningKey = field(repr=False)

    @classmethod
    def of(cls, settings: Settings) -> DPoPKey:
        """Return the key that belongs to `settings`."""
        from .jose.private_keys import build_dpop_key

        info = "\0".join(("oidc_gate/1 dpop", settings.issuer, settings.client_id))
        return cls(
            build_dpop_key(hmac.digest(settings.cookie_secret[0].encode(), info.encode(), hashlib.sha256))
        )

    @property
    def thumbprint(self) -> str:
        """Return the JWK thumbprint of the key, the value of ``dpop_jkt``."""
        return self.key.thumbprint

    def proof(self, method: str, url: str, *, nonce: str = "", access_token: str = "") -> Step[str]:
        """Return a DPoP proof for one request.

        Args:
            url: The URL of the request. Its query and fragment are left out of ``htu``.
            nonce: The nonce that the server asked for, if it did.
            access_token: The access token of the request, if there is one.

        Spec: RFC 9449 §4.2.
        """
        from .jose.assertions import build_dpop_proof

        now = yield from effects.now()
        random = yield from effects.random(16)
        return build_dpop_proof(
            self.key,
            method,
            url,
            now=now,
            random=random,
            nonce=nonce or None,
            access_token=access_token or None,
        )
