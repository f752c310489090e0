"""Faults of logout tokens. No such token may end a session."""

from __future__ import annotations

from dataclasses import replace

from oidc_gate.testing.provider.faults import Fault
from oidc_gate.testing.provider.logout import EVENT
from oidc_gate.testing.provider.misbehaviour.claims import EVIL, Play
from oidc_gate.testing.provider.misbehaviour.signing import broken, signed_otherwise, unsigned
from oidc_gate.testing.provider.realm import Behaviour, Realm
from oidc_gate.testing.provider.tokens import Draft


def _saying(**claims: object) -> Behaviour:
    return Behaviour(logout_token=lambda given, realm: given.saying(**claims))


def _without(*names: str) -> Play:
    return lambda: _saying(**dict.fromkeys(names))


def _expired(seconds: int = 3600) -> Behaviour:
    def change(given: Draft, realm: Realm) -> Draft:
        return given.saying(iat=realm.now() - seconds - 120, exp=realm.now() - seconds)

    return Behaviour(logout_token=change)


def _id_token(given: Draft, realm: Realm) -> Draft:
    kept = {name: value for name, value in given.claims.items() if name not in ("events", "jti")}
    return replace(given, claims={**kept, "auth_time": realm.now(), "nonce": "n"}).headed(typ=None)


PLAYS: dict[Fault, Play] = {
    Fault.LOGOUT_ALG_NONE: lambda: Behaviour(logout_token=unsigned),
    Fault.LOGOUT_WRONG_ALG: lambda alg="RS256": Behaviour(logout_token=signed_otherwise(alg)),
    Fault.LOGOUT_BAD_SIGNATURE: lambda: Behaviour(logout_token=broken),
    Fault.LOGOUT_NO_EVENTS: _without("events"),
    Fault.LOGOUT_WRONG_EVENT: lambda event=f"{EVIL}/event": _saying(events={event: {}}),
    Fault.LOGOUT_EVENT_NOT_OBJECT: lambda: _saying(events={EVENT: True}),
    Fault.LOGOUT_WRONG_AUD: lambda aud="another-client": _saying(aud=aud),
    Fault.LOGOUT_WRONG_ISS: lambda iss=EVIL: _saying(iss=iss),
    Fault.LOGOUT_WITH_NONCE: lambda: _saying(nonce="n"),
    Fault.LOGOUT_NO_IAT: _without("iat"),
    Fault.LOGOUT_NO_JTI: _without("jti"),
    Fault.LOGOUT_NO_EXP: _without("exp"),
    Fault.LOGOUT_REPLAYED_JTI: lambda jti="the-same-again": _saying(jti=jti),
    Fault.LOGOUT_EXPIRED: _expired,
    Fault.LOGOUT_NEITHER_SUB_NOR_SID: _without("sub", "sid"),
    Fault.LOGOUT_IS_ID_TOKEN: lambda: Behaviour(logout_token=_id_token),
}
