"""A refusal leaves one line at INFO that explains it, and the page shows the request ID of that line."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest

from oidc_gate.policy import refusals
from tests.shells.conftest import MakeSite
from tests.shells.driving import Answer
from tests.shells.site import FETCH, NAVIGATION, Site, Visitor

STAFF = {"allowed_groups": ("staff",)}
CORP = {"allowed_email_domains": ("corp.example", "*.corp.example")}
NO_GROUPS = (
    'groups: none; claim "groups" {}; looked for: staff. Fix: does a scope bring the groups '
    "(scopes: openid, email, profile), and is groups_claim the right name?"
)
UNREADABLE = (
    'groups: none; claim "groups" is {}; looked for: staff; '
    "the session does not contain all groups of the user"
)
EVE = {"sub": "eve", "email": "eve@evil.example", "email_verified": True}
RECEIVED = "absent; claims received: sub, email, department"


def explanations(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Return the request ID of each line at INFO that explains a refusal, and what it says."""
    lines = [record.getMessage() for record in caplog.records if record.levelno == logging.INFO]
    found = [re.fullmatch(r"(\S+) .*: user_refused (.*)", line) for line in lines]
    return [(match[1], match[2]) for match in found if match]


def shown_id(page: Answer) -> str:
    found = re.search(r"[0-9a-f]{8}-[0-9a-f]+-[0-9a-f]+", page.text)
    assert found, page.text
    return found[0]


@pytest.mark.parametrize(
    ("settings", "claims", "words"),
    [
        (
            STAFF,
            {"groups": ["guests", "it"]},
            "(allowed_groups): sub='eve'; groups: guests, it; looked for: staff",
        ),
        (STAFF, {"groups": ["/Staff"]}, "looked for: staff; /Staff differs only in case or slashes"),
        (STAFF, {"department": "x"}, NO_GROUPS.format(RECEIVED)),
        (STAFF, {"groups": []}, NO_GROUPS.format("is an empty list")),
        (STAFF, {"groups": {"staff": True}}, UNREADABLE.format("an object")),
        (STAFF, {"groups": [{"name": "staff"}]}, UNREADABLE.format("a list of objects")),
        (STAFF, {"groups": [1, 2]}, UNREADABLE.format("a list of numbers")),
        (STAFF, {"groups": "it staff"}, "groups: it staff; looked for: staff"),
        (STAFF, {"_claim_names": {"groups": "src1"}}, "was not sent, only a reference to it"),
        (STAFF | {"groups_claim": "realm_access.roles"}, {"realm_access": {}}, '"realm_access.roles" absent'),
        (
            STAFF | {"groups_claim": "realm_access.roles"},
            {"realm_access": {"roles": {"staff": 1}}},
            '"realm_access.roles" is an object',
        ),
        (CORP, {}, "email: eve@evil.example; looked for: corp.example, *.corp.example"),
        (
            {"allowed_emails": ("a@b.example",)},
            {},
            "(allowed_emails): sub='eve'; email: eve@evil.example; looked for: a@b",
        ),
        (CORP, {"email": None}, 'email: none; claim "email" absent; claims received: sub'),
        (CORP, {"email": ["x@corp.example"]}, 'email: none; claim "email" is a list of texts'),
        (
            CORP,
            {"email": "eve@corp.example", "email_verified": False},
            '"email_verified" is false; looked for: true',
        ),
        (CORP, {"email": "eve@corp.example", "email_verified": None}, '"email_verified" absent; claims'),
        (
            CORP | {"email_claim": "upn"},
            {"upn": "eve@corp.example"},
            'from the claim "upn"; "email_verified" is about the claim "email" only',
        ),
        (STAFF, {"groups": ["a\nINFO forged", "\u20ac"]}, "groups: a\\nINFO forged, \\u20ac; looked"),
    ],
)
def test_the_line_says_what_the_user_has_and_what_was_looked_for(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, settings: Any, claims: Any, words: str
) -> None:
    site = make_site(**settings)
    site.provider.person = {name: value for name, value in (EVE | claims).items() if value is not None}
    visitor = site.visitor()
    with caplog.at_level(logging.INFO, "oidc_gate"):
        page = visitor.sign_in("/reports")
    [(request_id, line)] = explanations(caplog)
    assert words in line
    assert (page.status, shown_id(page)) == (403, request_id)
    # Another process, which did not see the sign-in, finds the same in the session.
    other = make_site(**settings)
    stranger = other.visitor()
    stranger.cookies = visitor.cookies
    with caplog.at_level(logging.INFO, "oidc_gate"):
        page = stranger.get("/reports", NAVIGATION)
    assert page.status == 403
    assert explanations(caplog)[1] == (shown_id(page), line)


