"""Every way in which the client says who it is, and the choice among them."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qsl

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OctKey

from oidc_gate.errors import ProviderError
from oidc_gate.provider.client_auth import Message, authenticate, choose_method, uses_certificate
from oidc_gate.provider.client_auth.assertion import request_object
from oidc_gate.provider.discovery import Metadata, process_discovery

from . import scripted as op
from .scripted import CLIENT, ISSUER, METADATA, START, Scripted, answer

BODY = "grant_type=authorization_code&code=c"
PLAIN = dict(parse_qsl(BODY))


@pytest.fixture(scope="module")
def key() -> ECKey:
    return ECKey.generate_key("P-256")


def metadata(methods: list[str] | None = None, **changes: Any) -> Metadata:
    if methods is not None:
        changes["token_endpoint_auth_methods_supported"] = methods
    return process_discovery(answer(dict(METADATA) | changes), ISSUER)


def send(about: Metadata, body: str = BODY, **changes: Any) -> tuple[dict[str, str], dict[str, str]]:
    """Return the form, in which nothing stands twice, and the headers."""
    message = Message(about.token_endpoint, body)
    done = Scripted().drive(authenticate(message, about, op.settings(**changes)))
    pairs = parse_qsl(done.body)
    assert len(pairs) == len(dict(pairs))
    assert op.SECRET not in repr(done)
    return dict(pairs), dict(done.header_list())


def test_basic_is_form_encoded() -> None:
    form, headers = send(metadata())
    assert form == PLAIN
    sent = base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode()
    assert sent == "client+1:s3cret%26%3A%25%2B%2F" + "x" * 32  # RFC 6749 §2.3.1, Appendix B
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert headers["Accept"] == "application/json"


def test_a_secret_beyond_ascii() -> None:
    _, headers = send(metadata(), client_secret="pässwörd" * 8)
    sent = base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode("ascii")
    assert sent.endswith("p%C3%A4ssw%C3%B6rd")


@pytest.mark.parametrize("body", [BODY, BODY + "&client_id=client+1"])
def test_post(body: str) -> None:
    form, headers = send(metadata(["client_secret_post"]), body)
    assert form == PLAIN | {"client_id": CLIENT, "client_secret": op.SECRET}
    assert "Authorization" not in headers


@pytest.mark.parametrize("body", [BODY, BODY + "&client_id=client+1"])
def test_none(body: str) -> None:
    form, headers = send(metadata(), body, client_secret=None)
    assert form == PLAIN | {"client_id": CLIENT}
    assert "Authorization" not in headers


@pytest.mark.parametrize("method", ["tls_client_auth", "self_signed_tls_client_auth"])
def test_a_certificate(method: str) -> None:
    form, headers = send(metadata(), client_secret=None, client_auth=method, client_certificate=__file__)
    assert form == PLAIN | {"client_id": CLIENT}
    assert "Authorization" not in headers


def check_assertion(form: dict[str, str], by: ECKey | OctKey, algorithm: str, audience: str) -> None:
    assert set(form) == set(PLAIN) | {"client_id", "client_assertion_type", "client_assertion"}
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    token = jws.deserialize_compact(form["client_assertion"], by, algorithms=[algorithm])
    claims = json.loads(token.payload)
    assert (claims["iss"], claims["sub"], claims["aud"]) == (CLIENT, CLIENT, audience)
    assert START < claims["exp"] <= START + 300
    assert claims["jti"]


@pytest.mark.parametrize("body", [BODY, BODY + "&client_id=client+1"])
def test_private_key_jwt(body: str, key: ECKey) -> None:
    pem = key.as_pem(private=True).decode()
    form, headers = send(metadata(["private_key_jwt"]), body, client_secret=None, client_private_key=pem)
    check_assertion(form, key, "ES256", ISSUER + "/token")
    assert "Authorization" not in headers


def test_fapi2_names_the_issuer(key: ECKey) -> None:
    pem = key.as_pem(private=True).decode()
    about = metadata(["private_key_jwt"])
    form, _ = send(about, client_secret=None, client_private_key=pem, fapi2=True)
    check_assertion(form, key, "ES256", ISSUER)


def test_client_secret_jwt_when_named() -> None:
    form, headers = send(metadata(), client_auth="client_secret_jwt")
    check_assertion(form, OctKey.import_key(op.SECRET), "HS256", ISSUER + "/token")
    assert op.SECRET not in form.values()
    assert "Authorization" not in headers


@pytest.mark.parametrize(
    ("held", "offered", "method"),
    [
        ({}, None, "client_secret_basic"),
        ({}, [], "client_secret_basic"),
        ({}, ["client_secret_post", "client_secret_basic"], "client_secret_basic"),
        ({}, ["client_secret_post", "client_secret_jwt"], "client_secret_post"),
        ({}, ["client_secret_jwt", "client_secret_post", "private_key_jwt"], "client_secret_post"),
        ({"client_auth": "client_secret_post"}, ["client_secret_basic"], "client_secret_post"),
        ({"client_auth": "client_secret_jwt"}, ["client_secret_basic"], "client_secret_jwt"),
        ({"client_secret": None}, ["client_secret_basic"], "none"),
        ({"client_secret": None, "client_private_key": "key"}, None, "private_key_jwt"),
        ({"client_secret": None, "client_certificate": __file__}, None, "tls_client_auth"),
        (
            {"client_secret": None, "client_certificate": __file__},
            ["self_signed_tls_client_auth", "none"],
            "self_signed_tls_client_auth",
        ),
        (
            {"client_secret": None, "client_certificate": __file__},
            ["self_signed_tls_client_auth", "tls_client_auth"],
            "tls_client_auth",
        ),
    ],
)
def test_the_choice(held: dict[str, Any], offered: list[str] | None, method: str, key: ECKey) -> None:
    if "client_private_key" in held:
        held = held | {"client_private_key": key.as_pem(private=True).decode()}
    assert choose_method(metadata(offered), op.settings(**held)) == method


@pytest.mark.parametrize("offered", [["client_secret_jwt"], ["private_key_jwt", "tls_client_auth"]])
def test_nothing_that_a_secret_can_do(offered: list[str]) -> None:
    with pytest.raises(ProviderError) as caught:
        send(metadata(offered))
    assert caught.value.code == "client_auth_unsupported"
    assert ", ".join(offered) in caught.value.detail


@pytest.mark.parametrize("kind", ["private_key_jwt", "client_secret_jwt"])
def test_the_whole_assertion(kind: str, key: ECKey) -> None:
    held: dict[str, Any] = {"client_auth": kind}
    if kind == "private_key_jwt":
        pem = key.as_pem(private=True).decode()
        held = {"client_secret": None, "client_private_key": pem, "client_private_key_kid": "k1"}
    form, _ = send(metadata(), BODY + "&client_id=x", **held)
    token = jws.extract_compact(form.pop("client_assertion").encode())
    assert form == PLAIN | {
        "client_id": CLIENT,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    assert token.headers() == (
        {"alg": "ES256", "typ": "JWT", "kid": "k1"}
        if "client_private_key" in held
        else {"alg": "HS256", "typ": "JWT"}
    )
    assert json.loads(token.payload) == {
        "iss": CLIENT,
        "sub": CLIENT,
        "aud": ISSUER + "/token",
        "iat": START,
        "exp": START + 60,
        "jti": "AAECAwQFBgcICQoLDA0ODw",
    }


@pytest.fixture(scope="module")
def rsa_pem() -> str:
    return op.key("client").as_pem(private=True).decode()


@pytest.mark.parametrize(
    ("supported", "changes", "algorithm"),
    [
        (None, {}, "RS256"),
        (["ES256", "RS512"], {}, "RS512"),
        (["RS256", "PS256"], {}, "PS256"),
        (["RS256", "PS384"], {"client_private_key_alg": "PS384"}, "PS384"),
    ],
)
def test_the_algorithm_suits_the_provider(
    supported: list[str] | None, changes: dict[str, Any], algorithm: str, rsa_pem: str
) -> None:
    about = {"token_endpoint_auth_signing_alg_values_supported": supported}
    form, _ = send(metadata(**about), client_secret=None, client_private_key=rsa_pem, **changes)
    assert jws.extract_compact(form["client_assertion"].encode()).headers()["alg"] == algorithm


@pytest.mark.parametrize(("supported", "algorithm"), [(None, "RS256"), (["PS384"], "PS384")])
def test_a_request_object(supported: list[str] | None, algorithm: str, rsa_pem: str) -> None:
    about = metadata(request_object_signing_alg_values_supported=supported)
    settings = op.settings(client_secret=None, client_private_key=rsa_pem)
    token = Scripted().drive(request_object({"state": "s"}, about, settings))
    opened = jws.extract_compact(token.encode())
    assert opened.headers() == {"alg": algorithm, "typ": "oauth-authz-req+jwt"}
    assert json.loads(opened.payload) == {
        "state": "s",
        "iss": CLIENT,
        "client_id": CLIENT,
        "aud": ISSUER,
        "iat": START,
        "nbf": START,
        "exp": START + 300,
        "jti": "AAECAwQFBgcICQoLDA0ODw",
    }


def test_a_message_keeps_its_headers_in_order() -> None:
    message = (
        Message("https://op.example/token", "secret=1").with_header("A", "secret=2").with_header("B", "3")
    )
    assert message.header_list() == (
        ("Accept", "application/json"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("A", "secret=2"),
        ("B", "3"),
    )
    assert repr(message) == "Message(url='https://op.example/token')"


@pytest.mark.parametrize(
    ("held", "uses"),
    [
        ({}, False),
        ({"client_secret": None}, False),
        ({"client_secret": None, "client_certificate": __file__}, True),
        (
            {
                "client_secret": None,
                "client_auth": "self_signed_tls_client_auth",
                "client_certificate": __file__,
            },
            True,
        ),
    ],
)
def test_whether_the_certificate_is_used(held: dict[str, Any], uses: bool) -> None:
    assert uses_certificate(metadata(), op.settings(**held)) is uses
