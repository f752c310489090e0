"""The requests of the check to the provider, and what it says about each answer, whole."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oidc_gate.check.provider import check_provider
from oidc_gate.check.provider.client import check_client, check_redirect_uri
from oidc_gate.check.provider.discovery import check_keys, clock, compare
from oidc_gate.check.provider.exchanges import Exchange, Exchanges
from oidc_gate.check.provider.logout import check_logout
from oidc_gate.check.provider.registration import addresses
from oidc_gate.effects import Fetch, Fetched
from oidc_gate.errors import ProviderUnavailable
from oidc_gate.provider.discovery import Metadata
from oidc_gate.testing import Client, Fault, TestProvider, settings_for_tests
from tests.core.check.provider.test_discovery import METADATA
from tests.core.check.rendering import rendered, without_random
from tests.snapshot_files import compare as compare_with_file

FOLDER = Path(__file__).with_name("snapshots")
URL = "https://app.example.com"
CALLBACK = f"{URL}/oauth2/callback"
SECRET = "s" * 43


def answer(status: int, body: str = "", location: str = "", kind: str = "text/html") -> Fetched:
    headers = {"content-type": kind} | ({"location": location} if location else {})
    return Fetched(status, headers, body.encode())


def error(status: int, code: str, description: str = "") -> Fetched:
    return answer(
        status, json.dumps({"error": code, "error_description": description}), kind="application/json"
    )


class Given(Exchanges):
    """Exchanges that are answered by a table: the answer of the first entry whose key is in the request."""

    def __init__(self, given: dict[str, Fetched | None], **keywords: Any) -> None:
        known = {
            "issuer": "https://op.example.com",
            "client_id": "gate",
            "client_secret": SECRET,
            "public_url": URL,
        }
        super().__init__(settings_for_tests(**(known | keywords)))
        self._given = given
        self.requests: list[str] = []

    def send(self, request: Fetch) -> Exchange:
        body = (request.body or b"").decode()
        shown = f"    {request.method} {request.url} {request.headers} {body} {request.max_bytes}"
        self.requests.append(without_random(shown))
        key = next(
            (key for key in self._given if key in f"{request.url} {body} {dict(request.headers)}"), None
        )
        fetched = None if key is None else self._given[key]
        if fetched is None:
            exchange = Exchange(
                "sent", "no answer", error=ProviderUnavailable("provider_timeout", "", detail="late")
            )
        else:
            exchange = Exchange("sent", self._describe_answer(fetched), fetched)
        self.sent.append(exchange)
        return exchange


PAR = METADATA | {"pushed_authorization_request_endpoint": "https://op.example.com/par"}
PUSHED = answer(201, '{"request_uri": "urn:x", "expires_in": 60}', kind="application/json")
AGAIN = "https%3A%2F%2Foidc-gate-check-"  # a made-up redirect URI
BACK = f"{CALLBACK}?error=login_required&state=x"
REDIRECTS: dict[str, tuple[dict[str, Any], dict[str, Fetched | None], dict[str, Any], bool | None]] = {
    "back": (METADATA, {"": answer(302, location=BACK)}, {}, True),
    "back, in the fragment": (METADATA, {"": answer(302, location=f"{CALLBACK}#error=x")}, {}, True),
    "back with a code": (METADATA, {"": answer(303, location=f"{CALLBACK}?code=x")}, {}, True),
    **{
        f"back with {code}": (METADATA, {"": answer(302, location=f"{CALLBACK}?error={code}")}, {}, True)
        for code in (
            "interaction_required",
            "consent_required",
            "account_selection_required",
            "access_denied",
            "temporarily_unavailable",
            "server_error",
            "invalid_scope",
            "unauthorized_client",
        )
    },
    "a form that sends it back": (
        METADATA,
        {"": answer(200, f'<form action="{CALLBACK}"><input name="error" value="invalid_scope">')},
        {},
        True,
    ),
    "a form without an error": (METADATA, {"": answer(200, f'<form action="{CALLBACK}">')}, {}, True),
    "a form with 201": (METADATA, {"": answer(201, f'<form action="{CALLBACK}">')}, {}, True),
    "no answer": (METADATA, {"": None}, {}, True),
    "no answer to the other": (METADATA, {AGAIN: None, "": answer(200)}, {}, True),
    "a page, and the other is refused": (METADATA, {AGAIN: answer(400), "": answer(200)}, {}, None),
    "a page, twice": (METADATA, {"": answer(200)}, {}, None),
    "a redirect, twice": (
        METADATA,
        {AGAIN: answer(302, location="/l?b"), "": answer(302, location="/l?a")},
        {},
        None,
    ),
    "other redirects": (
        METADATA,
        {AGAIN: answer(302, location="/e"), "": answer(302, location="/l?a")},
        {},
        None,
    ),
    "refused, the client is known": (METADATA, {"": answer(400, "no")}, {}, True),
    "refused, the client is not known": (METADATA, {"": answer(400, "no")}, {}, None),
    "refused, and says why": (METADATA, {"": answer(499, "Redirect_URI")}, {}, None),
    "refused by a redirect": (METADATA, {"": answer(302, location="/Error?x=1")}, {}, None),
    "refused by a redirect that says why": (
        METADATA,
        {"": answer(302, location="/error?x=Redirect")},
        {},
        None,
    ),
    "failing": (METADATA, {"": answer(500, "redirect")}, {}, True),
    "pushed": (PAR, {"/par": PUSHED, "": answer(302, location=BACK)}, {}, True),
    "pushed, no answer": (PAR, {"/par": None}, {}, True),
    **{
        f"pushed, {status}": (
            PAR,
            {"/par": answer(status, location="/x"), "": answer(302, location=BACK)},
            {},
            True,
        )
        for status in (300, 302, 399, 404, 405)
    },
    "pushed, refused": (PAR, {"/par": error(400, "invalid_request", "no")}, {}, True),
    "pushed, refused, not known": (PAR, {"/par": error(400, "invalid_request", "no")}, {}, None),
    "pushed, refused, says why": (PAR, {"/par": error(400, "invalid_redirect_uri")}, {}, None),
    "pushed, another error": (PAR, {"/par": error(400, "invalid_scope")}, {}, True),
    "pushed, the client is refused": (
        PAR,
        {"/par": error(401, "invalid_client"), "": answer(302, location=BACK)},
        {},
        False,
    ),
    "pushed, the client is perhaps refused": (PAR, {"/par": error(401, "invalid_client")}, {}, None),
    **{
        f"it must be pushed by {name}": (
            metadata,
            {"/par": error(401, "invalid_client"), "": answer(302, location=BACK)},
            keywords,
            False,
        )
        for name, metadata, keywords in (
            ("the settings", PAR, {"pushed_authorization_requests": "always"}),
            ("the provider", PAR | {"require_pushed_authorization_requests": True}, {}),
        )
    },
}
TOKENS: dict[str, tuple[dict[str, Fetched | None], dict[str, Any]]] = {
    "known": ({"": error(400, "invalid_grant")}, {}),
    "known, with 401": ({"": error(401, "invalid_grant")}, {}),
    "401": ({"": answer(401)}, {}),
    "402": ({"": answer(402)}, {}),
    **{
        code: ({"": error(400, code)}, {})
        for code in ("invalid_client", "unauthorized_client", "access_denied")
    },
    "another error": ({"": error(400, "invalid_request")}, {}),
    "no answer": ({"": None}, {}),
    "basic is refused, post accepted": (
        {"client_secret=": error(400, "invalid_grant"), "": error(401, "invalid_client")},
        {"client_auth": "client_secret_basic"},
    ),
    "post is refused, basic accepted": (
        {"Basic ": error(400, "invalid_grant"), "": error(401, "invalid_client")},
        {"client_auth": "client_secret_post"},
    ),
    "both are refused": ({"": error(401, "invalid_client")}, {"client_auth": "client_secret_post"}),
    "another method": ({"": error(401, "invalid_client")}, {"client_auth": "client_secret_jwt"}),
}
END = METADATA | {"end_session_endpoint": "https://op.example.com/end"}
HINT = answer(400, "id_token_hint is missing")
ENDS: dict[str, tuple[dict[str, Any], dict[str, Fetched | None], dict[str, Any], str]] = {
    "no endpoint": (METADATA, {}, {}, "signed_out"),
    "no endpoint, automatic": (METADATA, {}, {"auto_sign_in": True}, "signed_out"),
    "no address": (END, {}, {}, ""),
    "back": (END, {"": answer(302, location=f"{URL}/oauth2/signed_out?state=x")}, {}, "signed_out"),
    "a page, and the other is refused": (END, {AGAIN: answer(400), "": answer(200)}, {}, "signed_out"),
    "a page, and the other is another": (END, {AGAIN: answer(302), "": answer(200)}, {}, "signed_out"),
    "a page, twice": (END, {"": answer(200)}, {}, "signed_out"),
    "a page, and no answer": (END, {AGAIN: None, "": answer(200)}, {}, "signed_out"),
    "refused": (END, {"": answer(400, "Redirect")}, {}, "signed_out"),
    "refused, perhaps for another reason": (END, {"": answer(499, "no")}, {}, "signed_out"),
    "failing": (END, {"": answer(500, "redirect id_token_hint")}, {}, "signed_out"),
    "a hint": (END, {"": HINT}, {}, "signed_out"),
    "a hint that is kept": (END, {"": HINT}, {"keep_id_token": True}, "signed_out"),
    "a hint with 399": (END, {"": answer(399, "id_token_hint")}, {}, "signed_out"),
    "no answer": (END, {"": None}, {}, "signed_out"),
}


def test_the_redirect_uri() -> None:
    lines = []
    for name, (metadata, given, keywords, known) in REDIRECTS.items():
        exchanges = Given(given, **keywords)
        answers = check_redirect_uri(exchanges, Metadata(**metadata), CALLBACK, is_client_known=known)
        requests = (
            exchanges.requests if name in ("back", "a page, twice", "pushed, the client is refused") else []
        )
        lines += [f"== {name}", *requests, *rendered(answers)]
    compare_with_file(FOLDER / "redirect_uri.txt", "\n".join(lines) + "\n")


def test_the_client() -> None:
    lines = []
    for name, (given, keywords) in TOKENS.items():
        exchanges = Given(given, **keywords)
        before = exchanges.settings
        answers = [check_client(exchanges, Metadata(**METADATA), CALLBACK)]
        assert exchanges.settings is before
        requests = [] if keywords.get("client_auth") == "client_secret_jwt" else exchanges.requests
        lines += [f"== {name}", *requests, *rendered(answers)]
    compare_with_file(FOLDER / "client.txt", "\n".join(lines) + "\n")


def test_sign_out() -> None:
    lines = []
    for name, (metadata, given, keywords, path) in ENDS.items():
        exchanges = Given(given, **keywords)
        answers = check_logout(exchanges, Metadata(**metadata), f"{URL}/oauth2/{path}" if path else "")
        lines += [f"== {name}", *exchanges.requests, *rendered(answers)]
    compare_with_file(FOLDER / "logout.txt", "\n".join(lines) + "\n")


ALGS = "id_token_signing_alg_values_supported"
AUTH = "token_endpoint_auth_methods_supported"
MODES = "response_modes_supported"
OFFERED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({ALGS: ("RS256", "none", "ES256")}, {}),
    ({"code_challenge_methods_supported": ("plain", "S256")}, {}),
    (PAR, {}),
    ({}, {"pushed_authorization_requests": "always"}),
    (
        {"pushed_authorization_request_endpoint": "https://op.example.com/par"},
        {"pushed_authorization_requests": "always"},
    ),
    ({"require_pushed_authorization_requests": True}, {}),
    ({AUTH: ("private_key_jwt", "x")}, {}),
    ({AUTH: ("client_secret_post", "x")}, {"client_auth": "client_secret_basic"}),
    ({AUTH: ("client_secret_post", "x")}, {}),
    ({"scopes_supported": ("openid",)}, {}),
    ({"scopes_supported": ("openid", "email", "profile")}, {}),
    ({"scopes_supported": ("openid", "email", "profile", "x", "roles", "group")}, {"allowed_groups": ["a"]}),
    (
        {"scopes_supported": ("openid", "email", "profile", "realm")},
        {"groups_claim": "realm.x", "allowed_groups": ["a"]},
    ),
    ({"scopes_supported": ("openid", "roles")}, {"allowed_groups": ["a"], "scopes": "openid roles"}),
    ({"scopes_supported": ("openid", "roles")}, {"scopes": "openid"}),
    ({"scopes_supported": ("openid",)}, {"allowed_groups": ["a"], "scopes": "openid"}),
    ({MODES: ("query", "fragment")}, {"response_mode": "form_post", "public_url": URL}),
    ({MODES: ("query", "form_post")}, {"response_mode": "form_post", "public_url": URL}),
    ({}, {"response_mode": "form_post", "public_url": URL}),
    ({MODES: ("fragment",)}, {}),
]


def test_discovery_and_the_settings() -> None:
    lines = []
    for offered, keywords in OFFERED:
        answers = compare(Metadata(**(METADATA | offered)), settings_for_tests(**keywords))
        lines += [f"== {offered} {keywords}", *rendered(answers)]
    compare_with_file(FOLDER / "discovery.txt", "\n".join(lines) + "\n")


@pytest.mark.parametrize("seconds", [5.0, 5.1, 60.0, 60.1, -5.0, -5.1, -60.0, -60.1])
def test_how_far_the_clocks_may_differ(seconds: float) -> None:
    exchange = Exchange("", "", Fetched(200, {"date": "Thu, 01 Jan 2026 00:00:00 GMT"}, b""))
    found = clock(exchange, settings_for_tests(), now=1_767_225_600 - seconds)
    cause = "" if abs(seconds) <= 5 else "provider_clock_drift" if abs(seconds) <= 60 else "provider_clock"
    way = "ahead" if seconds > 0 else "behind"
    said = (
        f"the provider's clock is {abs(seconds):.0f} seconds {way}"
        if cause
        else "they differ by less than 6 seconds"
    )
    assert (found.is_right, found.cause, found.received) == (not cause, cause, said)


def test_a_clock_that_cannot_be_compared() -> None:
    for exchange in (Exchange("", ""), Exchange("", "", Fetched(200, {}, b""))):
        found = clock(exchange, settings_for_tests())
        assert (found.is_right, found.received) == (None, "the provider sends no Date header")


@pytest.mark.parametrize(
    ("fetched", "algorithms", "is_right", "received"),
    [
        (None, ["RS256"], False, "no answer"),
        (
            answer(200, '{"keys": []}', kind="application/json"),
            ["HS256"],
            True,
            "status 200, application/json; 0 keys",
        ),
        (
            answer(200, '{"keys": []}', kind="application/json"),
            ["RS256", "ES256"],
            False,
            "status 200, application/json; no key for RS256, ES256",
        ),
    ],
)
def test_the_keys(fetched: Fetched | None, algorithms: list[str], is_right: bool, received: str) -> None:
    exchanges = Given({"": fetched}, id_token_algorithms=algorithms)
    found = check_keys(exchanges, Metadata(**METADATA))
    assert (found.is_right, found.received) == (is_right, received)
    accept = (("Accept", "application/jwk-set+json, application/json"),)
    assert exchanges.requests == [f"    GET https://op.example.com/j {accept}  {512 * 1024}"]


@pytest.fixture(scope="module")
def op() -> Iterator[TestProvider]:
    client = Client(
        client_id="gate",
        client_secret=SECRET,
        redirect_uris=[CALLBACK],
        post_logout_redirect_uris=[f"{URL}/oauth2/signed_out"],
    )
    with TestProvider(clients=[client]) as provider:
        yield provider


def test_the_whole_check(op: TestProvider) -> None:
    known: dict[str, Any] = {"issuer": op.issuer, "client_id": "gate", "client_secret": SECRET}
    lines = []
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"public_url": URL}, ""),
        ({"public_url": None}, f"{URL}/reports?a"),
        ({"public_url": None}, ""),
        ({"public_url": URL, "pushed_authorization_requests": "never"}, ""),
        ({"public_url": f"{URL}/base"}, ""),
    )
    for keywords, page in cases:
        result = check_provider(settings_for_tests(**(known | keywords)), page)
        assert result.metadata is not None
        lines += [f"== {keywords} {page}", *rendered(result.answers), *map(repr, result.addresses)]
    with op.misbehaving(Fault.SERVER_ERROR, at="discovery"):
        result = check_provider(settings_for_tests(**known, public_url=URL))
        lines += ["== discovery fails", *rendered(result.answers), *map(repr, result.addresses)]
        assert result.metadata is None
    text = "\n".join(lines).replace(op.issuer, "ISSUER")
    compare_with_file(FOLDER / "whole.txt", re.sub(r"\bRS256, [\w, ]+", "ALGORITHMS", text) + "\n")


@pytest.mark.parametrize(
    ("keywords", "note"),
    [
        ({}, "optional; it works with a revocation_store or a session_store"),
        ({"insecure_single_process_revocation": True}, "optional"),
        ({"revocation_store": "redis://127.0.0.1"}, "optional"),
    ],
)
def test_the_addresses_to_register(keywords: dict[str, Any], note: str) -> None:
    found = addresses(
        settings_for_tests(**({"public_url": f"{URL}/base"} | keywords)), "https://other.example.com/x"
    )
    assert [tuple(each) for each in found] == [
        ("redirect_uri", f"{URL}/base/oauth2/callback", "required"),
        ("post_logout_redirect_uri", f"{URL}/base/oauth2/signed_out", "for sign-out at the provider"),
        ("backchannel_logout_uri", f"{URL}/base/oauth2/backchannel_logout", note),
        ("frontchannel_logout_uri", f"{URL}/base/oauth2/frontchannel_logout", note),
    ]
