"""Decisions that need no effect: which requests they are made for, and which are left to the longer way."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import Any

import pytest

from oidc_gate.endpoints.context import Components
from oidc_gate.endpoints.responses import bare
from oidc_gate.gate import Gate
from oidc_gate.model import Allow, Decision, Headers, Reason, Reply, Request
from oidc_gate.observe import current
from tests.core.request.making import request, settings

pytestmark = pytest.mark.usefixtures("log_at_info")
HOST = {"Host": "app.example"}


def gate(**changes: Any) -> Gate[str]:
    given = {"public_paths": ("/open/*",), "allow_everyone": True} | changes
    return Gate(Components(settings(**given)), lambda components, loaded: ("payload", 0))


def asked(path: str = "/open/x", headers: Any = None, **more: Any) -> Request:
    return request("GET", HOST if headers is None else headers, scheme="https", path=path, **more)


@pytest.mark.parametrize(
    ("host", "path", "raw_path", "is_public"),
    [
        ("app.example", "/open/x", "/open/x", True),
        ("app.example", "/open/x", "/open/%78", False),
        ("app.example", "/secret", "/secret", False),
        ("a b", "/open/x", "/open/x", False),
        ("", "/open/x", "/open/x", False),
    ],
)
def test_a_request_that_is_plainly_public(host: str, path: str, raw_path: str, is_public: bool) -> None:
    assert gate().is_plainly_public("GET", host, path, raw_path) is is_public


def test_with_a_public_url_the_host_does_not_matter() -> None:
    fixed = gate(public_url="https://app.example")
    assert fixed.is_plainly_public("GET", "", "/open/x", "/open/x")
    assert not fixed.is_plainly_public("GET", "", "/secret", "/secret")


def test_if_every_decision_is_logged_no_request_is_plainly_public(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "oidc_gate")
    assert not gate().is_plainly_public("GET", "app.example", "/open/x", "/open/x")


COOKIE = "__Host-oidc_gate=x"


@pytest.mark.parametrize(
    ("one", "kind"),
    [
        (asked(), Allow),
        (asked("/secret"), Reply),
        (asked("/oauth2x"), Reply),
        (asked("/oauth2"), type(None)),
        (asked("/oauth2/start"), type(None)),
        (asked(headers={"Host": "a b"}), type(None)),
        (asked(headers=[("Host", "app.example"), ("Cookie", COOKIE)]), type(None)),
        (asked(headers=[("Host", "app.example"), ("Cookie", "x=1"), ("Cookie", COOKIE)]), type(None)),
        (asked(headers=[("Host", "app.example"), ("Cookie", "x=1"), ("Cookie", "y=2")]), Allow),
    ],
)
def test_what_is_decided_at_once(one: Request, kind: type) -> None:
    ours = gate()
    counted: list[tuple[Decision, bool]] = []
    ours.counted = lambda decision, is_callback: counted.append((decision, is_callback))
    decision = ours.decide_at_once(one)
    assert type(decision) is kind
    assert counted == ([] if decision is None else [(decision, False)])


NAVIGATION = Headers([("Host", "app.example"), ("Accept", "text/html"), ("Sec-Fetch-Mode", "navigate"),
                      ("Sec-Fetch-Dest", "document")])  # fmt: skip


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (list(NAVIGATION), 401),
        ([("Host", "app.example"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "iframe")], 401),
        (HOST, None),
        ({"Host": "app.example", "Sec-Fetch-Mode": "cors", "Accept": "text/html"}, None),
        ([*NAVIGATION, ("Cookie", COOKIE)], None),  # it is decided elsewhere
        ([*NAVIGATION, ("Host", "other.example")], None),
    ],
)
def test_what_replaces_the_application_s_own_401(headers: Any, status: int | None) -> None:
    reply = gate().replace_401(asked(headers=headers))
    assert (None if reply is None else reply.status) == status


def test_the_401_to_a_request_that_is_not_public_after_all_is_kept() -> None:
    assert gate().replace_401(asked("/secret", headers=list(NAVIGATION))) is None


def decided(given: Gate[str], one: Request) -> Reply:
    """Return the reply to a request that needs no effects."""
    with pytest.raises(StopIteration) as ended, current.deciding():
        next(given.decide(one))
    assert isinstance(ended.value.value, Reply)
    return ended.value.value


@pytest.mark.parametrize(
    ("name", "status", "message"),
    [
        ("ping", 200, ""),
        ("static/gate.css", 200, ""),
        ("static/none.css", 404, "There is no such file."),
        ("static", 404, "There is no such file."),
        ("static/x/gate.css", 404, "The gate has no such endpoint."),
        ("statics/gate.css", 404, "The gate has no such endpoint."),
        ("x/gate.css", 404, "The gate has no such endpoint."),
        ("ping/", 404, "The gate has no such endpoint."),
        ("metrics", 404, "The gate has no such endpoint."),
        ("", 404, "The gate has no such endpoint."),
    ],
)
def test_the_path_of_an_endpoint(name: str, status: int, message: str) -> None:
    reply = decided(gate(), asked(f"/oauth2/{name}"))
    assert (reply.status, reply.reason.code) == (status, "endpoint" if status == 200 else "not_found")
    assert not message or json.loads(reply.body)["detail"] == message


@pytest.mark.parametrize(("name", "is_callback"), [("callback", True), ("callback/", False), ("ping", False)])
def test_the_answer_to_an_authorization_response_is_counted_as_one(name: str, is_callback: bool) -> None:
    ours = gate()
    counted: list[tuple[Decision, bool]] = []
    ours.counted = lambda decision, is_callback: counted.append((decision, is_callback))
    reply = decided(ours, asked(f"/oauth2/{name}"))
    assert counted == [(reply, is_callback)]


@pytest.mark.parametrize("name", ["auth", "forward"])
def test_a_proxy_that_asks_for_a_verdict_is_told_of_an_error_by_503(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    message = "The Host header does not name a host."
    reply = decided(gate(), asked(f"/oauth2/{name}", headers={"Host": "a b"}))
    assert reply == replace(bare(503), reason=Reason("host_invalid", detail=message))
    assert [record.getMessage() for record in caplog.records] == [
        f"- GET /oauth2/{name}: 503: host_invalid: {message}"
    ]
    for path in ("/oauth2/userinfo", "/oauth2/nothing", "/secret"):
        other = decided(gate(), asked(path, headers={"Host": "a b"}))
        assert (other.status, other.reason) == (400, reply.reason)


@pytest.mark.parametrize(
    ("method", "drains"), [("GET", False), ("HEAD", False), ("POST", True), ("PUT", True), ("OPTIONS", True)]
)
def test_the_body_of_a_request_that_is_refused_is_read_if_it_may_have_one(method: str, drains: bool) -> None:
    reply = gate().decide_at_once(replace(asked("/secret"), method=method))
    assert isinstance(reply, Reply)
    assert (reply.status, reply.drains, reply.reason.code) == (401, drains, "no_cookie")
