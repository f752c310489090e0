"""What the log says of a refusal: the whole line for each rule, and which request's line says it."""

from __future__ import annotations

from typing import Any

import pytest

from oidc_gate.model import Identity, Request
from oidc_gate.policy import refusals
from oidc_gate.policy.access import AccessRules
from oidc_gate.policy.refusals import ExplainedRefusals, explain_refusal, list_words
from tests.core.request.making import settings

GROUPS = {"allowed_groups": ("staff", "board")}
CORP = {
    "allowed_email_domains": ("corp.example", "*.sub.example"),
    "allowed_emails": ("zoe@x.example", "ann@x.example"),
}
FEW = "(others, if there were any, are not in the session)"
LOOKED = "looked for: ann@x.example, zoe@x.example, corp.example, *.sub.example"
SCOPES = "scopes: openid, email, profile"


@pytest.mark.parametrize(
    ("rule", "rules", "who", "line"),
    [
        (
            "allowed_groups", GROUPS, {"groups": ("guests", "it")},
            "groups: guests, it; looked for: board, staff",
        ),
        (
            "allowed_groups", GROUPS, {"groups": ("/Staff", "BOARD ", "it", "staffs")},
            "groups: /Staff, BOARD , it, staffs; looked for: board, staff; /Staff, BOARD  differs only in case or "
            "slashes",
        ),
        (
            "allowed_groups", GROUPS, {"groups": ("it",), "groups_complete": False},
            "groups: it; looked for: board, staff; the session does not contain all groups of the user, see the "
            "lines at the sign-in. Fix: if they did not fit, name in groups_kept those that are looked for",
        ),
        (
            "allowed_groups", GROUPS, {},
            f'groups: none; claim "groups" absent; claims received: sub, {FEW}; looked for: board, staff. Fix: does a '
            f"scope bring the groups ({SCOPES}), and is groups_claim the right name?",
        ),
        (
            "allowed_groups", GROUPS | {"groups_claim": "realm.roles"},
            {"email": "a@b", "name": "n", "acr": "x", "amr": ("pwd",), "claims": {"z": 1, "name": 2, "a": 3}},
            'groups: none; claim "realm.roles" absent; claims received: sub, email, name, acr, amr, a, z; looked for: '
            f"board, staff. Fix: does a scope bring the groups ({SCOPES}), and is groups_claim the right name?",
        ),
        (
            "allowed_groups", GROUPS, {"claims": {"groups": {"staff": 1}}},
            'groups: none; claim "groups" is an object; looked for: board, staff. Fix: does a scope bring the groups '
            f"({SCOPES}), and is groups_claim the right name?",
        ),
        (
            "allowed_groups", GROUPS, {"claims": {"groups": None}},
            'groups: none; claim "groups" is null; looked for: board, staff. Fix: does a scope bring the groups '
            f"({SCOPES}), and is groups_claim the right name?",
        ),
        (
            "allowed_groups", GROUPS, {"claims": {"_claim_names": {"groups": "src1"}}},
            'groups: none; claim "groups" was not sent, only a reference to it in "_claim_names"; looked for: board, '
            f"staff. Fix: does a scope bring the groups ({SCOPES}), and is groups_claim the right name?",
        ),
        (
            "allowed_groups", GROUPS, {"claims": {"_claim_names": ["groups"], "x": 1}},
            'groups: none; claim "groups" absent; claims received: sub, _claim_names, x; looked for: board, staff. '
            f"Fix: does a scope bring the groups ({SCOPES}), and is groups_claim the right name?",
        ),
        ("allowed_email_domains", CORP, {"email": "eve@evil.example"}, f"email: eve@evil.example; {LOOKED}"),
        ("allowed_emails", CORP, {"email": "é\n@evil.example"}, f"email: \\xe9\\n@evil.example; {LOOKED}"),
        (
            "allowed_emails", CORP | {"email_claim": "upn"}, {"claims": {"upn": 7}},
            f'email: none; claim "upn" is a number; {LOOKED}. Fix: is email among scopes (openid, email, profile), and '
            "is email_claim the right name?",
        ),
        (
            "email_verified", CORP, {"email": "a@corp.example", "claims": {"email_verified": False}},
            'email: a@corp.example; claim "email_verified" is false; looked for: true. Fix: have the provider verify '
            "the address",
        ),
        (
            "email_verified", CORP, {"email": "a@corp.example", "claims": {"email_verified": True}},
            'email: a@corp.example; claim "email_verified" is true; looked for: true. Fix: have the provider verify '
            "the address",
        ),
        *(
            (
                "email_verified", CORP | {"email_claim": "upn"},
                {"email": "a@corp.example", "claims": {"email_verified": value}},
                'email: a@corp.example, from the claim "upn"; "email_verified" is about the claim "email" only',
            )
            for value in (True, "true")
        ),
        (
            "email_verified", CORP | {"email_claim": "upn"},
            {"email": "a@corp.example", "claims": {"email_verified": "yes"}},
            'email: a@corp.example; claim "email_verified" is a text of 3 characters; looked for: true. Fix: have the '
            "provider verify the address",
        ),
    ],
)  # fmt: skip
def test_the_whole_line(rule: str, rules: dict[str, Any], who: dict[str, Any], line: str) -> None:
    told = settings(**rules)
    identity = Identity("https://op.example", "1", **who)
    assert explain_refusal(rule, identity, AccessRules(told).rule_set, told) == line
    assert line.isascii()


