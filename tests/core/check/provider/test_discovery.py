"""What discovery and the key set can say, against the embedded provider with one fault at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from oidc_gate.check.provider import check_provider
from oidc_gate.check.provider.discovery import check_discovery, clock, compare
from oidc_gate.check.provider.exchanges import Exchange, Exchanges
from oidc_gate.effects import Fetched
from oidc_gate.provider.discovery import Metadata
from oidc_gate.testing import Client, Fault, TestProvider, settings_for_tests

METADATA: dict[str, Any] = {
    "issuer": "https://op.example.com",
    "authorization_endpoint": "https://op.example.com/a",
    "token_endpoint": "https://op.example.com/t",
    "jwks_uri": "https://op.example.com/j",
}


@pytest.fixture(scope="module")
def op() -> Iterator[TestProvider]:
    with TestProvider(
        clients=[Client(client_id="gate", client_secret="s" * 43, redirect_uris=["https://a/cb"])]
    ) as op:
        yield op


def causes(op: TestProvider, **keywords: Any) -> list[str]:
    given = {"issuer": op.issuer, "client_id": "gate", "client_secret": "s" * 43} | keywords
    return [answer.cause for answer in check_provider(settings_for_tests(**given)).answers if answer.cause]


@pytest.mark.parametrize(
    ("fault", "keywords", "cause"),
    [
        (Fault.DISCOVERY_OTHER_ISSUER, {}, "provider_issuer"),
        (Fault.DISCOVERY_ISSUER_WITH_SLASH, {}, "provider_issuer"),
        (Fault.DISCOVERY_ONLY_NONE, {}, "provider_nothing_in_common"),
        (Fault.DISCOVERY_WITHOUT, {"name": "token_endpoint"}, "provider_discovery"),
        (Fault.SERVER_ERROR, {"at": "discovery"}, "provider_failing"),
        (Fault.TOO_MANY_REQUESTS, {"at": "discovery"}, "provider_failing"),
        (Fault.HTML, {"at": "discovery"}, "provider_discovery"),
        (Fault.REDIRECTS, {"at": "discovery"}, "provider_discovery"),
        (Fault.ENDLESS_BODY, {"at": "discovery"}, "provider_discovery"),
        (Fault.JWKS_EMPTY, {}, "provider_keys"),
        (Fault.JWKS_NOT_A_SET, {}, "provider_keys"),
        (Fault.SERVER_ERROR, {"at": "jwks"}, "provider_keys"),
    ],
)
def test_a_fault_is_named(op: TestProvider, fault: Fault, keywords: dict[str, Any], cause: str) -> None:
    with op.misbehaving(fault, **keywords):
        assert causes(op) == [cause]


def test_a_provider_that_cannot_be_reached() -> None:
    answers, metadata = check_discovery(Exchanges(settings_for_tests(issuer="http://127.0.0.1:9")))
    assert ([answer.cause for answer in answers], metadata) == (["provider_unreachable"], None)
    answers, _ = check_discovery(Exchanges(settings_for_tests(issuer="https://op.invalid")))
    assert [answer.cause for answer in answers] == ["provider_name"]


def test_a_provider_that_hangs(op: TestProvider) -> None:
    with op.misbehaving(Fault.HANGS, at="discovery"):
        assert causes(op, provider_timeout_seconds=0.5) == ["provider_timeout"]


@pytest.mark.parametrize(
    ("metadata", "settings", "expected"),
    [
        ({}, {}, []),
        ({"scopes_supported": ("openid",)}, {}, ["provider_scope"]),
        ({"scopes_supported": ("openid", "email", "profile")}, {}, []),
        (
            {"scopes_supported": ("openid", "email", "profile", "roles")},
            {"allowed_groups": ["a"]},
            ["groups_without_scope"],
        ),
        ({"token_endpoint_auth_methods_supported": ("private_key_jwt",)}, {}, ["provider_client_method"]),
        (
            {"token_endpoint_auth_methods_supported": ("client_secret_post",)},
            {"client_auth": "client_secret_basic"},
            ["provider_client_method"],
        ),
        ({"token_endpoint_auth_methods_supported": ("client_secret_post",)}, {}, []),
        (
            {"response_modes_supported": ("query",)},
            {"response_mode": "form_post", "public_url": "https://a.example"},
            ["provider_response_mode"],
        ),
        ({}, {"pushed_authorization_requests": "always"}, ["provider_par_missing"]),
        ({"require_pushed_authorization_requests": True}, {}, ["provider_par_missing"]),
    ],
)
def test_what_settings_and_discovery_have_in_common(
    metadata: dict[str, Any], settings: dict[str, Any], expected: list[str]
) -> None:
    answers = compare(Metadata(**(METADATA | metadata)), settings_for_tests(**settings))
    assert [answer.cause for answer in answers if answer.cause] == expected


@pytest.mark.parametrize(
    ("seconds", "is_right", "cause"),
    [
        (0, True, ""),
        (4, True, ""),
        (-4, True, ""),
        (30, False, "provider_clock_drift"),
        (-30, False, "provider_clock_drift"),
        (61, False, "provider_clock"),
        (-600, False, "provider_clock"),
    ],
)
def test_the_clock(seconds: int, is_right: bool, cause: str) -> None:
    exchange = Exchange("", "", Fetched(200, {"date": "Thu, 01 Jan 2026 00:00:00 GMT"}, b""))
    answer = clock(exchange, settings_for_tests(), now=1_767_225_600 - seconds)
    assert (answer.is_right, answer.cause) == (is_right, cause)


@pytest.mark.parametrize("date", ["", "yesterday"])
def test_a_clock_that_cannot_be_told(date: str) -> None:
    exchange = Exchange("", "", Fetched(200, {"date": date}, b""))
    assert clock(exchange, settings_for_tests()).is_right is None
