"""Nobody is sent away by the gate as a whole: wherever a target can stand in a request, and wherever it comes out.

CVE-2020-5233, CVE-2020-11053, CVE-2020-4037, CVE-2022-23527, CVE-2021-32786, flask-oidc 2.4. `test_open_redirects`
tries the judge itself much harder; this asks whether everything goes past that judge.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest

from tests.core.provider.scripted import ISSUER
from tests.security.browser import Browser
from tests.security.conftest import MakeSite
from tests.security.test_flow import bring, is_refused, start
from tests.shells.site import FETCH, NAVIGATION, ORIGIN, Site, Visitor

ATTACKS = [
    "//evil.example", "/\\evil.example", "/\t/evil.example", "/%09/evil.example", "\\\\evil.example",
    "https://evil.example", "https:evil.example", "https:/evil.example", "///evil.example", "/.//evil.example",
    "/x/..//evil.example", "https://:@evil.example\\@app.example", "https://app.example@evil.example",
    "https://app.example.evil.example/", "https://app.example:443@evil.example", "http://app.example/",
    "javascript:alert(1)", "data:text/html,x", " //evil.example", "\x01//evil.example", "/\r\nLocation: //evil.example",
    "/%0d%0aLocation:%20//evil.example", "https://app.example\\.evil.example", "//evil.example/%2f..", "evil.example",
    "//app.example@evil.example", "/\u3002/evil.example", "https://evil\u3002example", "//evil.example?app.example",
    "https://app.example%2eevil.example", "/oauth2/start?rd=//evil.example", "/x/../oauth2/sign_out",
]  # fmt: skip
ON_THE_WIRE = [attack for attack in ATTACKS if "\r" not in attack and attack.isascii()]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    running = Browser(node)
    yield running
    running.close()


def outcome_of(link: str, person: Visitor) -> str:
    """Follow a link to ``start``, and return where the callback would send a person with a session."""
    stranger = person.site.visitor()
    started = stranger.navigate(link)
    assert started.status == 302, started.text
    assert started.header("location").startswith(ISSUER + "/")
    return bring(person, person.site.provider.authorize(started.header("location"))).header("location")


def check(browser: Browser, outcomes: list[tuple[str, str]]) -> None:
    places = browser.follow([outcome for _, outcome in outcomes], ORIGIN + "/oauth2/callback")
    for (attack, outcome), place in zip(outcomes, places, strict=True):
        assert place is not None, (attack, outcome)
        assert f"{place.protocol}//{place.host}" == ORIGIN, (attack, outcome, place)
        assert not place.username
        assert not place.pathname.startswith(("//", "/oauth2")), (attack, outcome, place)


def test_cve_2020_5233_cve_2020_11053_rd_of_start(site: Site, browser: Browser) -> None:
    person = site.person()
    outcomes = []
    for attack in ATTACKS:
        for written in (
            quote(attack, safe=""),
            quote(attack, safe="/:@?&=#%\\"),
            quote(quote(attack, safe="")),
        ):
            outcomes.append((attack, outcome_of(f"/oauth2/start?rd={written}", person)))
    check(browser, outcomes)


@pytest.mark.parametrize("endpoint", ["start", "sign_in"])
def test_cve_2020_4037_x_auth_request_redirect(site: Site, browser: Browser, endpoint: str) -> None:
    person = site.person()
    outcomes = []
    for attack in ON_THE_WIRE:
        answer = site.visitor().open(
            "GET", f"/oauth2/{endpoint}", NAVIGATION | {"X-Auth-Request-Redirect": attack}
        )
        if endpoint == "start":
            callback = site.provider.authorize(answer.header("location"))
            outcomes.append((attack, bring(person, callback).header("location")))
        else:
            outcomes.append((attack, outcome_of(site.start_link(answer), person)))
    check(browser, outcomes)


def test_cve_2022_23527_cve_2021_32786_referer_hx_current_url_and_own_path(
    site: Site, browser: Browser
) -> None:
    person = site.person()
    outcomes = []
    for attack in ON_THE_WIRE:
        for page in (attack, ORIGIN + attack, ORIGIN + "/" + attack, ORIGIN + "@evil.example/"):
            script = site.visitor().get("/api", FETCH | {"Referer": page}).json["sign_in"]
            assert script.startswith(f"{ORIGIN}/oauth2/start?rd=")
            outcomes.append((page, outcome_of(script.removeprefix(ORIGIN), person)))
            htmx = {"HX-Request": "true", "HX-Current-URL": page}
            outcomes.append((page, outcome_of(site.visitor().get("/", htmx).header("hx-redirect"), person)))
        if attack.startswith("/"):
            shown = site.visitor().get(quote(attack.partition("?")[0], safe="/%"), NAVIGATION)
            if shown.status == 401 and shown.is_page:
                outcomes.append((attack, outcome_of(site.start_link(shown), person)))
    check(browser, outcomes)


def test_flask_oidc_2_4_a_path_that_begins_with_two_slashes(site: Site, browser: Browser) -> None:
    """``https://app.example//evil.example`` is ours; its path alone, as a ``Location``, is not."""
    outcomes = []
    for path in (
        "//evil.example",
        "//evil.example/%2f..",
        "/%5cevil.example",
        "///evil.example",
        "/.//evil.example",
    ):
        shown = site.visitor().get(path, NAVIGATION)
        assert shown.status == 401
        outcomes.append((path, outcome_of(site.start_link(shown), site.person())))
    check(browser, outcomes)


