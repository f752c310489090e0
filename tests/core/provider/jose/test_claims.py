"""The checks that all tokens share: their bounds, and what the log says when one of them fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from oidc_gate.errors import IDTokenError
from oidc_gate.provider.jose.claims import ClaimChecks, describe_offset
from oidc_gate.provider.jose.id_token import ValidIDToken
from oidc_gate.provider.jose.jws import Opened
from oidc_gate.provider.jose.keys import KeySet
from oidc_gate.provider.jose.recipient import Recipient

NOW = 1_790_000_000
LAST_SECOND = 253_402_300_799


def begin(skew: int = 60, **claims: Any) -> ClaimChecks:
    recipient = Recipient(
        keys=KeySet(),
        issuer="https://op.example.com",
        client_id="gate",
        algorithms=(),
        now=NOW,
        clock_skew_seconds=skew,
    )
    return ClaimChecks.begin(claims, recipient, token="logout_token")


def detail(check: Callable[[ClaimChecks], object], skew: int = 60, **claims: Any) -> str:
    with pytest.raises(IDTokenError) as caught:
        check(begin(skew, **claims))
    assert caught.value.code == f"logout_token_{caught.value.claim}"
    return caught.value.detail.removeprefix("logout_token: ")


def test_null_is_absent_and_times_are_integers() -> None:
    checks = begin(exp=1.75, iat=0, nbf=LAST_SECOND, auth_time=None, sub="a", other=1.5, none=None)
    assert checks.claims == {"exp": 1, "iat": 0, "nbf": LAST_SECOND, "sub": "a", "other": 1.5}
    assert (checks.token, checks.now, checks.skew) == ("logout_token", NOW, 60)


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf", "auth_time"])
@pytest.mark.parametrize(
    ("value", "got"),
    [
        (-1, "-1"),
        (-0.5, "-0.5"),
        (LAST_SECOND + 1, "253402300800"),
        (True, "True"),
        ("1", "1"),
        ([1], "a list of 1"),
        ({}, "an object"),
    ],
)
def test_a_value_that_is_not_a_time(claim: str, value: object, got: str) -> None:
    expected = f"{claim}: expected 'a time in epoch seconds', got '{got}'"
    claims: dict[str, Any] = {claim: value}
    assert detail(lambda checks: checks, **claims) == expected


def test_a_time_that_is_required() -> None:
    expected = "auth_time: expected 'a time in epoch seconds', got 'nothing'"
    assert detail(lambda checks: checks.time("auth_time")) == expected
    assert begin(iat=7).time("iat") == 7


@pytest.mark.parametrize("text", ["a", "~ ~", "a" * 255])
def test_a_text(text: str) -> None:
    assert begin(sub=text).text("sub") == text


@pytest.mark.parametrize(
    ("value", "got"),
    [
        (None, "nothing"),
        ("", ""),
        ("a" * 256, "a" * 200),
        ("\u00e9", "\u00e9"),
        ("a\x7f", "a\\x7f"),
        (7, "7"),
        (["a"], "a list of 1"),
    ],
)
def test_a_text_that_is_none(value: object, got: str) -> None:
    expected = f"sub: expected '1 to 255 printable ASCII characters', got '{got}'"
    assert detail(lambda checks: checks.text("sub"), sub=value) == expected


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        (
            {"iss": "https://evil.example"},
            "iss: expected 'https://op.example.com', got 'https://evil.example'",
        ),
        ({}, "iss: expected 'https://op.example.com', got 'nothing'"),
    ],
)
def test_another_issuer(claims: dict[str, Any], expected: str) -> None:
    assert detail(lambda checks: checks.check_issuer("https://op.example.com"), **claims) == expected


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({}, "aud: expected 'gate', got 'nothing'"),
        ({"aud": 7}, "aud: expected 'gate', got '7'"),
        ({"aud": ["gate", 7]}, "aud: expected 'gate', got 'a list of 2'"),
        ({"aud": "other"}, "aud: expected 'gate', got 'other'"),
        ({"aud": ["a", "b"]}, "aud: expected 'gate', got 'a b'"),
        ({"aud": ["gate", "b"]}, "azp: expected 'gate', got 'nothing'"),
        ({"aud": "gate", "azp": "b"}, "azp: expected 'gate', got 'b'"),
        ({"aud": ["gate", "b"], "azp": ["gate"]}, "azp: expected 'gate', got 'a list of 1'"),
    ],
)
def test_another_audience(claims: dict[str, Any], expected: str) -> None:
    assert detail(lambda checks: checks.check_audience("gate"), **claims) == expected


def clock(direction: str) -> str:
    return (
        f"; if it is fresh, this host's clock is {direction} the provider's. Fix: synchronize both with NTP"
    )


EXPIRED = f"exp: expected 'later than {NOW - 60}', got '{NOW - 60}'; it expired 60 s ago"
EARLY = f"nbf: expected 'at most {NOW + 60}', got '{NOW + 61}'; it is valid in 61 s"
ISSUED = f"iat: expected '{NOW - 660} to {NOW + 60}', got"


@pytest.mark.parametrize(
    ("check", "claims", "expected"),
    [
        (ClaimChecks.check_not_expired, {"exp": NOW - 60}, EXPIRED),
        (ClaimChecks.check_not_expired, {"exp": NOW - 60, "iat": NOW - 60}, EXPIRED),
        (
            ClaimChecks.check_not_expired,
            {"exp": NOW - 60, "iat": NOW - 61},
            EXPIRED + clock("61 s ahead of"),
        ),
        (ClaimChecks.check_not_before, {"nbf": NOW + 61}, EARLY),
        (ClaimChecks.check_not_before, {"nbf": NOW + 61, "iat": NOW + 60}, EARLY),
        (ClaimChecks.check_not_before, {"nbf": NOW + 61, "iat": NOW + 61}, EARLY + clock("61 s behind")),
        (
            ClaimChecks.check_issued_now,
            {"iat": NOW + 61},
            f"{ISSUED} '{NOW + 61}'; it was issued 61 s in the future" + clock("61 s behind"),
        ),
        (
            ClaimChecks.check_issued_now,
            {"iat": NOW - 661},
            f"{ISSUED} '{NOW - 661}'; it was issued 661 s ago" + clock("661 s ahead of"),
        ),
    ],
)
def test_a_time_that_is_not_acceptable_with_the_difference_of_the_clocks(
    check: Callable[[ClaimChecks], None], claims: dict[str, Any], expected: str
) -> None:
    assert detail(check, **claims) == expected


def test_clocks_that_must_not_differ_at_all() -> None:
    assert detail(ClaimChecks.check_issued_now, 0, iat=NOW + 1).endswith(clock("1 s behind"))
    assert detail(ClaimChecks.check_not_expired, 0, exp=NOW, iat=NOW).endswith("it expired 0 s ago")
    begin(0, exp=NOW + 1, iat=NOW, nbf=NOW).check_not_expired()


@pytest.mark.parametrize(
    ("check", "claims"),
    [
        (ClaimChecks.check_not_expired, {"exp": NOW - 59}),
        (ClaimChecks.check_not_before, {"nbf": NOW + 60}),
        (ClaimChecks.check_not_before, {}),
        (ClaimChecks.check_issued_now, {"iat": NOW + 60}),
        (ClaimChecks.check_issued_now, {"iat": NOW - 660}),
    ],
)
def test_the_bounds_of_the_times(check: Callable[[ClaimChecks], None], claims: dict[str, Any]) -> None:
    check(begin(**claims))


@pytest.mark.parametrize(
    ("offset", "words"),
    [(2, "2 s in the future"), (1, "1 s in the future"), (0, "0 s ago"), (-1, "1 s ago")],
)
def test_a_time_in_relation_to_the_clock(offset: int, words: str) -> None:
    assert describe_offset(offset) == words


def test_what_was_received_may_be_kept_out_of_the_log_and_may_have_a_hint() -> None:
    checks = begin(nonce="secret-1")
    error = checks.refuse("nonce", expected="ours", got="", hint="ask again")
    assert error.detail == "logout_token: nonce: expected 'ours', got ''; ask again"
    assert (error.claim, error.expected, error.got, error.status) == ("nonce", "ours", "", 502)


def test_no_claims_in_a_repr() -> None:
    assert repr(begin(sub="ada")) == f"ClaimChecks(token='logout_token', now={NOW}, skew=60)"
    assert repr(Opened("RS256", {"sub": "ada"})) == "Opened(alg='RS256')"
    assert repr(ValidIDToken({"sub": "ada"}, "RS256")) == "ValidIDToken(alg='RS256')"  # type: ignore[arg-type]
