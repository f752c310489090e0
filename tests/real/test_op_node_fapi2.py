"""Mutual TLS, and FAPI 2.0 as one setting, at the certified npm oidc-provider over https, held to that profile."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc.jwk import ECKey

from oidc_gate.errors import ConfigurationError
from tests.real.node_party import CALLBACK, SECRET, NodeBrowser, NodeParty
from tests.real.op_node import NodeProvider, node_provider
from tests.real.tls import self_signed

KEY = ECKey.generate_key("P-256")
PEM = KEY.as_pem(private=True).decode()
ALG = {
    "id_token_signed_response_alg": "ES256",
    "redirect_uris": [CALLBACK],
    "grant_types": ["authorization_code"],
}


@dataclass(frozen=True)
class House:
    """The provider, and the files that the client holds."""

    provider: NodeProvider
    authority: str
    certificate: dict[str, str]
    stranger: dict[str, str]

    def party(self, client_id: str, **settings: Any) -> NodeParty:
        return NodeParty(self.provider, client_id, verify=self.authority, **settings)


def clients(certificate: Path) -> Iterator[dict[str, Any]]:
    der = x509.load_pem_x509_certificate(certificate.read_bytes()).public_bytes(Encoding.DER)
    shown = {**KEY.as_dict(private=False), "x5c": [base64.b64encode(der).decode()]}
    bound = {"tls_client_certificate_bound_access_tokens": True}
    by_key = {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [KEY.as_dict(private=False)]}}
    yield {"client_id": "key", "dpop_bound_access_tokens": True, **by_key}
    yield {"client_id": "key-unbound", **by_key}
    ca = {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": "CN=localhost"}
    yield {"client_id": "ca", **ca, **bound}
    method = {"token_endpoint_auth_method": "self_signed_tls_client_auth"}
    yield {"client_id": "self-signed", **method, **bound, "jwks": {"keys": [shown]}}


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "FAPI 2.0"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    directory = tmp_path_factory.mktemp("op")
    certificate, key = self_signed(directory)
    (directory / "other").mkdir()
    other, other_key = self_signed(directory / "other")
    tls = {"key": str(key), "cert": str(certificate), "ca": str(certificate)}
    features: dict[str, Any] = {"dPoP": {"enabled": True}}
    if request.param:
        features["fapi"] = {"enabled": True, "profile": "2.0"}
    settings = {"jwks": {"keys": [{**KEY.as_dict(private=True), "use": "sig"}]}}
    known = [ALG | each for each in clients(certificate)]
    with node_provider(known, directory=directory, tls=tls, settings=settings, features=features) as running:
        held = {"client_certificate": str(certificate), "client_certificate_key": str(key)}
        stranger = {"client_certificate": str(other), "client_certificate_key": str(other_key)}
        yield House(running, str(certificate), held, stranger)


@pytest.mark.parametrize("fapi2", [False, True])
@pytest.mark.parametrize(
    ("client_id", "method"), [("ca", "tls_client_auth"), ("self-signed", "self_signed_tls_client_auth")]
)
def test_the_certificate_is_the_client(house: House, client_id: str, method: str, fapi2: bool) -> None:
    browser = house.party(client_id, client_auth=method, fapi2=fapi2, **house.certificate).sign_in()
    assert "request_uri=" in browser.asked
    stranger = house.party(client_id, client_auth=method, fapi2=fapi2, **house.stranger)
    answer = stranger.attempt(NodeBrowser(stranger))
    assert "<code>invalid_client</code>" in answer.text
    assert not stranger.app.seen


def test_fapi2_with_a_key_is_one_setting(house: House) -> None:
    party = house.party("key", client_private_key=PEM, fapi2=True)
    assert party.settings.pushed_authorization_requests == "always"
    assert party.settings.dpop
    assert party.settings.id_token_algorithms == ("PS256", "ES256", "EdDSA", "Ed25519")
    browser = party.sign_in()
    assert set(browser.asked.partition("?")[2].replace("=", "&").split("&")) >= {"client_id", "request_uri"}
    assert browser.asked.count("&") == 1, "these two and nothing else"


def test_without_the_setting_the_profile_is_not_kept(house: House, request: pytest.FixtureRequest) -> None:
    party = house.party("key-unbound", client_private_key=PEM)
    answer = party.attempt(NodeBrowser(party))
    if "FAPI" in request.node.name:  # it takes no client assertion but one for its issuer alone
        assert (answer.status, "<code>invalid_client</code>" in answer.text) == (502, True)
    else:
        assert answer.status == 302


CONTRADICTIONS: list[tuple[str, dict[str, Any]]] = [
    ("issuer", {"issuer": "http://localhost:9", "client_private_key": PEM}),
    ("public_url", {"public_url": "http://localhost:8000", "client_private_key": PEM}),
    ("insecure_cookies", {"insecure_cookies": True, "client_private_key": PEM}),
    ("pushed_authorization_requests", {"pushed_authorization_requests": "never", "client_private_key": PEM}),
    ("response_mode", {"response_mode": "form_post", "client_private_key": PEM}),
    ("client_auth", {"client_secret": SECRET}),
    ("client_auth", {"client_secret": SECRET, "client_auth": "client_secret_jwt"}),
    ("client_auth", {}),
    ("id_token_algorithms", {"id_token_algorithms": ("RS256",), "client_private_key": PEM}),
]


@pytest.mark.parametrize(("setting", "given"), CONTRADICTIONS)
def test_what_fapi2_forbids_is_a_fault(house: House, setting: str, given: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        house.party("key", fapi2=True, **given)
    assert {each.setting for each in caught.value.problems} == {setting}
