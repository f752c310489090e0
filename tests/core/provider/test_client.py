"""What is kept of the provider, for how long, and what is served while it is down."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from oidc_gate.effects import Fetch, Fetched, Step
from oidc_gate.errors import GateError, IDTokenError, ProviderError, ProviderUnavailable
from oidc_gate.provider.client import Provider
from oidc_gate.provider.jose.id_token import Expectations, validate_id_token
from oidc_gate.provider.refreshing_cache import RenewalBudget, lifetime
from oidc_gate.runtime.driver import run
from oidc_gate.runtime.world import World

from . import scripted as op
from .scripted import ISSUER, METADATA, START, Scripted, answer, world

DISCOVERY = ISSUER + "/.well-known/openid-configuration"
DOWN = ProviderUnavailable("provider_unreachable", "Away.", detail="GET https://op.example/: refused")


@pytest.mark.parametrize(
    ("cache_control", "seconds"),
    [
        ("", 3600),
        ("max-age=600", 600),
        ("public, max-age=7200, must-revalidate", 7200),
        ("max-age=1", 300),
        ("no-store", 3600),
        ("max-age=99999999", 86400),
        ("s-maxage=600", 3600),
        ("max-age=", 3600),
        ("x-max-age=600", 3600),
        ('MAX-AGE="900"', 900),
    ],
)
def test_how_long_it_is_kept(cache_control: str, seconds: int) -> None:
    assert lifetime(answer({}, cache_control=cache_control)) == seconds


def test_it_is_fetched_once() -> None:
    scripted, provider = world(), Provider(op.settings())
    first = scripted.drive(provider.metadata())
    scripted.now += 3599
    assert scripted.drive(provider.metadata()) is first
    assert scripted.urls() == [DISCOVERY]
    scripted.now += 1
    assert scripted.drive(provider.metadata()) is first, "nothing changed"
    assert scripted.urls() == [DISCOVERY] * 2


def test_a_clock_that_was_set_back() -> None:
    scripted, provider = world(), Provider(op.settings())
    scripted.drive(provider.metadata())
    scripted.now -= 100_000
    scripted.drive(provider.metadata())
    assert len(scripted.fetches) == 2


def test_served_stale_while_the_provider_is_down() -> None:
    scripted, provider = world(), Provider(op.settings())
    good = scripted.drive(provider.metadata())
    for trouble in (DOWN, answer({}, 500), answer(b"<html>"), answer({"issuer": "https://evil.example"})):
        scripted.answers[DISCOVERY] = trouble
        scripted.now += 4000
        before = len(scripted.fetches)
        for _ in range(5):
            assert scripted.drive(provider.metadata()) is good
            scripted.now += 1
        assert len(scripted.fetches) == before + 1, "tried once in ten seconds"
        assert provider.state().error
        scripted.now += 5
        scripted.drive(provider.metadata())
        assert len(scripted.fetches) == before + 2


def test_never_a_good_one() -> None:
    scripted, provider = world(discovery=DOWN), Provider(op.settings())
    for _ in range(10):
        with pytest.raises(ProviderUnavailable) as caught:
            scripted.drive(provider.metadata())
        assert caught.value.code == "provider_unreachable"
        assert caught.value is not DOWN or len(scripted.fetches) == 1
    assert len(scripted.fetches) == 1
    scripted.now += 10
    scripted.answers[DISCOVERY] = answer(dict(METADATA))
    assert scripted.drive(provider.metadata()).issuer == ISSUER
    assert provider.state().error == ""


def test_a_refused_document_stays_a_refusal() -> None:
    scripted, provider = world(discovery=answer({"issuer": "https://evil.example"})), Provider(op.settings())
    for _ in range(3):
        with pytest.raises(ProviderError) as caught:
            scripted.drive(provider.metadata())
        assert caught.value.code == "issuer_mismatch"
    assert len(scripted.fetches) == 1


def test_while_one_renews_the_others_are_served_the_old() -> None:
    scripted, provider = world(), Provider(op.settings())
    good = scripted.drive(provider.metadata())
    scripted.now += 4000
    slow = provider.metadata()
    next(slow)
    slow.send(scripted.now)  # is now waiting for its answer
    assert scripted.drive(provider.metadata()) is good
    assert len(scripted.fetches) == 1


def verifying(provider: Provider, token: str) -> Step[Any]:
    expected = Expectations(nonce=op.NONCE, access_token="at")
    return provider.verify(lambda recipient: validate_id_token(token, recipient, expected), ("RS256",))


def verify(provider: Provider, scripted: Scripted, token: str) -> object:
    return scripted.drive(verifying(provider, token))


@pytest.mark.parametrize("kid", ["k2", "k1"], ids=["a new kid", "a new key under the same kid"])
def test_a_key_that_rotates(kid: str) -> None:
    scripted, provider = world(), Provider(op.settings())
    verify(provider, scripted, op.id_token())
    new = op.key(kid, 2)
    scripted.answers[ISSUER + "/jwks"] = answer(op.jwks(new))
    assert verify(provider, scripted, op.id_token(new))
    assert scripted.urls().count(ISSUER + "/jwks") == 2


def test_an_unknown_key_a_thousand_times() -> None:
    scripted, provider = world(), Provider(op.settings())
    verify(provider, scripted, op.id_token())
    token = op.id_token(op.key("unknown"))
    for _ in range(1000):
        with pytest.raises(IDTokenError):
            verify(provider, scripted, token)
    assert scripted.urls().count(ISSUER + "/jwks") == 4, "the first, and three renewals"
    for minutes, renewals in [(0.9, 0), (0.1, 1), (1, 1), (2, 2), (60, 3)]:  # one comes back each minute
        scripted.now += round(minutes * 60)
        before = scripted.urls().count(ISSUER + "/jwks")
        for _ in range(9):
            with pytest.raises(IDTokenError):
                verify(provider, scripted, token)
        expired = minutes == 60  # the key set itself is renewed as well
        assert scripted.urls().count(ISSUER + "/jwks") == before + renewals + expired, minutes


def test_renewals_on_demand_after_the_clock_was_set_back() -> None:
    budget = RenewalBudget()
    assert [budget.take(START) for _ in range(4)] == [True, True, True, False]
    assert not budget.take(START - 100_000), "a clock that is set back gives nothing"
    assert budget.take(START - 100_000 + 60), "and takes nothing"


def test_a_fault_of_another_kind_renews_nothing() -> None:
    scripted, provider = world(), Provider(op.settings())
    with pytest.raises(IDTokenError) as caught:
        verify(provider, scripted, op.id_token(aud="other"))
    assert caught.value.code == "id_token_aud"
    assert scripted.urls().count(ISSUER + "/jwks") == 1


def test_keys_that_cannot_be_renewed_are_served_stale() -> None:
    scripted, provider = world(), Provider(op.settings())
    verify(provider, scripted, op.id_token())
    scripted.answers[ISSUER + "/jwks"] = DOWN
    scripted.now += 4000
    assert verify(provider, scripted, op.id_token(iat=scripted.now, exp=scripted.now + 300))
    with pytest.raises(IDTokenError):
        verify(provider, scripted, op.id_token(op.key("unknown")))
    assert provider.state().error == f"provider_unreachable: {DOWN.detail}"


@pytest.mark.parametrize(
    "given", [answer({}), answer([]), answer(b"x"), answer(op.jwks(), 404), answer({}, 302)]
)
def test_keys_that_are_none(given: op.Answers) -> None:
    scripted, provider = world(jwks=given), Provider(op.settings())
    with pytest.raises(ProviderError):
        scripted.drive(provider.keys())


def test_warm_up_and_state(caplog: pytest.LogCaptureFixture) -> None:
    scripted, provider = world(), Provider(op.settings())
    before = provider.state()
    assert (before.is_known, before.succeeded_at, before.failed_at, before.error) == (False, None, None, "")
    with caplog.at_level(logging.INFO, "oidc_gate.provider"):
        scripted.drive(provider.warm_up())
    assert scripted.urls() == [DISCOVERY, ISSUER + "/jwks"]
    state = provider.state()
    assert (state.issuer, state.is_known, state.succeeded_at, state.error) == (ISSUER, True, START, "")
    assert ISSUER + "/token" in caplog.text
    assert "k1" in caplog.text


def test_a_warm_up_that_fails_is_logged_with_how_to_mend_it(caplog: pytest.LogCaptureFixture) -> None:
    scripted = world(discovery=answer({"issuer": "https://op.example/"}))
    provider = Provider(op.settings())
    scripted.drive(provider.warm_up())
    (record,) = [one for one in caplog.records if one.levelno == logging.WARNING]
    text = record.getMessage()
    assert "'https://op.example/'" in text
    assert "'https://op.example'" in text
    assert "Fix: write issuer exactly" in text
    assert provider.state().error.startswith("issuer_mismatch: ")
    assert provider.state().failed_at == START


@pytest.mark.parametrize(
    ("error", "fix"),
    [
        (ProviderUnavailable("provider_name", "Away."), "does this host resolve the name (DNS)?"),
        (ProviderUnavailable("provider_tls", "Away."), "ca_file"),
        (
            ProviderUnavailable("provider_unreachable", "Away."),
            "can this host reach the address (firewall, proxy)?",
        ),
        (ProviderUnavailable("provider_timeout", "Away."), "provider_timeout_seconds"),
        (ProviderError("provider_answer", "No."), "/.well-known/openid-configuration"),
    ],
)
def test_what_to_do_about_a_discovery_that_failed(
    error: GateError, fix: str, caplog: pytest.LogCaptureFixture
) -> None:
    world(discovery=error).drive(Provider(op.settings()).warm_up())
    (record,) = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert fix in record.getMessage().partition("Fix: ")[2]


def test_what_changed_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    scripted, provider = world(), Provider(op.settings())
    scripted.drive(provider.metadata())
    scripted.answers[DISCOVERY] = answer(dict(METADATA) | {"token_endpoint": ISSUER + "/token2"})
    scripted.now += 4000
    with caplog.at_level(logging.INFO, "oidc_gate.provider"):
        assert scripted.drive(provider.metadata()).token_endpoint == ISSUER + "/token2"
    assert caplog.messages == [f"discovery of {ISSUER}: changed: token_endpoint"]


# --- many at once: each in a thread of its own, over a provider that answers when it is let ------------


class Crowd:
    """Requests that wait for one exchange; `open` lets the provider answer."""

    def __init__(self, scripted: Scripted, held_up: str) -> None:
        self.scripted, self.held_up = scripted, held_up
        self.world = World(op.settings(), outbound=self.fetch, clock=lambda: scripted.now)
        self.reached, self.open = threading.Event(), threading.Event()
        self.pool = ThreadPoolExecutor(12)

    def fetch(self, fetch: Fetch) -> Fetched:
        if fetch.url == self.held_up:
            self.reached.set()
            assert self.open.wait(20)
        answered: Fetched = self.scripted.perform(fetch)
        return answered

    def drive(self, step: Callable[[], Step[Any]]) -> Any:
        """Return what the step returned, or the error that it raised."""
        try:
            return run(step(), self.world, lambda _: b"", in_lanes=False)
        except GateError as error:
            return error

    def together(self, *steps: Callable[[], Step[Any]]) -> list[Any]:
        """Drive the first, and the others while it waits for the provider."""
        jobs = [self.pool.submit(self.drive, steps[0])]
        assert self.reached.wait(20)
        jobs += [self.pool.submit(self.drive, step) for step in steps[1:]]
        time.sleep(0.1)  # more than enough to line up; too little only makes the test prove less
        self.open.set()
        return [job.result(20) for job in jobs]


def test_many_at_once_wait_for_one_exchange() -> None:
    crowd, provider = Crowd(world(), DISCOVERY), Provider(op.settings())
    found = crowd.together(*[provider.metadata] * 10)
    assert [metadata.issuer for metadata in found] == [ISSUER] * 10
    assert crowd.scripted.urls() == [DISCOVERY]


def test_many_who_wait_for_one_failure_get_one_each_and_it_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    crowd, provider = Crowd(world(discovery=DOWN), DISCOVERY), Provider(op.settings())
    found = crowd.together(*[provider.metadata] * 10)
    assert [error.code for error in found] == ["provider_unreachable"] * 10
    assert len({id(error) for error in found}) == 10
    assert crowd.scripted.urls() == [DISCOVERY]
    assert len(caplog.records) == 1


def test_discovery_must_offer_the_algorithm_of_the_registration() -> None:
    provider = Provider(op.settings(id_token_signed_response_alg="ES256"))
    with pytest.raises(ProviderError) as caught:
        world().drive(provider.metadata())
    assert caught.value.code == "discovery_unusable"
    assert caught.value.detail.endswith("offers only RS256; accepted here: ES256")
    assert (
        world().drive(Provider(op.settings(id_token_signed_response_alg="RS256")).metadata()).issuer == ISSUER
    )


def test_one_who_waited_for_a_failure_of_long_ago_does_not_get_it() -> None:
    """The memory of a failure is ten seconds long, and not that of its exchange."""
    scripted, provider = world(discovery=DOWN), Provider(op.settings())
    with pytest.raises(ProviderUnavailable):
        scripted.drive(provider.metadata())
    scripted.answers[DISCOVERY] = answer(dict(METADATA))
    scripted.now += 10
    crowd = Crowd(scripted, DISCOVERY)
    assert [found.issuer for found in crowd.together(*[provider.metadata] * 5)] == [ISSUER] * 5


@pytest.mark.parametrize("is_found", [True, False])
def test_a_token_whose_key_is_unknown_waits_for_the_keys_that_are_under_way(is_found: bool) -> None:
    scripted, provider = world(), Provider(op.settings())
    verify(provider, scripted, op.id_token())
    new = op.key("k2")
    scripted.answers[ISSUER + "/jwks"] = answer(op.jwks(new)) if is_found else DOWN
    crowd = Crowd(scripted, ISSUER + "/jwks")

    def verifies() -> Step[Any]:
        return verifying(provider, op.id_token(new))

    found = crowd.together(verifies, verifies, verifies, verifies)
    assert [getattr(one, "code", "verified") for one in found] == [
        "verified" if is_found else "id_token_kid"
    ] * 4
    assert scripted.urls().count(ISSUER + "/jwks") == 2
