"""How the client proves at the provider who it is: one file a method, and the choice among them."""

from .choose import authenticate, choose_method, uses_certificate
from .message import Message

__all__ = ["Message", "authenticate", "choose_method", "uses_certificate"]
