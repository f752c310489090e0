"""Groups that do not come, or cannot be read, are named in the log when the user signs in."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from tests.shells.conftest import MakeSite
from tests.shells.site import Site

STAFF = {"allowed_groups": ("staff",)}


def lines_of_sign_in(site: Site, caplog: pytest.LogCaptureFixture, claims: dict[str, Any]) -> list[str]:
    """Sign in with `claims`, and return the lines above INFO, without their beginning."""
    caplog.clear()
    site.provider.person = {"sub": "alice", **claims}
    site.visitor().sign_in()
    lines = [line for line in caplog.records if line.levelno > logging.INFO and line.name == "oidc_gate"]
    return [f"{line.levelname} {line.getMessage().split(': ', 2)[2]}" for line in lines]


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ({"staff": True}, "an object, not a list of texts: there are no groups in it"),
        ([{"name": "staff"}], "a list of objects: 1 of 1 are left out"),
        (["staff", {"name": "it"}, 7], "a list of texts and objects and numbers: 2 of 3 are left out"),
        ([["staff"]], "a list of lists: 1 of 1 are left out"),
        ("staff,it", "one text with separators"),
        ("staff it", "one text with separators"),
        ("/staff;/it", "one text with separators"),
        (7, "a number, not a list"),
        (True, "true, not a list"),
        (["x" * 513], "a list of texts: 1 of 1 are left out"),
        ([str(number) for number in range(5006)], "6 of 5006 are left out"),
    ],
)
@pytest.mark.parametrize("path", ["groups", "realm_access.roles"])
def test_groups_that_cannot_be_read_are_named(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, groups: Any, words: str, path: str
) -> None:
    site = make_site(groups_claim=path)
    claims = {"groups": groups} if path == "groups" else {"realm_access": {"roles": groups}}
    line = lines_of_sign_in(site, caplog, claims)[0]
    assert line.startswith(f'WARNING groups_unreadable: claim "{path}" is ')
    assert words in line
    assert "Fix: have the provider send a list of texts" in line
    assert "alice" not in line


@pytest.mark.parametrize("groups", [[], None, "", "staff", ["staff", "staff"], ["a b", "c"], "Domain Users"])
def test_groups_that_can_be_read_are_not(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, groups: Any
) -> None:
    site = make_site(allowed_groups=("Domain Users", "staff"), scopes=("openid", "groups"))
    assert lines_of_sign_in(site, caplog, {"groups": groups}) == []


@pytest.mark.parametrize(
    ("settings", "name"),
    [(STAFF, "groups"), ({}, "groups"), ({"email_claim": "mail"}, "mail"), ({"user_claim": "upn"}, "upn")],
)
def test_a_reference_instead_of_a_claim_is_an_error_with_the_remedy(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, settings: Any, name: str
) -> None:
    """Entra ID sends ``_claim_names`` for a user in more than 200 groups."""
    site = make_site(**settings)
    token = "a token for the source of the claims"
    sources = {"src1": {"endpoint": "https://graph.example/", "access_token": token}}
    claims = {"_claim_names": {name: "src1"}, "_claim_sources": sources}
    [line] = lines_of_sign_in(site, caplog, claims)
    assert line.startswith(
        'ERROR claims_elsewhere: the provider sent only a reference in "_claim_names" instead of'
    )
    assert f"instead of the claim: {name}. Entra ID does so" in line
    assert "Fix: in the token configuration there, emit only the groups assigned to the application" in line
    assert token not in caplog.text
    assert lines_of_sign_in(site, caplog, {"_claim_names": {"other": "src1"}, "groups": ["staff"]}) == []


def test_allowed_groups_without_a_scope_that_brings_groups_is_one_warning(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(**STAFF)
    [line] = lines_of_sign_in(site, caplog, {})
    assert line.startswith(
        'WARNING groups_scope: allowed_groups is set, claim "groups" is absent, and no scope asks'
    )
    assert "(scopes: openid, email, profile). Fix: add the scope" in line
    assert lines_of_sign_in(site, caplog, {}) == []


@pytest.mark.parametrize(
    ("settings", "claims"),
    [
        ({}, {}),
        (STAFF, {"groups": ["it"]}),
        (STAFF, {"groups": []}),
        (STAFF | {"scopes": ("openid", "groups")}, {}),
        (STAFF | {"scopes": ("openid", "urn:zitadel:iam:org:project:roles")}, {}),
    ],
)
def test_no_warning_about_scopes_where_they_are_not_the_cause(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, settings: Any, claims: Any
) -> None:
    assert lines_of_sign_in(make_site(**settings), caplog, claims) == []


@pytest.mark.parametrize(
    ("settings", "offered", "warns"),
    [
        (STAFF, ["openid", "groups"], True),
        (STAFF | {"groups_claim": "teams.names"}, ["openid", "teams"], True),
        (STAFF | {"scopes": ("openid", "groups")}, ["openid", "groups"], False),
        (STAFF, ["openid", "email"], False),
        (STAFF, None, False),
        ({}, ["openid", "groups"], False),
    ],
)
def test_a_scope_that_brings_groups_and_is_not_asked_for_is_a_warning_at_discovery(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, settings: Any, offered: Any, warns: bool
) -> None:
    site = make_site(**settings)
    site.provider.metadata |= {"scopes_supported": offered} if offered else {}
    for _ in range(2):
        site.visitor().navigate(site.path("start"))
    found = [line for line in caplog.messages if "allowed_groups is set" in line]
    assert len(found) == warns
    assert not warns or f"offers the scope {offered[1]}, which scopes does not contain" in found[0]