def test_every_published_attack_as_rd(site: Site, browser: Browser) -> None:
    path = os.environ.get("OIDC_GATE_TEST_REDIRECTS")
    if not path:
        pytest.skip("OIDC_GATE_TEST_REDIRECTS names no list of attacks")
    lines = [line for line in Path(path).read_text("utf-8", "surrogateescape").split("\n") if line]
    person = site.person()
    outcomes = []
    for line in lines[:: 8 if site.shell.is_asgi else 1]:
        attack = quote(unquote(line, errors="surrogateescape"), safe="", errors="surrogateescape")
        outcomes.append((line, outcome_of(f"/oauth2/start?rd={attack}", person)))
    check(browser, outcomes)


def test_ordinary_targets_survive_the_whole_way(site: Site) -> None:
    """Were everything sent home, the tests above would prove nothing."""
    person = site.person()
    for target in ("/a?next=//x", "/http://x", "/a%20b#top", "/%C3%A9?q=%26", "/a/b;c=1?x=1&y=2"):
        assert outcome_of(f"/oauth2/start?rd={quote(target, safe='')}", person) == target
        assert outcome_of(f"/oauth2/start?rd={quote(ORIGIN + target, safe='')}", person) == target


def test_a_state_that_was_changed_or_made_elsewhere_leads_nowhere(make_site: MakeSite) -> None:
    site, other = make_site(), make_site(cookie_secret=("Zq2oC4vYkq0tF1rD7zX3mN9sLwE6uHgJ8pRaT5iVnKc",))
    person = site.person()
    for callback in (start(other.visitor(), "/wanted"), start(make_site(client_id="x").visitor(), "/wanted")):
        assert is_refused(bring(person, callback), "state_invalid")
    sealed = parse_qs(urlsplit(start(site.visitor(), "/wanted")).query)["state"][0]
    for place in range(0, len(sealed), 5):
        changed = sealed[:place] + ("A" if sealed[place] != "A" else "B") + sealed[place + 1 :]
        answer = bring(person, f"/oauth2/callback?code=c&state={changed}")
        assert (answer.status, answer.all("location")) == (400, [])


def test_a_target_is_judged_again_when_it_comes_back(make_site: MakeSite) -> None:
    """A host that was taken off the list since, or off another gate with the same secret, is not gone to."""
    allowing, site = make_site(allowed_redirect_hosts=("other.example",)), make_site()
    callback = start(allowing.visitor(), "https://other.example/x")
    assert bring(allowing.person(), callback).header("location") == "https://other.example/x"
    assert bring(site.person(), callback).header("location") == "/"
