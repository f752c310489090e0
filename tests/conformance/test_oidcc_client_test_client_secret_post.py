"""oidcc-client-test-client-secret-post: the client sends its secret in the form.

Profile: (client authentication)
Spec: RFC 6749 §2.3.1
"""

from __future__ import annotations

from oidc_gate.testing import Fault
from tests.conformance.conftest import MakeParty
from tests.conformance.driver import CLIENT_SECRET

POST = "client_secret_post"


def test_the_secret_goes_in_the_form(make_party: MakeParty) -> None:
    party = make_party(client={"token_endpoint_auth_method": POST}, client_auth=POST)
    party.signs_in(what="named in `client_auth`")
    (asked,) = (asked for asked in party.op.requests if asked.path == "/token")
    assert asked.form["client_secret"] == CLIENT_SECRET
    assert "authorization" not in asked.headers


def test_nothing_else_is_offered(make_party: MakeParty) -> None:
    party = make_party(client={"token_endpoint_auth_method": POST})
    methods = {"name": "token_endpoint_auth_methods_supported", "value": [POST]}
    with party.op.misbehaving(Fault.DISCOVERY_WITH, **methods):
        party.signs_in(what="discovery offers nothing else")
