"""Client authentication at the provider: one module for each method, and the choice of the method."""

from .choose import authenticate, choose_method, uses_certificate
from .message import Message

__all__ = ["Message", "authenticate", "choose_method", "uses_certificate"]
