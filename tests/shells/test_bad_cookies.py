"""Any bytes as a cookie are an anonymous request, and never an exception."""

from __future__ import annotations

import logging

import pytest

from tests.shells.conftest import MakeSite
from tests.shells.site import COOKIE, Site


def with_cookie(site: Site, header: str) -> int:
    return site.visitor().get("/", {"Cookie": header}).status


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        "=",
        "====",
        '"quoted"',
        "%00",
        "\xff\xfe",
        "a" * 3500,
        "a" * 60_000,
        "A" * 60,
        "AQ",
        "_-+/",
        " ",
        "\t",
        ",",
        "\x7f",
        "AAAA.AAAA",
        "eyJhbGciOiJub25lIn0.e30.",
    ],
)
def test_garbage(site: Site, value: str) -> None:
    for name in (COOKIE, f"{COOKIE}.body", f"{COOKIE}.flow0", f"{COOKIE}.rounds"):
        assert with_cookie(site, f"{name}={value}") == 401
        assert site.visitor().ask("auth", {"Cookie": f"{name}={value}"}).status == 401
    assert site.app.seen == []


def test_a_session_with_any_character_changed_or_missing(site: Site) -> None:
    value = site.person().cookies[COOKIE]
    assert with_cookie(site, f"{COOKIE}={value}") == 200
    for at in range(0, len(value) - 1, 11):
        other = "A" if value[at] != "A" else "B"
        for bad in (value[:at] + other + value[at + 1 :], value[:at], value[:at] + value[at + 1 :]):
            assert with_cookie(site, f"{COOKIE}={bad}") == 401, at
    for bad in (value + "A", value + "=", value * 2, value.lower(), value + " x"):
        assert with_cookie(site, f"{COOKIE}={bad}") == 401
    assert len(site.app.seen) == 1


def test_a_session_of_another_gate_is_none_and_the_log_says_what_it_may_be(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    site = make_site()
    foreign = make_site(cookie_secret=("another-" + "q" * 20 + "w" * 20,)).person().cookies[COOKIE]
    assert with_cookie(site, f"{COOKIE}={foreign}") == 401
    assert "does another gate on this host use the same cookie_name?" in caplog.text
    assert foreign not in caplog.text
    for changes in ({"client_id": "other"}, {"issuer": "https://other.example"}, {"cookie_name": "other"}):
        value = next(iter(make_site(**changes).person().cookies.values()))
        assert with_cookie(site, f"{COOKIE}={value}") == 401


def test_the_log_says_why_a_cookie_opens_no_session(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site()
    value = site.person().cookies[COOKIE]
    foreign = make_site(client_id="other").person().cookies[COOKIE]
    forged = value[:40] + ("A" if value[40] != "A" else "B") + value[41:]
    caplog.set_level(logging.DEBUG, "oidc_gate")
    hint = f"{COOKIE} was not sealed by this gate; does another gate on this host use the same cookie_name?"
    for cookie, code, detail in (
        (foreign, "seal_foreign", f": {hint}"),
        (forged, "seal_forged", f": {hint}"),
        ("x", "seal_malformed", ""),
        (value, "session_idle", ""),
    ):
        site.now += 3600 * (cookie == value)
        caplog.clear()
        assert with_cookie(site, f"{COOKIE}={cookie}") == 401
        (line,) = (record.getMessage() for record in caplog.records if record.name == "oidc_gate")
        assert line.partition(" ")[2] == f"GET /: 401: {code}{detail}"


def test_a_cookie_of_one_kind_is_none_of_another(site: Site) -> None:
    visitor = site.visitor()
    visitor.navigate(site.path("start"))
    (flow,) = visitor.cookies.values()
    assert with_cookie(site, f"{COOKIE}={flow}") == 401
    session = site.person().cookies[COOKIE]
    assert with_cookie(site, f"{COOKIE}.body={session}") == 401


def test_a_rotated_secret_opens_what_it_sealed(make_site: MakeSite) -> None:
    old, new = "old-" + "abcdefghij" * 4, "new-" + "abcdefghij" * 4
    value = make_site(cookie_secret=(old,)).person().cookies[COOKIE]
    assert with_cookie(make_site(cookie_secret=(new, old)), f"{COOKIE}={value}") == 200
    assert with_cookie(make_site(cookie_secret=(new,)), f"{COOKIE}={value}") == 401


def test_a_planted_cookie_of_the_same_name_does_not_hide_ours(site: Site) -> None:
    value = site.person().cookies[COOKIE]
    assert with_cookie(site, f"{COOKIE}=planted; {COOKIE}={value}") == 200
    assert with_cookie(site, f"{COOKIE}={value}; {COOKIE}=planted") == 200
    assert site.app.header("cookie") == []


@pytest.mark.parametrize("before", ["=", "x=", "x", "x=y:", '"'])
def test_what_only_contains_our_name_is_not_ours(site: Site, before: str) -> None:
    value = site.person().cookies[COOKIE]
    for _ in range(2):
        assert with_cookie(site, f"{before}{COOKIE}={value}") == 401
        assert with_cookie(site, f"{COOKIE}={value}") == 200  # from now on it is recognised


def test_a_hundred_cookies_and_64_kib_of_them(site: Site) -> None:
    value = site.person().cookies[COOKIE]
    others = "; ".join(f"c{number}={'v' * 600}" for number in range(100))
    assert with_cookie(site, f"{others}; {COOKIE}={value}") == 200
    assert site.app.header("cookie") == [others]
    assert with_cookie(site, f"{COOKIE}={value}; {others}") == 200
    assert with_cookie(site, others) == 401
    assert with_cookie(site, "; ".join([f"{COOKIE}=x"] * 3000)) == 401
    assert with_cookie(site, ";" * 65536) == 401
    assert with_cookie(site, "=" * 65536) == 401
