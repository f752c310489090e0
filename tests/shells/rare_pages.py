"""Rare answers to requests for pages, to proxies, and of the endpoints that only report something."""

from __future__ import annotations

from oidc_gate.errors import ProviderUnavailable
from tests.shells.driving import Answer
from tests.shells.rare_requests import (
    ELSEWHERE,
    FRAME,
    FROM_ELSEWHERE,
    HANDSHAKE,
    OTHER_HOST,
    POSTED,
    PREFETCH,
    PROXY,
    STORE,
    asks,
    asks_about_open,
    on_host,
    replaced,
)
from tests.shells.site import FETCH, NAVIGATION, ORIGIN, Site, Visitor
from tests.shells.stores import Watched
from tests.shells.test_endpoints import ready_when
from tests.shells.test_snapshots import (
    FORM,
    HTMX,
    STAFF,
    Kind,
    by,
)

# --- the proxies -------------------------------------------------------------------------------------------

VERDICTS: dict[str, Kind] = {
    "auth-202-public": (PROXY, by(asks_about_open)),
    "auth-202-public-refused": (PROXY | STAFF, by(asks_about_open, person=True)),
    "auth-202-everything": (
        {"pass_access_token": True, "pass_authorization": True},
        asks(
            "auth?allowed_groups=staff",
            groups=("staff", "ops"),
            access_token="opaque",
            name="Alice",
            preferred_username="al",
        ),
    ),
    "auth-403-twice": (
        STAFF,
        by(lambda who: [who.ask("auth"), who.ask("auth")][1], person=True),
    ),
    "auth-403-query-twice": (
        {},
        by(lambda who: [who.ask("auth?allowed_groups=x"), who.ask("auth?allowed_groups=x")][1], person=True),
    ),
    "auth-403-foreign-origin": (
        {},
        asks("auth", HANDSHAKE | {"Origin": "https://evil.example"}, subject="bob"),
    ),
    "auth-202-own-origin": ({}, asks("auth", HANDSHAKE | {"Origin": ORIGIN}, subject="bob")),
    "forward-302-uri": (PROXY, asks("forward", NAVIGATION | {"X-Forwarded-Uri": "/reports?month=5"})),
    "forward-302-not-a-path": (PROXY, asks("forward", NAVIGATION | {"X-Forwarded-Uri": "reports"})),
    "forward-401-post": (PROXY, asks("forward", NAVIGATION | {"X-Forwarded-Method": "POST"})),
    "forward-302-get": (PROXY, asks("forward", NAVIGATION | {"X-Forwarded-Method": "GET"})),
}

# --- the sign-in page --------------------------------------------------------------------------------------

