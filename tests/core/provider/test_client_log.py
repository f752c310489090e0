"""Key sets that are refused, and what is logged of discovery and of the keys."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from oidc_gate.effects import Step
from oidc_gate.errors import GateError, ProviderUnavailable
from oidc_gate.provider.client import Provider

from . import scripted as op
from .scripted import ISSUER, METADATA, answer, world

DISCOVERY, JWKS = ISSUER + "/.well-known/openid-configuration", ISSUER + "/jwks"


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    assert {record.name for record in caplog.records} <= {"oidc_gate.provider"}
    return [(record.levelname, record.getMessage()) for record in caplog.records]


@pytest.mark.parametrize(
    ("given", "code", "detail"),
    [
        (answer({}, 404), "provider_answer", "key set: status 404"),
        (answer(op.jwks(), 201), "provider_answer", "key set: status 201"),
        (answer([]), "provider_answer", "key set: JSON, but not an object"),
        (answer({}), "jwks_malformed", "no list 'keys'"),
        (answer({}, 503), "provider_failing", "key set: status 503"),
        (answer({}, 302), "provider_redirect", "key set: status 302; redirects are not followed"),
    ],
)
def test_answers_that_are_not_a_key_set(given: op.Answers, code: str, detail: str) -> None:
    scripted, provider = world(jwks=given), Provider(op.settings())
    with pytest.raises(GateError) as caught:
        scripted.drive(provider.keys())
    assert (caught.value.code, caught.value.detail) == (code, detail)


def test_the_content_type_of_a_key_set_does_not_matter() -> None:
    scripted = world(jwks=answer(op.jwks(), content_type="text/html"))
    assert [key.kid for key in scripted.drive(Provider(op.settings()).keys()).keys] == ["k1"]


def test_a_key_set_in_which_no_key_is_left_is_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    scripted, provider = world(), Provider(op.settings(id_token_algorithms=("RS256", "PS256")))
    good = scripted.drive(provider.keys())
    scripted.answers[JWKS] = answer({"keys": []})
    scripted.now += 3600
    assert scripted.drive(provider.keys()) is good
    assert lines(caplog) == [
        (
            "WARNING",
            f"key set of {ISSUER} failed: jwks_without_key: key set: no key for RS256, PS256; the earlier answer "
            "stays in use",
        )
    ]


def test_a_key_set_without_keys_is_replaced_by_any_other() -> None:
    scripted, provider = world(jwks=answer({"keys": []})), Provider(op.settings())
    assert scripted.drive(provider.keys()).keys == ()
    scripted.now += 3600
    scripted.answers[JWKS] = answer({"keys": [{"kty": "oct", "k": "AAAA"}]})
    assert len(scripted.drive(provider.keys()).skipped) == 1


# --- the log ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("taken_out", "userinfo", "sign_out"),
    [
        ([], ISSUER + "/userinfo", ISSUER + "/logout"),
        (["userinfo_endpoint", "end_session_endpoint"], "none", "none"),
    ],
)
def test_what_is_logged_of_the_first_answers(
    taken_out: list[str], userinfo: str, sign_out: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "oidc_gate.provider")
    document = {name: value for name, value in METADATA.items() if name not in taken_out}
    keys = [*op.jwks()["keys"], {"kty": "oct", "kid": "x\n"}, {"kty": "RSA", "kid": "e", "use": "enc"}]
    world(document, jwks=answer({"keys": keys})).drive(Provider(op.settings()).warm_up())
    assert lines(caplog) == [
        (
            "INFO",
            f"discovery of {ISSUER}: authorization {ISSUER}/authorize, token {ISSUER}/token, userinfo {userinfo}, "
            f"keys {JWKS}, sign-out {sign_out}",
        ),
        ("INFO", f"keys of {ISSUER}: 1: k1"),
        (
            "WARNING",
            f"keys of {ISSUER}: number 1 (kid x?) is ignored: key type oct is not for public signatures",
        ),
        ("DEBUG", f"keys of {ISSUER}: number 2 (kid e) is ignored: published for encryption"),
    ]


def test_so_much_of_the_key_ids_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "oidc_gate.provider")
    (jwk,) = op.jwks()["keys"]
    kids = ["k" * 61, "\n", None, *(str(number) for number in range(18))]
    keys = [jwk | {"kid": kid} for kid in kids]
    symmetric = {"kty": "oct", "kid": "s" * 61}
    world(jwks=answer({"keys": [*keys, symmetric]})).drive(Provider(op.settings()).warm_up())
    shown = ", ".join(["k" * 60, "?", "None", *(str(number) for number in range(17))])
    assert lines(caplog)[1:] == [
        ("INFO", f"keys of {ISSUER}: 21: {shown}"),
        (
            "WARNING",
            f"keys of {ISSUER}: number 21 (kid {'s' * 60}) is ignored: key type oct is not for public signatures",
        ),
    ]


GROUPS: dict[str, Any] = {"allow_everyone": False, "allowed_groups": ("staff",)}


@pytest.mark.parametrize(
    ("offered", "changes", "named"),
    [
        (["openid", "groups"], GROUPS, "groups"),
        (["openid", "group", "roles"], GROUPS, "group or roles"),
        (["realm_access"], GROUPS | {"groups_claim": "realm_access.roles"}, "realm_access"),
        (["realm_access.roles"], GROUPS | {"groups_claim": "realm_access.roles"}, "realm_access.roles"),
        (["openid"], GROUPS, ""),
        (None, GROUPS, ""),
        (["groups"], {}, ""),
        (["groups"], GROUPS | {"scopes": ("openid", "groups")}, ""),
        (["groups", "roles"], GROUPS | {"scopes": ("openid", "roles")}, ""),
    ],
)
def test_a_scope_that_would_bring_the_groups(
    offered: list[str] | None, changes: dict[str, Any], named: str, caplog: pytest.LogCaptureFixture
) -> None:
    document = dict(METADATA) | ({} if offered is None else {"scopes_supported": offered})
    world(document).drive(Provider(op.settings(**changes)).metadata())
    expected = (
        f"allowed_groups is set, and discovery of {ISSUER} offers the scope {named}, which scopes does not contain "
        "(openid email profile). Fix: add it to scopes, unless the provider sends the groups without it"
    )
    assert lines(caplog) == ([("WARNING", expected)] if named else [])


@pytest.mark.parametrize(
    ("read", "what", "name"),
    [
        (lambda provider: provider.metadata(), "discovery", "discovery"),
        (lambda provider: provider.keys(), "key set", "jwks"),
    ],
)
def test_a_failure_is_logged_with_what_follows_from_it(
    read: Callable[[Provider], Step[object]], what: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    scripted, provider = world(), Provider(op.settings())
    scripted.answers[DISCOVERY if name == "discovery" else JWKS] = ProviderUnavailable("x", "", detail="away")
    with pytest.raises(ProviderUnavailable):
        scripted.drive(read(provider))
    start = f"{what} of {ISSUER} failed: x: away; "
    assert lines(caplog) == [("WARNING", start + "no user can sign in until it succeeds")]
    good = world()
    good.now = scripted.now + 10
    good.drive(read(provider))
    caplog.clear()
    scripted.now += 4000
    scripted.answers[DISCOVERY] = (
        scripted.answers[DISCOVERY] if name == "discovery" else answer(dict(METADATA))
    )
    scripted.drive(read(provider))
    assert lines(caplog) == [("WARNING", start + "the earlier answer stays in use")]
