"""Faults in the answers of the provider: missing, additional or wrong members."""

from __future__ import annotations

from dataclasses import replace

from oidc_gate.testing.provider.faults import Fault
from oidc_gate.testing.provider.messages import NO_STORE, Json, Pairs, Reply, json_reply
from oidc_gate.testing.provider.misbehaviour.claims import EVIL, Play
from oidc_gate.testing.provider.misbehaviour.signing import broken, unsigned
from oidc_gate.testing.provider.realm import Behaviour, Realm


def _lacking(name: str) -> Play:
    def change(said: Json, realm: Realm) -> Json:
        return {key: value for key, value in said.items() if key != name}

    return lambda: Behaviour(token_answer=change)


def _token_error(error: str = "invalid_grant", status: int = 400) -> Behaviour:
    def change(endpoint: str, reply: Reply, realm: Realm) -> Reply:
        return json_reply({"error": error}, status=status, headers=NO_STORE) if endpoint == "token" else reply

    return Behaviour(reply=change)


def _userinfo(**claims: str | None) -> Behaviour:
    def change(said: Json, realm: Realm) -> Json:
        return {name: value for name, value in {**said, **claims}.items() if value is not None}

    return Behaviour(userinfo=change)


def _userinfo_jwt(alg: str, **claims: str) -> Behaviour:
    return Behaviour(signs_userinfo=alg, userinfo_token=lambda given, realm: given.saying(**claims))


def _answering(**params: str | None) -> Behaviour:
    """Change parameters of the authorization response. None removes a parameter."""

    def change(said: Pairs, realm: Realm) -> Pairs:
        kept = [(name, value) for name, value in said if name not in params]
        return kept + [(name, value) for name, value in params.items() if value is not None]

    return Behaviour(authorization=change)


def _repeated(name: str = "code", value: str | None = None) -> Behaviour:
    def change(said: Pairs, realm: Realm) -> Pairs:
        return [*said, *[(name, first if value is None else value) for key, first in said if key == name]]

    return Behaviour(authorization=change)


def _coming_back(*extra: tuple[str, str], keep: bool = False) -> Behaviour:
    def change(said: Pairs, realm: Realm) -> Pairs:
        return [*(said if keep else []), *extra]

    return Behaviour(end_session=change)


def _metadata(*without: str, **changes: object) -> Behaviour:
    def change(said: Json, realm: Realm) -> Json:
        return {key: value for key, value in {**said, **changes}.items() if key not in without}

    return Behaviour(metadata=change)


def _with_slash(said: Json, realm: Realm) -> Json:
    return {**said, "issuer": f"{realm.issuer}/"}


def _none_too(said: Json, realm: Realm) -> Json:
    name = "id_token_signing_alg_values_supported"
    return {**said, name: ["none", *said[name]]}


def _discovery_with(name: str, value: object) -> Behaviour:
    return _metadata(**{name: value})


PLAYS: dict[Fault, Play] = {
    Fault.NO_ID_TOKEN: _lacking("id_token"),
    Fault.NO_ACCESS_TOKEN: _lacking("access_token"),
    Fault.WRONG_TOKEN_TYPE: lambda token_type="mac": Behaviour(
        token_answer=lambda said, realm: {**said, "token_type": token_type}
    ),
    Fault.TOKEN_ERROR: _token_error,
    Fault.USERINFO_WRONG_SUB: lambda sub="mallory": _userinfo(sub=sub),
    Fault.USERINFO_MISSING_SUB: lambda: _userinfo(sub=None),
    Fault.USERINFO_SIGNED: lambda alg="ES256": _userinfo_jwt(alg),
    Fault.USERINFO_SIGNED_BADLY: lambda alg="ES256": replace(_userinfo_jwt(alg), userinfo_token=broken),
    Fault.USERINFO_UNSIGNED_JWT: lambda: replace(_userinfo_jwt("ES256"), userinfo_token=unsigned),
    Fault.USERINFO_SIGNED_WRONG_ISS: lambda iss=EVIL, alg="ES256": _userinfo_jwt(alg, iss=iss),
    Fault.USERINFO_SIGNED_WRONG_AUD: lambda aud="another-client", alg="ES256": _userinfo_jwt(alg, aud=aud),
    Fault.ANSWER_WITHOUT_ISS: lambda: _answering(iss=None),
    Fault.ANSWER_WRONG_ISS: lambda iss=EVIL: _answering(iss=iss),
    Fault.ANSWER_WITHOUT_STATE: lambda: _answering(state=None),
    Fault.ANSWER_WRONG_STATE: lambda state="not-the-state": _answering(state=state),
    Fault.ANSWER_WITHOUT_CODE: lambda: _answering(code=None),
    Fault.ANSWER_REPEATED: _repeated,
    Fault.ANSWER_CODE_AND_ERROR: lambda error="access_denied": _answering(error=error),
    Fault.ANSWER_ERROR: lambda error="access_denied", description=None: _answering(
        code=None, error=error, error_description=description
    ),
    Fault.END_SESSION_WITHOUT_STATE: lambda: _coming_back(),
    Fault.END_SESSION_WRONG_STATE: lambda state="not-the-state": _coming_back(("state", state)),
    Fault.END_SESSION_OTHER_PARAMS: lambda: _coming_back(("foo", "bar"), ("iss", EVIL), keep=True),
    Fault.DISCOVERY_OTHER_ISSUER: lambda issuer=EVIL: _metadata(issuer=issuer),
    Fault.DISCOVERY_ISSUER_WITH_SLASH: lambda: Behaviour(metadata=_with_slash),
    Fault.DISCOVERY_ONLY_NONE: lambda: _metadata(id_token_signing_alg_values_supported=["none"]),
    Fault.DISCOVERY_LISTS_NONE_TOO: lambda: Behaviour(metadata=_none_too),
    Fault.DISCOVERY_WITHOUT: lambda name="jwks_uri": _metadata(name),
    Fault.DISCOVERY_WITH: _discovery_with,
}
