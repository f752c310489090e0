"""The client as the recipient of a signed token. This module alone loads no cryptography."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .keys import KeySet
    from .private_keys import DecryptionKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """The values with which every token of the provider is compared, whatever its kind.

    Args:
        keys: The provider's keys, from its ``jwks_uri``.
        issuer: The issuer from discovery, compared exactly.
        client_id: The client ID of the gate.
        algorithms: The ``alg`` values that are accepted. Unknown values have no effect; HS256 is accepted only if it is
            listed.
        now: The time in epoch seconds.
        clock_skew_seconds: The allowed difference between the clocks.
        client_secret: The key for HS256.
        decryption_key: The key for which ID tokens are encrypted, if the client registered one. A token that is only
            signed is then refused.
    """

    keys: KeySet
    issuer: str
    client_id: str
    algorithms: tuple[str, ...]
    now: int
    clock_skew_seconds: int = 60
    client_secret: str | None = field(default=None, repr=False)
    decryption_key: DecryptionKey | None = None
