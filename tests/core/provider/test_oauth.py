"""OAuth messages, byte for byte."""

from __future__ import annotations

import logging

import pytest

from oidc_gate.provider import oauth


def test_an_authorization_uri() -> None:
    params = {"client_id": "a b", "response_type": "code", "scope": "x y", "state": "", "other": "&="}
    uri = oauth.authorization_uri("https://op.example/a?tenant=1", params)
    assert uri == ("https://op.example/a?tenant=1&response_type=code&client_id=a+b&scope=x+y&other=%26%3D")
    assert params["client_id"] == "a b", "the caller's parameters stay as they are"


def test_forms() -> None:
    assert (
        oauth.add_query("https://op.example/a", {"a": "b c", "d": "&"}) == "https://op.example/a?a=b+c&d=%26"
    )
    assert oauth.form({"a": "b c", "d": "\u00e4"}) == "a=b+c&d=%C3%A4"
    assert oauth.add_form("a=1", {"b": "c d"}) == "a=1&b=c+d"
    assert oauth.drop("a=1&b=2&a=3&c=", "a") == "b=2&c="


def test_grants() -> None:
    assert oauth.code_grant("c&", "https://app.example/cb", "v") == (
        "grant_type=authorization_code&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&code=c%26&code_verifier=v"
    )
    assert oauth.refresh_grant("r t") == "grant_type=refresh_token&refresh_token=r+t"


def test_the_challenge_of_the_specification() -> None:
    """RFC 7636, appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert oauth.s256_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.parametrize(
    ("method", "body", "headers"),
    [
        ("client_secret_basic", "a=1", {"Authorization": "Basic YSthOmIlMjY="}),
        ("client_secret_post", "a=1&client_id=a+a&client_secret=b%26", {}),
        ("none", "a=1&client_id=a+a", {}),
    ],
)
def test_client_authentication(method: str, body: str, headers: dict[str, str]) -> None:
    found, sent = oauth.authenticate(method, "a a", "b&", "https://op.example/token", "a=1")
    assert found == body
    assert {name: value for name, value in sent.items() if name == "Authorization"} == headers


def test_authlib_does_not_log_the_code_verifier() -> None:
    assert logging.getLogger("authlib").getEffectiveLevel() == logging.INFO
