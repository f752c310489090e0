"""The two halves of a sign-in on its way.

``state`` travels through the provider and comes back: a sealed record with the place to go to, the time, and
the flow's id. The flow cookie stays in the browser: sealed, it holds one secret, from which id, ``nonce`` and
``code_verifier`` are derived. A callback is good only where both meet, so an answer that was made in another
browser opens nothing here (RFC 6749 §10.12).
"""

from __future__ import annotations

import hashlib
import hmac
import struct
import zlib
from dataclasses import dataclass, field

from ..errors import CallbackError
from ..seal import Sealer, SealError
from ..syntax.base64url import b64url_encode

FLOW_SECONDS = 600
SECRET_BYTES = 32
_ID_BYTES = 12
_STATE_HEAD = struct.Struct(">IB")  # time, slot
_COOKIE = struct.Struct(f">I{SECRET_BYTES}s")


@dataclass(frozen=True, slots=True)
class Flow:
    """What a flow cookie holds.

    Args:
        started_at: Epoch seconds.
        secret: 32 random bytes.
    """

    started_at: int
    secret: bytes = field(repr=False)

    @property
    def id(self) -> bytes:
        """What ``state`` calls this flow; tells nothing about the secret."""
        return self._derive("id")[:_ID_BYTES]

    @property
    def nonce(self) -> str:
        """The ``nonce`` (OpenID Connect Core §3.1.2.1): 256 bits."""
        return b64url_encode(self._derive("nonce"))

    @property
    def code_verifier(self) -> str:
        """The PKCE ``code_verifier``: 43 characters, 256 bits (RFC 7636 §4.1)."""
        return b64url_encode(self._derive("code_verifier"))

    def _derive(self, label: str) -> bytes:
        return hmac.digest(self.secret, label.encode(), hashlib.sha256)


@dataclass(frozen=True, slots=True)
class State:
    """What ``state`` holds.

    Args:
        flow_id: Which flow cookie belongs to it.
        started_at: Epoch seconds.
        slot: Where that cookie was put.
        target: Where to go after sign-in, judged before it was sealed.
    """

    flow_id: bytes
    started_at: int
    slot: int
    target: str

    def is_expired(self, now: int) -> bool:
        """Tell whether more than ten minutes have passed."""
        return now - self.started_at > FLOW_SECONDS


def seal_flow(sealer: Sealer, flow: Flow, seal_nonce: bytes) -> str:
    """Return the value of the flow cookie."""
    return sealer.seal(_COOKIE.pack(flow.started_at, flow.secret), seal_nonce)


def open_flow(sealer: Sealer, value: str) -> Flow | None:
    """Return the flow of a cookie, or None for anything that is none."""
    try:
        started_at, secret = _COOKIE.unpack(sealer.open(value))
    except (SealError, struct.error):
        return None
    return Flow(started_at, secret)


def seal_state(sealer: Sealer, flow: Flow, slot: int, target: str, seal_nonce: bytes) -> str:
    """Return the ``state`` parameter."""
    packed = _STATE_HEAD.pack(flow.started_at, slot) + flow.id
    plain = target.encode("utf-8")
    compressed = zlib.compress(plain, 9) if len(plain) > 120 else b""
    return sealer.seal(packed + (b"Z" + compressed if compressed else b"P" + plain), seal_nonce)


def open_state(sealer: Sealer, value: str) -> State:
    """Return what ``state`` holds.

    Raises:
        CallbackError: ``state_invalid``: this gate did not make it.
    """
    try:
        opened = sealer.open(value)
    except SealError as error:
        raise CallbackError(
            "state_invalid", "This sign-in was not started here.", detail=f"state: {error.code}"
        ) from None
    started_at, slot = _STATE_HEAD.unpack_from(opened)
    flow_id, rest = opened[_STATE_HEAD.size :][:_ID_BYTES], opened[_STATE_HEAD.size + _ID_BYTES :]
    plain = zlib.decompress(rest[1:]) if rest[:1] == b"Z" else rest[1:]
    return State(flow_id, started_at, slot, plain.decode("utf-8"))


def belongs(state: State, flow: Flow | None) -> bool:
    """Tell whether `state` and the cookie's `flow` are halves of one sign-in. Compared in constant time."""
    return flow is not None and hmac.compare_digest(state.flow_id, flow.id)
