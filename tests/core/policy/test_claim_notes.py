"""What the log says of groups that are not there or cannot be read: whole texts, and when nothing is said."""

from __future__ import annotations

from typing import Any

import pytest

from oidc_gate.model import Reason
from oidc_gate.policy.claim_notes import groups_without_scope, notes_on_claims
from oidc_gate.policy.claims import are_groups_elsewhere, describe_shape, unreadable_groups
from tests.core.request.making import settings

ELSEWHERE = (
    "the provider sent only {} instead of the claim: {}. Entra ID does so for a user in more than 200 groups. Fix: in "
    "the token configuration there, emit only the groups assigned to the application, or use application roles and set "
    "groups_claim to roles"
)
REFERENCE = 'a reference in "_claim_names"'
FIX = ". Fix: have the provider send a list of texts, or set groups_claim"


@pytest.mark.parametrize(
    ("changes", "claims", "notes"),
    [
        ({}, {}, ()),
        ({}, {"groups": ["a"]}, ()),
        ({}, {"_claim_names": {"groups": "s"}}, [("claims_elsewhere", ELSEWHERE.format(REFERENCE, "groups"))]),
        ({}, {"hasgroups": True}, [("claims_elsewhere", ELSEWHERE.format('"hasgroups"', "groups"))]),
        ({}, {"hasgroups": "true"}, [("claims_elsewhere", ELSEWHERE.format('"hasgroups"', "groups"))]),
        ({}, {"hasgroups": False}, ()),
        ({"groups_claim": "roles"}, {"hasgroups": True}, ()),
        ({"groups_claim": "roles"}, {"_claim_names": {"groups": "s"}}, ()),
        ({}, {"_claim_names": {"groups": "s"}, "groups": ["a"]}, ()),
        ({}, {"_claim_names": ["groups"]}, ()),
        (
            {"email_claim": "mail", "user_claim": "upn"},
            {"_claim_names": {"groups": "s", "upn": "s", "mail": "s", "other": "s"}},
            [("claims_elsewhere", ELSEWHERE.format(REFERENCE, "groups, mail, upn"))],
        ),
        (
            {"email_claim": "mail", "user_claim": "mail"},
            {"_claim_names": {"mail": "s"}},
            [("claims_elsewhere", ELSEWHERE.format(REFERENCE, "mail"))],
        ),
        ({"email_claim": "mail"}, {"_claim_names": {"mail": "s"}, "mail": "a@b"}, ()),
        (
            {}, {"groups": {"a": 1}},
            [(
                "groups_unreadable",
                'claim "groups" is an object, not a list of texts: there are no groups in it' + FIX,
            )],
        ),
        (
            {"groups_claim": "realm.roles"}, {"realm": {"roles": [1, "a"]}},
            [(
                "groups_unreadable",
                'claim "realm.roles" is a list of numbers and texts: 1 of 2 are left out (no texts, or too many)' + FIX,
            )],
        ),
    ],
)  # fmt: skip
def test_the_notes_on_the_claims_of_a_sign_in(
    changes: dict[str, Any], claims: dict[str, Any], notes: Any
) -> None:
    found = notes_on_claims(claims, settings(**changes))
    assert found == tuple(Reason(code, detail=detail) for code, detail in notes)


STAFF = {"allowed_groups": ("staff",)}


@pytest.mark.parametrize(
    ("changes", "claims", "is_said"),
    [
        (STAFF, {}, True),
        (STAFF | {"scopes": ("openid", "address", "phone", "offline_access")}, {}, True),
        ({}, {}, False),
        (STAFF, {"groups": []}, False),
        (STAFF, {"_claim_names": {"groups": "s"}}, False),
        (STAFF, {"hasgroups": True}, False),
        (STAFF | {"scopes": ("openid", "groups")}, {}, False),
    ],
)
def test_groups_that_no_scope_asks_for(
    changes: dict[str, Any], claims: dict[str, Any], is_said: bool
) -> None:
    told = settings(**changes)
    said = (
        'allowed_groups is set, claim "groups" is absent, and no scope asks for groups (scopes: '
        f"{', '.join(told.scopes)}). Fix: add the scope that brings them at your provider, or have it send them "
        "always, or set groups_claim"
    )
    assert groups_without_scope(claims, told) == (said if is_said else "")


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        ("", "an empty text"),
        ("abc", "a text of 3 characters"),
        (0, "a number"),
        (1.5, "a number"),
        ({}, "an object"),
        ([], "an empty list"),
        ([""], "a list of texts"),
        (("a",), "a list of texts"),
        ([{}], "a list of objects"),
        ([[], ()], "a list of lists"),
        ([True, None], "a list of other values"),
        ([1, 1.5, "a", 2], "a list of numbers and texts"),
        (object(), "of an unknown type"),
    ],
)
def test_the_shape_of_a_value(value: object, shape: str) -> None:
    assert describe_shape(value) == shape


ONE_TEXT = "one text with separators, or too long, and not a list: it counts as one group at most"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, ""),
        ([], ""),
        ("", ""),
        ("staff", ""),
        (" staff ", ""),
        ("a b", ONE_TEXT),
        ("a,b", ONE_TEXT),
        ("a;b", ONE_TEXT),
        ("a|b", ONE_TEXT),
        ("Domain Users", ""),
        ("x" * 512, ""),
        ("x" * 513, ONE_TEXT),
        (7, "a number, not a list of texts: there are no groups in it"),
        (["a", "a", "b"], ""),
        (("a", "b"), ""),
        (["a", "a", 1, 1], "a list of texts and numbers: 2 of 4 are left out (no texts, or too many)"),
        (["a", "x" * 513, ""], "a list of texts: 2 of 3 are left out (no texts, or too many)"),
    ],
)
def test_what_cannot_be_read_as_groups(value: object, said: str) -> None:
    told = settings(allowed_groups=("Domain Users",))
    assert unreadable_groups({"groups": value}, told) == said
    assert not are_groups_elsewhere({"groups": value, "hasgroups": True}, told) or value is None
