"""What browsers, embedded web views and front ends send, and the answer that they can use."""

from __future__ import annotations

import pytest

from tests.shells.conftest import MakeSite
from tests.shells.driving import Answer
from tests.shells.site import FETCH, NAVIGATION, ORIGIN, Site

HTML = "text/html,application/xhtml+xml,*/*;q=0.8"
PASSED_ON = NAVIGATION | {"Sec-Fetch-Dest": "empty"}
PAGE_LOADS = {
    "passed on by a service worker": PASSED_ON,
    "Chromium before 80": {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none", "Accept": "*/*"},
    "mode removed on the way": {"Sec-Fetch-Site": "none", "Sec-Fetch-Dest": "document", "Accept": HTML},
    "mode and destination removed on the way": {"Sec-Fetch-Site": "none", "Accept": HTML},
    "Android WebView": NAVIGATION | {"X-Requested-With": "com.example.app"},
    "Android WebView on http": {"Accept": HTML, "X-Requested-With": "com.example.web_view"},
    "Accept replaced by an extension": {"Accept": "*/*", "Upgrade-Insecure-Requests": "1"},
}
SCRIPTS = {
    "fetch that asks for HTML": FETCH | {"Accept": HTML, "Upgrade-Insecure-Requests": "1"},
    "XMLHttpRequest on http": {"Accept": HTML, "X-Requested-With": "XMLHttpRequest"},
    "another word on http": {"Accept": HTML, "X-Requested-With": "fetch"},
    "a client that names only HTML of no weight": {"Accept": "text/html;q=0"},
    "fetch whose mode was removed on the way": {"Accept": HTML, "Sec-Fetch-Dest": "empty"},
}


@pytest.mark.parametrize("kind", PAGE_LOADS)
def test_navigations_taken_for_scripts(make_site: MakeSite, kind: str) -> None:
    site, headers = make_site(), PAGE_LOADS[kind]
    answer = site.visitor().get("/reports?month=5", headers)
    assert (answer.status, answer.is_page) == (401, True)
    assert site.rd(site.start_link(answer)) == site.own("/reports?month=5")
    assert site.visitor().open("GET", site.start_link(answer), headers).status == 302
    page = site.visitor().ask("sign_in", headers)
    assert (page.status, page.is_page) == (401, True)
    assert make_site(auto_sign_in=True).visitor().get("/", headers).status == 302


@pytest.mark.parametrize("kind", SCRIPTS)
def test_scripts_are_not_taken_for_navigations(make_site: MakeSite, kind: str) -> None:
    for site in (make_site(), make_site(auto_sign_in=True)):
        for answer in (
            site.visitor().get("/reports", SCRIPTS[kind]),
            site.visitor().ask("sign_in", SCRIPTS[kind]),
        ):
            assert (answer.status, answer.is_problem) == (401, True)


def test_a_form_that_a_service_worker_passes_on_gets_the_page_for_forms(site: Site) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = site.visitor().send("POST", "/form", PASSED_ON | form, b"a=1")
    assert (answer.status, answer.is_page) == (401, True)
    assert "Your form was not sent" in answer.text


DASH = "/dash?tab=2"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CALLS: dict[str, tuple[str, dict[str, str]]] = {
    "fetch": ("GET", FETCH),
    "fetch that posts": ("POST", FETCH | {"Content-Type": "application/json"}),
    "XMLHttpRequest": ("GET", {"Accept": "*/*", "X-Requested-With": "XMLHttpRequest"}),
    "event stream": ("GET", FETCH | {"Accept": "text/event-stream"}),
    "htmx": ("GET", FETCH | {"HX-Request": "true"}),
    "htmx that posts": ("POST", FETCH | FORM | {"HX-Request": "true"}),
    "form": ("POST", NAVIGATION | FORM),
    "frame": ("GET", NAVIGATION | {"Sec-Fetch-Dest": "iframe"}),
}
PAGES = {
    "Referer": (DASH, {"Referer": ORIGIN + "{mount}" + DASH}),
    "origin alone": ("/", {"Referer": f"{ORIGIN}/"}),
    "foreign": (None, {"Referer": "https://evil.example/dash"}),
    "an endpoint of the gate": (None, {"Referer": ORIGIN + "{mount}{prefix}/sign_out"}),
    "no address": (None, {"Referer": "/dash"}),
    "none": (None, {}),
}


def leads_to(site: Site, answer: Answer) -> str:
    """Return where the sign-in that a 401 offers leads to, in whatever form it offers one."""
    assert answer.status == 401
    if answer.is_problem:
        return site.rd(answer.json["sign_in"].removeprefix(ORIGIN))
    return site.rd(answer.header("hx-redirect") or site.start_link(answer))


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("call", CALLS)
def test_one_rule_wrapped_and_behind_nginx_a_call_leads_to_the_page_that_sent_it(
    site: Site, call: str, page: str
) -> None:
    (method, headers), (path, sent) = CALLS[call], PAGES[page]
    mount, prefix = site.shell.mount, site.shell.prefix
    headers = headers | {name: value.format(mount=mount, prefix=prefix) for name, value in sent.items()}
    address = "/api/data?x=1"
    expected = path if path is not None else address if call == "frame" else "/"
    home = site.own(expected) if page != "origin alone" else expected
    assert leads_to(site, site.visitor().send(method, address, headers)) == home
    told = {"X-Auth-Request-Redirect": site.own(address), "X-Auth-Request-Method": method}
    assert leads_to(site, site.visitor().ask("sign_in", headers | told)) == home


def test_htmx_says_itself_which_page_it_runs_in(site: Site) -> None:
    headers = FETCH | {"HX-Request": "true", "HX-Current-URL": ORIGIN + site.own(DASH)}
    headers |= {"Referer": f"{ORIGIN}/"}
    assert leads_to(site, site.visitor().get("/part", headers)) == site.own(DASH)
    told = {"X-Auth-Request-Redirect": site.own("/part")}
    assert leads_to(site, site.visitor().ask("sign_in", headers | told)) == site.own(DASH)
    foreign = headers | {"HX-Current-URL": "https://evil.example/"}
    assert leads_to(site, site.visitor().ask("sign_in", foreign | told)) == "/"


def test_a_page_of_an_allowed_host_is_led_back_to(make_site: MakeSite) -> None:
    site = make_site(allowed_redirect_hosts=("spa.example",))
    headers = FETCH | {"Sec-Fetch-Site": "cross-site", "Referer": "https://spa.example/"}
    assert leads_to(site, site.visitor().get("/api", headers)) == "https://spa.example/"
    lower = FETCH | {"Referer": "http://app.example/dash"}
    assert leads_to(site, site.visitor().get("/api", lower)) == site.own("/")


def test_a_script_without_a_page_is_led_to_the_rd_that_it_names(site: Site) -> None:
    headers = {"Accept": "*/*"}
    asked = site.visitor().ask(f"sign_in?rd={site.own('/dash')}", headers)
    assert leads_to(site, asked) == site.own("/dash")
    assert leads_to(site, site.visitor().get(f"/api?rd={site.own('/dash')}", headers)) == site.own("/")


def test_a_refused_form_leads_to_the_page_that_sent_it(make_site: MakeSite) -> None:
    site = make_site(allowed_groups=("staff",))
    headers = NAVIGATION | FORM | {"Referer": ORIGIN + site.own(DASH)}
    answer = site.person().send("POST", "/save?x=1", headers, b"a=1")
    assert answer.status == 403
    assert site.rd(site.start_link(answer)) == site.own(DASH)


IN_A_FRAME = {
    "frame": NAVIGATION | {"Sec-Fetch-Dest": "iframe"},
    "frame whose page load a service worker passes on": PASSED_ON,
    "frame of an old browser": {"Accept": HTML},
}


@pytest.mark.parametrize("kind", IN_A_FRAME)
def test_frames_show_the_pages_of_the_gate_to_our_own_origin_alone(make_site: MakeSite, kind: str) -> None:
    site = make_site(allowed_groups=("staff",))
    headers, form = IN_A_FRAME[kind], FORM | {"Referer": ORIGIN + site.own("/dash")}
    answers = {
        "sign-in": site.visitor().get("/widget", headers),
        "sign-in behind Nginx": site.visitor().ask("sign_in", headers),
        "form": site.visitor().send("POST", "/widget", headers | form, b"a=1"),
        "refused": site.person().get("/widget", headers),
        "refused behind Nginx": site.person().ask("sign_in", headers),
    }
    for name, answer in answers.items():
        assert answer.is_page, name
        assert "frame-ancestors 'self'" in answer.header("content-security-policy"), name
        assert answer.header("x-frame-options") == "SAMEORIGIN"
        assert answer.header("cross-origin-embedder-policy") == "require-corp"
        assert '<base target="_top">' in answer.text


def test_frames_show_no_page_that_is_opened_at_the_top_and_none_that_signs_out(site: Site) -> None:
    frame = NAVIGATION | {"Sec-Fetch-Dest": "iframe"}
    for answer in (site.visitor().get("/widget", NAVIGATION), site.person().ask("sign_out", frame)):
        assert answer.is_page
        assert "frame-ancestors 'none'" in answer.header("content-security-policy")
        assert answer.header("x-frame-options") == "DENY"
