"""ID tokens that are not signed by our provider, or not in a way that counts: none of these was its word."""

from __future__ import annotations

import re
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from oidc_gate.testing import Fault
from tests.conformance.conftest import MakeParty
from tests.conformance.driver import EVIL, Party, Refused, claim

HS256_TOO = ("RS256", "ES256", "HS256")
BROKEN = claim("signature", expected="a signature by the provider", got="ES256 that does not verify")


def foreign(parameter: str, got: str, **params: Any) -> Refused:
    return claim(parameter, expected="no key in the header", got=got, **params)


def crit(*names: str) -> Refused:
    params = {"crit": names[0]} if names else {}
    return Refused("id_token_crit", ".*expected 'no critical extension', got 'a list of 1'", params=params)


def segments(number: int, **params: Any) -> Refused:
    return claim("format", expected="a signed token", got=f"{number} segments", **params)


NOT_ASCII = claim("format", expected="base64url", got="other characters", text="é.b.c")
NO_HEADER = Refused("id_token_header", ".*expected 'a JSON object'", params={"text": "a.b.c"})


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        pytest.param(
            Fault.HS256_WITH_PUBLIC_KEY, claim("alg", expected="RS256 .*", got="HS256"), id="CVE-2024-37568"
        ),
        pytest.param(Fault.HS256_WITH_EMPTY_KEY, claim("alg", expected="RS256 .*", got="HS256"), id="empty key"),
        pytest.param(Fault.JWKS_WITH_SECRET, claim("alg", expected="RS256 .*", got="HS256"), id="published oct"),
        pytest.param(Fault.AT_HASH_UNKNOWN_ALG, claim("alg", expected="RS256 .*", got="XX999"), id="CVE-2026-28498"),
        pytest.param(Fault.SIGNED_BY_STRANGER, BROKEN, id="a stranger's key under our kid"),
        pytest.param(Fault.JWK_HEADER, foreign("jwk", "an object"), id="CVE-2026-27962 jwk"),
        pytest.param(Fault.JKU_HEADER, foreign("jku", f"{EVIL}/.*"), id="CVE-2026-27962 jku"),
        pytest.param(Fault.X5U_HEADER, foreign("x5u", f"{EVIL}/.*"), id="CVE-2026-27962 x5u"),
        pytest.param(Fault.UNKNOWN_CRIT, crit(), id="CVE-2025-59420"),
        pytest.param(Fault.UNKNOWN_CRIT, crit("exp"), id="crit exp"),
        pytest.param(Fault.CRIT_B64, crit(), id="b64 RFC 7797"),
        pytest.param(Fault.NOT_A_JWT, segments(1), id="no JWT"),
        pytest.param(Fault.NOT_A_JWT, segments(2, text="a.b"), id="two segments"),
        pytest.param(Fault.NOT_A_JWT, NO_HEADER, id="no header"),
        pytest.param(Fault.NOT_A_JWT, NOT_ASCII, id="other characters"),
        pytest.param(
            Fault.ACCESS_TOKEN_AS_ID_TOKEN,
            claim("typ", expected="jose or jwt", got=r"at\+jwt"),
            id="an access token",
        ),
        pytest.param(
            Fault.MEGABYTE_TOKEN, Refused("answer_too_large", ".*more than 524288 bytes"), id="CVE-2025-61920"
        ),
        pytest.param(
            Fault.MEGABYTE_TOKEN,
            claim("size", expected="at most 393216 characters", got="4.....", size=300_000),
            id="a token of 400,000 characters",
        ),
        pytest.param(
            Fault.MEGABYTE_HEADER, Refused("answer_too_large", ".*more than 524288 bytes"), id="header of 1 MiB"
        ),
        pytest.param(
            Fault.MEGABYTE_HEADER,
            claim("header", expected="at most 16384 characters", got="26...", size=20_000),
            id="a header of 26,000 characters",
        ),
    ],
)  # fmt: skip
def test_the_signature_is_not_what_it_must_be(party: Party, fault: Fault, wanted: Refused) -> None:
    party.signs_in()
    party.refuses(fault, wanted)
    assert not [asked.path for asked in party.op.requests if "evil" in asked.path]


