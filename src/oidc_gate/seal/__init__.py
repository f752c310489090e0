"""Sealing and signing of values that the gate gives to browsers and must receive back unread and unchanged."""

from .ring import KeyRing, Sealer, SealError
from .signing import Signer

__all__ = ["KeyRing", "SealError", "Sealer", "Signer"]
