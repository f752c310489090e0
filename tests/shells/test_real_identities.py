"""Users in many groups: they sign in, and the application knows whether it sees all of their groups."""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Sequence
from typing import Any

import pytest

from oidc_gate.session import stored_sessions
from oidc_gate.session.cookie_jar import MAX_HEADER_BYTES
from tests.fast import interfaces
from tests.shells.conftest import SHELLS_AT_THE_ROOT, MakeSite, name_of
from tests.shells.site import COOKIE, FETCH, Shell, Site, Visitor
from tests.shells.stores import Place

PARTS = (COOKIE, f"{COOKIE}.body", f"{COOKIE}.body2")


@pytest.fixture(params=interfaces(SHELLS_AT_THE_ROOT), ids=name_of)
def shell(request: pytest.FixtureRequest) -> Shell:
    found: Shell = request.param
    return found


def guids(number: int) -> list[str]:
    return [str(uuid.UUID(bytes=hashlib.md5(b"%d" % each).digest())) for each in range(number)]


def names(number: int) -> list[str]:
    """Names that nothing makes much shorter."""
    return [hashlib.sha256(b"%d" % each).hexdigest() for each in range(number)]


def short_names(number: int) -> list[str]:
    return [name[:32] for name in names(number)]


def signed_in(site: Site, groups: Sequence[str], **claims: Any) -> Visitor:
    site.provider.person = {"sub": "alice", "email": "alice@corp.example", "groups": list(groups), **claims}
    visitor = site.visitor()
    assert visitor.sign_in().status == 302
    assert visitor.get("/").status == 200
    return visitor


def header_of(visitor: Visitor) -> str:
    return "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())


def forget(site: Site) -> None:
    site.gate._runtime.gate.components.cache.clear()


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    found = [line for line in caplog.records if line.levelno > logging.INFO and line.name == "oidc_gate"]
    return [f"{line.levelname} {line.getMessage().split(': ', 2)[2]}" for line in found]


@pytest.mark.parametrize("settings", [{}, {"cookie_name": "n" * 40}, {"cookie_domain": "example"}])
def test_200_entra_groups_sign_in_beside_eight_open_flows(
    make_site: MakeSite, settings: dict[str, Any]
) -> None:
    settings = {} if "cookie_domain" in settings else settings
    site = make_site(identity_headers=True, **settings)
    visitor = signed_in(site, guids(200))
    session = dict(visitor.cookies)
    assert len([name for name in session if "rounds" not in name]) == 3
    for _ in range(8):
        visitor.navigate(site.path("start"))
    assert len([name for name in visitor.cookies if ".flow" in name]) == 8
    assert len(header_of(visitor)) < 7_000
    for _ in range(2):
        assert visitor.get("/").status == 200
        assert site.app.identity is not None
        assert list(site.app.identity.groups) == guids(200)
        assert site.app.identity.groups_complete
        assert site.app.header("x-forwarded-groups") == [",".join(guids(200))]
        assert site.app.header("x-forwarded-groups-incomplete") == []
        forget(site)


def test_the_largest_session_leaves_room_for_all_other_cookies(make_site: MakeSite) -> None:
    site = make_site()
    sizes = []
    for number in range(180, 300, 4):
        visitor = signed_in(site, guids(number))
        for _ in range(8):
            visitor.navigate(site.path("start"))
        sizes.append(len(header_of(visitor)))
        if site.app.identity is not None and not site.app.identity.groups_complete:
            break
    assert max(sizes) <= MAX_HEADER_BYTES
    assert max(sizes) > MAX_HEADER_BYTES - 200  # the room is used
    assert sizes[-1] < 2_000


def test_three_cookies_are_renewed_by_one_and_cleared_at_sign_out(make_site: MakeSite) -> None:
    site = make_site()
    visitor = signed_in(site, guids(200))
    site.now += 400
    (cookie,) = visitor.get("/").all("set-cookie")
    assert cookie.startswith(f"{COOKIE}=")
    assert len(cookie) < 300
    assert visitor.get("/").status == 200
    forget(site)
    assert visitor.get("/").status == 200
    assert site.app.identity is not None
    assert list(site.app.identity.groups) == guids(200)
    visitor.ask("sign_out", {"Sec-Fetch-Site": "same-origin"}, "POST")
    assert not set(PARTS) & set(visitor.cookies)


@pytest.mark.parametrize("groups", [names(66), guids(200)], ids=["two cookies", "three cookies"])
@pytest.mark.parametrize("warm", [True, False], ids=["remembered", "not remembered"])
def test_no_part_of_a_session_is_admitted_without_the_others(
    make_site: MakeSite, groups: list[str], warm: bool
) -> None:
    site = make_site()
    whole = {name: value for name, value in signed_in(site, groups).cookies.items() if name in PARTS}
    calls = len(site.app.seen)
    for missing in whole:
        if not warm:
            forget(site)
        visitor = site.visitor()
        visitor.cookies = {name: value for name, value in whole.items() if name != missing}
        for path in ("/", site.path("auth")):
            assert visitor.get(path, FETCH).status == 401, missing
        # Nor with something else in its place, even if it begins with it.
        for other in (whole[missing][:-1], whole[missing] + "A", "x", ""):
            visitor.cookies = whole | {missing: other}
            assert visitor.get("/", FETCH).status == 401, missing
    assert len(site.app.seen) == calls
    visitor.cookies = dict(whole)
    assert visitor.get("/").status == 200


