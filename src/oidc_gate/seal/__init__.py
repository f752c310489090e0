"""Sealing: what the gate hands to a browser and wants back unread and unchanged."""

from .ring import KeyRing, Sealer, SealError
from .signing import Signer

__all__ = ["KeyRing", "SealError", "Sealer", "Signer"]
