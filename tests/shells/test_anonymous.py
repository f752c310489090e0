"""Nobody is signed in: a person gets a page, a program gets a 401, and the application is not asked."""

from __future__ import annotations

import pytest

from tests.shells.conftest import MakeSite
from tests.shells.driving import Answer, Upload
from tests.shells.site import FETCH, NAVIGATION, ORIGIN, Site

PLAIN_BROWSER = {"Accept": "text/html,*/*;q=0.8"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def assert_401(answer: Answer) -> None:
    """What holds for each and every 401 (RFC 9110 §15.5.2)."""
    assert answer.status == 401
    assert answer.all("www-authenticate") == ["Bearer"]
    assert answer.header("cache-control") == "no-store"
    assert answer.all("set-cookie") == []


@pytest.mark.parametrize("headers", [NAVIGATION, PLAIN_BROWSER])
def test_a_navigation_gets_the_page_in_place_and_a_link_that_leads_back(
    site: Site, headers: dict[str, str]
) -> None:
    answer = site.visitor().get("/reports/q%20x?month=5&next=/a%26b", headers)
    assert_401(answer)
    assert answer.is_page
    assert site.rd(site.start_link(answer)) == site.own("/reports/q%20x?month=5&next=/a%26b")
    assert site.app.seen == []


def test_the_page_that_auto_sign_in_skips(make_site: MakeSite) -> None:
    site = make_site(auto_sign_in=True)
    answer = site.visitor().get("/reports?month=5", NAVIGATION)
    assert answer.status == 302
    assert site.rd(answer.header("location")) == site.own("/reports?month=5")
    assert answer.header("cache-control") == "no-store"
    assert_401(site.visitor().get("/reports", FETCH))
    assert_401(site.visitor().get("/reports", NAVIGATION | {"Sec-Fetch-Dest": "iframe"}))


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", {}),
        ("GET", {"Accept": "*/*"}),
        ("GET", {"Accept": "application/json"}),
        ("GET", FETCH),
        ("GET", {"Accept": "text/event-stream"}),
        ("GET", PLAIN_BROWSER | {"X-Requested-With": "XMLHttpRequest"}),
        ("POST", FETCH | FORM),
        ("POST", {"Accept": "text/html", "Content-Type": "application/json"}),
        ("PUT", NAVIGATION),
        ("DELETE", {}),
        ("PATCH", PLAIN_BROWSER),
    ],
)
def test_a_program_gets_a_problem_and_never_a_page(site: Site, method: str, headers: dict[str, str]) -> None:
    answer = site.visitor().send(method, "/api", headers)
    assert_401(answer)
    assert answer.is_problem
    told = answer.json
    assert (told["status"], told["code"], told["title"]) == (401, "no_cookie", "Unauthorized")
    assert told["sign_in"].startswith(ORIGIN + site.path("start") + "?rd=")
    assert site.app.seen == []


def test_a_program_is_sent_to_the_page_that_it_runs_in(site: Site) -> None:
    headers = FETCH | {"Referer": ORIGIN + site.own("/dashboard?x=1")}
    told = site.visitor().get("/api", headers).json
    assert site.rd(told["sign_in"].removeprefix(ORIGIN)) == site.own("/dashboard?x=1")
    elsewhere = site.visitor().get("/api", FETCH | {"Referer": "https://evil.example/"}).json
    assert site.rd(elsewhere["sign_in"].removeprefix(ORIGIN)) == site.own("/")


@pytest.mark.parametrize(
    "headers", [NAVIGATION | FORM, PLAIN_BROWSER | FORM, PLAIN_BROWSER | {"Content-Type": "text/plain"}]
)
def test_a_form_gets_a_page_that_says_that_nothing_was_received(site: Site, headers: dict[str, str]) -> None:
    headers = headers | {"Referer": ORIGIN + site.own("/form?step=2")}
    answer = site.visitor().send("POST", "/form", headers, b"a=1")
    assert_401(answer)
    assert answer.is_page
    assert "not" in answer.text
    assert site.rd(site.start_link(answer)) == site.own("/form?step=2")
    foreign = site.visitor().send("POST", "/form", headers | {"Referer": "https://evil.example/x"}, b"a=1")
    assert site.rd(site.start_link(foreign)) == site.own("/")


