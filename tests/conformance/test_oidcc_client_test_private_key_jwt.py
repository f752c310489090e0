"""oidcc-client-test-private-key-jwt: the client authenticates with a JWT that is signed with its private key.

Profile: (client authentication)
Spec: OpenID Connect Core §9; RFC 7523 §2.2
"""

from __future__ import annotations

from joserfc.jwk import ECKey

from tests.conformance.conftest import MakeParty

KEY = ECKey.generate_key("P-256")


def test_the_key_signs(make_party: MakeParty) -> None:
    known = {"client_secret": None, "jwks": {"keys": [KEY.as_dict(private=False)]}}
    party = make_party(client=known, client_private_key=KEY.as_pem(private=True).decode())
    party.signs_in()
    asked = [asked for asked in party.op.requests if asked.path in ("/token", "/par")]
    assert len({each.form["client_assertion"] for each in asked}) == len(asked)
    assert not any("authorization" in each.headers for each in asked)
