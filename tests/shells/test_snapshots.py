"""Every kind of reply, whole: status, headers, body, and the log, over every interface, mount and prefix."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from oidc_gate.effects import Lane
from oidc_gate.errors import ProviderUnavailable
from tests.core.provider.scripted import answer as answered
from tests.shells import driving, snapshots
from tests.shells.conftest import MakeSite
from tests.shells.driving import Answer
from tests.shells.provider import ISSUER
from tests.shells.site import COOKIE, FETCH, NAVIGATION, ORIGIN, Site, Visitor
from tests.shells.test_endpoints import ready_when
from tests.shells.test_waiting import Crowd
from tests.shells.test_websockets import connect

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SAME, CROSS = {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "cross-site"}
HTMX = FETCH | {"HX-Request": "true", "HX-Current-URL": f"{ORIGIN}/reports"}
AWAY = ProviderUnavailable("provider_unreachable", "Away.", retry_after_seconds=7)
STAFF = {"allowed_groups": ("staff",)}
PUBLIC = {"public_paths": ("/open/*",)}

Ask = Callable[[Site], Answer]
Kind = tuple[dict[str, Any], Ask]


def started(site: Site, **parameters: str) -> tuple[Visitor, str]:
    """Start a sign-in; the browser, and the address of the callback that the provider sends it to."""
    browser = site.visitor()
    begun = browser.navigate(f"{site.path('start')}?rd={site.own('/reports')}")
    return browser, site.provider.authorize(begun.header("location"), **parameters)


def called_back(site: Site, **parameters: str) -> Answer:
    browser, address = started(site, **parameters)
    return browser.navigate(address, Sec_Fetch_Site="cross-site")


def posted_back(site: Site) -> Answer:
    browser, address = started(site)
    path, _, query = address.partition("?")
    return browser.open("POST", path, NAVIGATION | FORM | CROSS, query.encode())


def with_token(instead: object) -> Ask:
    def ask(site: Site) -> Answer:
        site.provider.instead["token"] = instead  # type: ignore[assignment]
        return called_back(site)

    return ask


def start_with_discovery_down(site: Site) -> Answer:
    site.provider.instead["openid-configuration"] = AWAY
    return site.visitor().ask("start", NAVIGATION)


def ready(site: Site) -> Answer:
    return ready_when(site, lambda answer: answer.json["discovery"]["status"] != "pending")


def ready_with_discovery_down(site: Site) -> Answer:
    site.provider.instead["openid-configuration"] = AWAY
    return ready(site)


def in_a_crowd(ask: Ask) -> Ask:
    """Ask while as many sign-ins are under way, and in line, as may be."""

    def asking(site: Site) -> Answer:
        with pytest.MonkeyPatch.context() as patch:
            crowd = Crowd(site, Lane.PROVIDER, patch)
            try:
                return ask(site)
            finally:
                crowd.go()

    return asking


def called_back_in_a_crowd(site: Site) -> Answer:
    browser, address = started(site)
    return in_a_crowd(lambda _: browser.navigate(address, Sec_Fetch_Site="cross-site"))(site)


def posted_back_in_a_crowd(site: Site) -> Answer:
    browser, address = started(site)
    path, _, query = address.partition("?")
    post = in_a_crowd(lambda _: browser.open("POST", path, NAVIGATION | FORM | CROSS, query.encode()))
    return post(site)


def looping(site: Site) -> Answer:
    visitor = site.visitor()
    visitor.cookies[f"{COOKIE}.rounds"] = f"3.{int(site.now)}"
    return visitor.navigate(site.path("start"))


def expired(site: Site) -> Answer:
    browser, address = started(site)
    site.now += 601
    return browser.navigate(address)


def used(site: Site) -> Answer:
    browser, address = started(site)
    kept = dict(browser.cookies)
    browser.navigate(address)
    browser.cookies = kept
    return browser.navigate(address)


def missing(site: Site) -> Answer:
    _, address = started(site)
    return site.visitor().navigate(address)


def renewed(site: Site) -> Answer:
    visitor = site.person()
    site.now += 600
    return visitor.get("/reports")


def application_401(site: Site) -> Answer:
    site.app.status, site.app.body = "401 Unauthorized", b"its own words"
    return site.visitor().get("/open/x?y=1", NAVIGATION)


def came_back_from_sign_out(site: Site) -> Answer:
    onward = site.person().ask("sign_out", SAME, "POST").header("location")
    return site.visitor().navigate(f"{site.path('signed_out')}?{onward.partition('?')[2]}")


def signed_out_without_provider(site: Site) -> Answer:
    del site.provider.metadata["end_session_endpoint"]
    return site.person().ask("sign_out", SAME, "POST")


def not_modified(site: Site) -> Answer:
    etag = static(site).header("etag")
    return static(site, "GET", {"If-None-Match": etag})


def static(site: Site, method: str = "GET", headers: dict[str, str] | None = None) -> Answer:
    page = site.visitor().get("/", NAVIGATION).text
    return site.visitor().open(method, page.partition('<img src="')[2].partition('"')[0], headers)


def socket(path: str, *, signed_in: bool, denial: bool = True, **headers: str) -> Ask:
    def ask(site: Site) -> Answer:
        visitor = site.person() if signed_in else site.visitor()
        if site.shell.is_asgi:
            return connect(visitor, path, denial=denial, **headers)
        pytest.skip("a WebSocket over WSGI is an ordinary request")

    return ask


def by(visit: Callable[[Visitor], Answer], *, person: bool = False, **who: Any) -> Ask:
    return lambda site: visit(site.person(**who) if person or who else site.visitor())


KINDS: dict[str, Kind] = {
    # --- the application's own paths
    "page-anonymous": ({}, by(lambda who: who.get("/reports?month=5&x=<b>", NAVIGATION))),
    "page-anonymous-auto": ({"auto_sign_in": True}, by(lambda who: who.get("/reports?month=5", NAVIGATION))),
    "page-anonymous-named": (
        {"application_name": "The <app>", "provider_name": "Corp & Co"},
        by(lambda who: who.get("/reports", NAVIGATION)),
    ),
    "page-anonymous-head": ({}, by(lambda who: who.send("HEAD", "/reports", NAVIGATION))),
    "page-anonymous-post": ({}, by(lambda who: who.send("POST", "/reports", NAVIGATION | FORM, b"a=b"))),
    "page-anonymous-frame": (
        {},
        by(lambda who: who.get("/reports", NAVIGATION | {"Sec-Fetch-Dest": "iframe"})),
    ),
    "page-anonymous-prefetch": (
        {},
        by(lambda who: who.get("/reports", NAVIGATION | {"Sec-Purpose": "prefetch"})),
    ),
    "script-anonymous": ({}, by(lambda who: who.get("/reports", FETCH))),
    "script-anonymous-htmx": ({}, by(lambda who: who.get("/part", HTMX))),
    "program-anonymous": ({}, by(lambda who: who.get("/reports"))),
    "page-refused": (STAFF, by(lambda who: who.get("/reports", NAVIGATION), person=True)),
    "script-refused": (STAFF, by(lambda who: who.get("/reports", FETCH), person=True)),
    "application": ({}, by(lambda who: who.get("/reports"), person=True)),
    "application-renewed": ({}, renewed),
    "application-public": (PUBLIC, by(lambda who: who.get("/open/x"))),
    "application-401-replaced": (PUBLIC, application_401),
    "socket-anonymous": ({}, socket("/socket", signed_in=False)),
    "socket-anonymous-closed": ({}, socket("/socket", signed_in=False, denial=False)),
    "socket-foreign-origin": ({}, socket("/socket", signed_in=True, Origin="https://evil.example")),
    # --- auth and forward
    "auth-202": ({}, by(lambda who: who.ask("auth"), person=True)),
    "auth-401": ({}, by(lambda who: who.ask("auth", NAVIGATION))),
    "auth-403": (STAFF, by(lambda who: who.ask("auth"), person=True)),
    "auth-403-query": ({}, by(lambda who: who.ask("auth?allowed_groups=staff"), person=True)),
    "auth-403-unknown-query": ({}, by(lambda who: who.ask("auth?group=staff"), person=True)),
    "forward-202": ({}, by(lambda who: who.ask("forward"), person=True)),
    "forward-302": ({}, by(lambda who: who.ask("forward", NAVIGATION))),
    "forward-401": ({}, by(lambda who: who.ask("forward", FETCH))),
    "forward-403": (STAFF, by(lambda who: who.ask("forward", NAVIGATION), person=True)),
    # --- the sign-in
    "sign_in-page": ({}, by(lambda who: who.ask("sign_in", NAVIGATION))),
    "sign_in-page-auto": ({"auto_sign_in": True}, by(lambda who: who.ask("sign_in", NAVIGATION))),
    "sign_in-page-signed-in": ({}, by(lambda who: who.ask("sign_in", NAVIGATION), person=True)),
    "sign_in-page-refused": (STAFF, by(lambda who: who.ask("sign_in", NAVIGATION), person=True)),
    "sign_in-script": ({}, by(lambda who: who.ask("sign_in", FETCH))),
    "sign_in-htmx": ({}, by(lambda who: who.ask("sign_in", HTMX))),
    "sign_in-prefetch": ({}, by(lambda who: who.ask("sign_in", NAVIGATION | {"Sec-Purpose": "prefetch"}))),
    "start": ({}, by(lambda who: who.navigate(f"{who.site.path('start')}?rd={who.site.own('/reports')}"))),
    "start-script": ({}, by(lambda who: who.ask("start", FETCH))),
    "start-loop": ({}, looping),
    "start-unavailable": ({}, start_with_discovery_down),
    "start-crowd": ({}, in_a_crowd(by(lambda who: who.navigate(who.site.path("start"))))),
    "callback": ({}, called_back),
    "callback-crowd": ({}, called_back_in_a_crowd),
    "callback-crowd-post": ({"response_mode": "form_post"}, posted_back_in_a_crowd),
    "callback-post": ({"response_mode": "form_post"}, posted_back),
    "callback-strict": ({"cookie_samesite": "Strict"}, called_back),
    "callback-refused": (STAFF, called_back),
    "callback-expired": ({}, expired),
    "callback-used": ({}, used),
    "callback-missing": ({}, missing),
    "callback-no-state": ({}, by(lambda who: who.navigate(who.site.path("callback")))),
    "callback-access-denied": ({}, lambda site: called_back(site, code="", error="access_denied")),
    "callback-server-error": ({}, lambda site: called_back(site, code="", error="server_error")),
    "callback-iss": ({}, lambda site: called_back(site, iss="https://evil.example")),
    "callback-invalid-grant": ({}, with_token(answered({"error": "invalid_grant"}, 400))),
    "callback-bad-token": (
        {},
        with_token(answered({"token_type": "Bearer", "access_token": "at", "id_token": "a.b.c"})),
    ),
    "callback-unavailable": ({}, with_token(AWAY)),
    "userinfo": ({}, by(lambda who: who.ask("userinfo"), groups=("staff",), claims={"tier": 3})),
    "userinfo-401": ({}, by(lambda who: who.ask("userinfo", NAVIGATION))),
    # --- the sign-out
    "sign_out-script": ({}, by(lambda who: who.ask("sign_out", FETCH | SAME, "POST"), person=True)),
    "sign_out-form": ({}, by(lambda who: who.ask("sign_out", NAVIGATION | FORM | SAME, "POST"), person=True)),
    "sign_out-asked": ({}, by(lambda who: who.ask("sign_out", NAVIGATION | CROSS), person=True)),
    "sign_out-refused": ({}, by(lambda who: who.ask("sign_out", {}, "POST"), person=True)),
    "sign_out-here-alone": ({}, signed_out_without_provider),
    "signed_out": ({}, by(lambda who: who.ask("signed_out", NAVIGATION))),
    "signed_out-still-signed-in": ({}, by(lambda who: who.ask("signed_out", NAVIGATION), person=True)),
    "signed_out-at-the-provider": ({}, came_back_from_sign_out),
    "frontchannel_logout": (
        {},
        by(
            lambda who: who.navigate(f"{who.site.path('frontchannel_logout')}?iss={ISSUER}&sid=x"),
            person=True,
        ),
    ),
    "frontchannel_logout-400": ({}, by(lambda who: who.ask("frontchannel_logout", NAVIGATION))),
    "backchannel_logout-400": (
        {"insecure_single_process_revocation": True},
        by(lambda who: who.open("POST", who.site.path("backchannel_logout"), FORM, b"logout_token=a.b.c")),
    ),
    "backchannel_logout-without-store": (
        {},
        by(lambda who: who.open("POST", who.site.path("backchannel_logout"), FORM, b"logout_token=a.b.c")),
    ),
    # --- what only tells
    "ping": ({}, by(lambda who: who.ask("ping"))),
    "ready": ({}, ready),
    "ready-503": ({}, ready_with_discovery_down),
    "unavailable": ({}, by(lambda who: who.ask("unavailable", NAVIGATION))),
    "static": ({}, static),
    "static-head": ({}, lambda site: static(site, "HEAD")),
    "static-304": ({}, not_modified),
    "not-found": ({}, by(lambda who: who.ask("nothing", NAVIGATION))),
    "method-not-allowed": ({}, by(lambda who: who.ask("callback", NAVIGATION, "DELETE"))),
    "no-host": ({}, lambda site: site.send("GET", site.own("/reports"), [], driving.Upload())),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_reply_is_what_it_was(make_site: MakeSite, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    changes, ask = KINDS[kind]
    site = make_site(**changes)
    with caplog.at_level(logging.DEBUG, "oidc_gate"):
        answer = ask(site)
    # How often `ready` is requested until it is known depends on the machine.
    records = caplog.records[-1:] if ask in (ready, ready_with_discovery_down) else caplog.records
    snapshots.check(site, kind, answer, records)


def test_every_snapshot_has_its_kind() -> None:
    assert {file.stem for file in snapshots.FOLDER.glob("*.txt")} == set(KINDS)
