from __future__ import annotations

import pytest

from oidc_gate.check.findings import Cause, Finding, Severity, exit_status, with_consequences


def finding(name: str, *explained_by: str, severity: Severity = "error") -> Finding:
    return Finding(Cause(name, severity, "what", "seen", "fix", "nginx.md", explained_by), "live")


def shape(findings: list[Finding]) -> dict[str, list[str]]:
    return {each.cause.name: [below.cause.name for below in each.consequences] for each in findings}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([finding("a"), finding("b")], {"a": [], "b": []}),
        ([finding("a"), finding("b", "a")], {"a": ["b"]}),
        ([finding("b", "a"), finding("a")], {"a": ["b"]}),
        ([finding("c", "b"), finding("b", "a"), finding("a")], {"a": ["c", "b"]}),
        ([finding("b", "x", "a"), finding("a")], {"a": ["b"]}),
        ([finding("b", "x")], {"b": []}),
    ],
)
def test_consequences_are_below_their_cause(given: list[Finding], expected: dict[str, list[str]]) -> None:
    assert shape(with_consequences(given)) == expected


def test_errors_come_first() -> None:
    given = [finding("a", severity="warning"), finding("b"), finding("c", severity="warning"), finding("d")]
    assert [each.cause.name for each in with_consequences(given)] == ["b", "d", "a", "c"]


def test_two_that_explain_each_other_are_not_lost() -> None:
    result = with_consequences([finding("a", "b"), finding("b", "a")])
    names = {each.cause.name for each in result} | {
        below.cause.name for each in result for below in each.consequences
    }
    assert names == {"a", "b"}


@pytest.mark.parametrize(
    ("severities", "strict", "is_complete", "expected"),
    [
        ([], False, True, 0),
        (["warning"], False, True, 0),
        (["warning"], True, True, 1),
        (["error"], False, True, 1),
        (["error"], False, False, 1),
        ([], True, True, 0),
        ([], False, False, 2),
        (["warning"], False, False, 2),
    ],
)
def test_exit_status(severities: list[Severity], strict: bool, is_complete: bool, expected: int) -> None:
    findings = [finding("a", severity=severity) for severity in severities]
    assert exit_status(findings, strict=strict, is_complete=is_complete) == expected


def test_an_error_among_the_consequences_counts() -> None:
    (result,) = with_consequences([finding("b", "a"), finding("a", severity="warning")])
    assert exit_status([result], strict=False, is_complete=True) == 1


def test_a_text_without_its_fact_is_shown_all_the_same() -> None:
    cause = Cause("a", "error", "it is {value}", "seen", "fix {other}", "nginx.md")
    one = Finding(cause, "live", facts={"value": "{other}"})
    assert (one.what, one.fix) == ("it is {other}", "fix <other>")