def test_head_is_answered_as_get_is_without_the_body(site: Site) -> None:
    answer, got = (site.visitor().send(method, "/reports", NAVIGATION) for method in ("HEAD", "GET"))
    assert_401(answer)
    assert answer.body == b""
    assert answer.header("content-length") == str(len(got.body))


def test_options_goes_through_only_where_a_rule_says_so(site: Site, make_site: MakeSite) -> None:
    preflight = {"Origin": "https://other.example", "Access-Control-Request-Method": "PUT"}
    assert site.visitor().send("OPTIONS", "/api", preflight).body == b"the application"
    assert site.visitor().send("PUT", "/api", preflight).status == 401
    shut = make_site()
    assert_401(shut.visitor().send("OPTIONS", "/api", preflight))
    assert shut.app.seen == []


def test_htmx_is_told_where_the_page_has_to_go(site: Site) -> None:
    headers = FETCH | {"HX-Request": "true", "HX-Current-URL": ORIGIN + site.own("/board?tab=2")}
    answer = site.visitor().get("/part", headers)
    assert_401(answer)
    assert (answer.body, answer.header("content-length")) == (b"", "0")
    assert site.rd(answer.header("hx-redirect")) == site.own("/board?tab=2")
    foreign = site.visitor().get("/part", headers | {"HX-Current-URL": "https://evil.example/"})
    assert site.rd(foreign.header("hx-redirect")) == site.own("/")


@pytest.mark.parametrize("dest", ["iframe", "frame", "embed", "object"])
def test_a_frame_gets_the_page_and_never_a_redirect(make_site: MakeSite, dest: str) -> None:
    answer = make_site(auto_sign_in=True).visitor().get("/", NAVIGATION | {"Sec-Fetch-Dest": dest})
    assert_401(answer)
    assert answer.is_page
    assert answer.all("refresh") == []


@pytest.mark.parametrize("header", [{"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}])
def test_a_prefetch_gets_a_bare_401(make_site: MakeSite, header: dict[str, str]) -> None:
    site = make_site(auto_sign_in=True)
    answer = site.visitor().get("/", NAVIGATION | header)
    assert_401(answer)
    assert (answer.body, answer.header("content-length")) == (b"", "0")


@pytest.mark.parametrize(("size", "taken"), [(300_000, 300_000), (5 << 20, 1 << 20)])
def test_a_refused_upload_is_drained_up_to_a_mebibyte(site: Site, size: int, taken: int) -> None:
    upload = Upload(b"x" * size)
    assert_401(site.visitor().send("POST", "/upload", upload=upload))
    assert upload.taken == taken
    assert site.app.seen == []


def test_the_top_and_odd_paths_lead_back_to_themselves(site: Site) -> None:
    for path in ("/", "/a?next=//x", "/http://x", "/%C3%BC", "/a%2Fb", "/a;b"):
        answer = site.visitor().get(path, NAVIGATION)
        assert site.rd(site.start_link(answer)) == site.own(path)


def test_a_target_that_browsers_read_in_another_way_leads_to_the_top(site: Site) -> None:
    for path in ("//evil.example/x", "/%09/evil.example", "/\\evil.example"):
        answer = site.visitor().get(path, NAVIGATION)
        assert_401(answer)
        assert "evil.example" not in site.rd(site.start_link(answer)).partition("/")[0]


def test_a_request_without_a_host_is_refused(site: Site) -> None:
    answer = site.send("GET", site.own("/"), [], Upload())
    assert (answer.status, answer.json["code"]) == (400, "host_invalid")
    assert site.app.seen == []
