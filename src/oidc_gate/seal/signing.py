"""Signed values that are not secret: form tokens and the ``state`` of a logout, made with itsdangerous.

The time is an argument, as everywhere in the core, so the clock of itsdangerous is not used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property

import itsdangerous


class Signer:
    """Signs short texts for one purpose, together with their time.

    Args:
        secrets: The secrets, newest first.
        purpose: A token for one purpose is not valid for another.
        binding: Issuer and client ID, so that a token of another application's gate is not valid here.
    """

    def __init__(self, secrets: Sequence[str], purpose: str, *, binding: Sequence[str]) -> None:
        self._secrets = list(reversed(secrets))  # itsdangerous signs with the last one
        self._salt = "\0".join(("oidc_gate/1", purpose, *binding))

    @cached_property
    def _signer(self) -> itsdangerous.Signer:
        return itsdangerous.Signer(
            self._secrets, salt=self._salt, key_derivation="hmac", digest_method=hashlib.sha256
        )

    def sign(self, text: str, now: int) -> str:
        """Return a URL-safe token for `text`, made at `now` in epoch seconds. The token does not contain the text."""
        timestamp = f"{now:x}"
        return f"{timestamp}.{self._signer.get_signature(f'{timestamp}.{text}').decode('ascii')}"

    def is_signed(self, token: str, text: str, now: int, *, max_age_seconds: int) -> bool:
        """Return whether `token` was made by this gate for `text`, at most `max_age_seconds` ago."""
        timestamp, _, signature = token.partition(".")
        try:
            signed_at = int(timestamp, 16)
        except ValueError:
            return False
        signed = self._signer.verify_signature(
            f"{timestamp}.{text}".encode(), signature.encode("utf-8", "replace")
        )
        return signed and 0 <= now - signed_at <= max_age_seconds
