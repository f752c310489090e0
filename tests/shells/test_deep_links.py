"""Deep links: kept through a sign-in where that is possible, and where it is not, the page after it says so."""

from __future__ import annotations

import random
import string
import zlib

import pytest

from oidc_gate.syntax.base64url import b64url_encode
from tests.shells.conftest import MakeSite
from tests.shells.driving import Answer
from tests.shells.site import FETCH, NAVIGATION, ORIGIN, Site, Visitor

PANELS = "".join(f"&var-panel{number}=%7B%22from%22%3A%22now-{number}h%22%7D" for number in range(150))
NOISE = "".join(random.Random(7).choices(string.ascii_letters + string.digits, k=20_000))
KEPT = {
    "a dashboard": f"/d/abc?orgId=1{PANELS}",
    "2,048 characters of noise": "/d?" + NOISE[:2045],
    "a backslash in the query": "/page?path=C:\\temp\\x",
}
SENT = {"a backslash in the query": "/page?path=C:%5Ctemp%5Cx"}


def through_the_provider(site: Site, visitor: Visitor, link: str) -> Answer:
    started = visitor.navigate(link)
    assert started.status == 302
    assert len(started.header("location")) < 4000
    back = site.provider.authorize(started.header("location"))
    return visitor.navigate(back, Sec_Fetch_Site="cross-site")


def leads_to(site: Site, kind: str) -> set[str]:
    return {site.own(SENT.get(kind, KEPT[kind]))}


@pytest.mark.parametrize("kind", KEPT)
def test_a_deep_link_is_kept_wrapped(site: Site, kind: str) -> None:
    visitor = site.visitor()
    answer = visitor.get(KEPT[kind], NAVIGATION)
    assert len(site.start_link(answer)) < 4000
    came_back = through_the_provider(site, visitor, site.start_link(answer))
    assert came_back.status == 302
    assert came_back.header("location") in leads_to(site, kind)


@pytest.mark.parametrize("kind", KEPT)
def test_a_deep_link_is_kept_behind_a_proxy(make_site: MakeSite, kind: str) -> None:
    site = make_site()
    told = {"X-Auth-Request-Redirect": site.own(KEPT[kind])}
    visitor = site.visitor()
    page = site.start_link(visitor.ask("sign_in", NAVIGATION | told))
    assert through_the_provider(site, visitor, page).header("location") in leads_to(site, kind)
    forwarded = site.visitor().ask("forward", NAVIGATION | {"X-Forwarded-Uri": site.own(KEPT[kind])})
    other = site.visitor()
    page = site.start_link(other.navigate(forwarded.header("location")))
    assert through_the_provider(site, other, page).header("location") in leads_to(site, kind)
    direct = site.visitor()
    started = direct.ask("start", NAVIGATION | told)
    back = site.provider.authorize(started.header("location"))
    assert direct.navigate(back).header("location") in leads_to(site, kind)


def test_a_deep_link_is_kept_with_its_fragment_and_with_auto_sign_in(make_site: MakeSite) -> None:
    site = make_site(auto_sign_in=True, cookie_samesite="Strict")
    visitor = site.visitor()
    onward = visitor.get(KEPT["a dashboard"], NAVIGATION)
    link = onward.header("location")
    assert link.endswith("&rd=")  # where gate.js puts the fragment
    page = through_the_provider(site, visitor, link + "%23top")
    assert site.own(KEPT["a dashboard"]) + "#top" in page.text.replace("&amp;", "&")


@pytest.mark.parametrize(
    "path", ["//page?x=1", *("/d?" + NOISE[:length] for length in (4_000, 9_000, 20_000))]
)
def test_a_deep_link_that_cannot_be_kept_is_not_lost_without_a_word(site: Site, path: str) -> None:
    if path.startswith("//") and site.shell.mount:
        return  # with the mount in front, it is kept
    told = {"X-Auth-Request-Redirect": site.own(path)}
    for first in ("page", "nginx", "start", "forward"):
        visitor = site.visitor()
        if first == "start":
            back = site.provider.authorize(visitor.ask("start", NAVIGATION | told).header("location"))
            answer = visitor.navigate(back)
        elif first == "forward":
            asked = visitor.ask("forward", NAVIGATION | {"X-Forwarded-Uri": site.own(path)})
            page = visitor.navigate(asked.header("location"))
            answer = through_the_provider(site, visitor, site.start_link(page))
        else:
            page = (
                visitor.get(path, NAVIGATION)
                if first == "page"
                else visitor.ask("sign_in", NAVIGATION | told)
            )
            answer = through_the_provider(site, visitor, site.start_link(page))
        assert (answer.status, answer.is_page) == (200, True)
        assert "could not be kept during the sign-in" in answer.text
        assert f'href="{site.own("/")}"' in answer.text
        assert visitor.get("/").status == 200
        assert sum(map(len, visitor.cookies.values())) < 7000


def test_a_script_on_a_page_with_a_deep_link_is_led_back_to_it(site: Site) -> None:
    headers = FETCH | {"Referer": ORIGIN + site.own(KEPT["a dashboard"])}
    link = site.visitor().get("/api", headers).json["sign_in"]
    visitor = site.visitor()
    assert through_the_provider(site, visitor, link).header("location") == site.own(KEPT["a dashboard"])


def packed(target: str) -> str:
    return b64url_encode(zlib.compress(target.encode(), 9))


@pytest.mark.parametrize(
    "rdz",
    [
        packed("https://evil.example/"),
        packed("//evil.example/"),
        packed("/\\evil.example"),
        packed("https:evil.example"),
        packed("/oauth2/sign_out"),
        packed("/" + "x" * 10_000_000)[:2900],
        packed("/" + "x" * 70_000),
        b64url_encode(b"no zlib"),
        "A",
        packed("/x") + "=",
    ],
)
def test_open_redirect_a_packed_target_is_validated_like_any_other(make_site: MakeSite, rdz: str) -> None:
    site = make_site(prefix="/oauth2") if make_site().shell.prefix == "/oauth2" else make_site()
    rdz = packed(site.path("sign_out")) if rdz == packed("/oauth2/sign_out") else rdz
    for link in (f"rdz={rdz}&rd=", f"prompt=login&rdz={rdz}", f"rdz={rdz}"):
        visitor = site.visitor()
        answer = through_the_provider(site, visitor, f"{site.path('start')}?{link}")
        assert answer.header("location") == site.own("/")


def test_open_redirect_a_packed_target_in_the_query_of_another_page_is_no_target(site: Site) -> None:
    """Nginx pastes a raw query behind `rd`."""
    visitor = site.visitor()
    link = f"{site.path('start')}?rd={site.own('/a')}?b=1&rdz={packed('/evil')}&rd=%23x"
    answer = through_the_provider(site, visitor, link)
    assert answer.header("location").startswith(site.own("/a?b=1&rdz="))
