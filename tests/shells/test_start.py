"""What the start of a sign-in takes for a page load, for a loop, and for a flow of this browser."""

from __future__ import annotations

import logging

import pytest

from oidc_gate.store.memory import MemoryStore
from tests.shells.driving import Upload
from tests.shells.site import COOKIE, FETCH, NAVIGATION, Shell, Site
from tests.shells.stores import Watched
from tests.shells.test_snapshots import started

OLD = {"Accept": "text/html"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (NAVIGATION, 302),
        (OLD, 302),
        ({}, 302),
        ({"Accept": "*/*"}, 302),
        (FETCH, 400),
        ({"Accept": "*/*", "X-Requested-With": "XMLHttpRequest"}, 400),
        (OLD | {"Purpose": "prefetch"}, 400),
        (NAVIGATION | {"Sec-Purpose": "prefetch"}, 400),
        (NAVIGATION | {"Sec-Fetch-Dest": "iframe"}, 400),
        ({"Accept": "*/*", "HX-Request": "true"}, 400),
    ],
)
def test_only_a_page_load_starts_a_sign_in(site: Site, headers: dict[str, str], status: int) -> None:
    answer = site.visitor().ask("start", headers)
    assert (answer.status, len(answer.all("set-cookie"))) == (status, status == 302)


@pytest.mark.parametrize(("person", "status"), [(True, 302), (False, 400)])
def test_a_user_who_is_signed_in_is_in_no_loop(site: Site, *, person: bool, status: int) -> None:
    visitor = site.person() if person else site.visitor()
    visitor.cookies[f"{COOKIE}.rounds"] = f"3.{int(site.now)}"
    assert visitor.navigate(site.path("start")).status == status


@pytest.mark.parametrize("is_first", [True, False])
def test_a_second_flow_cookie_of_the_same_name_does_no_harm(site: Site, *, is_first: bool) -> None:
    browser, address = started(site)
    ((name, value),) = browser.cookies.items()
    other = f"{name}=made-up"
    pairs = [other, f"{name}={value}"] if is_first else [f"{name}={value}", other]
    answer = browser.navigate(address, Cookie="; ".join(pairs))
    assert (answer.status, answer.header("location")) == (302, site.own("/reports"))


@pytest.mark.parametrize(("query", "status"), [("", 200), ("?rd=/reports", 302)])
def test_the_page_after_the_sign_in_says_that_an_address_was_lost(
    site: Site, query: str, status: int
) -> None:
    browser = site.visitor()
    query = query.replace("/reports", site.own("/reports"))
    begun = browser.navigate(f"{site.path('start')}{query}", X_Forwarded_Uri="//x")
    assert browser.navigate(site.provider.authorize(begun.header("location"))).status == status


@pytest.mark.parametrize("is_stored", [True, False])
def test_a_new_sign_in_ends_the_session_before_it_if_that_is_stored(shell: Shell, *, is_stored: bool) -> None:
    stored = Site(shell, store=Watched(MemoryStore()), session_store="redis://store.example/0")
    site = stored if is_stored else Site(shell)
    browser, earlier = site.visitor(), site.visitor()
    browser.sign_in()
    earlier.cookies = dict(browser.cookies)
    site.now += 1
    browser.sign_in()
    assert (browser.get("/").status, earlier.get("/").status) == (200, 401 if is_stored else 200)


def test_the_session_of_another_user_is_ended(shell: Shell) -> None:
    site = Site(shell)
    earlier, browser = site.person("alice"), site.visitor()
    browser.cookies = dict(earlier.cookies)
    assert earlier.get("/").status == 200
    site.now += 1
    site.provider.person = {"sub": "bob", "email": "bob@corp.example", "email_verified": True}
    begun = browser.navigate(f"{site.path('start')}?prompt=select_account&rd={site.own('/')}")
    assert browser.navigate(site.provider.authorize(begun.header("location"))).status == 302
    assert earlier.get("/").json["code"] == "session_revoked"
    assert browser.get("/").status == 200


@pytest.mark.parametrize(("subject", "status"), [("alice", 302), ("bob", 503)])
def test_a_sign_in_does_not_fail_because_the_same_users_earlier_session_remains(
    shell: Shell, subject: str, status: int
) -> None:
    store = Watched(MemoryStore())
    site = Site(shell, store=store, session_store="redis://store.example/0")
    browser = site.visitor()
    browser.sign_in()
    begun = browser.navigate(f"{site.path('start')}?prompt=select_account&rd={site.own('/')}")
    site.provider.person["sub"] = subject
    store.failing = {"end"}
    assert browser.navigate(site.provider.authorize(begun.header("location"))).status == status


@pytest.mark.parametrize("others", [(), ("made-up",), ("1.1",)])
def test_the_first_of_several_counts_of_sign_ins_decides(shell: Shell, others: tuple[str, ...]) -> None:
    site = Site(shell)
    name = f"{COOKIE}.rounds"
    for first, status in ((f"3.{int(site.now)}", 400), (f"2.{int(site.now)}", 302)):
        cookie = "; ".join(f"{name}={value}" for value in (first, *others))
        assert site.visitor().navigate(site.path("start"), Cookie=cookie).status == status
    browser, address = started(site)
    flows = "; ".join(f"{key}={value}" for key, value in browser.cookies.items())
    cookie = "; ".join([flows, *(f"{name}={value}" for value in (f"1.{int(site.now)}", *others))])
    browser.navigate(address, Cookie=cookie)
    assert browser.cookies[name].partition(".")[0] == "2"


@pytest.mark.parametrize(
    ("host", "domain", "hint"),
    [
        ("app.example", "app.example", "may be a public suffix"),
        ("app.example:8443", "app.example", "may be a public suffix"),
        ("www.app.example:8443", "app.example", "may be a public suffix"),
        ("app.example:8443", "other.example", "does not cover app.example"),
        ("app.example:8443", "pp.example", "does not cover app.example"),
    ],
)
def test_the_log_says_what_may_be_wrong_with_the_domain_of_the_cookie(
    shell: Shell, caplog: pytest.LogCaptureFixture, host: str, domain: str, hint: str
) -> None:
    site = Site(shell, cookie_domain=domain, cookie_name="gate")
    headers = NAVIGATION | {"Host": host, "Cookie": f"__Secure-gate.rounds=3.{int(site.now)}"}
    with caplog.at_level(logging.ERROR, "oidc_gate"):
        answer = site.send("GET", site.path("start"), [*headers.items()], Upload())
    assert answer.status == 400
    assert f"the session cookie does not come back; cookie_domain {domain} {hint}" in caplog.text
