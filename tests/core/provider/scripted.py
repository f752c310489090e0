"""A provider made of scripted answers, and a driver for steps: no network, no clock of its own."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any, TypeVar

from joserfc import jws
from joserfc.jwk import RSAKey

from oidc_gate.effects import Effect, Enter, Fetch, Fetched, Lock, Now, Random, Release, Step
from oidc_gate.settings import Settings

T = TypeVar("T")

ISSUER = "https://op.example"
CLIENT = "client 1"
SECRET = "s3cret&:%+/" + "x" * 32
NONCE, VERIFIER, STATE, CODE = "n-0S6_WzA2Mj", "v" * 43, "st-ate.sealed", "SplxlOBeZQQYbYS6WxSbIA"
REDIRECT = "https://app.example/oauth2/callback"
START = 1_800_000_000

METADATA: Mapping[str, Any] = MappingProxyType(
    {
        "issuer": ISSUER,
        "authorization_endpoint": ISSUER + "/authorize",
        "token_endpoint": ISSUER + "/token",
        "jwks_uri": ISSUER + "/jwks",
        "userinfo_endpoint": ISSUER + "/userinfo",
        "end_session_endpoint": ISSUER + "/logout",
        "response_types_supported": ["code"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }
)


def settings(**changes: Any) -> Settings:
    values: dict[str, Any] = {
        "issuer": ISSUER,
        "client_id": CLIENT,
        "client_secret": SECRET,
        "cookie_secret": ("bq2oC4vYkq0tF1rD7zX3mN9sLwE6uHgJ8pRaT5iVnKc",),
        "allow_everyone": True,
    }
    return Settings(**(values | changes))


def answer(body: object, status: int = 200, **headers: str) -> Fetched:
    """An answer: JSON, or bytes as they are. In names of headers ``_`` stands for ``-``."""
    named = {"content-type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
    return Fetched(status, named, body if isinstance(body, bytes) else json.dumps(body).encode())


@cache
def key(kid: str = "k1", version: int = 1) -> RSAKey:
    return RSAKey.generate_key(2048, parameters={"kid": kid})


def jwks(*keys: RSAKey) -> dict[str, Any]:
    return {"keys": [one.as_dict(private=False) for one in keys or (key(),)]}


def sign(claims: Mapping[str, Any], by: RSAKey | None = None) -> str:
    by = by or key()
    return jws.serialize_compact({"alg": "RS256", "kid": by.kid}, json.dumps(claims).encode(), by)


def id_token(by: RSAKey | None = None, **changes: Any) -> str:
    claims = {"iss": ISSUER, "sub": "sub-1", "aud": CLIENT, "iat": START, "exp": START + 300, "nonce": NONCE}
    return sign(claims | changes, by)


def challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


Answers = Fetched | Exception | Callable[[Fetch], Fetched]


@dataclass
class Scripted:
    """A world. Each address has one answer, or a list of them, one for each time."""

    answers: dict[str, Answers | list[Answers]] = field(default_factory=dict)
    now: int = START
    fetches: list[Fetch] = field(default_factory=list)

    def urls(self) -> list[str]:
        return [fetch.url for fetch in self.fetches]

    def perform(self, effect: Effect) -> Any:
        if isinstance(effect, Now):
            return self.now
        if isinstance(effect, Random):
            return bytes(range(effect.size))
        if isinstance(effect, Enter | Lock | Release):
            return None
        assert isinstance(effect, Fetch), effect
        self.fetches.append(effect)
        given = self.answers[effect.url]
        one = given.pop(0) if isinstance(given, list) else given
        if isinstance(one, Exception):
            raise one
        return one if isinstance(one, Fetched) else one(effect)

    def drive(self, step: Step[T]) -> T:
        try:
            effect = next(step)
            while True:
                try:
                    result = self.perform(effect)
                except Exception as error:
                    effect = step.throw(error)
                else:
                    effect = step.send(result)
        except StopIteration as end:
            value: T = end.value
            return value


def world(metadata: Mapping[str, Any] = METADATA, **answers: Answers | list[Answers]) -> Scripted:
    """A provider that behaves; answers by the name of the endpoint replace its own."""
    scripted = Scripted()
    scripted.answers = {
        ISSUER + "/.well-known/openid-configuration": answer(dict(metadata)),
        ISSUER + "/jwks": answer(jwks()),
        ISSUER + "/token": answer({"token_type": "Bearer", "access_token": "at", "id_token": id_token()}),
        ISSUER + "/userinfo": answer({"sub": "sub-1", "email": "a@corp.example", "name": "A"}),
    }
    names = {"discovery": ".well-known/openid-configuration"}
    scripted.answers |= {f"{ISSUER}/{names.get(name, name)}": given for name, given in answers.items()}
    return scripted
