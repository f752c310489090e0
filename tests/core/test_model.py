"""The values that the core passes around."""

from __future__ import annotations

import time

import pytest

from oidc_gate.model import Allow, Headers, Identity, Reason, Reply, Request, Session


def test_a_name_may_come_again_in_another_case() -> None:
    headers = Headers([("Host", "a"), ("x", "1"), ("HOST", "b")])
    assert headers.all("host") == ("a", "b")
    assert list(headers) == [("host", "a"), ("host", "b"), ("x", "1")]


def test_a_name_that_comes_a_hundred_thousand_times_does_not_hold_the_event_loop() -> None:
    begun = time.process_time()
    assert len(Headers([("a", "")] * 100_000).all("a")) == 100_000
    assert time.process_time() - begun < 3  # a copy for each took minutes; this takes 20 ms


def test_the_headers_of_a_request() -> None:
    headers = Headers([("X-One", "1"), ("X-One", "2"), ("Empty", "")])
    assert (headers.get("x-one"), headers.get("empty", "d"), headers.get("none")) == ("1", "", "")
    assert headers.get("none", "default") == "default"
    assert (headers.all("x-one"), headers.all("none")) == (("1", "2"), ())
    assert ["x-one" in headers, "none" in headers, "X-One" in headers] == [True, False, False]
    assert repr(headers) == "Headers(['empty', 'x-one'])"
    assert list(Headers()) == []


@pytest.mark.parametrize(("hosts", "host"), [([], ""), (["a"], "a"), (["a", "a"], ""), ([""], "")])
def test_a_request_with_several_hosts_has_none(hosts: list[str], host: str) -> None:
    request = Request("GET", "https", "", "/", "/", "", Headers([("Host", value) for value in hosts]))
    assert request.host == host


def test_what_is_not_given_is_empty() -> None:
    request = Request("GET", "https", "", "/", "/", "")
    assert list(request.headers) == []
    left = (request.peer, request.is_websocket, request.request_id, request.is_ambiguous, request.number)
    assert left == ("", False, "-", False, "-")
    identity = Identity("i", "s")
    assert identity == Identity("i", "s", "", False, "", "", (), {}, "", "", 0, 0, "", (), True)
    assert Session(identity, 1, 2) == (identity, 1, 2, "", "", "", 0, "", 0)
    assert Reason("code") == ("code", "", "", (), "", "")
    allow = Allow(None)
    assert allow == Allow(None, (), (), None, Reason(""), None, None, "-")
    assert Reply(200) == Reply(200, (), b"", False, Reason(""))


@pytest.mark.parametrize(
    ("identity", "label"),
    [
        (Identity("i", "s", "e", name="n", preferred_username="p"), "e"),
        (Identity("i", "s", name="n", preferred_username="p"), "p"),
        (Identity("i", "s", name="n"), "n"),
        (Identity("i", "s"), "s"),
    ],
)
def test_the_name_of_a_user_for_pages(identity: Identity, label: str) -> None:
    assert identity.label == label


def test_nothing_secret_is_in_a_repr() -> None:
    identity = Identity("i", "s", claims={"a": "SECRET"}, session_id="SECRET")
    session = Session(identity, 1, 2, "SECRET", "SECRET", "SECRET", 3, "SECRET")
    request = Request("GET", "https", "", "/", "/", "code=SECRET", Headers([("Cookie", "SECRET")]))
    pairs = (("Set-Cookie", "SECRET"),)
    allow = Allow(identity, pairs, ("SECRET",), session=session, loaded="SECRET")
    reply = Reply(200, pairs, b"SECRET")
    for shown in map(repr, (identity, session, request, allow, reply)):
        assert "SECRET" not in shown
    assert hash(identity) == hash(Identity("i", "s", claims={"a": "other"}, session_id="SECRET"))


def test_a_reply_says_why_and_has_headers_in_any_case() -> None:
    reply = Reply(401, (("Vary", "a"), ("Content-Type", "text/html"), ("vary", "b")), b"body", drains=True)
    assert [reply.header(name) for name in ("vary", "VARY", "content-type", "none")] == [
        "a", "a", "text/html", "",
    ]  # fmt: skip
    note = Reason("note")
    because = reply.because("code", "detail", rule="rule", notes=(note,))
    assert because.reason == Reason("code", "rule", "detail", (note,))
    assert reply.because("code").reason == Reason("code")
    assert (because.status, because.headers, because.body, because.drains) == (
        401,
        reply.headers,
        b"body",
        True,
    )
