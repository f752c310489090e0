"""The relying party of the conformance tests: the shipped gate over each shell, a provider that misbehaves."""

from __future__ import annotations

from tests.conformance.conftest import make_party, party

__all__ = ["make_party", "party"]
