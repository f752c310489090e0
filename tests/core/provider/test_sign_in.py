"""The whole path, driven by hand: discovery, authorization URL, callback, tokens, userinfo."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from oidc_gate.effects import Fetched
from oidc_gate.errors import GateError, IDTokenError
from oidc_gate.provider.authorization import (
    ValidatedCallback,
    build_authorization_request,
    process_authorization_response,
)
from oidc_gate.provider.client import Provider
from oidc_gate.provider.sign_in import SignedIn, complete_sign_in

from . import scripted as op
from .scripted import Scripted, answer, world


def callback(provider: Provider, scripted: Scripted) -> ValidatedCallback:
    metadata = scripted.drive(provider.metadata())
    pairs = [("code", op.CODE), ("state", op.STATE), ("iss", op.ISSUER)]
    return process_authorization_response(pairs, metadata, expected_state=op.STATE, sent="")


def complete(provider: Provider, scripted: Scripted) -> SignedIn:
    step = complete_sign_in(
        provider,
        callback(provider, scripted),
        redirect_uri=op.REDIRECT,
        code_verifier=op.VERIFIER,
        nonce=op.NONCE,
    )
    return scripted.drive(step)


def test_from_discovery_to_claims() -> None:
    scripted, settings = world(), op.settings()
    provider = Provider(settings)
    metadata = scripted.drive(provider.metadata())
    url = scripted.drive(
        build_authorization_request(
            metadata,
            settings,
            redirect_uri=op.REDIRECT,
            state=op.STATE,
            nonce=op.NONCE,
            code_verifier=op.VERIFIER,
        )
    )
    assert urlsplit(url)._replace(query="").geturl() == op.ISSUER + "/authorize"
    assert dict(parse_qsl(urlsplit(url).query)) == {
        "client_id": op.CLIENT,
        "response_type": "code",
        "redirect_uri": op.REDIRECT,
        "scope": "openid email profile",
        "state": op.STATE,
        "nonce": op.NONCE,
        "code_challenge": op.challenge(op.VERIFIER),
        "code_challenge_method": "S256",
    }

    done = complete(provider, scripted)

    assert done.claims["sub"] == "sub-1"
    assert done.claims["email"] == "a@corp.example"
    assert done.access_token == "at"
    assert [urlsplit(url).path for url in scripted.urls()] == [
        "/.well-known/openid-configuration",
        "/token",
        "/jwks",
        "/userinfo",
    ]
    token = scripted.fetches[1]
    assert parse_qs((token.body or b"").decode()) == {
        "grant_type": ["authorization_code"],
        "code": [op.CODE],
        "redirect_uri": [op.REDIRECT],
        "code_verifier": [op.VERIFIER],
    }
    assert dict(scripted.fetches[3].headers)["Authorization"] == "Bearer at"


def test_the_session_of_the_provider_is_kept() -> None:
    tokens = {"token_type": "bearer", "access_token": "at", "id_token": op.id_token(sid="s-1")}
    scripted = world(token=answer(tokens))
    assert complete(Provider(op.settings()), scripted).sid == "s-1"


def test_an_id_token_of_another_sign_in() -> None:
    tokens = {"token_type": "Bearer", "access_token": "at", "id_token": op.id_token(nonce="other")}
    with pytest.raises(IDTokenError) as caught:
        complete(Provider(op.settings()), world(token=answer(tokens)))
    assert caught.value.code == "id_token_nonce"


def test_userinfo_of_another_person() -> None:
    scripted = world(userinfo=answer({"sub": "sub-2", "email": "b@corp.example"}))
    with pytest.raises(IDTokenError) as caught:
        complete(Provider(op.settings()), scripted)
    assert caught.value.code == "userinfo_sub"


def test_nothing_secret_shows() -> None:
    scripted = world()
    provider = Provider(op.settings())
    validated = callback(provider, scripted)
    done = complete(provider, scripted)
    shown = repr((validated, done, scripted.fetches, provider.state()))
    for secret in (op.CODE, op.VERIFIER, op.SECRET, done.id_token, "'at'"):
        assert secret not in shown


@pytest.mark.parametrize(
    ("more", "id_claims", "expires_at", "sid", "refresh_token"),
    [
        ({}, {}, op.START + 300, "", ""),
        ({"expires_in": 60, "refresh_token": "rt-1"}, {"sid": "s-1"}, op.START + 60, "s-1", "rt-1"),
        ({"expires_in": 0}, {"sid": ["s-1"]}, op.START, "", ""),
    ],
)
def test_the_whole_sign_in(
    more: dict[str, Any], id_claims: dict[str, Any], expires_at: int, sid: str, refresh_token: str
) -> None:
    token = op.id_token(**id_claims)
    scripted = world()

    def late(_: object) -> Fetched:
        scripted.now += 30  # the access token lasts from before the request
        return answer({"token_type": "Bearer", "access_token": "at", "id_token": token} | more)

    scripted.answers[op.ISSUER + "/token"] = late
    done = complete(Provider(op.settings()), scripted)
    claims = {"iss": op.ISSUER, "sub": "sub-1", "aud": op.CLIENT, "nonce": op.NONCE}
    times = {"iat": op.START, "exp": op.START + 300}
    about = {"email": "a@corp.example", "name": "A"}
    assert done == SignedIn(
        claims=MappingProxyType(claims | times | about | id_claims),
        id_token=token,
        access_token="at",
        access_token_expires_at=expires_at,
        sid=sid,
        userinfo_failure="",
        refresh_token=refresh_token,
        asked_at=op.START,
    )


def test_userinfo_that_is_not_needed_is_not_asked() -> None:
    tokens = {"token_type": "Bearer", "access_token": "at", "id_token": op.id_token(email="e", name="n")}
    scripted = world(token=answer(tokens))
    done = complete(Provider(op.settings()), scripted)
    assert (done.claims["name"], done.userinfo_failure) == ("n", "")
    assert op.ISSUER + "/userinfo" not in scripted.urls()


BROKEN = answer({}, 403)


def test_userinfo_that_fails_is_overlooked_if_no_rule_needs_it() -> None:
    done = complete(Provider(op.settings()), world(userinfo=BROKEN))
    assert "email" not in done.claims
    assert done.userinfo_failure == "userinfo_refused: userinfo: status 403"


@pytest.mark.parametrize(
    ("given", "changes", "code"),
    [
        (BROKEN, {"allow_everyone": False, "allowed_groups": ("staff",)}, "userinfo_refused"),
        (BROKEN, {"allow_everyone": False, "allowed_emails": ("a@corp.example",)}, "userinfo_refused"),
        (BROKEN, {"user_claim": "upn"}, "userinfo_refused"),
        (answer({"sub": "sub-2"}), {}, "userinfo_sub"),
        (answer(b"x.y.z", content_type="application/jwt"), {}, "userinfo_header"),
        (answer({}, 503), {}, "provider_failing"),
    ],
)
def test_userinfo_that_fails_and_is_not_overlooked(
    given: op.Answers, changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(GateError) as caught:
        complete(Provider(op.settings(**changes)), world(userinfo=given))
    assert caught.value.code == code
