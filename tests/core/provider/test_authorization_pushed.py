"""Pushed authorization requests (RFC 9126): when they are pushed, what is pushed, and what comes back."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import pytest
from joserfc.jwk import ECKey

from oidc_gate.errors import GateError, ProviderError, ProviderUnavailable
from oidc_gate.provider.authorization import must_push

from . import scripted as op
from .scripted import CLIENT, ISSUER, STATE, Scripted, answer
from .test_authorization import build, metadata

PAR = ISSUER + "/par"


def pushing(given: op.Answers) -> Scripted:
    return Scripted({PAR: given})


KEY = ECKey.generate_key("P-256").as_pem(private=True).decode()


@pytest.mark.parametrize(
    ("changed", "is_required", "expected"),
    [
        ({}, False, False),
        ({}, True, True),
        ({"fapi2": True, "client_secret": None, "client_private_key": KEY}, False, True),
        ({"pushed_authorization_requests": "always"}, False, True),
        ({"pushed_authorization_requests": "never"}, False, False),
        ({"pushed_authorization_requests": "never"}, True, True),
    ],
    ids=range(6),
)
def test_who_demands_that_a_request_is_pushed(
    changed: dict[str, Any], is_required: bool, expected: bool
) -> None:
    about = metadata(require_pushed_authorization_requests=is_required)
    assert must_push(about, op.settings(**changed)) is expected


@pytest.mark.parametrize(
    ("wish", "offered", "required", "is_pushed"),
    [
        ("auto", True, False, True),
        ("auto", True, True, True),
        ("auto", False, False, False),
        ("always", True, False, True),
        ("never", True, False, False),
        ("never", True, True, True),
    ],
)
def test_when_requests_are_pushed(wish: str, offered: bool, required: bool, is_pushed: bool) -> None:
    about = metadata(
        pushed_authorization_request_endpoint=PAR if offered else "",
        require_pushed_authorization_requests=required,
    )
    scripted = pushing(answer({"request_uri": "urn:x:1", "expires_in": 60}, 201))
    params = build(about, scripted=scripted, pushed_authorization_requests=wish)
    assert len(scripted.fetches) == is_pushed
    if is_pushed:
        assert params == {"client_id": CLIENT, "request_uri": "urn:x:1"}


def test_what_is_pushed() -> None:
    scripted = pushing(answer({"request_uri": "urn:x:1"}, 201))
    about = metadata(
        pushed_authorization_request_endpoint=PAR,
        token_endpoint_auth_methods_supported=["client_secret_post"],
    )
    build(about, scripted=scripted)
    pairs = parse_qsl((scripted.fetches[0].body or b"").decode())
    pushed = dict(pairs)
    assert len(pushed) == len(pairs), "nothing is sent twice"
    assert pushed["client_secret"] == op.SECRET
    assert pushed["state"] == STATE
    assert pushed["code_challenge"] == op.challenge(op.VERIFIER)
    assert pushed["redirect_uri"] == op.REDIRECT
    assert op.VERIFIER not in pushed.values()


@pytest.mark.parametrize(
    ("given", "kind", "code"),
    [
        (answer({"error": "invalid_request"}, 400), ProviderError, "invalid_request"),
        (answer({"error": "invalid_client"}, 401), ProviderError, "invalid_client"),
        (answer({"error": "<made up>"}, 400), ProviderError, "provider_error"),
        (answer(b"<html>", 410), ProviderError, "provider_error"),
        (answer({}, 201), ProviderError, "provider_answer"),
        (answer({"request_uri": 1}, 201), ProviderError, "provider_answer"),
        (answer({"request_uri": "x" * 2049}, 201), ProviderError, "provider_answer"),
        (answer({"request_uri": "urn:x"}, 201, content_type="text/html"), ProviderError, "provider_answer"),
        (answer({"request_uri": "urn:x"}, 202), ProviderError, "provider_error"),
        (answer({"error": "e" * 101}, 400), ProviderError, "provider_error"),
        (answer([], 400), ProviderError, "provider_error"),
        (answer(b"[" * 100_000, 400), ProviderError, "provider_error"),
        (answer({}, 300), ProviderError, "provider_redirect"),
        (answer({}, 503), ProviderUnavailable, "provider_failing"),
    ],
)
def test_pushed_requests_that_fail(given: op.Answers, kind: type[GateError], code: str) -> None:
    with pytest.raises(kind) as caught:
        build(metadata(pushed_authorization_request_endpoint=PAR), scripted=pushing(given))
    assert caught.value.code == code


@pytest.mark.parametrize("status", [200, 201])
def test_the_longest_request_uri(status: int) -> None:
    about = metadata(pushed_authorization_request_endpoint=PAR)
    params = build(about, scripted=pushing(answer({"request_uri": "u" * 2048}, status)))
    assert params == {"client_id": CLIENT, "request_uri": "u" * 2048}


@pytest.mark.parametrize(
    ("given", "message", "detail"),
    [
        (
            answer({"error": "server_error", "error_description": f"{STATE} {op.NONCE} {op.SECRET}"}, 400),
            "The sign-in service sent an answer that cannot be trusted.",
            "pushed authorization request: status 400 server_error (hidden) (hidden) (hidden)",
        ),
        (
            answer({"error": "invalid_scope"}, 400),
            "The sign-in service does not accept this application. Nothing is wrong with your account.",
            "pushed authorization request: status 400 invalid_scope; sent: client_id 'client 1', redirect_uri "
            "'https://app.example/oauth2/callback', client_auth client_secret_basic, scopes 'openid email profile'. "
            "Fix: the provider refuses a scope: compare scopes with what the client may ask for",
        ),
        (
            answer(b"<html>", 400),
            "The sign-in service sent an answer that cannot be trusted.",
            "pushed authorization request: status 400",
        ),
        *[
            (
                answer({"error": error}, 400),
                "The sign-in service sent an answer that cannot be trusted.",
                f"pushed authorization request: status 400 {shown}".rstrip(),
            )
            for error, shown in (("e" * 100, "e" * 100), ("e" * 101, ""), (7, ""), ("\n", "?"))
        ],
    ],
)
def test_what_is_said_of_a_pushed_request_that_fails(given: op.Answers, message: str, detail: str) -> None:
    with pytest.raises(ProviderError) as caught:
        build(metadata(pushed_authorization_request_endpoint=PAR), scripted=pushing(given))
    assert (caught.value.public_message, caught.value.detail) == (message, detail)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 404, 405])
def test_an_endpoint_that_is_not_there_after_all(status: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "oidc_gate.provider")
    about = metadata(pushed_authorization_request_endpoint=PAR)
    assert build(about, scripted=pushing(answer({}, status))) == build(metadata())
    assert [record.name for record in caplog.records] == ["oidc_gate.provider"]
    assert caplog.messages == [
        f"pushed authorization requests: status {status} at {PAR}; sent through the browser"
    ]


@pytest.mark.parametrize("status", [300, 304, 309, 400, 403, 406, 410])
def test_other_answers_are_errors(status: int) -> None:
    with pytest.raises(ProviderError):
        build(metadata(pushed_authorization_request_endpoint=PAR), scripted=pushing(answer({}, status)))


KEY = ECKey.generate_key("P-256").as_pem(private=True).decode()


@pytest.mark.parametrize(
    ("discovered", "changes"),
    [
        ({"require_pushed_authorization_requests": True}, {}),
        ({}, {"pushed_authorization_requests": "always"}),
        ({}, {"fapi2": True, "client_secret": None, "client_private_key": KEY}),
    ],
)
def test_a_request_that_must_be_pushed_is_not_sent_through_the_browser(
    discovered: dict[str, Any], changes: dict[str, Any]
) -> None:
    about = metadata(pushed_authorization_request_endpoint=PAR, **discovered)
    with pytest.raises(ProviderError):
        build(about, scripted=pushing(answer({}, 404)), **changes)
    with pytest.raises(ProviderError) as caught:
        build(metadata(**discovered), **changes)
    assert caught.value.code == "discovery_unusable"


def test_a_client_with_a_certificate_pushes_to_the_alias() -> None:
    alias = "https://mtls.op.example/par"
    about = metadata(
        pushed_authorization_request_endpoint=PAR,
        mtls_endpoint_aliases={"pushed_authorization_request_endpoint": alias},
    )
    scripted = Scripted({alias: answer({"request_uri": "urn:x:1"}, 201)})
    build(about, scripted=scripted, client_secret=None, client_certificate=__file__)
    assert scripted.urls() == [alias]


def test_what_the_provider_echoes_is_not_logged() -> None:
    echo = {"error": "invalid_request", "error_description": f"bad state {STATE} for {op.SECRET}\r\nx"}
    with pytest.raises(ProviderError) as caught:
        build(metadata(pushed_authorization_request_endpoint=PAR), scripted=pushing(answer(echo, 400)))
    assert "bad state (hidden) for (hidden)??x" in caught.value.detail


def test_pushing_is_demanded_and_not_offered() -> None:
    with pytest.raises(ProviderError) as caught:
        build(metadata(), pushed_authorization_requests="always")
    assert caught.value.code == "discovery_unusable"


def test_signed_and_pushed() -> None:
    scripted = pushing(answer({"request_uri": "urn:x:1"}, 201))
    about = metadata(pushed_authorization_request_endpoint=PAR)
    params = build(
        about, scripted=scripted, client_private_key=KEY, client_secret=None, signed_request_objects=True
    )
    assert set(params) == {"client_id", "request_uri"}
    pushed = dict(parse_qsl((scripted.fetches[0].body or b"").decode()))
    assert {"request", "client_assertion"} <= set(pushed)
    assert "state" not in pushed
