"""Rare answers of the start and the callback of a sign-in."""

from __future__ import annotations

import hashlib
from typing import Any

from tests.core.provider.scripted import answer as answered
from tests.shells.driving import Answer
from tests.shells.rare_requests import (
    FRAME,
    STORE,
    asks,
    on_host,
)
from tests.shells.site import COOKIE, FETCH, NAVIGATION, ORIGIN, Site
from tests.shells.test_snapshots import (
    CROSS,
    FORM,
    Ask,
    Kind,
    by,
    called_back,
    started,
)

# --- the callback ------------------------------------------------------------------------------------------


def noise(seed: int) -> str:
    """Return text that cannot be compressed well."""
    return hashlib.sha256(str(seed).encode()).hexdigest()


LONG = "/" + "".join(map(noise, range(100)))  # longer than a state may be


def back_as_another(site: Site) -> Answer:
    """Sign in while another user is signed in."""
    site.provider.person = {"sub": "bob", "email": "bob@corp.example", "email_verified": True}
    visitor = site.person("alice")
    begun = visitor.navigate(f"{site.path('start')}?prompt=select_account&rd={site.own('/reports')}")
    return visitor.navigate(site.provider.authorize(begun.header("location")))


def back_while_signed_in(site: Site) -> Answer:
    _, address = started(site)
    return site.person().navigate(address)


def back_with_state_twice(site: Site) -> Answer:
    browser, address = started(site)
    return browser.navigate(f"{address}&state=x")


def back_from_lost_page(site: Site) -> Answer:
    visitor = site.visitor()
    begun = visitor.navigate(f"{site.path('start')}?lost=1&rd={site.own('/reports')}")
    return visitor.navigate(site.provider.authorize(begun.header("location")))


def back_to_a_long_target(site: Site) -> Answer:
    visitor = site.visitor()
    begun = visitor.navigate(f"{site.path('start')}?rd={site.own(LONG)}")
    return visitor.navigate(site.provider.authorize(begun.header("location")))


def back_with_foreign_flow(site: Site) -> Answer:
    _, address = started(site)
    visitor = site.visitor()
    visitor.cookies[f"{COOKIE}.flow0"] = "of-another-gate"
    return visitor.navigate(address)


def with_userinfo_down(site: Site) -> Answer:
    site.provider.person = {"sub": "alice"}
    site.provider.instead["userinfo"] = answered({}, 403)
    return called_back(site)


def with_person(**claims: Any) -> Ask:
    def ask(site: Site) -> Answer:
        site.provider.person |= claims
        return called_back(site)

    return ask


def with_tokens(**tokens: Any) -> Ask:
    def ask(site: Site) -> Answer:
        site.provider.tokens |= tokens
        return called_back(site)

    return ask


CALLBACK: dict[str, Kind] = {
    "callback-another-user": ({}, back_as_another),
    "callback-another-user-stored": (STORE, back_as_another),
    "callback-signed-in": ({}, back_while_signed_in),
    "callback-state-twice": ({}, back_with_state_twice),
    "callback-lost": ({}, back_from_lost_page),
    "callback-long-target": ({}, back_to_a_long_target),
    "callback-foreign-flow": ({}, back_with_foreign_flow),
    "callback-bad-state": ({}, asks("callback?code=x&state=a.b.c", NAVIGATION)),
    "callback-empty-state": ({}, asks("callback?code=x&state=", NAVIGATION)),
    "callback-too-long": ({}, asks(f"callback?code={'x' * 65536}", NAVIGATION)),
    "callback-not-utf8": ({}, asks("callback?code=%ff", NAVIGATION)),
    "callback-form-instead": (
        {},
        by(lambda who: who.open("POST", who.site.path("callback"), NAVIGATION | FORM | CROSS, b"code=x")),
    ),
    "callback-query-instead": (
        {"response_mode": "form_post"},
        asks("callback?code=x&state=y", NAVIGATION),
    ),
    "callback-query-without-state": ({"response_mode": "form_post"}, asks("callback?code=x", NAVIGATION)),
    "callback-script": ({}, asks("callback?code=x&state=y", FETCH)),
    "callback-userinfo-failed": ({}, with_userinfo_down),
    "callback-cookie-domain": (
        {"cookie_domain": "app.example", "cookie_name": "gate"},
        lambda site: site.visitor().navigate(started(site)[1]),
    ),
    "callback-groups": (
        {"allowed_groups": ("staff",), "scopes": ("openid", "groups")},
        with_person(groups=["staff", "a,b", "c\nd"], auth_time=1_799_999_000, sid="s-1"),
    ),
    "callback-many-groups": (
        {"allowed_groups": ("staff",), "scopes": ("openid", "groups")},
        with_person(groups=["staff", *map(noise, range(300))]),
    ),
    "callback-many-claims": ({}, with_person(**{f"claim{number}": noise(number) for number in range(200)})),
    "callback-long-id-token": ({"keep_id_token": True}, with_person(other="".join(map(noise, range(120))))),
    "callback-no-refresh-token": (STORE | {"refresh": True}, called_back),
    "callback-refresh-token": (STORE | {"refresh": True}, with_tokens(refresh_token="rt", expires_in=60)),
}

# --- the start ---------------------------------------------------------------------------------------------


def loops_with_foreign_cookie(site: Site) -> Answer:
    """Come back with the cookie of another gate, again and again."""
    other = Site(site.shell, client_id="another client")
    visitor = site.visitor()
    visitor.cookies = other.person().cookies | {f"{COOKIE}.rounds": f"3.{int(site.now)}"}
    return visitor.navigate(site.path("start"))


def looping(cookie: str = "", **changes: Any) -> Kind:
    def ask(site: Site) -> Answer:
        visitor = site.visitor()
        name = site.settings.cookie_name or ""
        prefix = (
            COOKIE if name in ("", "oidc_gate") and not site.settings.cookie_domain else f"__Secure-{name}"
        )
        visitor.cookies[f"{prefix}.rounds"] = f"3.{int(site.now)}"
        if cookie:
            visitor.cookies[prefix] = cookie
        return visitor.navigate(f"{site.path('start')}?rd={site.own('/reports')}")

    return changes, ask


START: dict[str, Kind] = {
    "start-moved": (
        {"public_url": ORIGIN},
        on_host("127.0.0.1:8000", "start?prompt=login&rd=/x", NAVIGATION),
    ),
    "start-prompt": (
        {},
        by(
            lambda who: who.navigate(
                f"{who.site.path('start')}?prompt=select_account&rd={who.site.own('/x')}"
            )
        ),
    ),
    "start-unknown-prompt": ({}, by(lambda who: who.navigate(f"{who.site.path('start')}?prompt=none"))),
    "start-program": ({}, asks("start", {"Accept": "*/*"})),
    "start-marked-by-script": ({}, asks("start", {"Accept": "*/*", "X-Requested-With": "XMLHttpRequest"})),
    "start-long-target": (
        {},
        by(lambda who: who.navigate(f"{who.site.path('start')}?rd={who.site.own(LONG)}")),
    ),
    "start-unavailable-frame": (
        {},
        by(lambda who: who.ask("start", FRAME)),
    ),
    "start-loop-cookie-domain": looping(cookie_domain="app.example", cookie_name="gate"),
    "start-loop-other-domain": looping(cookie_domain="other.example", cookie_name="gate"),
    "start-loop-broken-cookie": looping("AAAA"),
    "start-loop-foreign-cookie": ({}, loops_with_foreign_cookie),
}
