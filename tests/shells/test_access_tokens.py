"""Which access token is handed on: one that lasts long enough, or none."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from oidc_gate.shells.access_tokens import KEY
from tests.core.provider.scripted import answer
from tests.shells.conftest import MakeSite
from tests.shells.site import Site, Visitor
from tests.shells.stores import sqlite_url

LASTS = 600
PASSES = {"pass_access_token": True, "pass_authorization": True}


@pytest.fixture(params=["cookie", "store"])
def home(request: pytest.FixtureRequest, tmp_path: Any) -> dict[str, str]:
    return {} if request.param == "cookie" else {"session_store": sqlite_url(tmp_path)}


def signed_in(site: Site, **tokens: Any) -> Visitor:
    site.provider.tokens = {"access_token": "opaque", "expires_in": LASTS} | tokens
    visitor = site.visitor()
    assert visitor.sign_in().status == 302
    return visitor


def handed_on(visitor: Visitor) -> set[tuple[str, ...]]:
    """Every token that the application and a proxy get, on the first request and from the cache."""
    seen = set()
    site = visitor.site
    for _ in range(3):
        assert visitor.get("/").status == 200
        assert not [value for value in site.app.header("authorization") if value == "Bearer "]
        seen.add(tuple(value.removeprefix("Bearer ") for value in site.app.header("authorization")) or ("",))
        seen.add(tuple(site.app.header("x-forwarded-access-token")))
        answer = visitor.ask("auth")
        assert answer.status == 202
        seen.add(tuple(answer.all("x-auth-request-access-token")))
        authorization = answer.header("authorization")
        assert authorization != "Bearer "
        seen.add((authorization.removeprefix("Bearer "),))
    return seen


def test_an_access_token_is_not_handed_on_shortly_before_it_expires(
    make_site: MakeSite, home: dict[str, str]
) -> None:
    site = make_site(**PASSES, **home)
    visitor = signed_in(site)
    site.now += LASTS - 30 - 1
    assert handed_on(visitor) == {("opaque",)}
    site.now += 1
    assert handed_on(visitor) == {("",)}
    site.now += 3_000  # the session was renewed in the meantime
    assert handed_on(visitor) == {("",)}


def test_a_request_that_renews_the_session_hands_on_no_expired_token(
    make_site: MakeSite, home: dict[str, str]
) -> None:
    site = make_site(**PASSES, **home)
    visitor = signed_in(site)
    assert handed_on(visitor) == {("opaque",)}
    site.now += LASTS
    assert handed_on(visitor) == {("",)}


@pytest.mark.parametrize("least", [0, 600])
def test_the_least_time_is_a_setting(make_site: MakeSite, least: int) -> None:
    site = make_site(**PASSES, access_token_min_seconds=least)
    visitor = signed_in(site, expires_in=1_000)
    site.now += 1_000 - least - 1
    assert handed_on(visitor) == {("opaque",)}
    site.now += 1
    assert handed_on(visitor) == {("",)}


@pytest.mark.parametrize("expires_in", [None, "soon", True, 1e300, -1e300, [600]])
def test_if_the_provider_does_not_say_how_long_it_lasts_it_is_as_long_as_the_id_token(
    make_site: MakeSite, expires_in: object
) -> None:
    site = make_site(**PASSES)
    visitor = signed_in(site, expires_in=expires_in)
    site.now += 300 - 30 - 1
    assert handed_on(visitor) == {("opaque",)}
    site.now += 1
    assert handed_on(visitor) == {("",)}


@pytest.mark.parametrize("expires_in", [0, -5, 29, 30, "30"])
def test_one_that_lasts_too_short_a_time_is_never_handed_on(make_site: MakeSite, expires_in: object) -> None:
    site = make_site(**PASSES)
    assert handed_on(signed_in(site, expires_in=expires_in)) == {("",)}


def test_the_time_counts_from_before_the_provider_was_asked(make_site: MakeSite) -> None:
    site = make_site(**PASSES)
    answer = site.provider.answer

    def slow(fetch: Any) -> Any:
        answered = answer(fetch)
        site.now += 20 if fetch.url.endswith("/token") else 0
        return answered

    site.world._outbound = slow
    visitor = signed_in(site)
    site.now += LASTS - 30 - 20
    assert handed_on(visitor) == {("",)}


# --- for the application -----------------------------------------------------------------------------------


def ways(site: Site) -> list[Any]:
    """Ask for the token as the application of the last request does, sync and async."""
    found = site.app.last.get(KEY)
    if found is None:
        return [None, None]
    return [found.get(), anyio.run(found.aget)]


def test_the_application_gets_a_token_that_lasts_or_none(make_site: MakeSite, home: dict[str, str]) -> None:
    site = make_site(**PASSES, **home)
    visitor = signed_in(site)
    for _ in range(3):
        assert visitor.get("/").status == 200
        assert ways(site) == ["opaque"] * 2
    site.now += LASTS - 30
    assert ways(site) == [None, None]  # the request still runs
    assert visitor.get("/").status == 200
    assert ways(site) == [None, None]


def test_nothing_is_added_for_an_application_that_has_no_tokens(
    make_site: MakeSite, home: dict[str, str]
) -> None:
    site = make_site(**home)
    visitor = signed_in(site)
    for _ in range(3):
        assert visitor.get("/").status == 200
        assert KEY not in site.app.last


@pytest.mark.parametrize("who", ["anonymous", "refused"])
def test_without_a_user_there_is_no_token(make_site: MakeSite, home: dict[str, str], who: str) -> None:
    site = make_site(**PASSES, **home, public_paths=("/open/*",), allowed_groups=("staff",))
    visitor = site.visitor()
    if who == "refused":
        site.provider.tokens = {"access_token": "opaque", "expires_in": LASTS}
        assert visitor.sign_in().status == 403
    for _ in range(3):
        assert visitor.get("/open/x").status == 200
        assert KEY not in site.app.last


def test_a_new_one_is_fetched_for_a_request_that_runs_for_long(make_site: MakeSite, tmp_path: Any) -> None:
    site = make_site(session_store=sqlite_url(tmp_path), refresh=True)
    visitor = signed_in(site, refresh_token="refresh first")
    for _ in range(2):
        assert visitor.get("/").status == 200
    token = site.app.last[KEY]
    assert "opaque" not in repr(token)
    for number in range(3):
        site.provider.tokens = {
            "access_token": f"token {number}",
            "refresh_token": f"refresh {number}",
            "expires_in": LASTS,
        }
        site.now += LASTS - 30
        expected = f"token {number}"
        assert (token.get() if number else anyio.run(token.aget)) == expected
        assert token.get() == anyio.run(token.aget) == expected
    assert site.provider.refreshed == ["refresh first", "refresh 0", "refresh 1"]
    assert visitor.get("/").status == 200
    assert ways(site) == ["token 2"] * 2


def test_there_is_none_once_the_session_has_ended(make_site: MakeSite, tmp_path: Any) -> None:
    site = make_site(session_store=sqlite_url(tmp_path), refresh=True)
    visitor = signed_in(site, refresh_token="refresh first")
    assert visitor.get("/").status == 200
    site.provider.instead["token"] = answer({"error": "invalid_grant"}, 400)
    site.now += LASTS - 30
    assert ways(site) == [None, None]
    assert visitor.get("/").status == 401


def test_while_the_provider_is_down_there_is_none(make_site: MakeSite, tmp_path: Any) -> None:
    site = make_site(session_store=sqlite_url(tmp_path), refresh=True)
    visitor = signed_in(site, refresh_token="refresh first")
    assert visitor.get("/").status == 200
    site.provider.instead["token"] = answer({}, 503)
    site.now += LASTS - 30
    assert ways(site) == [None, None]
    assert visitor.get("/").status == 200
