"""The errors: their status, what they show to users, and what only the log says."""

from __future__ import annotations

import pytest

from oidc_gate.errors import (
    AccessDenied,
    CallbackError,
    ConfigurationError,
    GateError,
    IDTokenError,
    ProviderError,
    ProviderUnavailable,
    QueueFull,
    SessionError,
    StoreUnavailable,
    Unavailable,
)
from oidc_gate.settings.problems import Problem


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (GateError, 500),
        (SessionError, 401),
        (CallbackError, 400),
        (AccessDenied, 403),
        (Unavailable, 503),
        (ProviderUnavailable, 503),
        (QueueFull, 503),
        (StoreUnavailable, 503),
        (ProviderError, 502),
    ],
)
def test_each_error_has_a_status_and_the_log_says_more_than_the_page(
    kind: type[GateError], status: int
) -> None:
    error = kind("a_code", "A sentence.", detail="for the log")
    assert (error.code, error.public_message, error.detail) == ("a_code", "A sentence.", "for the log")
    assert (error.status, str(error), error.args) == (
        status,
        "a_code: for the log",
        ("a_code", "A sentence."),
    )
    plain = kind("a_code", "A sentence.")
    assert (plain.detail, str(plain)) == ("", "a_code: A sentence.")


def test_an_error_may_have_a_status_of_its_own() -> None:
    assert GateError("a", "b", status=400).status == 400
    assert GateError("a", "b", status=0).status == 0


@pytest.mark.parametrize(
    ("kind", "default"),
    [(Unavailable, 10), (ProviderUnavailable, 10), (QueueFull, 10), (StoreUnavailable, 2)],
)
def test_how_long_a_client_is_to_wait_has_bounds(kind: type[Unavailable], default: float) -> None:
    assert kind("a", "b").retry_after_seconds == default
    for asked, waits in (
        (0, 0.5),
        (0.4, 0.5),
        (0.6, 0.6),
        (30, 30),
        (3_600, 3_600),
        (3_601, 3_600),
        (-9, 0.5),
    ):
        assert kind("a", "b", retry_after_seconds=asked).retry_after_seconds == waits


@pytest.mark.parametrize(
    ("more", "code", "detail"),
    [
        ({}, "id_token_iss", "id_token: iss: expected 'x', got '7'"),
        ({"token": "logout_token"}, "logout_token_iss", "logout_token: iss: expected 'x', got '7'"),
        ({"hint": "see there"}, "id_token_iss", "id_token: iss: expected 'x', got '7'; see there"),
    ],
)
def test_a_token_that_is_not_valid_is_named_with_its_claim(
    more: dict[str, str], code: str, detail: str
) -> None:
    error = IDTokenError("iss", expected="x", got=7, **more)
    assert (error.code, error.detail, error.status) == (code, detail, 502)
    assert (error.claim, error.expected, error.got) == ("iss", "x", "7")
    assert error.public_message == "The sign-in service sent an answer that cannot be trusted."


def test_a_value_of_a_token_is_cut_to_200_characters() -> None:
    for size in (200, 201):
        error = IDTokenError("iss", expected="e" * size, got="g" * size)
        assert (error.expected, error.got) == ("e" * 200, "g" * 200)


def test_settings_that_cannot_work_are_all_listed_unless_the_log_has_them() -> None:
    problems = [
        Problem("issuer", "missing", "it is missing", "set it", "default"),
        Problem("client_id", "empty", "it is empty", "set it", "keyword"),
    ]
    one, two = ConfigurationError(problems[:1]), ConfigurationError(problems)
    assert (one.code, one.public_message, one.status) == ("configuration", "The gate is not configured.", 500)
    assert (one.problems, two.problems) == (tuple(problems[:1]), tuple(problems))
    assert (one.is_logged, two.is_logged) == (False, False)
    assert str(one) == f"configuration: 1 problem\n  {problems[0]}"
    assert str(two) == f"configuration: 2 problems\n  {problems[0]}\n  {problems[1]}"
    one.is_logged = two.is_logged = True
    assert str(one) == "configuration: 1 problem, which the log lists at CRITICAL (logger oidc_gate)"
    assert str(two) == "configuration: 2 problems, which the log lists at CRITICAL (logger oidc_gate)"
