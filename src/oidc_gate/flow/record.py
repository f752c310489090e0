"""The two parts of a sign-in in progress.

``state`` travels through the provider and back. It is a sealed record of the target, the time, and the flow ID. The
flow cookie stays in the browser. It contains one sealed secret, from which the flow ID, ``nonce`` and
``code_verifier`` are derived. A callback is accepted only if both belong together, so a response that was made in
another browser has no effect (RFC 6749 §10.12).
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

FLOW_SECONDS = 600  # the longest recommended lifetime of an authorization code (RFC 6749 §4.1.2)
SECRET_BYTES = 32
_ID_BYTES = 12
_STATE_HEAD = struct.Struct(">IB")  # time, slot
_COOKIE = struct.Struct(f">I{SECRET_BYTES}s")


@dataclass(frozen=True, slots=True)
class Flow:
    """The content of a flow cookie.

    Args:
        started_at: The time in epoch seconds.
        secret: 32 random bytes.
    """

    started_at: int
    secret: bytes = field(repr=False)

    @property
    def id(self) -> bytes:
        """Return the ID by which ``state`` refers to this flow. It reveals nothing about the secret."""
        return self._derive("id")[:_ID_BYTES]

    @property
    def nonce(self) -> str:
        """Return the ``nonce`` (OpenID Connect Core §3.1.2.1), which has 256 bits."""
        return b64url_encode(self._derive("nonce"))

    @property
    def code_verifier(self) -> str:
        """Return the PKCE ``code_verifier``, which has 43 characters and 256 bits (RFC 7636 §4.1)."""
        return b64url_encode(self._derive("code_verifier"))

    def _derive(self, label: str) -> bytes:
        return hmac.digest(self.secret, label.encode(), hashlib.sha256)


@dataclass(frozen=True, slots=True)
class State:
    """The content of ``state``.

    Args:
        flow_id: The ID of the flow whose cookie belongs to it.
        started_at: The time in epoch seconds.
        slot: The slot of that cookie.
        target: The target after sign-in, which was validated before it was sealed.
    """

    flow_id: bytes
    started_at: int
    slot: int
    target: str
    is_lost: bool = False

    def is_expired(self, now: int) -> bool:
        """Return whether more than ten minutes have passed."""
        return now - self.started_at > FLOW_SECONDS


def seal_flow(sealer: Sealer, flow: Flow, seal_nonce: bytes) -> str:
    """Return the value of the flow cookie."""
    return sealer.seal(_COOKIE.pack(flow.started_at, flow.secret), seal_nonce)


def open_flow(sealer: Sealer, value: str) -> Flow | None:
    """Return the flow of a cookie, or None if the value is not a flow cookie of this gate."""
    try:
        started_at, secret = _COOKIE.unpack(sealer.open(value))
    except (SealError, struct.error):
        return None
    return Flow(started_at, secret)


def seal_state(
    sealer: Sealer, flow: Flow, slot: int, target: str, seal_nonce: bytes, *, is_lost: bool = False
) -> str:
    """Return the ``state`` parameter."""
    packed = _STATE_HEAD.pack(flow.started_at, slot) + flow.id
    plain = target.encode("utf-8")
    compressed = zlib.compress(plain, 9) if len(plain) > 120 else b""
    kind = b"L" if is_lost else b"Z" if compressed else b"P"
    return sealer.seal(packed + kind + (compressed if kind == b"Z" else plain), seal_nonce)


def open_state(sealer: Sealer, value: str) -> State:
    """Return the content of ``state``.

    Raises:
        CallbackError: ``state_invalid``: this gate did not seal it.
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
    return State(flow_id, started_at, slot, plain.decode("utf-8"), rest[:1] == b"L")


def belongs(state: State, flow: Flow | None) -> bool:
    """Return whether `state` and `flow` belong to the same sign-in. The comparison takes constant time."""
    return flow is not None and hmac.compare_digest(state.flow_id, flow.id)
