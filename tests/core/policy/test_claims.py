"""From claims to an identity, from an identity to headers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oidc_gate.errors import IDTokenError
from oidc_gate.model import Identity
from oidc_gate.policy.claims import (
    MAX_GROUP_LENGTH,
    MAX_GROUPS,
    claim_text,
    claim_texts,
    identity_from_claims,
    lookup,
)
from oidc_gate.policy.identity_headers import (
    identity_headers,
    remote_user,
    stripped_names,
    untransmissible_groups,
)
from oidc_gate.settings import Settings
from tests.core.request.making import settings


def identity(claims: dict[str, Any], told: Settings | None = None) -> Identity:
    return identity_from_claims(
        {"sub": "1"} | claims, issuer="https://op.example", provider="op", settings=told or settings(),
        session_id="s", authenticated_at=10, expires_at=20,
    )  # fmt: skip


def test_everything() -> None:
    found = identity(
        {
            "iss": "https://op.example", "aud": "c", "exp": 1, "iat": 1, "nbf": 1, "nonce": "n",
            "at_hash": "h", "c_hash": "h", "azp": "c", "jti": "j", "sid": "s", "auth_time": 1,
            "email": "a@b.c", "email_verified": True, "name": "Ann\r\n", "preferred_username": "ann",
            "groups": ["x", "y"], "acr": "gold", "amr": ["pwd"], "locale": "de", "deep": {"a": 1},
        }
    )  # fmt: skip
    assert found == Identity(
        "https://op.example", "1", "a@b.c", True, "Ann\r\n", "ann", ("x", "y"),
        {"locale": "de", "deep": {"a": 1}}, "op", "s", 10, 20, "gold", ("pwd",),
    )  # fmt: skip


def test_claims_are_read_only() -> None:
    with pytest.raises(TypeError, match="does not support item assignment"):
        identity({"a": 1}).claims["a"] = 2  # type: ignore[index]


@pytest.mark.parametrize("sub", [None, "", 1, ["1"], "x" * 2000])
def test_sub_is_needed(sub: object) -> None:
    with pytest.raises(IDTokenError) as caught:
        identity({"sub": sub})
    assert caught.value.claim == "sub"


@pytest.mark.parametrize(
    ("value", "verified"),
    [
        (True, True),
        ("true", True),
        (False, False),
        ("false", False),
        ("True", False),
        (1, False),
        ([True], False),
    ],
)
def test_email_verified(value: object, verified: bool) -> None:
    assert identity({"email": "a@b.c", "email_verified": value}).email_verified is verified


def test_email_verified_is_false_when_absent_or_of_another_address() -> None:
    assert not identity({"email": "a@b.c"}).email_verified
    assert not identity({"email_verified": True}).email_verified
    assert not identity({"email": "", "email_verified": True}).email_verified
    upn = settings(email_claim="upn")
    spoofed = identity({"upn": "ceo@corp.com", "email": "me@evil.example", "email_verified": True}, upn)
    assert (spoofed.email, spoofed.email_verified) == ("ceo@corp.com", False)
    assert identity({"upn": "a@b.c", "email": "a@b.c", "email_verified": True}, upn).email_verified


def test_wrong_types_are_absent() -> None:
    found = identity(
        {"email": ["a@b.c"], "name": 1, "preferred_username": {}, "groups": {"a": 1}, "acr": 0, "amr": 1}
    )
    assert (found.email, found.name, found.preferred_username, found.groups) == ("", "", "", ())
    assert (found.acr, found.amr) == ("", ())


@pytest.mark.parametrize(
    ("value", "groups"),
    [
        (["a", "b"], ("a", "b")),
        ("a,b", ("a,b",)),
        (["a", 1, None, ["b"], "", "a", "c"], ("a", "c")),
        (["x" * MAX_GROUP_LENGTH, "y" * (MAX_GROUP_LENGTH + 1)], ("x" * MAX_GROUP_LENGTH,)),
        (7, ()),
        (None, ()),
    ],
)
def test_groups(value: object, groups: tuple[str, ...]) -> None:
    assert identity({"groups": value}).groups == groups


def test_groups_are_bounded() -> None:
    assert len(identity({"groups": [str(n) for n in range(MAX_GROUPS + 5)]}).groups) == MAX_GROUPS == 5_000


def test_a_group_that_is_not_ascii_is_sent_in_utf_8() -> None:
    found = identity({"groups": ["é", "x"]})
    told = dict(identity_headers(found, settings(), "X-Forwarded"))
    assert (told["X-Forwarded-Groups"], untransmissible_groups(found)) == ("\xc3\xa9,x", ())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a", 1), ("b.c", "literal"), ("d.e", 2), ("d.f.g", 3), ("https://x.example/g", 4),
        ("r.my.client.roles", 5), ("d", {"e": 2, "f": {"g": 3}}), ("a.b", None), ("zz", None), ("", None),
        (".", None), ("d.", None), (".d", None),
    ],
)  # fmt: skip
def test_lookup(path: str, value: object) -> None:
    claims = {
        "a": 1, "b": {"c": "nested"}, "b.c": "literal", "d": {"e": 2, "f": {"g": 3}},
        "https://x.example/g": 4, "r": {"my.client": {"roles": 5}},
    }  # fmt: skip
    assert lookup(claims, path) == value


def test_claims_by_other_names() -> None:
    told = settings(email_claim="mail", groups_claim="realm_access.roles", user_claim="profile.login")
    found = identity({"mail": "a@b.c", "realm_access": {"roles": ["x"]}, "profile": {"login": "ann"}}, told)
    assert (found.email, found.groups, remote_user(found, told)) == ("a@b.c", ("x",), "ann")
    assert "mail" not in found.claims


@pytest.mark.parametrize(
    ("claim", "user"),
    [
        ("sub", "1"),
        ("email", "a@b.c"),
        ("name", "Ann"),
        ("preferred_username", "ann"),
        ("upn", "u"),
        ("missing", ""),
    ],
)
def test_user_of(claim: str, user: str) -> None:
    told = settings(user_claim=claim)
    claims = {"email": "a@b.c", "name": "Ann", "preferred_username": "ann", "upn": "u"}
    assert remote_user(identity(claims, told), told) == user


def test_headers_are_always_all_there() -> None:
    """Caddy GHSA-7r4p, Traefik CVE-2026-35051: what is not sent, the client may have sent."""
    assert identity_headers(identity({}), settings(), "X-Forwarded") == (
        ("X-Forwarded-User", "1"),
        ("X-Forwarded-Email", ""),
        ("X-Forwarded-Groups", ""),
        ("X-Forwarded-Preferred-Username", ""),
    )
    assert ("X-Auth-Request-Access-Token", "") in identity_headers(
        identity({}), settings(), "X-Auth-Request", ""
    )


def test_header_values() -> None:
    found = identity(
        {
            "email": "a\r\nX-Evil: 1\x00\x7f\x85@b.c",
            "preferred_username": "Zo\u00eb \u20ac",
            "groups": ["a", "b,c", "d"],
        }
    )
    headers = dict(identity_headers(found, settings(), "X-Auth-Request", "tok\nen"))
    assert headers == {
        "X-Auth-Request-User": "1",
        "X-Auth-Request-Email": "",
        "X-Auth-Request-Groups": "a,d",
        "X-Auth-Request-Preferred-Username": "Zo\xc3\xab \xe2\x82\xac",
        "X-Auth-Request-Access-Token": "",
    }


@pytest.mark.parametrize(
    "group", ["a,admin", "ad\x00min", "admin\n", " admin", "admin ", "admin\t", "\x85admin", "é\x85", ","]
)
def test_group_that_would_become_another_is_left_out(group: str) -> None:
    for groups in (("x", group), (group, "x"), (group,)):
        found = identity({"groups": list(groups)})
        assert found.groups == groups
        told = dict(identity_headers(found, settings(), "X-Forwarded"))["X-Forwarded-Groups"]
        assert told == ("x" if "x" in groups else "")
        assert untransmissible_groups(found) == (group,)


@pytest.mark.parametrize(
    ("groups", "header"),
    [
        (("a,b", "c,d"), ""),
        (("a,b", "c", "d,e"), "c"),
        (("a,b", "c,d", "e,f"), ""),
        (("a,b,c", "d"), "d"),
        (("a,,b",), ""),
        (("a", "b", "c"), "a,b,c"),
    ],
)
def test_any_number_of_groups_with_commas_is_left_out(groups: tuple[str, ...], header: str) -> None:
    found = identity({"groups": list(groups)})
    assert dict(identity_headers(found, settings(), "X-Forwarded"))["X-Forwarded-Groups"] == header


@given(st.text(), st.lists(st.text()))
def test_any_text_makes_clean_headers(text: str, groups: list[str]) -> None:
    found = identity({"email": text, "name": text, "preferred_username": text, "groups": groups})
    for _, value in identity_headers(found, settings(), "X-Forwarded", text):
        value.encode("latin-1").decode("utf-8")
        assert not any(ord(character) < 32 or ord(character) == 127 for character in value)


@given(st.lists(st.text("ab, \t\0é", max_size=3)))
def test_groups_are_joined_without_those_that_no_header_carries(groups: list[str]) -> None:
    found = identity({"groups": groups})
    left_out = untransmissible_groups(found)
    told = dict(identity_headers(found, settings(), "X-Forwarded"))["X-Forwarded-Groups"]
    carried = [group for group in found.groups if group not in left_out]
    assert told.encode("latin-1").decode() == ",".join(carried)
    assert [group for group in told.split(",") if group] == [
        group.encode().decode("latin-1") for group in carried
    ]


def test_lone_surrogate_of_json_does_not_raise() -> None:
    assert (
        dict(identity_headers(identity({"email": "a\ud800"}), settings(), "X-Forwarded"))["X-Forwarded-Email"]
        == "a?"
    )


def test_stripped_names() -> None:
    both = {
        f"{family}-{name}"
        for family in ("x-forwarded", "x-auth-request")
        for name in ("user", "email", "groups", "groups-incomplete", "preferred-username", "access-token")
    }
    assert stripped_names(settings()) == both | {"remote-user"}
    assert stripped_names(settings(pass_authorization=True)) == both | {"remote-user", "authorization"}


@pytest.mark.parametrize("text", ["ad\0min", "boss\x85", " boss", "boss ", "bo\nss", "\x9fboss"])
def test_nobody_becomes_somebody_else_on_the_way_into_a_header(text: str) -> None:
    given = settings(user_claim="preferred_username")
    found = identity({"preferred_username": text, "email": text})
    assert remote_user(found, given) == ""
    assert {value for _, value in identity_headers(found, given, "X-Forwarded", text)} == {""}


def test_claims_of_the_protocol_are_none_of_the_user() -> None:
    names = (
        "iss", "aud", "exp", "iat", "nbf", "nonce", "at_hash", "c_hash", "s_hash", "azp", "jti", "sid", "auth_time",
        "typ", "token_use", "session_state", "_claim_sources",
    )  # fmt: skip
    fields = {"name": "n", "preferred_username": "p", "acr": "a", "amr": ["b"]}
    assert identity(dict.fromkeys(names, "x") | fields | {"_claim_names": {"x": "y"}, "other": 1}).claims == {
        "_claim_names": {"x": "y"},
        "other": 1,
    }


@pytest.mark.parametrize(
    ("claims", "left"),
    [
        ({"email": "a@b.c", "email_verified": True}, set()),
        ({"email": "a@b.c", "email_verified": False}, {"email_verified"}),
        ({"email": "a@b.c"}, set()),
        ({"email": ["a@b.c"], "email_verified": True}, {"email", "email_verified"}),
        ({"email": "", "email_verified": True}, {"email", "email_verified"}),
        ({"groups": ["a"]}, set()),
        ({"groups": ["a", 7]}, set()),
        ({"groups": {"a": 1}}, {"groups"}),
        ({"groups": []}, {"groups"}),
        ({"name": 7, "amr": 1, "acr": None, "preferred_username": []}, set()),
    ],
)
def test_a_claim_that_its_field_cannot_represent_remains(claims: dict[str, Any], left: set[str]) -> None:
    assert set(identity(claims).claims) == left


@pytest.mark.parametrize(
    ("claims", "is_complete"),
    [
        ({}, True),
        ({"groups": ["a"]}, True),
        ({"groups": ["a", 7]}, False),
        ({"groups": {"a": 1}}, False),
        ({"hasgroups": True}, False),
        ({"_claim_names": {"groups": "s"}}, False),
        ({"_claim_names": {"groups": "s"}, "groups": ["a"]}, True),
    ],
)
def test_whether_the_groups_are_all_there_are(claims: dict[str, Any], is_complete: bool) -> None:
    assert identity(claims).groups_complete is is_complete


@pytest.mark.parametrize(
    ("value", "text", "texts"),
    [
        ("x" * 1024, "x" * 1024, ()),
        ("x" * 1025, "", ()),
        ("x" * 512, "x" * 512, ("x" * 512,)),
        ("x" * 513, "x" * 513, ()),
        ("", "", ()),
        (None, "", ()),
        (7, "", ()),
        (["a", "b", "a"], "", ("a", "b")),
        (("a", "", 1), "", ("a",)),
        ({"a": 1}, "", ()),
    ],
)
def test_texts_are_read_up_to_a_length(value: object, text: str, texts: tuple[str, ...]) -> None:
    assert claim_text(value) == text
    assert claim_texts(value) == texts


def test_the_log_says_what_a_sub_is_instead_of_a_text() -> None:
    for sub, got in ((7, "int"), (None, "NoneType"), ("", "str")):
        with pytest.raises(IDTokenError) as caught:
            identity({"sub": sub})
        assert (caught.value.claim, caught.value.expected, caught.value.got) == ("sub", "a string", got)


def test_the_nearest_of_two_nested_claims_is_found() -> None:
    claims = {"a": {"b": {"c": 1}, "b.c": 2}, "a.b": {"c": 3, "d": 4}, "e": {"f": None}, "e.f": {"g": 5}}
    assert lookup(claims, "a.b.c") == 3
    assert lookup(claims, "a.b.d") == 4
    assert lookup({"a": claims["a"]}, "a.b.c") == 2
    assert lookup(claims, "e.f.g") == 5
    assert lookup({"a": {"b": None}, "a.b": None}, "a.b") is None
    assert lookup({"": {"x": 1}}, ".x") is None