SIGN_IN: dict[str, Kind] = {
    "sign_in-replaced": ({}, by(replaced)),
    "sign_in-replaced-post": ({}, by(lambda who: replaced(who, headers=POSTED))),
    "sign_in-replaced-signed-in": ({}, by(replaced, person=True)),
    "sign_in-replaced-refused": (STAFF, by(replaced, person=True)),
    "sign_in-replaced-post-refused": (STAFF, by(lambda who: replaced(who, headers=POSTED), person=True)),
    "sign_in-frame": ({"auto_sign_in": True}, asks("sign_in", FRAME)),
    "sign_in-frame-refused": (STAFF, asks("sign_in", FRAME, subject="bob")),
    "sign_in-frame-signed-in": ({}, asks("sign_in", FRAME, subject="bob")),
    "sign_in-htmx-signed-in": ({}, asks("sign_in", HTMX, subject="bob")),
    "sign_in-prefetch-signed-in": ({}, asks("sign_in", PREFETCH, subject="bob")),
    "sign_in-script-rd": ({}, asks("sign_in?rd=/reports", FETCH)),
    "sign_in-preflight": (
        ELSEWHERE,
        asks(
            "sign_in",
            {
                "X-Auth-Request-Method": "OPTIONS",
                "Origin": "https://other.example",
                "Access-Control-Request-Method": "PUT",
                "Access-Control-Request-Headers": "content-type, x-y",
            },
        ),
    ),
    "page-preflight": (
        ELSEWHERE,
        by(
            lambda who: who.send(
                "OPTIONS",
                "/api",
                {"Origin": "https://other.example", "Access-Control-Request-Method": "DELETE"},
            )
        ),
    ),
    "script-anonymous-elsewhere": (ELSEWHERE, by(lambda who: who.get("/api", FROM_ELSEWHERE))),
    "page-anonymous-elsewhere": (
        ELSEWHERE,
        by(lambda who: who.get("/x", NAVIGATION | {"Origin": "https://other.example"})),
    ),
    "script-anonymous-foreign": (
        ELSEWHERE,
        by(lambda who: who.get("/api", FETCH | {"Origin": "https://evil.example"})),
    ),
    "script-refused-elsewhere": (
        ELSEWHERE | STAFF,
        by(lambda who: who.get("/api", FROM_ELSEWHERE), person=True),
    ),
    "page-anonymous-other-host": (
        OTHER_HOST | {"public_url": ORIGIN},
        on_host("wiki.example.com", "sign_in?rd=/x", NAVIGATION),
    ),
    "page-signed-in-other-host": (
        OTHER_HOST | {"public_url": ORIGIN},
        on_host("wiki.example.com", "sign_in?rd=/x", NAVIGATION, person=True),
    ),
    "page-post-refused": (
        STAFF,
        by(lambda who: who.send("POST", "/x", NAVIGATION | FORM, b"a=b"), person=True),
    ),
    "page-frame-refused": (STAFF, by(lambda who: who.get("/x", FRAME), person=True)),
    "page-frame-posted": ({}, by(lambda who: who.send("POST", "/x", FRAME | FORM, b"a=b"))),
    "sign_in-lost": ({}, asks("sign_in?lost=1", NAVIGATION)),
    "userinfo-403": (STAFF, asks("userinfo", FETCH, subject="bob")),
    "userinfo-everything": (
        {},
        asks(
            "userinfo",
            FETCH,
            subject="bob",
            name="Bob",
            preferred_username="b",
            groups=("a", "b"),
            acr="high",
            amr=("pwd", "otp"),
            authenticated_at=1_799_999_000,
            expires_at=1_800_009_000,
            claims={"tier": 3},
        ),
    ),
}

# --- what only tells ---------------------------------------------------------------------------------------

TOKEN = {"metrics_token": "a-token-of-the-metrics-that-is-long-enough"}


def ready_with_store(site: Site) -> Answer:
    return ready_when(site, lambda answer: answer.status == 200)


def ready_with_store_down(site: Site) -> Answer:
    store = site.world.store
    assert isinstance(store, Watched)
    store.is_down = True
    return ready_when(site, lambda answer: answer.json["discovery"]["status"] == "ok")


def with_store_down(visitor: Visitor) -> Answer:
    store = visitor.site.world.store
    assert isinstance(store, Watched)
    store.is_down = True
    return visitor.get("/x", FRAME)


POLLED = (ready_with_store, ready_with_store_down)


def with_discovery_down(visitor: Visitor, headers: dict[str, str]) -> Answer:
    visitor.site.provider.instead["openid-configuration"] = ProviderUnavailable(
        "provider_unreachable", "Away.", retry_after_seconds=6.5
    )
    return visitor.ask("start", headers)


OTHERS: dict[str, Kind] = {
    "ready-store": (STORE, ready_with_store),
    "ready-store-503": (STORE, ready_with_store_down),
    "metrics-401": (TOKEN, asks("metrics")),
    "metrics-401-wrong": (TOKEN, asks("metrics", {"Authorization": "Bearer wrong"})),
    "metrics-401-basic": (TOKEN, asks("metrics", {"Authorization": f"Basic {TOKEN['metrics_token']}"})),
    "static-404": ({}, asks("static/nothing.css")),
    "error-page-frame": (STORE, by(with_store_down, person=True)),
    "error-script": ({}, by(lambda who: with_discovery_down(who, {"Accept": "*/*"}))),
}