@pytest.mark.parametrize(
    "fault", [Fault.HS256_WITH_PUBLIC_KEY, Fault.HS256_WITH_EMPTY_KEY, Fault.JWKS_WITH_SECRET]
)
def test_hs256_is_configured_and_the_key_is_another(make_party: MakeParty, fault: Fault) -> None:
    party = make_party(id_token_algorithms=HS256_TOO)
    party.signs_in()
    got = "HS256 that does not verify"
    party.refuses(fault, claim("signature", expected="a signature by the provider", got=got))


@pytest.mark.parametrize("name", ["jku", "x5u"])
def test_no_key_is_fetched_from_where_a_token_says(party: Party, name: str) -> None:
    fault = Fault[f"{name.upper()}_HEADER"]
    params = {name: f"{party.op.issuer}/stolen"}
    party.refuses(fault, foreign(name, f"{party.op.issuer}/stolen", **params))
    assert party.fetched("/stolen") == 0


def sealed(**client: Any) -> dict[str, Any]:
    key = RSAKey.generate_key(2048)
    public = {**key.as_dict(private=False), "use": "enc"}
    return {
        "client": {"id_token_encrypted_response_alg": "RSA-OAEP", "jwks": {"keys": [public]}} | client,
        "id_token_decryption_key": key.as_pem(private=True).decode(),
    }


def test_encrypted_badly(make_party: MakeParty) -> None:
    party = make_party(**sealed())
    party.signs_in()
    party.refuses(
        Fault.RSA1_5_ENCRYPTED, claim("alg", expected=".*RSA-OAEP.*", got="RSA1_5")
    )  # CVE-2026-28490
    party.refuses(Fault.ZIP_BOMB, claim("zip", expected="no compression", got="DEF", size=20_000_000))
    party.refuses(
        Fault.NOT_A_JWT,
        claim("encryption", expected="an encrypted token", got="one that is only signed", text="a.b.c"),
    )


def test_encrypted_though_nobody_registered_it(party: Party) -> None:
    party.refuses(Fault.RSA1_5_ENCRYPTED, segments(5))
    party.refuses(Fault.ZIP_BOMB, segments(5, size=1_000_000))


def test_the_signature_in_the_envelope_counts(make_party: MakeParty) -> None:
    party = make_party(**sealed())
    party.refuses(Fault.ALG_NONE, claim("alg", expected=".*", got="none"))
    party.refuses(Fault.BAD_SIGNATURE, BROKEN)
    party.refuses(Fault.WRONG_ISS, claim("iss", expected=party.op.issuer, got=EVIL))


@pytest.mark.parametrize("typ", ["logout+jwt", "at+jwt", "application/at+JWT", "dpop+jwt"])
def test_another_type_of_token_is_no_id_token(party: Party, typ: str) -> None:
    party.op.tamper_id_token = lambda claims, header: (claims, header | {"typ": typ})
    browser = party.visitor()
    answer = party.come_back(browser, party.begin(browser))
    party.refused(browser, answer, claim("typ", expected="jose or jwt", got=re.escape(typ)))


@pytest.mark.parametrize("typ", ["JWT", "jwt", "JOSE", "application/jwt"])
def test_the_types_that_an_id_token_may_have(party: Party, typ: str) -> None:
    party.op.tamper_id_token = lambda claims, header: (claims, header | {"typ": typ})
    party.signs_in()


@pytest.mark.parametrize("kind", ["id_token", "any claims"])
def test_a_token_of_the_provider_is_no_bearer_token(party: Party, kind: str) -> None:
    """GHSA-wcvh-g65p-v576: nothing that the provider signed opens anything here without a session."""
    now = int(party.clock())
    claims: dict[str, Any] = {"sub": "alice"}
    if kind == "id_token":
        claims |= {"iss": party.op.issuer, "aud": "gate", "iat": now, "exp": now + 300}
    token = party.op.sign(claims)
    answer = party.visitor().get("/", {"Authorization": f"Bearer {token}"})
    assert (answer.status, party.app.seen) == (401, [])
