"""Sealing and signing: what one purpose, gate or secret made, no other opens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oidc_gate.seal import KeyRing, SealError, Signer

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
