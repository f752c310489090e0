"""Discovery documents: believed, refused, and why."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest

from oidc_gate.effects import Fetched
from oidc_gate.errors import ProviderError, ProviderUnavailable
from oidc_gate.provider.discovery import Metadata, build_discovery_request, process_discovery

from .scripted import ISSUER, METADATA, answer

ALGORITHMS = ("RS256", "ES256")


def process(**changes: Any) -> Metadata:
    """Process a good document with `changes`; None takes a member out."""
    document = {name: value for name, value in (dict(METADATA) | changes).items() if value is not None}
    return process_discovery(answer(document), ISSUER, ALGORITHMS)


def refused(**changes: Any) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        process(**changes)
    return caught.value


@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        ("https://op.example", "https://op.example/.well-known/openid-configuration"),
        ("https://op.example/", "https://op.example/.well-known/openid-configuration"),
        ("https://op.example/realms/a", "https://op.example/realms/a/.well-known/openid-configuration"),
        ("https://op.example/realms/a/", "https://op.example/realms/a/.well-known/openid-configuration"),
    ],
)
def test_where_the_document_is(issuer: str, url: str) -> None:
    request = build_discovery_request(issuer)
    assert (request.method, request.url) == ("GET", url)


ENDPOINTS = {
    name: f"https://op.example/{name}?a=1"
    for name in (
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "userinfo_endpoint",
        "end_session_endpoint",
        "pushed_authorization_request_endpoint",
        "revocation_endpoint",
    )
}
LISTS = {
    "acr_values_supported": ["gold"],
    "claims_supported": ["sub"],
    "code_challenge_methods_supported": ["plain", "S256"],
    "dpop_signing_alg_values_supported": ["ES256"],
    "id_token_signing_alg_values_supported": ["none", "RS256"],
    "prompt_values_supported": ["login"],
    "request_object_signing_alg_values_supported": ["PS256"],
    "response_modes_supported": ["query"],
    "response_types_supported": ["id_token", "code"],
    "scopes_supported": ["openid"],
    "token_endpoint_auth_methods_supported": ["none"],
    "token_endpoint_auth_signing_alg_values_supported": ["EdDSA"],
    "userinfo_signing_alg_values_supported": ["ES384"],
}
FLAGS = (
    "authorization_response_iss_parameter_supported",
    "backchannel_logout_session_supported",
    "backchannel_logout_supported",
    "frontchannel_logout_session_supported",
    "frontchannel_logout_supported",
    "require_pushed_authorization_requests",
    "require_signed_request_object",
)


def test_every_member_of_a_whole_document_is_kept() -> None:
    aliases = {name: url.replace("op.example", "mtls.op.example") for name, url in ENDPOINTS.items()}
    document = {"issuer": ISSUER, "mtls_endpoint_aliases": aliases, **ENDPOINTS, **LISTS}
    metadata = process_discovery(answer(document | dict.fromkeys(FLAGS, True)), ISSUER, ALGORITHMS)
    assert {field.name: getattr(metadata, field.name) for field in fields(Metadata)} == {
        "issuer": ISSUER,
        "mtls_endpoint_aliases": aliases,
        **ENDPOINTS,
        **{name: tuple(value) for name, value in LISTS.items()},
        **dict.fromkeys(FLAGS, True),
    }
    for name, url in ENDPOINTS.items():
        assert metadata.endpoint(name) == url
        assert metadata.endpoint(name, with_certificate=True) == aliases[name]


def test_the_smallest_document() -> None:
    required: dict[str, Any] = {
        name: ENDPOINTS[name] for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")
    }
    metadata = process_discovery(answer({"issuer": ISSUER, **required}), ISSUER, ALGORITHMS)
    assert metadata == Metadata(issuer=ISSUER, **required)
    assert {field.name: getattr(metadata, field.name) for field in fields(Metadata)} == {
        "issuer": ISSUER,
        "mtls_endpoint_aliases": {},
        **dict.fromkeys(ENDPOINTS, ""),
        **required,
        **dict.fromkeys(LISTS, None),
        **dict.fromkeys(FLAGS, False),
    }


def test_what_is_kept() -> None:
    metadata = process(
        authorization_response_iss_parameter_supported=True,
        mtls_endpoint_aliases={"token_endpoint": "https://mtls.op.example/token", "other": 1},
        scopes_supported=["openid"],
        something_else={"a": 1},
    )
    assert metadata.token_endpoint == ISSUER + "/token"
    assert metadata.scopes_supported == ("openid",)
    assert metadata.acr_values_supported is None
    assert metadata.authorization_response_iss_parameter_supported
    assert metadata.endpoint("token_endpoint") == ISSUER + "/token"
    assert metadata.endpoint("token_endpoint", with_certificate=True) == "https://mtls.op.example/token"
    assert metadata.endpoint("userinfo_endpoint", with_certificate=True) == ISSUER + "/userinfo"


@pytest.mark.parametrize(
    "found",
    [
        "https://op.example/",
        "https://OP.example",
        "https://evil.example",
        "",
        None,
        1,
        ["https://op.example"],
    ],
)
def test_another_issuer(found: object) -> None:
    error = refused(issuer=found)
    assert error.code == "issuer_mismatch"
    assert repr(ISSUER) in error.detail
    assert repr(str(found)) in error.detail


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
def test_what_must_be_there(name: str) -> None:
    error = refused(**{name: None})
    assert error.code == "provider_answer"
    assert name in error.detail


@pytest.mark.parametrize(
    "url",
    [
        "http://op.example/x",
        "http://127.0.0.1/x",
        "ftp://op.example/x",
        "//op.example/x",
        "/x",
        "https:///x",
        "https://user:word@op.example/x",
        "https://op.example/x#y",
        "https://op.example/\\x",
        "https://op.example/ x",
        "https://op.example/\nx",
        "https://op.example:port/x",
        "https://op.example/" + "x" * 2048,
        "https://öp.example/x",
        1,
        ["https://op.example/x"],
    ],
)
@pytest.mark.parametrize("name", ["token_endpoint", "userinfo_endpoint", "end_session_endpoint"])
def test_endpoints_that_are_none(name: str, url: object) -> None:
    error = refused(**{name: url})
    assert error.code == "provider_answer"
    assert name in error.detail
    with pytest.raises(ProviderError):
        process(mtls_endpoint_aliases={name: url})


def test_plain_http_on_loopback_alone() -> None:
    issuer = "http://localhost:8080"
    changes = {
        name: value.replace(ISSUER, issuer) for name, value in METADATA.items() if isinstance(value, str)
    }
    document = dict(METADATA) | changes
    assert process_discovery(answer(document), issuer).token_endpoint == issuer + "/token"
    with pytest.raises(ProviderError):
        process_discovery(answer(document | {"token_endpoint": "http://op.example/token"}), issuer)


@pytest.mark.parametrize(
    ("name", "offered"),
    [
        ("id_token_signing_alg_values_supported", ["none", "HS256"]),
        ("response_types_supported", ["id_token", "code id_token"]),
        ("code_challenge_methods_supported", ["plain"]),
    ],
)
def test_nothing_in_common(name: str, offered: list[str]) -> None:
    error = refused(**{name: offered})
    assert error.code == "discovery_unusable"
    accepted = {"response_types_supported": "code", "code_challenge_methods_supported": "S256"}
    assert error.detail == (
        f"discovery: {name} offers only {', '.join(offered)}; accepted here: {accepted.get(name, 'RS256, ES256')}"
    )
    assert process(**{name: None}).issuer == ISSUER, "a list that is not given says nothing"


@pytest.mark.parametrize("value", ["code", {"code": 1}, [1], ["x", None], ["x"] * 1001])
def test_lists_that_are_none(value: object) -> None:
    error = refused(scopes_supported=value)
    assert error.code == "provider_answer"
    assert error.detail == "discovery: scopes_supported is not a list of strings"


@pytest.mark.parametrize("value", [[], ["x"] * 1000])
def test_lists_of_any_length_up_to_the_bound(value: list[str]) -> None:
    assert process(scopes_supported=value).scopes_supported == tuple(value)


@pytest.mark.parametrize("name", ["response_types_supported", "id_token_signing_alg_values_supported"])
def test_an_empty_list_restricts_nothing(name: str) -> None:
    assert getattr(process(**{name: []}), name) == ()


def test_without_algorithms_they_are_not_compared() -> None:
    document = dict(METADATA) | {"id_token_signing_alg_values_supported": ["none"]}
    assert process_discovery(answer(document), ISSUER).id_token_signing_alg_values_supported == ("none",)


@pytest.mark.parametrize("value", ["x", [], 1, True])
def test_aliases_that_are_none(value: object) -> None:
    assert refused(mtls_endpoint_aliases=value).detail == "discovery: mtls_endpoint_aliases is not an object"


def test_an_alias_that_is_empty_is_none() -> None:
    aliases = {"token_endpoint": "", "userinfo_endpoint": None}
    metadata = process(mtls_endpoint_aliases=aliases)
    assert dict(metadata.mtls_endpoint_aliases) == {}
    assert metadata.endpoint("token_endpoint", with_certificate=True) == ISSUER + "/token"


@pytest.mark.parametrize("value", ["true", 1, "false", None])
def test_flags_are_true_or_not(value: object) -> None:
    metadata = process(require_pushed_authorization_requests=value)
    assert metadata.require_pushed_authorization_requests is False


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'"x"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":NaN}',
        b'{"a":' + b"9" * 5000 + b"}",
    ],
)
def test_bodies_that_are_no_document(body: bytes) -> None:
    with pytest.raises(ProviderError) as caught:
        process_discovery(answer(body), ISSUER)
    assert caught.value.code == "provider_answer"


def test_the_content_type_does_not_matter() -> None:
    body = json.dumps(dict(METADATA)).encode()
    assert process_discovery(Fetched(200, {"content-type": "text/plain"}, body), ISSUER).issuer == ISSUER


@pytest.mark.parametrize("status", [199, 201, 204, 299, 400, 401, 404, 499])
def test_other_statuses(status: int) -> None:
    with pytest.raises(ProviderError) as caught:
        process_discovery(answer(dict(METADATA), status), ISSUER)
    assert caught.value.code == "provider_answer"
    assert f"status {status}" in caught.value.detail


@pytest.mark.parametrize("status", [300, 302, 399])
def test_a_redirect(status: int) -> None:
    with pytest.raises(ProviderError) as caught:
        process_discovery(answer(dict(METADATA), status, location="https://evil.example"), ISSUER)
    assert caught.value.code == "provider_redirect"


@pytest.mark.parametrize(
    ("status", "headers", "code", "wait"),
    [
        (503, {}, "provider_failing", 10),
        (500, {"retry_after": "7"}, "provider_failing", 7),
        (429, {"retry_after": "120"}, "provider_busy", 120),
        (429, {"retry_after": "99999"}, "provider_busy", 3600),
        (429, {"retry_after": "-5"}, "provider_busy", 10),
        (
            503,
            {"retry_after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"},
            "provider_failing",
            30,
        ),
        (503, {"retry_after": "Wed, 21 Oct 2026 07:28:30 GMT"}, "provider_failing", 10),
    ],
)
def test_trouble_over_there(status: int, headers: dict[str, str], code: str, wait: int) -> None:
    with pytest.raises(ProviderUnavailable) as caught:
        process_discovery(answer(dict(METADATA), status, **headers), ISSUER)
    assert (caught.value.code, caught.value.retry_after_seconds) == (code, wait)
