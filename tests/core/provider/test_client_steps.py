"""What the provider's client does step by step: its effects, its state, and what it remembers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from oidc_gate.effects import Background, Effect, Enter, Fetch, Lane, Lock, Now, Release, Step
from oidc_gate.errors import IDTokenError, ProviderError, ProviderUnavailable
from oidc_gate.provider.authorization import process_authorization_response
from oidc_gate.provider.client import Provider, ProviderState
from oidc_gate.provider.discovery import process_discovery
from oidc_gate.provider.jose.recipient import Recipient
from oidc_gate.provider.refresh import ask_userinfo, exchange_refresh_token
from oidc_gate.provider.refreshing_cache import again, is_within
from oidc_gate.provider.token import exchange_code

from . import scripted as op
from .scripted import CLIENT, ISSUER, METADATA, SECRET, START, Scripted, answer, world

DISCOVERY, JWKS = ISSUER + "/.well-known/openid-configuration", ISSUER + "/jwks"
TIMEOUT = ProviderUnavailable("provider_timeout", "Away.", detail="too slow")
VALIDATED = process_authorization_response(
    [("code", op.CODE), ("state", op.STATE)],
    process_discovery(answer(dict(METADATA)), ISSUER),
    expected_state=op.STATE,
    sent="",
)


def effects_of(step: Step[Any], scripted: Scripted) -> list[Effect]:
    """Drive `step`, and return its effects."""
    seen: list[Effect] = []

    class Watched(Scripted):
        def perform(self, effect: Effect) -> Any:
            seen.append(effect)
            return None if isinstance(effect, Background) else scripted.perform(effect)

    Watched().drive(step)
    return seen


# --- what a token is compared with ------------------------------------------------------------------


def checked_with(provider: Provider, scripted: Scripted, outcomes: list[Any], **how: Any) -> list[Recipient]:
    """Return the recipients that `verify` passes to its check, which fails or succeeds as `outcomes` say."""
    seen = []

    def check(recipient: Recipient) -> str:
        seen.append(recipient)
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return str(outcome)

    assert scripted.drive(provider.verify(check, ("PS256",), **how)) == "verified"
    return seen


def test_the_gate_as_the_recipient_of_a_token() -> None:
    key = op.key("own").as_pem(private=True).decode()
    provider = Provider(op.settings(clock_skew_seconds=7, id_token_decryption_key=key))
    scripted = world()
    (seen,) = checked_with(provider, scripted, ["verified"])
    assert seen.decryption_key is not None
    assert seen.decryption_key.key.thumbprint() == op.key("own").thumbprint()
    assert seen == Recipient(
        keys=scripted.drive(provider.keys()),
        issuer=ISSUER,
        client_id=CLIENT,
        algorithms=("PS256",),
        now=START,
        clock_skew_seconds=7,
        client_secret=SECRET,
        decryption_key=seen.decryption_key,
    )


def test_without_a_key_of_its_own_nothing_is_decrypted() -> None:
    (seen,) = checked_with(Provider(op.settings(client_secret=None)), world(), ["verified"])
    assert (seen.decryption_key, seen.client_secret) == (None, None)


def bad_signature() -> IDTokenError:
    return IDTokenError("signature", expected="one that verifies", got="another")


@pytest.mark.parametrize("is_logout_token", [False, True])
def test_newer_keys_are_tried_once(is_logout_token: bool) -> None:
    scripted, provider = world(), Provider(op.settings())
    old = scripted.drive(provider.keys())
    scripted.answers[JWKS] = answer(op.jwks(op.key("k2")))
    first, second = checked_with(
        provider, scripted, [bad_signature(), "verified"], is_logout_token=is_logout_token
    )
    assert first.keys is old
    assert [key.kid for key in second.keys.keys] == ["k2"]
    assert (first.issuer, first.now, first.algorithms) == (second.issuer, second.now, second.algorithms)


def refuse_all(provider: Provider, scripted: Scripted, *, is_logout_token: bool) -> int:
    """Return how many requests for keys ten forged tokens cause."""

    def check(recipient: Recipient) -> None:
        raise bad_signature()

    before = scripted.urls().count(JWKS)
    how: dict[str, Any] = {"is_logout_token": True} if is_logout_token else {}
    for _ in range(10):
        with pytest.raises(IDTokenError):
            scripted.drive(provider.verify(check, ("RS256",), **how))
    return scripted.urls().count(JWKS) - before


@pytest.mark.parametrize("first", [False, True])
def test_sign_ins_and_logout_tokens_have_budgets_of_their_own(first: bool) -> None:
    scripted, provider = world(), Provider(op.settings())
    scripted.drive(provider.keys())
    assert refuse_all(provider, scripted, is_logout_token=first) == 3
    assert refuse_all(provider, scripted, is_logout_token=first) == 0
    assert refuse_all(provider, scripted, is_logout_token=not first) == 3


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, op.settings().id_token_algorithms),
        ({"id_token_algorithms": ("PS256",)}, ("PS256",)),
        ({"id_token_signed_response_alg": "RS512"}, ("RS512",)),
        ({"id_token_signed_response_alg": "EdDSA"}, ("EdDSA", "Ed25519")),
        ({"id_token_signed_response_alg": "Ed25519"}, ("EdDSA", "Ed25519")),
    ],
)
def test_the_algorithms_of_id_tokens(settings: dict[str, Any], expected: tuple[str, ...]) -> None:
    provider = Provider(op.settings(**settings))
    assert provider.id_token_algorithms == provider.logout_token_algorithms == expected
    assert provider.latest_id_token_alg is None


@pytest.mark.parametrize(
    ("latest", "expected"), [("ES256", ("ES256",)), ("Ed25519", ("EdDSA", "Ed25519")), ("EdDSA", ("EdDSA", "Ed25519"))]
)  # fmt: skip
def test_logout_tokens_use_the_algorithm_of_the_latest_id_token(
    latest: str, expected: tuple[str, ...]
) -> None:
    provider = Provider(op.settings())
    provider.latest_id_token_alg = latest
    assert provider.logout_token_algorithms == expected


# --- effects ----------------------------------------------------------------------------------------


def test_the_metadata_and_the_keys_have_locks_of_their_own() -> None:
    scripted, provider = world(), Provider(op.settings())
    seen = effects_of(provider.warm_up(), scripted)
    locks = [effect for effect in seen if isinstance(effect, Lock)]
    assert locks == [Lock(f"discovery of {ISSUER}"), Lock(f"key set of {ISSUER}")]
    assert [effect for effect in seen if isinstance(effect, Release)] == [
        Release(lock, None) for lock in locks
    ]
    assert [effect.url for effect in seen if isinstance(effect, Fetch)] == [DISCOVERY, JWKS]


@pytest.mark.parametrize("failing", ["discovery", "jwks"])
def test_a_warm_up_that_fails_raises_nothing(failing: str) -> None:
    away: dict[str, Any] = {failing: TIMEOUT}
    scripted, provider = world(**away), Provider(op.settings())
    scripted.drive(provider.warm_up())
    assert provider.state() == ProviderState(
        issuer=ISSUER,
        is_known=failing == "jwks",
        succeeded_at=START if failing == "jwks" else None,
        failed_at=START,
        error="provider_timeout: too slow",
    )


def test_the_state_before_and_after_a_success() -> None:
    scripted, provider = world(), Provider(op.settings())
    assert provider.state() == ProviderState(ISSUER, False, None, None, "")
    scripted.drive(provider.warm_up())
    assert provider.state() == ProviderState(ISSUER, True, START, None, "")


def test_the_provider_is_asked_in_the_background_once_in_ten_seconds() -> None:
    scripted, provider = world(discovery=TIMEOUT), Provider(op.settings())
    begin = Background(provider.warm_up)
    asked = []
    for _ in range(21):
        asked.append(begin in effects_of(provider.ask_in_background(), scripted))
        scripted.now += 1
    assert [second for second, is_asked in enumerate(asked) if is_asked] == [0, 10, 20]
    scripted.now -= 100_000
    assert begin in effects_of(provider.ask_in_background(), scripted)
    scripted.answers[DISCOVERY] = answer(dict(METADATA))
    scripted.drive(provider.metadata())
    scripted.now += 1000
    assert effects_of(provider.ask_in_background(), scripted) == [Now()]


def test_a_pushed_request_has_a_lane_and_outages_of_its_own() -> None:
    provider = Provider(op.settings())
    request = Fetch("POST", ISSUER + "/par", lane=Lane.PUSHED)
    scripted = world(par=answer({"request_uri": "urn:x:1"}, 201))
    assert effects_of(provider.push(request), scripted) == [Enter(Lane.PUSHED), Now(), request]
    scripted.answers[ISSUER + "/par"] = TIMEOUT
    for _ in range(3):
        with pytest.raises(ProviderUnavailable):
            scripted.drive(provider.push(request))
    assert scripted.urls() == [ISSUER + "/par"] * 2, (
        "one that answered, one that did not, and none after that"
    )
    scripted.drive(provider.wait_for_turn())


def test_a_sign_in_waits_for_its_turn_before_the_code_is_used() -> None:
    assert effects_of(Provider(op.settings()).wait_for_turn(), world()) == [Enter(Lane.PROVIDER), Now()]


@pytest.mark.parametrize("endpoint", ["token", "userinfo", "jwks"])
def test_a_sign_in_does_not_begin_while_an_endpoint_that_it_needs_is_away(endpoint: str) -> None:
    away: dict[str, Any] = {endpoint: TIMEOUT}
    scripted, provider = world(**away), Provider(op.settings())
    request = Fetch("GET", f"{ISSUER}/{endpoint}")
    with pytest.raises(ProviderUnavailable):
        scripted.drive(provider.keys() if endpoint == "jwks" else provider.fetch(endpoint, request))
    scripted.now += 9
    with pytest.raises(ProviderUnavailable) as caught:
        scripted.drive(provider.wait_for_turn())
    assert (caught.value.code, caught.value.detail) == ("provider_timeout", "too slow")
    scripted.now += 1
    scripted.drive(provider.wait_for_turn())


@pytest.mark.parametrize(
    ("send", "endpoint", "error"),
    [
        pytest.param(
            lambda provider: exchange_code(
                provider, VALIDATED, redirect_uri=op.REDIRECT, code_verifier=op.VERIFIER
            ),
            "token",
            "use_dpop_nonce",
            id="code",
        ),
        pytest.param(
            lambda provider: exchange_refresh_token(provider, "rt-1"), "token", "use_dpop_nonce", id="refresh"
        ),
        pytest.param(lambda provider: ask_userinfo(provider, "at-1", "sub-1"), "userinfo", "", id="userinfo"),
    ],
)
@pytest.mark.parametrize("wants_nonce", [False, True])
def test_an_endpoint_that_does_not_answer_the_first_or_the_second_request_is_remembered(
    send: Callable[[Provider], Step[object]], endpoint: str, error: str, wants_nonce: bool
) -> None:
    first: list[op.Answers] = [answer({"error": error}, 401, dpop_nonce="n1")] if wants_nonce else []
    given: dict[str, Any] = {endpoint: [*first, TIMEOUT]}
    scripted, provider = world(**given), Provider(op.settings(dpop=True))
    with pytest.raises(ProviderUnavailable):
        scripted.drive(send(provider))
    assert scripted.urls().count(f"{ISSUER}/{endpoint}") == len(first) + 1
    with pytest.raises(ProviderUnavailable):
        scripted.drive(provider.wait_for_turn())


def test_the_answer_of_an_endpoint_is_returned() -> None:
    scripted, given = world(), answer({"a": 1})
    scripted.answers[ISSUER + "/x"] = given
    request = Fetch("GET", ISSUER + "/x")
    assert scripted.drive(Provider(op.settings()).fetch("token", request)) is given


# --- failures that are remembered -------------------------------------------------------------------


@pytest.mark.parametrize(("wait", "expected"), [(3, 5), (5, 5), (7, 7)])
def test_an_error_is_raised_again_as_a_copy(wait: float, expected: float) -> None:
    error = ProviderUnavailable("provider_busy", "Busy.", detail="status 429", retry_after_seconds=5)
    copy = again(error, wait)
    assert (type(copy), copy is error) == (ProviderUnavailable, False)
    assert isinstance(copy, ProviderUnavailable)
    assert (copy.code, copy.public_message, copy.detail) == ("provider_busy", "Busy.", "status 429")
    assert copy.retry_after_seconds == expected


def test_an_answer_that_was_refused_is_refused_again() -> None:
    error = ProviderError("provider_answer", "Odd.", detail="no keys")
    copy = again(error, 3)
    assert (type(copy), copy is error) == (ProviderError, False)
    assert (copy.code, copy.public_message, copy.detail) == ("provider_answer", "Odd.", "no keys")


@pytest.mark.parametrize(
    ("moment", "is_so"), [(None, False), (100, True), (99, True), (91, True), (90, False), (0, False), (101, False)]
)  # fmt: skip
def test_what_was_within_ten_seconds(moment: int | None, is_so: bool) -> None:
    assert is_within(moment, 100, 10) is is_so


@pytest.mark.parametrize(("later", "wait"), [(0, 10), (4, 6), (9, 1)])
def test_clients_are_asked_to_wait_for_the_next_attempt(later: int, wait: int) -> None:
    error = ProviderUnavailable("provider_unreachable", "Away.", detail="refused", retry_after_seconds=0.5)
    scripted, provider = world(discovery=error), Provider(op.settings())
    with pytest.raises(ProviderUnavailable):
        scripted.drive(provider.metadata())
    scripted.now += later
    with pytest.raises(ProviderUnavailable) as caught:
        scripted.drive(provider.metadata())
    assert (caught.value.detail, caught.value.retry_after_seconds) == ("refused", wait)
    assert scripted.urls() == [DISCOVERY]
