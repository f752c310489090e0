"""Sealing and signing: what one purpose, gate or secret made, no other opens."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from oidc_gate.seal import KeyRing, SealError, Signer
from oidc_gate.seal.ring import hkdf, sealed_chars
from oidc_gate.syntax.base64url import b64url_decode

NEW, OLD = "n" * 20 + "fDXvZ0rQY1xk3s9KJb7mTg5u", "o" * 20 + "Wn2hE8aLcRpO4yViM6sfDXv"
BINDING = ("https://op.example", "client")
NONCE = bytes(range(12))


def ring(*secrets: str, binding: tuple[str, str] = BINDING) -> KeyRing:
    return KeyRing(secrets or (NEW,), binding=binding)


def test_what_is_sealed_opens() -> None:
    sealer = ring().sealer("session", "__Host-oidc_gate")
    sealed = sealer.seal(b"who it is", NONCE)
    assert sealer.open(sealed) == b"who it is"
    assert "who" not in sealed


@pytest.mark.parametrize(
    ("opener", "code"),
    [
        (ring().sealer("flow", "name"), "seal_foreign"),
        (ring().sealer("session", "other"), "seal_foreign"),
        (ring(OLD).sealer("session", "name"), "seal_foreign"),
        (ring(binding=("https://op.example", "another")).sealer("session", "name"), "seal_foreign"),
        (ring(binding=("https://other.example", "client")).sealer("session", "name"), "seal_foreign"),
    ],
)
def test_nobody_else_opens_it(opener: object, code: str) -> None:
    sealed = ring().sealer("session", "name").seal(b"x", NONCE)
    with pytest.raises(SealError) as caught:
        opener.open(sealed)  # type: ignore[attr-defined]
    assert caught.value.code == code


def test_a_new_secret_opens_what_the_old_one_sealed_and_seals_itself() -> None:
    before = ring(OLD).sealer("session").seal(b"x", NONCE)
    both = ring(NEW, OLD).sealer("session")
    assert both.open(before) == b"x"
    with pytest.raises(SealError):
        ring(OLD).sealer("session").open(both.seal(b"x", NONCE))


def test_every_changed_bit_is_noticed() -> None:
    sealer = ring().sealer("session")
    sealed = sealer.seal(b"0123456789", NONCE)
    for position in range(len(sealed) - 1):  # the last character holds bits that are none
        changed = sealed[:position] + ("A" if sealed[position] != "A" else "B") + sealed[position + 1 :]
        with pytest.raises(SealError):
            sealer.open(changed)


@pytest.mark.parametrize(
    "text", ["", "A", "AA==", "AQ", "é", "A" * 39, "+" * 60, "/" * 60, "A A" * 20, "\x00" * 60]
)
def test_what_is_none_of_ours_is_malformed(text: str) -> None:
    with pytest.raises(SealError) as caught:
        ring().sealer("session").open(text)
    assert caught.value.code == "seal_malformed"


@given(st.text(max_size=300))
def test_any_text_is_a_seal_error(text: str) -> None:
    with pytest.raises(SealError):
        ring().sealer("session").open(text)


def signer(*secrets: str, purpose: str = "sign_out form", binding: tuple[str, str] = BINDING) -> Signer:
    return Signer(secrets or (NEW,), purpose, binding=binding)


def test_a_signed_token_holds_for_its_text_and_its_time() -> None:
    token = signer().sign("session 1", 1_000)
    assert signer().is_signed(token, "session 1", 1_060, max_age_seconds=60)
    assert not signer().is_signed(token, "session 2", 1_060, max_age_seconds=60)
    assert not signer().is_signed(token, "session 1", 1_061, max_age_seconds=60)
    assert not signer().is_signed(token, "session 1", 999, max_age_seconds=60)


@pytest.mark.parametrize(
    "other", [signer(OLD), signer(purpose="logout state"), signer(binding=("https://op.example", "another"))]
)
def test_nobody_else_signs_it(other: Signer) -> None:
    assert not signer().is_signed(other.sign("text", 1_000), "text", 1_000, max_age_seconds=60)


def test_an_old_secret_still_verifies_and_the_new_one_signs() -> None:
    assert signer(NEW, OLD).is_signed(signer(OLD).sign("text", 5), "text", 5, max_age_seconds=1)
    assert signer(NEW).is_signed(signer(NEW, OLD).sign("text", 5), "text", 5, max_age_seconds=1)


def test_the_time_of_a_token_is_signed_too() -> None:
    stamp, _, signature = signer().sign("text", 1_000).partition(".")
    later = f"{int(stamp, 16) + 50:x}.{signature}"
    assert not signer().is_signed(later, "text", 1_050, max_age_seconds=60)


@given(st.text(max_size=200))
def test_any_text_is_no_token(text: str) -> None:
    assert not signer().is_signed(text, "text", 1_000, max_age_seconds=60)


@pytest.mark.parametrize("size", range(0, 40))
def test_the_length_of_a_sealed_value_is_known_before(size: int) -> None:
    sealer = ring().sealer("session")
    sealed = sealer.seal(bytes(size), NONCE)
    assert len(sealed) == sealed_chars(size)
    assert sealer.open(sealed) == bytes(size)


def test_the_form_of_a_sealed_value() -> None:
    sealer = ring().sealer("session")
    sealed = b64url_decode(sealer.seal(b"text", NONCE))
    assert (sealed[:1], sealed[4:16], len(sealed)) == (b"\x01", NONCE, 1 + 3 + 12 + 4 + 16)
    for wrong in (b"\x02" + sealed[1:], b"\x00" + sealed[1:], sealed[:31]):
        with pytest.raises(SealError) as caught:
            sealer.open_bytes(wrong)
        assert caught.value.code == "seal_malformed"
        assert (caught.value.public_message, caught.value.status) == ("The cookie cannot be opened.", 401)
    with pytest.raises(SealError) as caught:
        sealer.open_bytes(sealed[:32])
    assert caught.value.code == "seal_forged"


def test_which_secret_sealed_a_value() -> None:
    both = ring(NEW, OLD).sealer("session")
    assert both.secret_of(both.seal(b"", NONCE)) == 0
    assert both.secret_of(ring(NEW).sealer("session").seal(b"x", NONCE)) == 0
    assert both.secret_of(ring(OLD).sealer("session").seal(b"x", NONCE)) == 1
    for text, code in ((ring(OLD).sealer("flow").seal(b"x", NONCE), "seal_foreign"), ("+" * 60, "seal_malformed"),
                       ("", "seal_foreign")):  # fmt: skip
        with pytest.raises(SealError) as caught:
            both.secret_of(text)
        assert caught.value.code == code


def test_a_value_that_is_bound_to_a_key_opens_with_the_key_and_any_of_the_secrets() -> None:
    key, both = bytes(range(32)), ring(NEW, OLD).sealer("session")
    for secret, other in ((0, NEW), (1, OLD)):
        sealed = both.bound_to(key, secret).seal_bytes(b"text", NONCE, b"context")
        assert both.bound_to(key).open_bytes(sealed, b"context") == b"text"
        assert ring(other).sealer("session").bound_to(key).open_bytes(sealed, b"context") == b"text"
        for opener, context in (
            (both, b"context"),
            (both.bound_to(bytes(32)), b"context"),
            (both.bound_to(key), b""),
        ):
            with pytest.raises(SealError):
                opener.open_bytes(sealed, context)
    newest = both.bound_to(key).seal_bytes(b"text", NONCE)
    assert ring(NEW).sealer("session").bound_to(key).open_bytes(newest) == b"text"


def test_keys_for_authentication_depend_on_secret_purpose_and_binding() -> None:
    keys = ring(NEW, OLD).mac_keys("index")
    assert [len(key) for key in keys] == [32, 32]
    assert (ring(NEW).mac_keys("index"), ring(OLD).mac_keys("index")) == (keys[:1], keys[1:])
    others = (*ring().mac_keys("other"), *ring(binding=("https://op.example", "x")).mac_keys("index"))
    assert len({*keys, *others}) == 4


def test_keys_are_derived_as_rfc_5869_says() -> None:
    info, size = bytes.fromhex("f0f1f2f3f4f5f6f7f8f9"), 42
    derived = HKDF(algorithm=SHA256(), length=size, salt=None, info=info).derive(b"secret")
    assert hkdf(b"secret", info, size) == derived
    assert hkdf(b"secret", info, 32) == derived[:32]


def test_the_time_and_the_signature_make_a_token() -> None:
    token = signer().sign("text", 0x1F)
    stamp, _, signature = token.partition(".")
    assert (stamp, len(signature)) == ("1f", 43)
    assert signer().is_signed(token, "text", 0x1F, max_age_seconds=0)
    assert not signer().is_signed(f"x{token}", "text", 0x1F, max_age_seconds=0)


@pytest.mark.parametrize(
    "token", ["1f.\udcff", "\udcff.x", "1f.\ud800\udc00", "1f", "1f.", "", ".", "1f.\u00e9"]
)
def test_text_that_cannot_be_encoded_is_not_a_token(token: str) -> None:
    assert not signer().is_signed(token, "text", 0x1F, max_age_seconds=0)
