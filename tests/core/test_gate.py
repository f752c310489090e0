"""Decisions that need no effect: which requests they are made for, and which are left to the longer way."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from oidc_gate.endpoints.context import Components
from oidc_gate.gate import Gate
from oidc_gate.model import Allow, Decision, Headers, Reply, Request
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
        ([*NAVIGATION, ("Sec-Fetch-Dest", "iframe")], 401),
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
