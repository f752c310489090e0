"""Which refusals a page of another origin may read, and the answers to preflights, as a whole."""

from __future__ import annotations

import pytest

from oidc_gate.endpoints.context import Components, RequestContext, build_context
from oidc_gate.endpoints.cors import answer_preflight, with_cors
from oidc_gate.model import Reply
from tests.core.request.making import request, settings

OTHER = "https://other.example"
ALLOW = (("Access-Control-Allow-Origin", OTHER), ("Access-Control-Allow-Credentials", "true"))
READABLE = (
    *ALLOW,
    ("Vary", "Origin"),
    ("Access-Control-Expose-Headers", "HX-Redirect, Retry-After, WWW-Authenticate"),
)


def context_of(*pairs: tuple[str, str], method: str = "GET") -> RequestContext:
    components = Components(settings(allow_everyone=True, allowed_origins=(OTHER, "https://more.example")))
    return build_context(components, request(method, [("host", "app.example"), *pairs], scheme="https"))


@pytest.mark.parametrize(
    ("status", "content_type", "origins", "is_readable"),
    [
        (401, "application/problem+json", [OTHER], True),
        (403, "application/problem+json", [OTHER], True),
        (503, "application/problem+json", [OTHER], True),
        (401, "", [OTHER], True),
        (200, "application/json", [OTHER], False),
        (302, "", [OTHER], False),
        (400, "application/problem+json", [OTHER], False),
        (404, "application/problem+json", [OTHER], False),
        (401, "text/html", [OTHER], False),
        (503, "text/html; charset=utf-8", [OTHER], False),
        (401, "application/problem+json", [], False),
        (401, "application/problem+json", ["https://evil.example"], False),
        (401, "application/problem+json", ["null"], False),
        (401, "application/problem+json", [OTHER, OTHER], False),
        (401, "application/problem+json", [OTHER.upper()], False),
    ],
)
def test_a_refusal_that_a_page_of_another_origin_may_read(
    status: int, content_type: str, origins: list[str], *, is_readable: bool
) -> None:
    reply = Reply(status, (("Content-Type", content_type), ("X", "1")), b"body")
    found = with_cors(context_of(*(("origin", origin) for origin in origins)), reply)
    expected = Reply(status, (*reply.headers, *READABLE), b"body") if is_readable else reply
    assert found == expected


def preflight(
    method: str = "OPTIONS", asked: str = "PUT", names: str = "content-type", origin: str = OTHER
) -> Reply | None:
    given = (
        ("origin", origin),
        ("access-control-request-method", asked),
        ("access-control-request-headers", names),
    )
    return answer_preflight(context_of(*given, method=method))


@pytest.mark.parametrize(
    ("asked", "names", "headers"),
    [
        ("PUT", "content-type", (("Access-Control-Allow-Headers", "content-type"),)),
        ("a" * 32, "A-z9!#$%&'*+.^_`|~, x", (("Access-Control-Allow-Headers", "A-z9!#$%&'*+.^_`|~, x"),)),
        ("PUT", "x" * 4096, (("Access-Control-Allow-Headers", "x" * 4096),)),
        ("PUT", "x" * 4097, ()),
        ("PUT", "", ()),
        ("PUT", "x\r\ny", ()),
        ("PUT", "é", ()),
    ],
)
def test_a_preflight_is_answered(asked: str, names: str, headers: tuple[tuple[str, str], ...]) -> None:
    found = preflight(asked=asked, names=names)
    assert found is not None
    assert (found.status, found.body, found.reason.code) == (200, b"", "preflight_answered")
    assert found.headers == (
        ("Cache-Control", "no-store"),
        *ALLOW,
        ("Access-Control-Allow-Methods", asked),
        *headers,
        ("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"),
        ("Content-Length", "0"),
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "GET"},
        {"asked": ""},
        {"asked": "a" * 33},
        {"asked": "PUT\n"},
        {"asked": "P-T"},
        {"asked": "PÜT"},
        {"origin": "https://evil.example"},
    ],
)
def test_what_is_no_preflight_of_an_allowed_origin(changes: dict[str, str]) -> None:
    assert preflight(**changes) is None
