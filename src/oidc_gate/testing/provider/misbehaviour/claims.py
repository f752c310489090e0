"""Faults in the claims of ID tokens."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from oidc_gate.testing.provider.faults import Fault
from oidc_gate.testing.provider.messages import Json
from oidc_gate.testing.provider.realm import Behaviour, Realm
from oidc_gate.testing.provider.tokens import Draft, left_half_hash

EVIL = "https://evil.example"
Play = Callable[..., Behaviour]


def saying(**claims: object) -> Behaviour:
    """Change claims of the ID token. None removes a claim."""
    return Behaviour(id_token=lambda draft, realm: draft.saying(**claims))


def shifted(**seconds: int) -> Behaviour:
    """Set times in the ID token, in seconds from now."""

    def change(draft: Draft, realm: Realm) -> Draft:
        return draft.saying(**{name: realm.now() + by for name, by in seconds.items()})

    return Behaviour(id_token=change)


def _without(name: str) -> Play:
    return lambda: saying(**{name: None})


def _with_aud(other: str | None, *, azp: bool) -> Behaviour:
    def change(draft: Draft, realm: Realm) -> Draft:
        client_id = draft.client.client_id
        return draft.saying(aud=[client_id, other] if other else [], azp=client_id if azp else None)

    return Behaviour(id_token=change)


def _retyped(kind: type[str] | type[float]) -> Behaviour:
    def change(draft: Draft, realm: Realm) -> Draft:
        extra = 0.25 if kind is float else 0
        names = ("exp", "iat", "auth_time") if kind is float else ("exp", "iat")
        return draft.saying(**{name: kind(draft.claims[name] + extra) for name in names})

    return Behaviour(id_token=change)


def _other_at_hash(draft: Draft, realm: Realm) -> Draft:
    return draft.saying(at_hash=left_half_hash(draft.header["alg"], secrets.token_urlsafe(16)))


def _on_refresh(**claims: str) -> Behaviour:
    def change(said: Json, realm: Realm) -> Json:
        return {**said, **claims}

    return Behaviour(refresh_claims=change)


PLAYS: dict[Fault, Play] = {
    Fault.WRONG_ISS: lambda iss=EVIL: saying(iss=iss),
    Fault.MISSING_ISS: _without("iss"),
    Fault.MISSING_SUB: _without("sub"),
    Fault.MISSING_AUD: _without("aud"),
    Fault.MISSING_EXP: _without("exp"),
    Fault.MISSING_IAT: _without("iat"),
    Fault.WRONG_AUD: lambda aud="another-client": saying(aud=aud),
    Fault.SEVERAL_AUD_WITHOUT_AZP: lambda aud="another-client": _with_aud(aud, azp=False),
    Fault.UNTRUSTED_AUD: lambda aud="another-client": _with_aud(aud, azp=True),
    Fault.EMPTY_AUD: lambda: _with_aud(None, azp=False),
    Fault.WRONG_AZP: lambda azp="another-client": saying(azp=azp),
    Fault.WRONG_NONCE: lambda nonce="not-the-nonce": saying(nonce=nonce),
    Fault.MISSING_NONCE: _without("nonce"),
    Fault.EXPIRED: lambda seconds=3600: shifted(iat=-seconds - 300, exp=-seconds),
    Fault.NOT_YET_VALID: lambda seconds=3600: shifted(nbf=seconds, exp=seconds + 300),
    Fault.IAT_IN_FUTURE: lambda seconds=3600: shifted(iat=seconds, exp=seconds + 300),
    Fault.IAT_LONG_AGO: lambda seconds=86_400: shifted(iat=-seconds),
    Fault.TIMES_ARE_TEXT: lambda: _retyped(str),
    Fault.TIMES_ARE_FLOATS: lambda: _retyped(float),
    Fault.AT_HASH_WRONG: lambda: Behaviour(id_token=_other_at_hash),
    Fault.AUTH_TIME_OLD: lambda seconds=86_400: shifted(auth_time=-seconds),
    Fault.AUTH_TIME_MISSING: _without("auth_time"),
    Fault.ACR_OTHER: lambda acr="something-else": saying(acr=acr),
    Fault.ACR_MISSING: _without("acr"),
    Fault.DIFFERENT_SUB_ON_REFRESH: lambda sub="mallory": _on_refresh(sub=sub),
    Fault.DIFFERENT_ISS_ON_REFRESH: lambda iss=EVIL: _on_refresh(iss=iss),
}
