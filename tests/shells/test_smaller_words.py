"""The log and the pages say what happened, and no more than the gate knows."""

from __future__ import annotations

import json
import logging
from base64 import urlsafe_b64decode
from typing import Any
from urllib.parse import parse_qs, quote

import pytest
from joserfc.jwk import RSAKey

from oidc_gate.effects import Fetch
from tests.core.provider.jose import forge
from tests.shells.conftest import MakeSite
from tests.shells.provider import ISSUER
from tests.shells.site import NAVIGATION, ORIGIN, Site

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("mode", "method", "words"),
    [
        ("form_post", "GET", "response_mode is form_post, and the answer came in the query"),
        ("query", "POST", "response_mode is query, and the answer came in a form"),
    ],
)
def test_an_answer_in_another_mode_names_it(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, mode: str, method: str, words: str
) -> None:
    site = make_site(response_mode=mode)
    visitor = site.visitor()
    back = site.provider.authorize(visitor.navigate(site.path("start")).header("location"))
    path, _, query = back.partition("?")
    target = back if method == "GET" else path
    page = visitor.open(method, target, NAVIGATION | FORM, query.encode() if method == "POST" else b"")
    assert (page.status, "<code>response_mode_ignored</code>" in page.text) == (400, True)
    assert words in caplog.text
    assert site.provider.fetches.count("token") == 0


def test_front_channel_logout_without_effect_is_one_warning(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        site.visitor().ask(f"frontchannel_logout?iss={quote(ISSUER)}&sid=s1")
    lines = [line.getMessage() for line in caplog.records if line.levelno == logging.WARNING]
    assert len(lines) == 1
    assert (
        "frontchannel_without_effect: front-channel logout ended no session: browsers send a SameSite=Lax"
        in lines[0]
    )
    assert "Fix: register back-channel logout" in lines[0]


def test_front_channel_logout_with_effect_is_no_warning(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(insecure_single_process_revocation=True)
    caplog.clear()
    site.visitor().ask(f"frontchannel_logout?iss={quote(ISSUER)}&sid=s1")
    assert "frontchannel_without_effect" not in caplog.text


def test_sign_out_has_a_way_back(site: Site) -> None:
    targets = {
        ORIGIN + site.own("/reports?x=1"): site.own("/reports?x=1"),
        "https://evil.example/": site.own("/"),
        "": site.own("/"),
        ORIGIN + site.path("start"): site.own("/"),
    }
    for referer, back in targets.items():
        headers = NAVIGATION | {"Sec-Fetch-Site": "cross-site", "Referer": referer}
        page = site.person().ask("sign_out", headers)
        assert page.status == 200
        assert f'href="{back}">Stay signed in</a>' in page.text


def test_signed_out_claims_what_is_known(site: Site) -> None:
    page = site.visitor().navigate(site.path("signed_out"))
    assert "You are not signed in to" in page.text
    assert "has ended" not in page.text


@pytest.mark.parametrize(
    ("named", "header"),
    [
        ({}, {"alg": "RS256"}),
        ({"client_private_key_alg": "PS256"}, {"alg": "PS256"}),
        ({"client_private_key_kid": "at-the-provider"}, {"alg": "RS256", "kid": "at-the-provider"}),
    ],
)
def test_algorithm_and_kid_of_the_client_key_can_be_named(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch, named: Any, header: dict[str, str]
) -> None:
    key = forge.private_key("RSA", 1)
    assert isinstance(key, RSAKey)
    pem = key.as_pem(private=True).decode()
    site = make_site(client_secret=None, client_private_key=pem, **named)
    sent: list[str] = []
    token = site.provider._token

    def reading(fetch: Fetch) -> Any:
        sent.append(parse_qs((fetch.body or b"").decode())["client_assertion"][0])
        return token(fetch)

    monkeypatch.setattr(site.provider, "_token", reading)
    assert site.visitor().sign_in().status == 302
    found = json.loads(urlsafe_b64decode(sent[0].partition(".")[0] + "=="))
    assert {name: value for name, value in found.items() if name != "typ"} == header
