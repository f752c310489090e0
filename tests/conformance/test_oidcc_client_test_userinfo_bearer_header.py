"""oidcc-client-test-userinfo-bearer-header: the access token is sent to userinfo in the header.

Profile: Basic
Spec: RFC 6750 §2.1
"""

from __future__ import annotations

from tests.conformance.conftest import MakeParty


def test_the_access_token_goes_in_the_header(make_party: MakeParty) -> None:
    party = make_party(provider={"claims_in_id_token": False})
    party.signs_in()
    (asked,) = (asked for asked in party.op.requests if asked.path == "/userinfo")
    assert asked.method == "GET"
    assert asked.headers["authorization"].startswith("Bearer ")
    assert (asked.query, asked.body) == ({}, b"")
