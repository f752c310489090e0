"""Whether the provider knows this client, against the embedded provider, with one thing wrong at a time."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from oidc_gate.check.provider import ProviderResult, check_provider
from oidc_gate.check.provider.client import check_redirect_uri, error_at
from oidc_gate.check.provider.exchanges import Exchange, Exchanges
from oidc_gate.effects import Fetch, Fetched
from oidc_gate.provider.discovery import Metadata
from oidc_gate.testing import Client, Fault, TestProvider, settings_for_tests
from tests.core.check.provider.test_discovery import METADATA

URL = "https://app.example.com"
SECRET = secrets.token_urlsafe(32)


@pytest.fixture(scope="module")
def op() -> Iterator[TestProvider]:
    client = Client(
        client_id="gate",
        client_secret=SECRET,
        redirect_uris=[f"{URL}/oauth2/callback"],
        post_logout_redirect_uris=[f"{URL}/oauth2/signed_out"],
    )
    with TestProvider(clients=[client]) as provider:
        yield provider


def check(op: TestProvider, **keywords: Any) -> ProviderResult:
    given = {"issuer": op.issuer, "client_id": "gate", "client_secret": SECRET, "public_url": URL} | keywords
    return check_provider(settings_for_tests(**given))


def causes(result: ProviderResult) -> list[str]:
    return [answer.cause for answer in result.answers if answer.cause]


def answer_to(result: ProviderResult, words: str) -> bool | None:
    (found,) = [answer for answer in result.answers if words in answer.question]
    return found.is_right


PUSH = pytest.mark.parametrize("push", ["auto", "never"])


@PUSH
def test_nothing_is_wrong(op: TestProvider, push: str) -> None:
    result = check(op, pushed_authorization_requests=push)
    assert causes(result) == []
    assert answer_to(result, "client's authentication") is True
    assert answer_to(result, "redirect URI registered") is True
    assert answer_to(result, "after a sign-out registered") is True


@PUSH
@pytest.mark.parametrize("wrong", [{"client_secret": "x" * 43}, {"client_id": "other"}])
def test_a_client_that_is_refused(op: TestProvider, push: str, wrong: dict[str, str]) -> None:
    result = check(op, pushed_authorization_requests=push, **wrong)
    assert "provider_client" in causes(result)
    assert set(causes(result)) <= {"provider_client", "provider_redirect_uri"}


@PUSH
def test_a_redirect_uri_that_is_not_registered(op: TestProvider, push: str) -> None:
    result = check(op, pushed_authorization_requests=push, public_url=f"{URL}/base")
    assert causes(result) == ["provider_redirect_uri", "provider_post_logout"]
    (found,) = [answer for answer in result.answers if answer.cause == "provider_redirect_uri"]
    assert found.facts["redirect_uri"] == f"{URL}/base/oauth2/callback"


@PUSH
def test_both_are_named(op: TestProvider, push: str) -> None:
    given = {"client_secret": "x" * 43, "public_url": f"{URL}/base"}
    result = check(op, pushed_authorization_requests=push, **given)
    assert {"provider_client", "provider_redirect_uri"} <= set(causes(result))


@pytest.mark.parametrize("registered", ["client_secret_post", "client_secret_basic"])
def test_another_method_of_authentication_is_named(registered: str) -> None:
    other = {"client_secret_post": "client_secret_basic", "client_secret_basic": "client_secret_post"}[
        registered
    ]
    client = Client(
        client_id="gate",
        client_secret=SECRET,
        redirect_uris=[f"{URL}/oauth2/callback"],
        token_endpoint_auth_method=registered,
    )
    with TestProvider(clients=[client]) as op:
        result = check(op, client_auth=other)
    found = next(answer for answer in result.answers if answer.cause == "provider_client_method")
    assert found.facts["use"] == registered


def test_a_pushed_request_whose_endpoint_is_off(op: TestProvider) -> None:
    with op.misbehaving(Fault.REDIRECTS, at="par", to="/login", status=302):
        assert "provider_par_off" in causes(check(op))


def test_an_error_that_the_provider_sends_back(op: TestProvider) -> None:
    with op.misbehaving(Fault.ANSWER_ERROR, error="unauthorized_client"):
        result = check(op, pushed_authorization_requests="never")
    assert answer_to(result, "redirect URI registered") is True
    refusals = [answer for answer in result.answers if "unauthorized_client" in repr(answer)]
    assert [answer.is_right for answer in refusals] == [True, False]


def test_no_secret_is_in_any_answer(op: TestProvider, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for method in ("client_secret_basic", "client_secret_post", "client_secret_jwt"):
        result = check(op, client_auth=method)
        text = repr([(answer.sent, answer.received, dict(answer.facts)) for answer in result.answers])
        assert SECRET not in text + caplog.text
        assert "client_assertion" not in text
        assert "code_challenge" not in text


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("https://a/cb?error=login_required&state=x", "login_required"),
        ("https://a/cb?code=x", ""),
        ("https://a/cb2?error=x", None),
        ("https://a/other?next=https://a/cb?error=x", None),
    ],
)
def test_where_the_provider_sends_the_browser(location: str, expected: str | None) -> None:
    exchange = Exchange("", "", Fetched(302, {"location": location}, b""))
    assert error_at(exchange, "https://a/cb") == expected


def test_the_same_with_a_form() -> None:
    form = b'<form action="https://a/cb"><input name="error" value="login_required"><input name="state" value="x">'
    assert error_at(Exchange("", "", Fetched(200, {}, form)), "https://a/cb") == "login_required"
    assert error_at(Exchange("", "", Fetched(200, {}, b"<form>")), "https://a/cb") is None


def test_without_a_url_of_the_application(op: TestProvider) -> None:
    result = check(op, public_url=None)
    assert result.addresses == []
    assert answer_to(result, "client's authentication") is True


PAGE, LOGIN = Fetched(200, {}, b"<form>"), Fetched(302, {"location": "https://op.example.com/login"}, b"")
OTHER = Fetched(302, {"location": "https://op.example.com/consent?id=1"}, b"")
LOGIN_AGAIN = Fetched(302, {"location": "https://op.example.com/login?id=2"}, b"")
NO = Fetched(400, {}, b"invalid request")
NO_REDIRECT = Fetched(400, {}, b"redirect_uri is not registered")
ERROR_PAGE = Fetched(302, {"location": "https://op.example.com/error?code=redirect_uri_mismatch"}, b"")


class Given(Exchanges):
    """Exchanges whose answers to the authorization request of the gate, and to the made-up one, are given."""

    def __init__(self, own: Fetched, other: Fetched) -> None:
        super().__init__(settings_for_tests(pushed_authorization_requests="never"))
        self._own, self._other = own, other

    def send(self, request: Fetch) -> Exchange:
        return Exchange("sent", "received", self._own if "app.example.com" in request.url else self._other)


@pytest.mark.parametrize(
    ("own", "other", "is_client_known", "expected"),
    [
        (PAGE, NO, None, True),
        (LOGIN, ERROR_PAGE, None, True),
        (PAGE, PAGE, True, None),
        (LOGIN, LOGIN, True, None),
        (LOGIN, LOGIN_AGAIN, True, None),
        (LOGIN, OTHER, True, True),
        (NO, NO, True, False),
        (NO, NO, None, None),
        (NO, NO, False, None),
        (NO_REDIRECT, NO_REDIRECT, None, False),
        (ERROR_PAGE, ERROR_PAGE, None, False),
        (Fetched(500, {}, b"redirect_uri"), NO, True, None),
    ],
)
def test_a_provider_that_shows_a_page(
    own: Fetched, other: Fetched, is_client_known: bool | None, expected: bool | None
) -> None:
    metadata = Metadata(**METADATA)
    callback = f"{URL}/oauth2/callback"
    (answer,) = check_redirect_uri(Given(own, other), metadata, callback, is_client_known=is_client_known)
    assert answer.is_right is expected
    assert answer.cause == ("provider_redirect_uri" if expected is False else "")


def test_a_secret_that_the_provider_repeats_is_hidden() -> None:
    exchanges = Exchanges(settings_for_tests(client_secret=SECRET))
    fetched = Fetched(
        400, {}, json.dumps({"error": "invalid_client", "error_description": f"not {SECRET}"}).encode()
    )
    assert exchanges._describe_answer(fetched) == "status 400, invalid_client: not (hidden)"


def test_the_number_of_requests_is_limited(op: TestProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oidc_gate.check.provider.exchanges.MAX_EXCHANGES", 3)
    before = len(op.requests)
    check(op)
    assert len(op.requests) - before == 3
