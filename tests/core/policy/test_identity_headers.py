"""The identity headers as a whole: for an application and for a proxy, with every setting, and how long they may be."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from oidc_gate.model import HeaderList, Identity, Session
from oidc_gate.policy.identity_headers import (
    MAX_GROUPS_BYTES,
    MAX_IDENTITY_BYTES,
    MAX_TOKEN_BYTES,
    application_headers,
    auth_headers,
    fits_header,
    identity_headers,
    is_token_too_long,
    remote_user,
    stripped_names,
)
from tests.core.request.making import settings

ADA = Identity("https://op.example", "1", "ada@b.example", preferred_username="ada", groups=("staff", "it"))
NAMES = ("User", "Email", "Groups", "Preferred-Username")


def named(family: str, *values: str) -> HeaderList:
    return tuple((f"{family}-{name}", value) for name, value in zip(NAMES, values, strict=True))


@pytest.mark.parametrize("has_headers", [False, True])
@pytest.mark.parametrize("passes_token", [False, True])
@pytest.mark.parametrize("authorizes", [False, True])
@pytest.mark.parametrize("token", ["token", "", None])
def test_what_is_sent_with_each_setting(
    has_headers: bool, passes_token: bool, authorizes: bool, token: str | None
) -> None:
    """None stands for an anonymous user."""
    told = settings(
        identity_headers=has_headers, pass_access_token=passes_token, pass_authorization=authorizes
    )
    session = None if token is None else Session(ADA, 0, 0, access_token=token)
    values = ("", "", "", "") if token is None else ("1", "ada@b.example", "staff,it", "ada")
    for_application = named("X-Forwarded", *values) if has_headers else ()
    if passes_token:
        for_application += (("X-Forwarded-Access-Token", token or ""),)
    if authorizes and token:
        for_application += (("Authorization", f"Bearer {token}"),)
    assert application_headers(told, session) == for_application
    for_proxy = named("X-Auth-Request", *values)
    if passes_token:
        for_proxy += (("X-Auth-Request-Access-Token", token or ""),)
    if authorizes:
        for_proxy += (("Authorization", f"Bearer {token}" if token else ""),)
    assert auth_headers(told, session) == for_proxy


def test_the_names_that_no_client_may_send() -> None:
    suffixes = ("user", "email", "groups", "groups-incomplete", "preferred-username", "access-token")
    names = {f"{family}-{suffix}" for family, suffix in product(("x-forwarded", "x-auth-request"), suffixes)}
    assert stripped_names(settings()) == names | {"remote-user"}
    assert stripped_names(settings(pass_authorization=True)) == names | {"remote-user", "authorization"}


def groups_of(size: int) -> tuple[str, ...]:
    """Return groups that take `size` bytes in a header."""
    count = 10
    first = (size - (count - 1)) // count
    return ("x" * (size - (count - 1) - first * (count - 1)), *(str(n) * first for n in range(1, count)))


def sent(identity: Identity, **changes: Any) -> dict[str, str]:
    headers = identity_headers(identity, settings(**changes), "X")
    assert len(dict(headers)) == len(headers)
    return dict(headers)


def test_groups_may_take_a_whole_header_and_no_more() -> None:
    fits = replace(ADA, groups=groups_of(MAX_GROUPS_BYTES))
    assert len(sent(fits)["X-Groups"]) == MAX_GROUPS_BYTES
    assert "X-Groups-Incomplete" not in sent(fits)
    assert fits_header(fits, settings())
    more = replace(ADA, groups=groups_of(MAX_GROUPS_BYTES + 1))
    expected = dict(named("X", "1", "ada@b.example", "", "ada")) | {"X-Groups-Incomplete": "true"}
    assert sent(more) == expected
    assert not fits_header(more, settings())
    kept = sent(
        replace(more, groups=(*more.groups, "staff", "it-a", "it-b")),
        allowed_groups=("staff",),
        groups_kept=("it-*",),
    )
    assert kept == expected | {"X-Groups": "staff,it-a,it-b"}


def test_groups_that_are_named_are_sent_if_they_fit_themselves() -> None:
    named_groups = groups_of(MAX_GROUPS_BYTES)
    more = replace(ADA, groups=(*named_groups, "other"))
    for groups, is_sent in ((named_groups, True), (groups_of(MAX_GROUPS_BYTES + 1), False)):
        found = sent(replace(more, groups=(*groups, "other")), groups_kept=groups)
        assert found["X-Groups"] == (",".join(groups) if is_sent else "")
        assert found["X-Groups-Incomplete"] == "true"


@pytest.mark.parametrize("field", ["subject", "email", "preferred_username"])
def test_all_headers_together_are_bounded(field: str) -> None:
    ada = replace(ADA, subject="", email="", preferred_username="")
    room = 5_000
    long = "y" * (MAX_IDENTITY_BYTES - 200 - room)
    filled: dict[str, Any] = {field: long}
    for size, fits in ((room, True), (room + 1, False)):
        identity = replace(ada, groups=groups_of(size), **filled)
        assert fits_header(identity, settings()) is fits
        assert sent(identity).get("X-Groups-Incomplete") == (None if fits else "true")
        assert len(sent(identity)["X-Groups"]) == (size if fits else 0)
    filled = {field: "y" * 20_000}
    for groups in (groups_of(room), ("x",)):
        found = sent(replace(identity, groups=groups, **filled))
        assert (found["X-Groups"], found["X-Groups-Incomplete"]) == ("", "true")


def test_a_user_who_may_be_in_more_groups_is_marked() -> None:
    found = identity_headers(replace(ADA, groups_complete=False), settings(), "X", "token")
    expected = (*named("X", "1", "ada@b.example", "staff,it", "ada"), ("X-Access-Token", "token"))
    assert found == (*expected, ("X-Groups-Incomplete", "true"))


@pytest.mark.parametrize(
    ("passes", "size", "is_too_long"),
    [
        ({}, MAX_TOKEN_BYTES + 1, False),
        ({"pass_access_token": True}, MAX_TOKEN_BYTES, False),
        ({"pass_access_token": True}, MAX_TOKEN_BYTES + 1, True),
        ({"pass_authorization": True}, MAX_TOKEN_BYTES, False),
        ({"pass_authorization": True}, MAX_TOKEN_BYTES + 1, True),
    ],
)
def test_a_token_that_proxies_may_refuse(passes: dict[str, bool], size: int, is_too_long: bool) -> None:
    assert is_token_too_long(Session(ADA, 0, 0, access_token="t" * size), settings(**passes)) is is_too_long


@pytest.mark.parametrize(
    ("value", "header"),
    [
        ("plain", "plain"),
        ("with a space", "with a space"),
        (" front", ""),
        ("end ", ""),
        ("line\nbreak", ""),
        ("é\x85", ""),
        ("é", "\xc3\xa9"),
        ("a\ud800", "a?"),
        ("\x7f", ""),
    ],
)
def test_a_value_is_sent_unchanged_or_not_at_all(value: str, header: str) -> None:
    found = sent(replace(ADA, subject=value, email=value, preferred_username=value))
    assert (found["X-User"], found["X-Email"], found["X-Preferred-Username"]) == (header, header, header)
    told = settings(user_claim="other")
    user = remote_user(replace(ADA, claims={"other": value}), told)
    assert (user if header else "") == (value if header else user)
