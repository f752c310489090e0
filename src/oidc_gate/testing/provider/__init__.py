"""A small, honest OpenID Provider to embed, and the faults that it can be told to play."""

from oidc_gate.testing.provider.faults import Fault
from oidc_gate.testing.provider.messages import Received
from oidc_gate.testing.provider.people import Client, Person
from oidc_gate.testing.provider.provider import TestProvider

__all__ = ["Client", "Fault", "Person", "Received", "TestProvider"]
