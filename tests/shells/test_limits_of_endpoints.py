"""The limits of endpoints in time and size: the last value that counts, and the first that does not."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.shells.conftest import SHELLS
from tests.shells.driving import Upload
from tests.shells.rare_sign_outs import token_of
from tests.shells.site import NAVIGATION, ORIGIN, Site
from tests.shells.test_snapshots import CROSS, FORM, SAME, posted_back, started

HOUR = 3600


def site_of(**changes: Any) -> Site:
    return Site(SHELLS[0], **changes)


@pytest.mark.parametrize(("seconds", "status"), [(HOUR, 303), (HOUR + 1, 403)])
def test_the_button_of_the_sign_out_page_is_good_for_an_hour(seconds: int, status: int) -> None:
    site = site_of(session_idle_seconds=2 * HOUR)
    visitor = site.person()
    page = visitor.ask("sign_out", NAVIGATION | CROSS)
    (token,) = re.findall(r'name="form_token" value="([^"]+)"', page.text)
    site.now += seconds
    answer = visitor.open("POST", site.path("sign_out"), FORM, f"form_token={token}".encode())
    assert answer.status == status


@pytest.mark.parametrize(("seconds", "status"), [(HOUR, 303), (HOUR + 1, 200)])
def test_the_state_of_a_sign_out_is_good_for_an_hour(seconds: int, status: int) -> None:
    site = site_of()
    onward = site.person().ask("sign_out?rd=/reports", SAME, "POST").header("location")
    site.now += seconds
    state = re.findall(r"state=([^&]+)", onward)[0]
    assert site.visitor().navigate(f"{site.path('signed_out')}?state={state}").status == status


@pytest.mark.parametrize(("length", "is_kept"), [(1, True), (1024, True), (1025, False)])
def test_the_target_of_a_sign_out_is_kept_up_to_1024_characters(length: int, *, is_kept: bool) -> None:
    target = "/" + "x" * (length - 1)
    site = site_of()
    onward = site.person().ask(f"sign_out?rd={target}", SAME, "POST").header("location")
    state = re.findall(r"state=([^&]+)", onward)[0]
    answer = site.visitor().navigate(f"{site.path('signed_out')}?state={state}")
    assert answer.header("location") == (target if is_kept else "")
    page = site.person().ask(f"sign_out?rd={target}", NAVIGATION | CROSS).text
    assert (f'action="{site.path("sign_out")}?rd={target}"' in page) is is_kept


@pytest.mark.parametrize(("size", "status"), [(16 * 1024, 303), (16 * 1024 + 1, 403)])
def test_the_form_of_a_sign_out_has_at_most_16_kib(size: int, status: int) -> None:
    site = site_of()
    visitor = site.person()
    page = visitor.ask("sign_out", NAVIGATION | CROSS)
    (token,) = re.findall(r'name="form_token" value="([^"]+)"', page.text)
    body = f"form_token={token}&x=".encode()
    body += b"x" * (size - len(body))
    assert visitor.open("POST", site.path("sign_out"), FORM, body).status == status


@pytest.mark.parametrize(("size", "status"), [(64 * 1024, 303), (64 * 1024 + 1, 400)])
def test_the_form_of_a_callback_has_at_most_64_kib(size: int, status: int) -> None:
    site = site_of(response_mode="form_post")
    browser, address = started(site)
    parts = urlsplit(address)
    body = f"{parts.query}&x=".encode()
    body += b"x" * (size - len(body))
    assert browser.open("POST", parts.path, NAVIGATION | FORM | CROSS, body).status == status
    assert posted_back(site_of(response_mode="form_post")).status == 303


@pytest.mark.parametrize(("size", "status"), [(64 * 1024, 302), (64 * 1024 + 1, 400)])
def test_the_query_of_a_callback_has_at_most_64_kib(size: int, status: int) -> None:
    browser, address = started(site_of())
    address += "&x="
    query = address.partition("?")[2]
    assert browser.navigate(address + "x" * (size - len(query))).status == status


@pytest.mark.parametrize(("size", "status"), [(96 * 1024, 200), (98 * 1024, 400)])
def test_the_form_with_a_logout_token_is_cut_off_after_96_kib(size: int, status: int) -> None:
    site = site_of(insecure_single_process_revocation=True)
    token = token_of(site)
    body = b"x=" + b"x" * (size - len(token) - 3) + b"&" + token
    assert site.visitor().open("POST", site.path("backchannel_logout"), FORM, body).status == status


def test_only_as_much_of_a_form_is_read() -> None:
    site = site_of(insecure_single_process_revocation=True, response_mode="form_post")
    for endpoint, limit in (("backchannel_logout", 96), ("callback", 64), ("sign_out", 16)):
        upload = Upload(b"x" * 200_000)
        headers = FORM | NAVIGATION | CROSS
        site.send("POST", site.path(endpoint), [("Host", "app.example"), *headers.items()], upload)
        assert upload.taken == limit * 1024 + 1, endpoint


@pytest.mark.parametrize("lasts", [60, 3600, 100_000])
def test_a_logout_token_ends_sessions_once_as_long_as_it_is_accepted(lasts: int) -> None:
    site = site_of(insecure_single_process_revocation=True)
    body = token_of(site, exp=int(site.now) + lasts)

    def send() -> int:
        return site.visitor().open("POST", site.path("backchannel_logout"), FORM, body).status

    skew = site.settings.clock_skew_seconds
    assert send() == 200
    times = {min(lasts, HOUR) + offset for offset in (-1, 0, 1, skew - 1, skew, skew + 1)} | {2 * lasts, 1}
    began = site.now
    for seconds in sorted(times):
        site.now = began + seconds
        assert send() == 400, seconds


def test_a_user_who_is_signed_out_by_the_provider_is_not_served_from_the_cache() -> None:
    site = site_of(insecure_single_process_revocation=True)
    alice, bob = site.person("alice"), site.person("bob")
    for visitor in (alice, bob):
        assert visitor.get("/").status == 200
    site.now += 1
    assert site.visitor().open("POST", site.path("backchannel_logout"), FORM, token_of(site)).status == 200
    assert (alice.get("/").status, bob.get("/").status) == (401, 200)


@pytest.mark.parametrize("origins", [("Origin", ORIGIN), ("Origin", "null")])
def test_a_code_is_sent_once_even_if_the_flow_cookie_comes_back(origins: tuple[str, str]) -> None:
    site = site_of()
    browser, address = started(site)
    kept = dict(browser.cookies)
    for seconds in (0, 1, 598, 1):
        site.now += seconds
        browser.cookies = dict(kept)
        browser.navigate(address, **dict([origins]))
    assert site.provider.fetches.count("token") == 1
