"""CORS: what a page of another origin can read, and what its preflights get."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

import oidc_gate
from oidc_gate.testing import settings_for_tests
from tests.shells.conftest import MakeSite
from tests.shells.driving import Answer
from tests.shells.site import FETCH, NAVIGATION, ORIGIN, Site

PARTNER = "https://spa.example"
CROSS = FETCH | {"Sec-Fetch-Site": "cross-site", "Origin": PARTNER}
PREFLIGHT = CROSS | {
    "Access-Control-Request-Method": "PUT",
    "Access-Control-Request-Headers": "content-type,x-requested-with",
}
REFUSED_ORIGINS = [
    "https://evil.example",
    "null",
    "https://spa.example.evil.example",
    "http://spa.example",
    ORIGIN,
]


def readable_by(answer: Answer) -> str:
    """Return the origin whose pages can read an answer with credentials."""
    names = {name.lower() for name, _ in answer.headers if name.lower().startswith("access-control-")}
    if not names:
        return ""
    assert answer.header("access-control-allow-credentials") == "true"
    assert "Origin" in answer.header("vary")
    return answer.header("access-control-allow-origin")


def partner_site(make_site: MakeSite, **settings: Any) -> Site:
    return make_site(allowed_origins=(PARTNER,), **settings)


@pytest.mark.parametrize("where", ["/api", "auth", "forward", "sign_in", "userinfo"])
def test_cors_a_refusal_can_be_read_by_an_allowed_origin_alone(make_site: MakeSite, where: str) -> None:
    site = partner_site(make_site, allowed_groups=("staff",))
    for visitor, status in ((site.visitor(), 401), (site.person(), 401 if where == "sign_in" else 403)):

        def ask(headers: dict[str, str], by: Any = visitor) -> Answer:
            answer: Answer = by.get(where, headers) if where == "/api" else by.ask(where, headers)
            return answer

        answer = ask(CROSS)
        assert (answer.status, readable_by(answer)) == (status, PARTNER)
        assert "HX-Redirect" in answer.header("access-control-expose-headers")
        for origin in REFUSED_ORIGINS:
            assert readable_by(ask(CROSS | {"Origin": origin})) == ""
        assert readable_by(ask(FETCH)) == ""


def test_cors_no_page_of_the_gate_can_be_read(make_site: MakeSite) -> None:
    site = partner_site(make_site)
    cross = NAVIGATION | {"Origin": PARTNER, "Sec-Fetch-Site": "cross-site"}
    form = cross | {"Content-Type": "application/x-www-form-urlencoded"}
    for answer in (
        site.visitor().get("/", cross),
        site.visitor().send("POST", "/", form, b"a=1"),
        site.person().ask("sign_in", cross),
        site.person().ask("sign_out", cross),
        site.person().ask("userinfo", CROSS),
        site.visitor().ask("callback", cross),
    ):
        assert readable_by(answer) == ""


def test_cors_a_preflight_of_an_allowed_origin_is_answered_and_reaches_nothing(make_site: MakeSite) -> None:
    site = partner_site(make_site)
    answer = site.visitor().send("OPTIONS", "/api?x=1", PREFLIGHT)
    assert (answer.status, answer.body, readable_by(answer)) == (200, b"", PARTNER)
    assert answer.header("access-control-allow-methods") == "PUT"
    assert answer.header("access-control-allow-headers") == "content-type,x-requested-with"
    behind = site.visitor().ask("sign_in", PREFLIGHT | {"X-Auth-Request-Method": "OPTIONS"})
    assert behind.headers == answer.headers
    assert site.app.seen == []


@pytest.mark.parametrize(
    "headers",
    [
        *({"Origin": origin} for origin in REFUSED_ORIGINS),
        {"Access-Control-Request-Method": ""},
        {"Access-Control-Request-Method": "PUT, GET"},
    ],
)
def test_cors_no_other_preflight_is_answered(make_site: MakeSite, headers: dict[str, str]) -> None:
    site = partner_site(make_site)
    for answer in (
        site.visitor().send("OPTIONS", "/api", PREFLIGHT | headers),
        site.visitor().ask("sign_in", PREFLIGHT | headers | {"X-Auth-Request-Method": "OPTIONS"}),
        site.visitor().send("PUT", "/api", PREFLIGHT),
    ):
        assert answer.status == 401
        assert answer.all("access-control-allow-methods") == []
    assert site.app.seen == []


def test_cors_a_verdict_answers_no_preflight_since_a_2xx_lets_it_through(make_site: MakeSite) -> None:
    site = partner_site(make_site)
    told = {"X-Forwarded-Method": "OPTIONS", "X-Auth-Request-Method": "OPTIONS", "X-Forwarded-Uri": "/api"}
    for endpoint in ("auth", "forward"):
        for method in ("GET", "OPTIONS"):
            assert site.visitor().ask(endpoint, PREFLIGHT | told, method).status == 401


def test_cors_headers_that_are_no_names_are_not_repeated(make_site: MakeSite) -> None:
    site = partner_site(make_site)
    for names in ("", 'a"b', "a;b", "\xe9", "x" * 5000):
        answer = site.visitor().send("OPTIONS", "/", PREFLIGHT | {"Access-Control-Request-Headers": names})
        assert answer.status == 200
        assert answer.all("access-control-allow-headers") == []


def test_cors_a_rule_lets_the_application_answer_preflights(make_site: MakeSite) -> None:
    site = partner_site(make_site, public_paths=("OPTIONS /api/*",))
    answer = site.visitor().send("OPTIONS", "/api/x", PREFLIGHT)
    assert (answer.body, readable_by(answer)) == (b"the application", "")


async def _home(request: Request) -> PlainTextResponse:
    return PlainTextResponse("home")


@pytest.mark.parametrize("outermost", ["cors", "gate"])
def test_cors_with_the_middleware_of_starlette_in_either_order(outermost: str) -> None:
    app, gate = Starlette(routes=[Route("/", _home, methods=["GET", "PUT"])]), oidc_gate.OIDCGate
    settings = settings_for_tests() if outermost == "cors" else settings_for_tests(allowed_origins=[PARTNER])
    cors = {"allow_origins": [PARTNER], "allow_methods": ["PUT"], "allow_credentials": True}
    cors["allow_headers"] = ["X-Requested-With"]
    added: list[tuple[Any, dict[str, Any]]] = [
        (gate, {"settings": settings}),
        (CORSMiddleware, cors),
    ]
    for middleware, options in added if outermost == "cors" else reversed(added):
        app.add_middleware(middleware, **options)
    with TestClient(app) as client:
        preflight = client.options(
            "/", headers=PREFLIGHT | {"Access-Control-Request-Headers": "x-requested-with"}
        )
        assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, PARTNER)
        answer = client.put("/", headers=CROSS)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (401, PARTNER)
        assert answer.json()["code"] == "no_cookie"
