"""The builders of replies: status, headers and body as a whole."""

from __future__ import annotations

import json
from http import HTTPStatus

import pytest

from oidc_gate.endpoints.responses import (
    CHALLENGE,
    as_json,
    bare,
    problem,
    redirect,
    reply,
    text,
    with_cookies,
    without_challenge,
)
from oidc_gate.model import Reply

NO_STORE = ("Cache-Control", "no-store")
NO_SNIFF = ("X-Content-Type-Options", "nosniff")
BEARER = ("WWW-Authenticate", "Bearer")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 408, 413, 500, 502, 503])
def test_a_problem_as_a_whole(status: int) -> None:
    found = problem(status, "a_code", "What happened.", (("X", "1"),), sign_in="https://app.example/")
    content = {
        "type": "about:blank",
        # RFC 9110 has a new name for 413, which Python's older versions do not know.
        "title": "Content Too Large" if status == 413 else HTTPStatus(status).phrase,
        "status": status,
        "code": "a_code",
        "detail": "What happened.",
        "sign_in": "https://app.example/",
    }
    body = json.dumps(content, separators=(",", ":")).encode()
    headers = (("Content-Type", "application/problem+json"), NO_STORE, NO_SNIFF, ("X", "1"))
    length = ("Content-Length", str(len(body)))
    assert found == Reply(status, (*((BEARER,) if status == 401 else ()), *headers, length), body)


def test_json_is_utf_8_whatever_a_claim_contains() -> None:
    found = as_json(200, {"name": "é€", "odd": "a\ud800", "claims": {"a": [1, None]}.items().mapping})
    body = '{"name":"é€","odd":"a?","claims":{"a":[1,null]}}'.encode()
    headers = (("Content-Type", "application/json"), NO_STORE, NO_SNIFF, ("Content-Length", str(len(body))))
    assert found == Reply(200, headers, body)


def test_the_other_replies_as_a_whole() -> None:
    assert reply(200, (("X", "1"),), b"abc") == Reply(200, (("X", "1"), ("Content-Length", "3")), b"abc")
    assert reply(400, drains=True) == Reply(400, (("Content-Length", "0"),), b"", True)
    assert bare(202, (("X", "1"),)) == Reply(202, (NO_STORE, ("X", "1"), ("Content-Length", "0")))
    assert bare(401) == Reply(401, (CHALLENGE, NO_STORE, ("Content-Length", "0")))
    onward = (("Location", "/x"), NO_STORE, ("Referrer-Policy", "no-referrer"))
    assert redirect("/x") == Reply(302, (*onward, ("Content-Length", "0")))
    assert redirect("/x", (("X", "1"),), 303) == Reply(303, (*onward, ("X", "1"), ("Content-Length", "0")))
    plain = (("Content-Type", "text/plain; charset=utf-8"), NO_STORE, NO_SNIFF)
    assert text(200, "é", (("X", "1"),)) == Reply(
        200, (*plain, ("X", "1"), ("Content-Length", "3")), b"\xc3\xa9\n"
    )


def test_cookies_are_added_and_a_challenge_is_removed() -> None:
    found = with_cookies(bare(401), ("a=1", "b=2"))
    assert found == Reply(
        401, (BEARER, NO_STORE, ("Content-Length", "0"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"))
    )
    other = ("WWW-Authenticate", "Basic")
    assert without_challenge(reply(401, (other,))) == Reply(401, (other, ("Content-Length", "0")))