def eve(site: Site, session: str = "1") -> Visitor:
    return site.person("eve", groups=("guests",), session_id=f"session {session}")


def test_one_line_for_each_session_and_rule_whatever_refuses(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(public_paths=("/open/*",), **STAFF)
    visitor = eve(site)
    with caplog.at_level(logging.INFO, "oidc_gate"):
        first = visitor.get("/reports", NAVIGATION)
        for path in ("/reports", "/other", "/open/x"):
            for headers in (NAVIGATION, FETCH):
                page = visitor.get(path, headers)
                assert page.status in (200, 403)
                assert not page.is_page or shown_id(page) == shown_id(first)
        for endpoint in ("auth", "forward", "userinfo", "sign_in"):
            page = visitor.ask(endpoint, NAVIGATION)
            assert not page.is_page or shown_id(page) == shown_id(first)
        assert [request_id for request_id, _ in explanations(caplog)] == [shown_id(first)]
        eve(site, "2").get("/reports", NAVIGATION)
        assert len(explanations(caplog)) == 2


@pytest.mark.parametrize("endpoint", ["auth", "forward", "userinfo", "sign_in"])
def test_the_line_comes_from_every_place_that_refuses(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, endpoint: str
) -> None:
    site = make_site(**STAFF)
    with caplog.at_level(logging.INFO, "oidc_gate"):
        eve(site).ask(endpoint, NAVIGATION)
    assert len(explanations(caplog)) == 1


def test_the_line_comes_from_a_public_path(make_site: MakeSite, caplog: pytest.LogCaptureFixture) -> None:
    site = make_site(public_paths=("/open/*",), **STAFF)
    with caplog.at_level(logging.INFO, "oidc_gate"):
        eve(site).get("/open/x")
    assert len(explanations(caplog)) == 1


def test_behind_nginx_the_query_that_refuses_is_explained_and_the_page_is_that_of_a_refusal(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site()
    alice = site.person("alice", groups=("staff",))
    with caplog.at_level(logging.INFO, "oidc_gate"):
        for _ in range(3):
            assert alice.ask("auth?allowed_groups=admins").status == 403
            page = alice.ask("sign_in", NAVIGATION | {"X-Auth-Request-Redirect": site.own("/admin/x")})
    verdict, shown = explanations(caplog)
    assert verdict[1] == (
        "(allowed_groups): sub='alice'; groups: staff; looked for: admins in the query of the request"
    )
    assert "You do not have access" in page.text
    assert (page.status, shown_id(page)) == (401, shown[0])
    assert "sub='alice'" in shown[1]
    assert alice.ask("auth").status == 202
    # a user who opens the page itself was refused nowhere
    for headers in ({}, {"X-Auth-Request-Redirect": site.path("sign_in")}):
        assert "You are signed in" in alice.ask("sign_in", NAVIGATION | headers).text


def test_what_is_remembered_is_bounded(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "MAX_REMEMBERED", 3)
    site = make_site(**STAFF)
    with caplog.at_level(logging.INFO, "oidc_gate"):
        for number in range(5):
            eve(site, str(number)).get("/x", FETCH)
    assert len(site.gate._runtime.gate.components.refusals._first) == 3
    with caplog.at_level(logging.INFO, "oidc_gate"):
        eve(site, "4").get("/x", FETCH)
        assert len(explanations(caplog)) == 5
        eve(site, "0").get("/x", FETCH)
        assert len(explanations(caplog)) == 6


def test_queries_that_a_user_makes_up_are_one_reason(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    """The location of ``/oauth2/auth`` should be internal; where it is not, its log must not be flooded."""
    site = make_site()
    visitor = eve(site)
    with caplog.at_level(logging.INFO, "oidc_gate"):
        for number in range(200):
            assert visitor.ask(f"auth?allowed_groups=x{number}").status == 403
    assert len(explanations(caplog)) <= 65
