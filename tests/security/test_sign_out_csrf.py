"""Nobody but the person signs the person out."""

from __future__ import annotations

import re

import pytest

from tests.shells.site import COOKIE, FETCH, NAVIGATION, ORIGIN, Site

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SUBRESOURCE = {"Sec-Fetch-Mode": "no-cors", "Accept": "*/*"}
FROM_ELSEWHERE: dict[str, tuple[str, dict[str, str]]] = {
    "post by a form": ("POST", NAVIGATION | FORM | {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}),
    "post by a sibling": ("POST", NAVIGATION | FORM | {"Sec-Fetch-Site": "same-site", "Origin": "https://b.example"}),
    "post without an origin": ("POST", NAVIGATION | FORM | {"Sec-Fetch-Site": "cross-site"}),
    "post of a sandbox": ("POST", FORM | {"Accept": "text/html", "Origin": "null"}),
    "post of an old browser": ("POST", FORM | {"Accept": "text/html"}),
    "post by fetch": ("POST", {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "empty"}),
    "origin like ours": ("POST", FORM | {"Origin": f"{ORIGIN}.evil.example"}),
    "origin on http": ("POST", FORM | {"Origin": "http://app.example"}),
    "origin on another port": ("POST", FORM | {"Origin": f"{ORIGIN}:8443"}),
    "img": ("GET", SUBRESOURCE | {"Sec-Fetch-Dest": "image", "Sec-Fetch-Site": "cross-site"}),
    "img on our own page": ("GET", SUBRESOURCE | {"Sec-Fetch-Dest": "image", "Sec-Fetch-Site": "same-origin"}),
    "script on our own page": ("GET", SUBRESOURCE | {"Sec-Fetch-Dest": "script", "Sec-Fetch-Site": "same-origin"}),
    "fetch on our own page": ("GET", FETCH),
    "iframe on our own page": ("GET", NAVIGATION | {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "same-origin"}),
    "prefetch": ("GET", NAVIGATION | {"Sec-Fetch-Site": "same-origin", "Sec-Purpose": "prefetch"}),
    "prerender": ("GET", NAVIGATION | {"Sec-Fetch-Site": "same-origin", "Sec-Purpose": "prefetch;prerender"}),
    "prefetch of Firefox": ("GET", NAVIGATION | {"Sec-Fetch-Site": "same-origin", "X-Moz": "prefetch"}),
    "link through a service worker": ("GET", FETCH | {"Sec-Fetch-Mode": "navigate", "Accept": "text/html"}),
    "link elsewhere": ("GET", NAVIGATION | {"Sec-Fetch-Site": "cross-site"}),
    "link on a sibling": ("GET", NAVIGATION | {"Sec-Fetch-Site": "same-site"}),
    "link in an old browser": ("GET", {"Accept": "text/html"}),
    "mail scanner": ("GET", {"Accept": "*/*"}),
}  # fmt: skip


@pytest.mark.parametrize("name", FROM_ELSEWHERE)
def test_sign_out_csrf_touches_nothing(site: Site, name: str) -> None:
    method, headers = FROM_ELSEWHERE[name]
    person = site.person()
    for body in (b"", b"form_token=x", b"form_token=&form_token="):
        answer = person.open(method, "/oauth2/sign_out", headers, body if method == "POST" else b"")
        assert answer.status in (200, 403)
        assert answer.all("set-cookie") == []
        assert "location" not in {key.lower() for key, _ in answer.headers}
    assert person.get("/reports").status == 200
    assert COOKIE in person.cookies


def test_sign_out_csrf_what_the_person_does_works(site: Site) -> None:
    """The other half: were everything refused, the test above would prove nothing."""
    for method, headers in (
        ("POST", NAVIGATION | FORM | {"Sec-Fetch-Site": "same-origin"}),
        ("POST", FORM | {"Accept": "text/html", "Origin": ORIGIN}),
        ("GET", NAVIGATION | {"Sec-Fetch-Site": "same-origin"}),
        ("GET", NAVIGATION | {"Sec-Fetch-Site": "none"}),
    ):
        person = site.person()
        assert person.open(method, "/oauth2/sign_out", headers).status == 200
        assert person.cookies == {}


def test_sign_out_csrf_the_attackers_form_token_is_not_the_victims(site: Site) -> None:
    def token_of(name: str) -> str:
        page = site.person(name).ask("sign_out", NAVIGATION | {"Sec-Fetch-Site": "cross-site"})
        return str(re.findall(r'name="form_token" value="([^"]+)"', page.text)[0])

    victim = site.person("victim")
    nobody = site.visitor().ask("sign_out", NAVIGATION | {"Sec-Fetch-Site": "cross-site"}).text
    for token in (token_of("mallory"), re.findall(r'value="([^"]+)"', nobody)[0], "0.", "ffffffff.", "."):
        answer = victim.open("POST", "/oauth2/sign_out", FORM, f"form_token={token}".encode())
        assert (answer.status, answer.all("set-cookie")) == (403, [])
    assert victim.get("/reports").status == 200
    own = f"form_token={token_of('victim')}".encode()
    assert victim.open("POST", "/oauth2/sign_out", FORM, own).status == 303


def test_a_sign_in_cannot_be_started_by_a_subresource(site: Site) -> None:
    """An ``<img>`` that starts a sign-in would fill the flow slots, or sign somebody in unasked."""
    for headers in (
        SUBRESOURCE | {"Sec-Fetch-Dest": "image", "Sec-Fetch-Site": "cross-site"},
        NAVIGATION | {"Sec-Purpose": "prefetch"},
        NAVIGATION | {"Sec-Fetch-Dest": "iframe"},
        {"X-Requested-With": "XMLHttpRequest"},
    ):
        answer = site.visitor().ask("start", headers)
        assert (answer.status, answer.all("set-cookie")) == (400, [])
