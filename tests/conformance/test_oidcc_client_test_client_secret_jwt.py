"""oidcc-client-test-client-secret-jwt: the client authenticates with a JWT that is signed with its secret.

Profile: (client authentication)
Spec: OpenID Connect Core §9; RFC 7523 §2.2
"""

from __future__ import annotations

from tests.conformance.conftest import MakeParty

JWT = "client_secret_jwt"


def test_the_secret_signs(make_party: MakeParty) -> None:
    party = make_party(client={"token_endpoint_auth_method": JWT}, client_auth=JWT)
    party.signs_in()
    (asked,) = (asked for asked in party.op.requests if asked.path == "/token")
    assert asked.form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert "client_secret" not in asked.form
    assert "authorization" not in asked.headers
