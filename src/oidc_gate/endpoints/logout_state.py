"""The ``state`` of a sign-out: it proves to ``/oauth2/signed_out`` that the gate began it, and carries the target.

The target is sealed, so that neither the provider nor a log on the way contains it.
"""

from __future__ import annotations

from typing import NamedTuple

from .. import effects
from ..effects import Step
from ..errors import SessionError
from ..seal.ring import NONCE_BYTES
from .context import Components

_AT_PROVIDER, _HERE_ALONE = "signed_out", "signed_out here alone"
_MAX_AGE_SECONDS = 3600
MAX_TARGET_LENGTH = 1024
"""The maximum number of characters of a target, so that the state has less than 1,500. A longer target is left out."""


class SignedOut(NamedTuple):
    """A sign-out that the gate began.

    Args:
        target: Where the user goes afterwards; empty for the page of the gate.
        is_at_provider: Whether the browser was sent to the provider.
    """

    target: str
    is_at_provider: bool


def issue(components: Components, signed_out: SignedOut) -> Step[str]:
    """Return the state of a sign-out, whose target was validated before."""
    now = yield from effects.now()
    sealed, target = "", signed_out.target
    if 0 < len(target) <= MAX_TARGET_LENGTH:
        nonce = yield from effects.random(NONCE_BYTES)
        sealed = components.logout_target_sealer.seal(target.encode("utf-8", "surrogateescape"), nonce)
    token = components.logout_states.sign(_signed_text(signed_out.is_at_provider, sealed), now)
    return f"{token}.{sealed}" if sealed else token


def read(components: Components, state: str, now: int) -> SignedOut | None:
    """Return the sign-out to which `state` belongs, or None if the gate did not issue it within the last hour."""
    token, _, sealed = state.rpartition(".") if state.count(".") == 2 else (state, "", "")
    is_signed = components.logout_states.is_signed
    for is_at_provider in (True, False):
        if is_signed(token, _signed_text(is_at_provider, sealed), now, max_age_seconds=_MAX_AGE_SECONDS):
            return SignedOut(_opened(components, sealed), is_at_provider)
    return None


def _opened(components: Components, sealed: str) -> str:
    try:
        opened = components.logout_target_sealer.open(sealed) if sealed else b""
    except SessionError:  # it was sealed under a secret that was removed
        return ""
    return opened.decode("utf-8", "surrogateescape")


def _signed_text(is_at_provider: bool, sealed: str) -> str:
    text = _AT_PROVIDER if is_at_provider else _HERE_ALONE
    return f"{text}\0{sealed}" if sealed else text