def test_the_rest_of_an_earlier_session_is_no_hindrance(make_site: MakeSite) -> None:
    """A small session beside the second cookie of a large one is found in the cache like any other."""
    site = make_site()
    large, small = signed_in(site, guids(200)), signed_in(site, ["staff"])
    small.cookies |= {name: large.cookies[name] for name in PARTS[1:]}
    opened = site.gate._runtime.admitted()
    for _ in range(3):
        assert small.get("/").status == 200
        assert site.app.identity is not None
        assert site.app.identity.groups == ("staff",)
    assert site.gate._runtime.admitted() == opened + 3


def test_what_does_not_fit_is_lost_in_the_documented_order(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"keep_id_token": True, "allowed_groups": ("staff",), "groups_kept": ("app-*", "q*d")}
    named = ["staff", "app-1", "app-2", "q*d", "quad"]
    cases: list[tuple[list[str], dict[str, Any], list[str]]] = [
        ([*named, "x"], {"locale": "de"}, []),
        ([*named, *guids(200)], {"locale": "de"}, ["id_token_left_out"]),
        ([*names(150), *named], {"locale": "de"}, ["id_token_left_out", "groups_incomplete"]),
        ([*named, "x"], {"much": "".join(names(150))}, ["id_token_left_out", "claims_left_out"]),
        (
            [*names(150), *named],
            {"much": "".join(names(150))},
            ["id_token_left_out", "groups_incomplete", "claims_left_out"],
        ),
    ]
    for groups, claims, codes in cases:
        site = make_site(**settings)
        caplog.clear()
        visitor = signed_in(site, groups, **claims)
        found = [line.split()[1].rstrip(":") for line in lines(caplog)]
        assert [code for code in found if code != "groups_header_too_long"] == codes
        assert site.app.identity is not None
        is_complete = "groups_incomplete" not in codes
        assert site.app.identity.groups_complete == is_complete
        assert list(site.app.identity.groups) == (groups if is_complete else named)
        assert set(site.app.identity.claims) == (set() if "claims_left_out" in codes else set(claims))
        forget(site)
        assert visitor.get("/").status == 200


def test_a_star_in_a_rule_is_no_pattern(make_site: MakeSite) -> None:
    site = make_site(allowed_groups=("a*", "staff"))
    signed_in(site, ["staff", "abc", *names(150)])
    assert site.app.identity is not None
    assert site.app.identity.groups == ("staff",)


def test_the_claim_that_names_the_user_is_not_lost(make_site: MakeSite) -> None:
    site = make_site(user_claim="login.name", identity_headers=True)
    signed_in(site, [], login={"name": "ada"}, much="".join(names(150)))
    assert site.app.header("x-forwarded-user") == ["ada"]
    assert site.app.identity is not None
    assert set(site.app.identity.claims) == {"login"}


