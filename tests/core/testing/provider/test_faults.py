"""Each fault shows on the wire as it is described, and honesty comes back afterwards."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from joserfc import jwe, jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OctKey

from oidc_gate.testing import Client, Fault, TestProvider
from oidc_gate.testing.provider.misbehaviour import PLAYS
from tests.core.testing.provider.relying_party import APP, REDIRECT_URI, SECRET, SmallRelyingParty

Claims = dict[str, Any]
EVIL = "https://evil.example"


@pytest.fixture(scope="module")
def op() -> Iterator[TestProvider]:
    with TestProvider(clients=[APP], auto_login="alice") as provider:
        yield provider


@pytest.fixture
def rp(op: TestProvider) -> Iterator[SmallRelyingParty]:
    yield SmallRelyingParty(op)
    op.behave()


def peek(compact: str) -> tuple[Claims, Claims]:
    header, payload, _ = compact.split(".")
    return tuple(json.loads(base64.urlsafe_b64decode(part + "==")) for part in (header, payload))


def is_ours(rp: SmallRelyingParty, compact: str) -> bool:
    """Whether a published key, any of them, verifies the signature under the registered alg."""
    for key in rp.http.get(f"{rp.op.issuer}/jwks").json()["keys"]:
        try:
            jws.deserialize_compact(compact, JWKRegistry.import_key(key), algorithms=["ES256"])
        except (JoseError, ValueError, KeyError):
            continue
        return True
    return False


def test_every_fault_can_be_played_and_is_described() -> None:
    assert set(PLAYS) == set(Fault)
    for fault, play in PLAYS.items():
        required = {"name": "jwks_uri", "value": ""} if fault is Fault.DISCOVERY_WITH else {}
        assert play(**required)
        assert len(fault.value) > 5


CLAIM_FAULTS: dict[Fault, Callable[[Claims], bool]] = {
    Fault.WRONG_ISS: lambda c: c["iss"] == EVIL,
    Fault.MISSING_ISS: lambda c: "iss" not in c,
    Fault.MISSING_SUB: lambda c: "sub" not in c,
    Fault.MISSING_AUD: lambda c: "aud" not in c,
    Fault.MISSING_EXP: lambda c: "exp" not in c,
    Fault.MISSING_IAT: lambda c: "iat" not in c,
    Fault.WRONG_AUD: lambda c: c["aud"] == "another-client",
    Fault.SEVERAL_AUD_WITHOUT_AZP: lambda c: c["aud"] == ["app", "another-client"] and "azp" not in c,
    Fault.UNTRUSTED_AUD: lambda c: c["aud"] == ["app", "another-client"] and c["azp"] == "app",
    Fault.EMPTY_AUD: lambda c: c["aud"] == [],
    Fault.WRONG_AZP: lambda c: c.get("azp") == "another-client" and c["aud"] == "app",
    Fault.WRONG_NONCE: lambda c: c["nonce"] == "not-the-nonce",
    Fault.MISSING_NONCE: lambda c: "nonce" not in c,
    Fault.EXPIRED: lambda c: c["iat"] < c["exp"] < time.time() - 3500,
    Fault.NOT_YET_VALID: lambda c: c.get("nbf", 0) > time.time() + 3500,
    Fault.IAT_IN_FUTURE: lambda c: c["iat"] > time.time() + 3500,
    Fault.IAT_LONG_AGO: lambda c: c["iat"] < time.time() - 80_000 and c["exp"] > time.time(),
    Fault.TIMES_ARE_TEXT: lambda c: isinstance(c["exp"], str),
    Fault.TIMES_ARE_FLOATS: lambda c: isinstance(c["exp"], float),
    Fault.AT_HASH_WRONG: lambda c: len(c["at_hash"]) == 22,
    Fault.AUTH_TIME_OLD: lambda c: c["auth_time"] < time.time() - 80_000,
    Fault.AUTH_TIME_MISSING: lambda c: "auth_time" not in c,
    Fault.ACR_OTHER: lambda c: c["acr"] == "something-else",
    Fault.ACR_MISSING: lambda c: "acr" not in c,
}


@pytest.mark.parametrize("fault", CLAIM_FAULTS)
def test_a_claim_is_wrong_and_the_signature_right(rp: SmallRelyingParty, fault: Fault) -> None:
    asked = {"acr_values": "2", "max_age": "100"}
    with rp.op.misbehaving(fault):
        tokens = rp.sign_in(**asked)
    honest = rp.sign_in(**asked)
    assert is_ours(rp, tokens["id_token"])
    assert CLAIM_FAULTS[fault](peek(tokens["id_token"])[1])
    right = peek(honest["id_token"])[1]
    assert right["at_hash"] == at_hash(honest["access_token"])
    assert (peek(tokens["id_token"])[1].get("at_hash") == at_hash(tokens["access_token"])) is (
        fault is not Fault.AT_HASH_WRONG
    )
    if fault is not Fault.AT_HASH_WRONG:
        assert not CLAIM_FAULTS[fault](right)


def at_hash(access_token: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(access_token.encode()).digest()[:16]).rstrip(b"=").decode()


HEADER_FAULTS: dict[Fault, Callable[[Claims], bool]] = {
    Fault.ALG_NONE: lambda h: h["alg"] == "none",
    Fault.BAD_SIGNATURE: lambda h: h["alg"] == "ES256",
    Fault.EMPTY_SIGNATURE: lambda h: h["alg"] == "ES256",
    Fault.OTHER_ALG: lambda h: h["alg"] == "RS256",
    Fault.HS256_WITH_PUBLIC_KEY: lambda h: h["alg"] == "HS256",
    Fault.HS256_WITH_EMPTY_KEY: lambda h: h["alg"] == "HS256",
    Fault.SIGNED_BY_STRANGER: lambda h: h["alg"] == "ES256" and "jwk" not in h,
    Fault.JWK_HEADER: lambda h: h["jwk"]["kty"] == "EC" and "d" not in h["jwk"],
    Fault.JKU_HEADER: lambda h: h["jku"].startswith(EVIL),
    Fault.X5U_HEADER: lambda h: h["x5u"].startswith(EVIL),
    Fault.AT_HASH_UNKNOWN_ALG: lambda h: h["alg"] == "XX999",
    Fault.ROTATED_UNPUBLISHED: lambda h: h["alg"] == "ES256",
    Fault.JWKS_WITH_SECRET: lambda h: (h["alg"], h["kid"]) == ("HS256", "oct"),
    Fault.UNKNOWN_CRIT: lambda h: h["crit"] == ["bork"] and h["bork"] is True,
}


@pytest.mark.parametrize("fault", HEADER_FAULTS)
def test_a_signature_is_not_ours(rp: SmallRelyingParty, fault: Fault) -> None:
    with rp.op.misbehaving(fault):
        id_token = rp.sign_in()["id_token"]
        assert not is_ours(rp, id_token)
    header, claims = peek(id_token)
    assert HEADER_FAULTS[fault](header)
    assert (claims["sub"], claims["nonce"], claims["aud"]) == ("alice", "n-1", "app")
    assert is_ours(rp, rp.sign_in()["id_token"])


def test_the_public_key_was_the_secret(rp: SmallRelyingParty) -> None:
    with rp.op.misbehaving(Fault.HS256_WITH_PUBLIC_KEY):
        id_token = rp.sign_in()["id_token"]
    key = ECKey.import_key(rp.op.jwks["keys"][0])
    message, _, signature = id_token.rpartition(".")
    made = hmac.new(key.as_pem(private=False), message.encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64decode(signature + "==") == made


@pytest.mark.parametrize("alg", ["RS256", "HS256", "PS256"])
def test_every_alg_can_have_a_bad_signature(alg: str) -> None:
    secret = "k" * 40
    client = Client(
        client_id="app", client_secret=secret, redirect_uris=[REDIRECT_URI], id_token_signed_response_alg=alg
    )
    with TestProvider(clients=[client], auto_login="alice") as op:
        rp = SmallRelyingParty(op, client)
        key = OctKey.import_key(secret)
        verify = key if alg == "HS256" else None
        assert rp.claims(rp.sign_in()["id_token"], verify)["sub"] == "alice"
        with op.misbehaving(Fault.BAD_SIGNATURE), pytest.raises(JoseError, match="bad_signature"):
            rp.claims(rp.sign_in()["id_token"], verify)


@pytest.mark.parametrize(
    "fault", [Fault.KID_ABSENT, Fault.KID_ABSENT_SEVERAL_KEYS, Fault.JWKS_WITH_UNREADABLE_KEY]
)
def test_what_is_only_odd_still_verifies(rp: SmallRelyingParty, fault: Fault) -> None:
    with rp.op.misbehaving(fault):
        id_token = rp.sign_in()["id_token"]
        keys = rp.http.get(f"{rp.op.issuer}/jwks").json()["keys"]
        assert is_ours(rp, id_token)
    assert ("kid" in peek(id_token)[0]) is (fault is Fault.JWKS_WITH_UNREADABLE_KEY)
    assert (len(keys) == 1) is (fault is Fault.KID_ABSENT)


def test_an_unknown_kid_may_be_new_each_time(rp: SmallRelyingParty) -> None:
    with rp.op.misbehaving(Fault.UNKNOWN_KID, unique=True):
        kids = {peek(rp.sign_in()["id_token"])[0]["kid"] for _ in range(2)}
    assert len(kids) == 2
    assert not kids & {key["kid"] for key in rp.op.jwks["keys"]}


@pytest.mark.parametrize(
    ("fault", "same_kid", "old_published"),
    [
        (Fault.ROTATED_BEFORE_SIGNING, False, True),
        (Fault.ROTATED_WITHOUT_OLD_KEYS, False, False),
        (Fault.SAME_KID_NEW_KEY, True, False),
    ],
)
def test_keys_rotate_just_before_signing(
    rp: SmallRelyingParty, fault: Fault, same_kid: bool, old_published: bool
) -> None:
    before = rp.sign_in()["id_token"]
    with rp.op.misbehaving(fault, times=1):
        after = rp.sign_in()["id_token"]
        assert peek(rp.sign_in()["id_token"])[0]["kid"] == peek(after)[0]["kid"]
    assert is_ours(rp, after)
    assert is_ours(rp, before) is old_published
    assert (peek(before)[0]["kid"] == peek(after)[0]["kid"]) is same_kid


def test_tokens_can_be_sealed_badly() -> None:
    key = ECKey.generate_key("P-256")
    client = Client(
        client_id="app", client_secret=SECRET, redirect_uris=[REDIRECT_URI],
        jwks={"keys": [key.as_dict(private=False)]}, id_token_encrypted_response_alg="ECDH-ES",
    )  # fmt: skip
    with TestProvider(clients=[client], auto_login="alice") as op:
        rp = SmallRelyingParty(op, client)
        with op.misbehaving(Fault.RSA1_5_ENCRYPTED):
            sealed = rp.sign_in()["id_token"]
            assert header_of(sealed)["alg"] == "RSA1_5"
            assert sealed.count(".") == 4
        with op.misbehaving(Fault.ZIP_BOMB, size=5_000_000):
            bomb = rp.sign_in()["id_token"]
            assert header_of(bomb)["zip"] == "DEF"
            assert len(bomb) < 20_000
            with pytest.raises(JoseError):
                jwe.decrypt_compact(bomb, key, algorithms=["ECDH-ES", "A128GCM", "DEF"])


def header_of(compact: str) -> Claims:
    header: Claims = json.loads(base64.urlsafe_b64decode(compact.partition(".")[0] + "=="))
    return header


def test_tokens_can_be_huge_or_no_tokens(rp: SmallRelyingParty) -> None:
    with rp.op.misbehaving(Fault.MEGABYTE_TOKEN):
        assert len(rp.sign_in()["id_token"]) > 1 << 20
    with rp.op.misbehaving(Fault.MEGABYTE_HEADER):
        assert len(rp.sign_in()["id_token"].partition(".")[0]) > 1 << 20
    with rp.op.misbehaving(Fault.NOT_A_JWT):
        assert rp.sign_in()["id_token"] == "not a token"
    with rp.op.misbehaving(Fault.ACCESS_TOKEN_AS_ID_TOKEN):
        assert header_of(rp.sign_in()["id_token"])["typ"] == "at+jwt"


def test_a_crit_that_a_jwt_must_not_have_is_signed_rightly(rp: SmallRelyingParty) -> None:
    with rp.op.misbehaving(Fault.CRIT_B64):
        header, _ = peek(rp.sign_in()["id_token"])
    assert (header["crit"], header["b64"]) == (["b64"], False)


def test_tampering_is_signed_rightly(rp: SmallRelyingParty) -> None:
    rp.op.tamper_id_token = lambda claims, header: (claims | {"email": "x@evil.example"}, header | {"x": 1})
    id_token = rp.sign_in()["id_token"]
    assert is_ours(rp, id_token) is False  # joserfc knows no header x
    rp.op.tamper_id_token = lambda claims, header: (claims | {"email": "x@evil.example"}, header)
    id_token = rp.sign_in()["id_token"]
    assert is_ours(rp, id_token)
    assert peek(id_token)[1]["email"] == "x@evil.example"


# ---- answers


def test_the_token_answer_lacks_things(rp: SmallRelyingParty) -> None:
    with rp.op.misbehaving(Fault.NO_ID_TOKEN):
        assert "id_token" not in rp.sign_in()
    with rp.op.misbehaving(Fault.NO_ACCESS_TOKEN):
        assert "access_token" not in rp.sign_in()
    with rp.op.misbehaving(Fault.WRONG_TOKEN_TYPE):
        assert rp.sign_in()["token_type"] == "mac"
    with rp.op.misbehaving(Fault.TOKEN_ERROR, error="invalid_client", status=401):
        response = rp.token(code=rp.answer()["code"])
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


def test_a_refresh_is_about_somebody_else(rp: SmallRelyingParty) -> None:
    with rp.op.misbehaving(Fault.DIFFERENT_SUB_ON_REFRESH):
        first = rp.sign_in(scope="openid offline_access")
        assert peek(first["id_token"])[1]["sub"] == "alice"
        second = rp.token(grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    assert peek(second["id_token"])[1]["sub"] == "mallory"
    assert is_ours(rp, second["id_token"])


def test_userinfo_is_about_somebody_else_or_signed(rp: SmallRelyingParty) -> None:
    access_token = rp.sign_in()["access_token"]
    with rp.op.misbehaving(Fault.USERINFO_WRONG_SUB):
        assert rp.userinfo(access_token).json()["sub"] == "mallory"
    with rp.op.misbehaving(Fault.USERINFO_MISSING_SUB):
        assert "sub" not in rp.userinfo(access_token).json()
    with rp.op.misbehaving(Fault.USERINFO_SIGNED):
        response = rp.userinfo(access_token)
        assert response.headers["Content-Type"] == "application/jwt"
        assert rp.claims(response.text)["aud"] == "app"
    with rp.op.misbehaving(Fault.USERINFO_SIGNED_BADLY):
        assert not is_ours(rp, rp.userinfo(access_token).text)
    with rp.op.misbehaving(Fault.USERINFO_UNSIGNED_JWT):
        assert peek(rp.userinfo(access_token).text)[0]["alg"] == "none"
    with rp.op.misbehaving(Fault.USERINFO_SIGNED_WRONG_AUD):
        assert rp.claims(rp.userinfo(access_token).text)["aud"] == "another-client"


def test_the_authorization_answer_is_wrong(rp: SmallRelyingParty) -> None:
    with rp.op.misbehaving(Fault.ANSWER_WITHOUT_ISS):
        assert rp.answer().keys() == {"code", "state"}
    with rp.op.misbehaving(Fault.ANSWER_WRONG_ISS):
        assert rp.answer()["iss"] == EVIL
    with rp.op.misbehaving(Fault.ANSWER_WITHOUT_STATE):
        assert rp.answer().keys() == {"code", "iss"}
    with rp.op.misbehaving(Fault.ANSWER_WRONG_STATE):
        assert rp.answer()["state"] == "not-the-state"
    with rp.op.misbehaving(Fault.ANSWER_WITHOUT_CODE):
        assert rp.answer().keys() == {"state", "iss"}
    with rp.op.misbehaving(Fault.ANSWER_CODE_AND_ERROR):
        assert rp.answer().keys() == {"code", "state", "iss", "error"}
    with rp.op.misbehaving(Fault.ANSWER_ERROR, error="temporarily_unavailable"):
        assert rp.answer() == {"state": "st+te", "iss": rp.op.issuer, "error": "temporarily_unavailable"}
    with rp.op.misbehaving(Fault.ANSWER_REPEATED, name="state", value="x"):
        pairs = parse_qsl(urlsplit(rp.authorize().headers["Location"]).query)
        assert [value for name, value in pairs if name == "state"] == ["st+te", "x"]


def test_discovery_lies(rp: SmallRelyingParty) -> None:
    def said() -> Claims:
        document: Claims = rp.http.get(f"{rp.op.issuer}/.well-known/openid-configuration").json()
        return document

    with rp.op.misbehaving(Fault.DISCOVERY_OTHER_ISSUER):
        assert said()["issuer"] == EVIL
    with rp.op.misbehaving(Fault.DISCOVERY_ISSUER_WITH_SLASH):
        assert said()["issuer"] == f"{rp.op.issuer}/"
    with rp.op.misbehaving(Fault.DISCOVERY_ONLY_NONE):
        assert said()["id_token_signing_alg_values_supported"] == ["none"]
    with rp.op.misbehaving(Fault.DISCOVERY_WITHOUT, name="token_endpoint"):
        assert "token_endpoint" not in said()
    with rp.op.misbehaving(Fault.DISCOVERY_WITH, name="jwks_uri", value=5):
        assert said()["jwks_uri"] == 5


# ---- signing out


LOGOUT_FAULTS: dict[Fault, Callable[[Claims, Claims], bool]] = {
    Fault.LOGOUT_NO_EVENTS: lambda h, c: "events" not in c,
    Fault.LOGOUT_WRONG_EVENT: lambda h, c: list(c["events"]) == [f"{EVIL}/event"],
    Fault.LOGOUT_EVENT_NOT_OBJECT: lambda h, c: list(c["events"].values()) == [True],
    Fault.LOGOUT_WRONG_AUD: lambda h, c: c["aud"] == "another-client",
    Fault.LOGOUT_WRONG_ISS: lambda h, c: c["iss"] == EVIL,
    Fault.LOGOUT_WITH_NONCE: lambda h, c: "nonce" in c,
    Fault.LOGOUT_NO_IAT: lambda h, c: "iat" not in c,
    Fault.LOGOUT_NO_JTI: lambda h, c: "jti" not in c,
    Fault.LOGOUT_NO_EXP: lambda h, c: "exp" not in c,
    Fault.LOGOUT_REPLAYED_JTI: lambda h, c: c["jti"] == "the-same-again",
    Fault.LOGOUT_EXPIRED: lambda h, c: c["exp"] < time.time() - 3500,
    Fault.LOGOUT_NEITHER_SUB_NOR_SID: lambda h, c: not {"sub", "sid"} & c.keys(),
    Fault.LOGOUT_IS_ID_TOKEN: lambda h, c: "typ" not in h and "events" not in c and "nonce" in c,
    Fault.LOGOUT_ALG_NONE: lambda h, c: h["alg"] == "none",
    Fault.LOGOUT_WRONG_ALG: lambda h, c: h["alg"] == "RS256",
    Fault.LOGOUT_BAD_SIGNATURE: lambda h, c: True,
}
UNVERIFIABLE = {Fault.LOGOUT_ALG_NONE, Fault.LOGOUT_WRONG_ALG, Fault.LOGOUT_BAD_SIGNATURE}


def test_logout_tokens_are_wrong_in_one_way_each() -> None:
    with TestProvider(auto_login="alice") as op:
        # its own unknown page answers: what matters is what was posted
        op.register(Client(client_id="app", backchannel_logout_uri=f"{op.issuer}/posted"))
        rp = SmallRelyingParty(op)
        for fault, shows in LOGOUT_FAULTS.items():
            op.back_channel_logout(sub="alice", sid="s-1", fault=fault)
            posted = op.requests[-1].form["logout_token"]
            assert shows(*peek(posted)), fault
            assert is_ours(rp, posted) is (fault not in UNVERIFIABLE), fault
        (delivery,) = op.back_channel_logout(sub="alice")
        assert delivery.status == 404
        honest = peek(op.requests[-1].form["logout_token"])
        assert honest[0]["typ"] == "logout+jwt"
        assert not any(shows(*honest) for fault, shows in LOGOUT_FAULTS.items() if fault not in UNVERIFIABLE)


# ---- the network


@pytest.mark.parametrize("at", ["discovery", "jwks", "token", "userinfo"])
def test_an_endpoint_answers_nonsense(rp: SmallRelyingParty, at: str) -> None:
    def ask() -> requests.Response:
        method, path = {
            "discovery": ("GET", "/.well-known/openid-configuration"),
            "jwks": ("GET", "/jwks"),
            "token": ("POST", "/token"),
            "userinfo": ("GET", "/userinfo"),
        }[at]
        return rp.http.request(method, rp.op.issuer + path, allow_redirects=False, timeout=60)

    honest = ask()
    with rp.op.misbehaving(Fault.REDIRECTS, at=at):
        assert (ask().status_code, ask().headers["Location"]) == (307, f"{rp.op.issuer}/elsewhere")
    with rp.op.misbehaving(Fault.HTML, at=at):
        assert (ask().status_code, ask().headers["Content-Type"]) == (200, "text/html")
    with rp.op.misbehaving(Fault.SERVER_ERROR, at=at, status=502, times=1):
        assert (ask().status_code, ask().status_code) == (502, honest.status_code)
    with rp.op.misbehaving(Fault.TOO_MANY_REQUESTS, at=at, retry_after=9):
        assert (ask().status_code, ask().headers["Retry-After"]) == (429, "9")
    with rp.op.misbehaving(Fault.EMPTY_BODY, at=at):
        assert (ask().status_code, ask().content) == (200, b"")
    with rp.op.misbehaving(Fault.HUGE_BODY, at=at, size=200_000):
        assert ask().content == b" " * 200_000 + honest.content
    with rp.op.misbehaving(Fault.NOT_JSON, at=at), pytest.raises(ValueError, match="Unterminated"):
        ask().json()
    with rp.op.misbehaving(Fault.DEEP_JSON, at=at):
        assert ask().content.startswith(b"[[[[")
    with rp.op.misbehaving(Fault.JSON_LIST, at=at):
        assert ask().json() == []
    for fault in (Fault.DISCONNECTS, Fault.TRUNCATED):
        with rp.op.misbehaving(fault, at=at), pytest.raises(requests.RequestException):
            ask()
    assert ask().status_code == honest.status_code


def test_time_can_be_wasted(rp: SmallRelyingParty) -> None:
    uri = f"{rp.op.issuer}/jwks"
    honest = rp.http.get(uri).content
    with rp.op.misbehaving(Fault.HANGS, at="jwks"), pytest.raises(requests.ReadTimeout):
        rp.http.get(uri, timeout=0.1)
    with rp.op.misbehaving(Fault.SLOW, at="jwks", seconds=0.1):
        begun = time.monotonic()
        assert rp.http.get(uri).content == honest
        assert time.monotonic() - begun >= 0.1
    with rp.op.misbehaving(Fault.DRIPS, at="jwks", seconds=0.0002):
        assert rp.http.get(uri, timeout=60).content == honest
    with (
        rp.op.misbehaving(Fault.ENDLESS_BODY, at="jwks"),
        rp.http.get(uri, stream=True, timeout=60) as answer,
    ):
        assert "Content-Length" not in answer.headers
        assert len(next(answer.iter_content(300_000))) == 300_000


def test_stopping_ends_what_hangs() -> None:
    op = TestProvider(clients=[APP]).start()
    op.misbehave(Fault.HANGS, at="jwks")
    with socket.create_connection(("127.0.0.1", int(op.issuer.rpartition(":")[2])), timeout=60) as connection:
        connection.sendall(b"GET /jwks HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.05)
        begun = time.monotonic()
        op.stop()
        assert connection.recv(10) == b""
        assert time.monotonic() - begun < 30, "it hangs for 60"


# ---- one at a time


def test_two_faults_hide_each_other(op: TestProvider) -> None:
    op.misbehave(Fault.WRONG_NONCE)
    with pytest.raises(RuntimeError, match="one fault at a time"), op.misbehaving(Fault.EXPIRED):
        pass
    op.behave()
    with op.misbehaving(Fault.EXPIRED):
        pass


def test_an_unknown_keyword_is_an_error(op: TestProvider) -> None:
    with pytest.raises(TypeError, match="WRONG_NONCE"):
        op.misbehave(Fault.WRONG_NONCE, nounce="x")
    with pytest.raises(ValueError, match="discovery, jwks"):
        op.misbehave(Fault.HANGS, at="tokn")


def test_any_claims_can_be_signed(op: TestProvider) -> None:
    bearer = op.sign({"sub": "alice", "aud": "api"}, header={"typ": "at+jwt"})
    key = ECKey.import_key(op.jwks["keys"][0])
    assert jwt.decode(bearer, key, algorithms=["ES256"]).header["typ"] == "at+jwt"
