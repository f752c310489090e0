"""A small OpenID Provider for tests, which can misbehave on purpose."""

from oidc_gate.testing.provider.faults import Fault
from oidc_gate.testing.provider.messages import Received
from oidc_gate.testing.provider.people import Client, Person
from oidc_gate.testing.provider.provider import TestProvider

__all__ = ["Client", "Fault", "Person", "Received", "TestProvider"]
