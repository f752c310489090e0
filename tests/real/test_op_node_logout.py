"""Sign-out at the certified npm oidc-provider: it tells the gate, server to server, over a real socket."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import requests
from joserfc.jwk import ECKey

from tests.real.node_party import CALLBACK, SECRET, NodeBrowser, NodeParty
from tests.real.op_node import NodeProvider, node_provider
from tests.shells.site import ORIGIN
from tests.shells.wire import Wire

KEY = ECKey.generate_key("P-256")
OURS: dict[str, dict[str, Any]] = {
    "encrypted": {"id_token_decryption_key": KEY.as_pem(private=True).decode()},
    "by-secret": {"id_token_algorithms": ("HS256",)},
}
THEIRS: dict[str, dict[str, Any]] = {
    "encrypted": {
        "id_token_encrypted_response_alg": "ECDH-ES",
        "id_token_encrypted_response_enc": "A256GCM",
        "jwks": {"keys": [{**KEY.as_dict(private=False), "use": "enc"}]},
    },
    "by-secret": {"id_token_signed_response_alg": "HS256"},
}


@dataclass(frozen=True)
class House:
    """The provider, the gate, and the socket at which the gate hears of sign-outs."""

    provider: NodeProvider
    wire: Wire

    def party(self, client_id: str, kind: str, *, shared: bool = True) -> NodeParty:
        given: dict[str, Any] = {"client_secret": SECRET, "insecure_single_process_revocation": shared}
        given |= OURS.get(client_id, {})
        party = NodeParty(self.provider, client_id, kind=kind, **given)
        self.wire.site = party
        return party

    def says(self, words: str) -> bool:
        """Whether the provider's log says so within a minute."""
        for _ in range(6_000):
            if words in self.provider.server.log.read_text():
                return True
            time.sleep(0.01)
        return False


@pytest.fixture(params=["wsgi", "asyncio"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with Wire() as wire:
        uri = f"http://127.0.0.1:{wire.port}/oauth2/backchannel_logout"
        known = [
            {
                "client_id": name,
                "client_secret": SECRET,
                "redirect_uris": [CALLBACK],
                "post_logout_redirect_uris": [f"{ORIGIN}/oauth2/signed_out"],
                "grant_types": ["authorization_code"],
                "id_token_signed_response_alg": "ES256",
                "backchannel_logout_uri": uri,
                "backchannel_logout_session_required": name == "with-sid",
            }
            | THEIRS.get(name, {})
            for name in ("with-sid", "with-sub", *OURS)
        ]
        features = {"encryption": {"enabled": True}}
        keys = {"keys": [{**ECKey.generate_key("P-256").as_dict(private=True), "use": "sig"}]}
        settings = {"jwks": keys, "enabledJWA": {"idTokenSigningAlgValues": ["ES256", "HS256"]}}
        with node_provider(known, directory=tmp_path, settings=settings, features=features) as provider:
            yield House(provider, wire)


def sign_out_at_the_provider(browser: NodeBrowser, issuer: str) -> None:
    """Press the provider's own button; the gate's browser side is not touched."""
    page = browser.http.get(f"{issuer}/session/end", timeout=60)
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
    action = re.search(r'<form[^>]* action="([^"]+)"', page.text)
    assert action is not None, page.text
    where = urljoin(page.url, action[1])
    done = browser.http.post(where, data=fields | {"logout": "yes"}, allow_redirects=False, timeout=60)
    assert done.status_code in (200, 303), done.text


@pytest.mark.parametrize("client_id", ["with-sid", "with-sub", *OURS])
def test_signed_out_there_is_signed_out_here(house: House, kind: str, client_id: str) -> None:
    party = house.party(client_id, kind)
    alice, bob = party.sign_in("alice"), party.sign_in("bob")
    sign_out_at_the_provider(alice, house.provider.issuer)
    assert house.says(f"backchannel.success {client_id}")
    refused = alice.get("/")
    assert (refused.status, refused.json["code"]) == (401, "session_revoked")
    assert bob.get("/").status == 200
    time.sleep(1.1)  # a session that began in the second of the sign-out ends with it
    assert party.sign_in("alice").get("/").status == 200


def test_without_a_shared_store_the_provider_is_told_no(
    house: House, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    party = house.party("with-sid", kind, shared=False)
    alice = party.sign_in("alice")
    sign_out_at_the_provider(alice, house.provider.issuer)
    assert house.says("backchannel.error")
    assert alice.get("/").status == 200
    assert "needs a session store that all processes share" in caplog.text


def test_the_same_logout_token_again(house: House, kind: str) -> None:
    party = house.party("with-sid", kind)
    alice = party.sign_in("alice")
    sign_out_at_the_provider(alice, house.provider.issuer)
    assert house.says("backchannel.success")
    (body,) = house.wire.bodies
    again = requests.post(
        f"http://127.0.0.1:{house.wire.port}/oauth2/backchannel_logout",
        data=body,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        timeout=60,
    )
    assert again.status_code == 400
    assert again.json()["error_description"].startswith("logout_token_jti: ")