def test_what_is_named_and_does_not_fit_is_refused_with_the_remedy(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(groups_kept=("*",))
    site.provider.person = {"sub": "alice", "groups": names(300)}
    answer = site.visitor().sign_in()
    assert answer.status == 500
    assert "session_too_large" in answer.text
    assert "Fix: set session_store" in caplog.text


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("named", [short_names, guids])
def test_with_a_store_5000_groups_fit(make_site: MakeSite, tmp_path: Any, kind: str, named: Any) -> None:
    place = Place(kind, tmp_path)
    site = make_site(
        store=place.open(), session_store=place.url, identity_headers=True, allowed_groups=("staff",),
        groups_kept=("app",),
    )  # fmt: skip
    groups = [*named(4_998), "staff", "app"]
    visitor = signed_in(site, groups)
    assert len(header_of(visitor)) < 400
    for _ in range(2):
        assert visitor.get("/").status == 200
        assert site.app.identity is not None
        assert list(site.app.identity.groups) == groups
        assert site.app.identity.groups_complete
        # A header cannot carry them: only what is named, and a header that says so.
        assert site.app.header("x-forwarded-groups") == ["staff,app"]
        assert site.app.header("x-forwarded-groups-incomplete") == ["true"]
        forget(site)
    verdict = visitor.ask("auth")
    assert verdict.all("x-auth-request-groups") == ["staff,app"]
    assert verdict.all("x-auth-request-groups-incomplete") == ["true"]


def test_an_id_token_that_is_too_large_for_a_row_keeps_no_user_out(
    make_site: MakeSite, tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    place = Place("memory", tmp_path)
    site = make_site(store=place.open(), session_store=place.url, keep_id_token=True)
    for _ in range(2):
        signed_in(site, short_names(5_000), much="".join(names(1_000)))
        assert site.app.identity is not None
        assert len(site.app.identity.groups) == 5_000
        assert site.app.identity.groups_complete
        assert set(site.app.identity.claims) == {"much"}
    assert [line.split()[1] for line in lines(caplog) if "id_token" in line] == []
    monkeypatch = pytest.MonkeyPatch()
    with monkeypatch.context() as patched:
        patched.setattr(stored_sessions, "MAX_STORED_BYTES", 400 * 1024)
        signed_in(site, short_names(5_000))
    assert "id_token_left_out" in caplog.text
    assert "groups_incomplete" not in caplog.text


def test_no_groups_header_is_longer_than_servers_accept(make_site: MakeSite, tmp_path: Any) -> None:
    for number, kept in ((216, 216), (217, 0)):
        place = Place("memory", tmp_path)
        site = make_site(
            store=place.open(), session_store=place.url, identity_headers=True, groups_kept=("*",)
        )
        signed_in(site, guids(number))
        (header,) = site.app.header("x-forwarded-groups")
        assert header == ",".join(guids(kept))
        assert len(header) <= 8_000
        assert site.app.header("x-forwarded-groups-incomplete") == ([] if kept else ["true"])


@pytest.mark.parametrize("spelling", ["X-Forwarded-Groups-Incomplete", "X_Forwarded_Groups_Incomplete"])
def test_no_client_sends_the_header_about_missing_groups(make_site: MakeSite, spelling: str) -> None:
    site = make_site(identity_headers=True)
    visitor = signed_in(site, ["staff"])
    assert visitor.get("/", {spelling: "true"}).status == 200
    assert site.app.header("x-forwarded-groups-incomplete") == []


@pytest.mark.parametrize(
    ("claims", "is_complete"),
    [
        ({"groups": ["a"]}, True),
        ({}, True),
        ({"_claim_names": {"groups": "src1"}}, False),
        ({"hasgroups": True}, False),
        ({"hasgroups": "true"}, False),
        ({"hasgroups": True, "groups": ["a"]}, True),
        ({"_claim_names": {"other": "src1"}}, True),
        ({"groups": [{"name": "a"}, "b"]}, False),
        ({"groups": ["a" * 600, "b"]}, False),
        ({"groups": [str(number) for number in range(5_001)]}, False),
    ],
    ids=repr,
)
def test_groups_that_the_provider_did_not_send_are_noticed(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, claims: dict[str, Any], is_complete: bool
) -> None:
    site = make_site(identity_headers=True)
    site.provider.person = {"sub": "alice", **claims}
    visitor = site.visitor()
    visitor.sign_in()
    for _ in range(2):
        assert visitor.get("/").status == 200
        assert site.app.identity is not None
        assert site.app.identity.groups_complete == is_complete
        assert visitor.ask("userinfo").json["groups_complete"] == is_complete
        sent = site.app.header("x-forwarded-groups-incomplete")
        assert sent == ([] if is_complete else ["true"])
        forget(site)
    assert (lines(caplog) == []) == is_complete


def test_all_identity_headers_together_are_bounded(
    make_site: MakeSite, tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Names of 1,024 characters that take four bytes each, beside groups of 7,399 bytes."""
    long = "\N{GOTHIC LETTER AHSA}" * 1024
    for name, kept in (("ada", 200), (long, 0)):
        place = Place("memory", tmp_path)
        site = make_site(
            store=place.open(),
            session_store=place.url,
            identity_headers=True,
            user_claim="preferred_username",
        )
        visitor = signed_in(site, guids(200), preferred_username=name)
        verdict = visitor.ask("auth")
        for family, found in (("x-forwarded", site.app.header), ("x-auth-request", verdict.all)):
            headers = {each: found(f"{family}-{each}") for each in SENT}
            assert headers["groups"] == [",".join(guids(kept))]
            assert headers["groups-incomplete"] == ([] if kept else ["true"])
            lines = [f"{family}-{each}: {value}" for each, values in headers.items() for value in values]
            assert len("\r\n".join(lines)) <= 12_000
        assert ("groups_header_too_long" in caplog.text) == (not kept)


SENT = ("user", "email", "groups", "preferred-username", "groups-incomplete")


@pytest.mark.parametrize(("passed", "length"), [(True, 8_000), (True, 8_001), (False, 8_001)])
def test_an_access_token_that_proxies_may_refuse_is_passed_on_and_named_in_the_log(
    make_site: MakeSite, tmp_path: Any, caplog: pytest.LogCaptureFixture, passed: bool, length: int
) -> None:
    place = Place("memory", tmp_path)
    site = make_site(
        store=place.open(), session_store=place.url, pass_access_token=passed, refresh=not passed
    )
    site.provider.tokens = {"access_token": "a" * length, "expires_in": 600, "refresh_token": "r"}
    signed_in(site, ["staff"])
    if passed:
        assert site.app.header("x-forwarded-access-token") == ["a" * length]
    assert ("token_header_too_long" in caplog.text) == (passed and length > 8_000)
    assert "aaaa" not in caplog.text
