"""The exchanges with the provider: what is read from an answer, how it is described, and how many are sent."""

from __future__ import annotations

import re
from typing import Any

import pytest

from oidc_gate.check.provider.exchanges import Exchange, Exchanges
from oidc_gate.effects import Fetch, Fetched
from oidc_gate.errors import ProviderUnavailable
from oidc_gate.testing import settings_for_tests

SECRET = "hunter2-hunter2-hunter2-hunter2-hunter2-hunter2"
LONG = "x" * 400


def lengths(text: str) -> str:
    """Return `text` with the length in place of a long run of the same letter."""
    return re.sub("x{40,}", lambda found: f"<{len(found[0])}>", text)


@pytest.mark.parametrize(
    ("fetched", "expected"),
    [
        (None, (0, "", "", {})),
        (Fetched(200, {}, b"a\xff"), (200, "", "a\ufffd", {})),
        (Fetched(299, {"location": "/a"}, b""), (299, "", "", {})),
        (Fetched(300, {"location": "/a"}, b""), (300, "/a", "", {})),
        (Fetched(302, {}, b""), (302, "", "", {})),
        (Fetched(399, {"location": "/a"}, b""), (399, "/a", "", {})),
        (Fetched(400, {"location": "/a"}, b'{"a": 1}'), (400, "", '{"a": 1}', {"a": 1})),
        (Fetched(200, {}, b"[1]"), (200, "", "[1]", {})),
    ],
    ids=range(8),
)
def test_what_is_read_from_an_answer(fetched: Fetched | None, expected: tuple[Any, ...]) -> None:
    exchange = Exchange("sent", "received", fetched)
    assert (exchange.status, exchange.location, exchange.text, exchange.json) == expected


@pytest.mark.parametrize(
    ("status", "headers", "body", "expected"),
    [
        (204, {}, "", "status 204"),
        (200, {"content-type": f"{LONG}; charset=utf-8"}, "", "status 200, <60>"),
        (302, {"location": f"/{LONG}?code=a#b", "content-type": "text/html"}, "", "status 302, to /<199>"),
        (302, {"location": "/a?error=no&error_description=why"}, "", "status 302, to /a, no: why"),
        (400, {}, '{"error": "no"}', "status 400, no"),
        (400, {}, '{"error": "no", "error_description": null}', "status 400, no"),
        (400, {}, '{"error": "no", "error_description": "why"}', "status 400, no: why"),
        (400, {}, '{"error": 1, "error_description": "why"}', "status 400"),
        (400, {}, f'{{"error": "{LONG}", "error_description": "{LONG}"}}', "status 400, <200>: <200>"),
        (400, {}, f'{{"error": "no", "error_description": "not {SECRET}"}}', "status 400, no: not (hidden)"),
    ],
    ids=range(10),
)
def test_an_answer_in_a_few_words(status: int, headers: dict[str, str], body: str, expected: str) -> None:
    exchanges = Exchanges(settings_for_tests(client_secret=SECRET))
    assert lengths(exchanges._describe_answer(Fetched(status, headers, body.encode()))) == expected


class Outbound:
    """Connections that fail or answer as a test says."""

    def __init__(self, result: Fetched | ProviderUnavailable) -> None:
        self._result = result

    def perform(self, request: Fetch) -> Fetched:
        if isinstance(self._result, ProviderUnavailable):
            raise self._result
        return self._result


def exchanges_with(result: Fetched | ProviderUnavailable) -> Exchanges:
    exchanges = Exchanges(settings_for_tests())
    exchanges._outbound = Outbound(result)  # type: ignore[assignment]
    return exchanges


@pytest.mark.parametrize(
    ("detail", "received"),
    [("late", "late"), ("", "provider_timeout"), (LONG, "<300>"), ("two\nlines", "two?lines")],
    ids=range(4),
)
def test_a_failure_in_a_few_words(detail: str, received: str) -> None:
    error = ProviderUnavailable("provider_timeout", "public", detail=detail)
    exchange = exchanges_with(error).send(Fetch("GET", f"https://op.example.com/{LONG}?a=b#c", ()))
    assert lengths(exchange.sent) == f"GET https://op.example.com/<{200 - len('https://op.example.com/')}>"
    assert (lengths(exchange.received), exchange.fetched, exchange.error) == (received, None, error)


def test_at_most_24_requests_are_sent() -> None:
    exchanges = exchanges_with(Fetched(204, {}, b""))
    request = Fetch("GET", "https://op.example.com/", ())
    assert [exchanges.send(request).status for _ in range(24)] == [204] * 24
    more = exchanges.send(request)
    assert (more.sent, more.received) == ("GET https://op.example.com/", "the check sends no more requests")
    assert isinstance(more.error, ProviderUnavailable)
    assert (more.error.code, more.fetched, len(exchanges.sent)) == ("provider_busy", None, 24)