def test_claims_that_were_received_are_listed_up_to_twenty() -> None:
    told = settings(**GROUPS)
    for number, end in ((19, "c17, c18; looked for"), (20, "c17, c18 and 1 more; looked for")):
        claims = {f"c{each:02}": 1 for each in range(number)}
        line = explain_refusal(
            "allowed_groups", Identity("i", "1", claims=claims), AccessRules(told).rule_set, told
        )
        assert end in line


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a, b"),
        (["é\n'\""], "\\xe9\\n\\'\""),
        (["x" * 80], "x" * 80),
        (["x" * 81], "x" * 80),
        ([str(number) for number in range(10)], "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"),
        ([str(number) for number in range(11)], "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 1 more"),
    ],
)
def test_words_in_a_line(words: list[str], line: str) -> None:
    assert list_words(iter(words)) == line
    assert list_words(words, 1) == (
        f"{line.partition(', ')[0]} and {len(words) - 1} more" if words[1:] else line
    )


def asked(number: str) -> Request:
    return Request("GET", "https", "", "/", "/", "", request_id="chosen by the client", number=number)


def test_one_request_explains_a_refusal_of_a_session_by_a_rule() -> None:
    explained = ExplainedRefusals()
    first, later = asked("1"), asked("2")
    assert explained.is_first("session", "allowed_groups", 0, first)
    assert not explained.is_first("session", "allowed_groups", 0, later)
    assert explained.is_first("session", "allowed_groups", 0, first)
    others: list[tuple[str, str, int | None]] = [
        ("other", "allowed_groups", 0),
        ("session", "email_verified", 0),
        ("session", "allowed_groups", None),
    ]
    for session, rule, requirement in others:
        assert explained.is_first(session, rule, requirement, later)
        assert not explained.is_first(session, rule, requirement, first)
    assert explained.request_id("session", "allowed_groups", 0, later) == "chosen by the client"


def test_the_refusal_that_was_used_least_recently_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MAX_REMEMBERED", 2)
    explained = ExplainedRefusals()
    for session in ("one", "two"):
        assert explained.is_first(session, "rule", 0, asked("1"))
    assert not explained.is_first("one", "rule", 0, asked("2"))
    assert explained.is_first("three", "rule", 0, asked("3"))
    assert not explained.is_first("one", "rule", 0, asked("4"))
    assert explained.is_first("two", "rule", 0, asked("5"))


@pytest.mark.parametrize(
    ("claims", "state"),
    [
        ({"_claim_names": {"realm.roles": "src1"}}, 'was not sent, only a reference to it in "_claim_names"'),
        ({"_claim_names": {"other": "src1"}}, "absent; claims received: sub, _claim_names"),
        ({"_claim_names": ["realm.roles"]}, "absent; claims received: sub, _claim_names"),
        ({"realm": {}}, "absent; claims received: sub, realm"),
        ({"realm": {"roles": 7}}, "is a number"),
        ({"realm.roles": 7}, "is a number"),
    ],
)
def test_whether_a_claim_is_absent_or_what_it_is_instead(claims: dict[str, Any], state: str) -> None:
    told = settings(groups_claim="realm.roles", **GROUPS)
    ann = Identity(told.issuer, "ann", claims=claims)
    line = explain_refusal("allowed_groups", ann, AccessRules(told).rule_set, told)
    assert line.partition("; looked for: ")[0] == f'groups: none; claim "realm.roles" {state}'
