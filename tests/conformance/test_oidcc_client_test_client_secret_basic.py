"""oidcc-client-test-client-secret-basic: the client sends its secret in the Authorization header.

Profile: Basic
Spec: RFC 6749 §2.3.1
"""

from __future__ import annotations

from tests.conformance.conftest import MakeParty


def test_the_secret_goes_in_the_header(make_party: MakeParty) -> None:
    party = make_party(client={"token_endpoint_auth_method": "client_secret_basic"})
    party.signs_in(what="a secret with %, +, space and é in it")
    (asked,) = (asked for asked in party.op.requests if asked.path == "/token")
    assert asked.headers["authorization"].startswith("Basic ")
    assert not {"client_secret", "client_assertion"} & set(asked.form)
