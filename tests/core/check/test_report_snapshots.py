"""The report of the check, whole: as text and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oidc_gate.check.answers import right, unknown, wrong
from oidc_gate.check.catalogue import CAUSES
from oidc_gate.check.findings import Cause, Finding
from oidc_gate.check.provider.registration import Address
from oidc_gate.check.report import MIN_SECRET, Report
from oidc_gate.check.results import findings_of
from tests.snapshot_files import compare

FOLDER = Path(__file__).with_name("snapshots")
SECRET = "secret with spaces"


class Exchange:
    sent = f"GET https://op.example.com/{SECRET}"
    received = f"status 400, {SECRET}, and a sentence that is too long for one line of a terminal " * 2


def report() -> Report:
    answers = [
        right("Is all right?"),
        right("Is this right?", Exchange(), "so it is"),
        wrong("Is it right?", "provider_client", Exchange(), "it is not", method="client_secret_basic"),
        wrong("And this?", "provider_redirect_uri", Exchange(), redirect_uri=f"https://a.example/{SECRET}"),
        wrong("The same again?", "provider_client", None, "not reported twice"),
        unknown("And that?"),
    ]
    word = Cause("a_name", "warning", f"what {SECRET} is {{received}}", "seen", "fix {it}", "nginx.md#x")
    return Report(
        findings=[
            Finding(word, "nginx", "/etc/nginx.conf:7", {"received": "that", "it": SECRET}, "", "that"),
            *findings_of("provider", "https://op.example.com", answers, prefix="/oauth2"),
            Finding(CAUSES["samesite_none"], "settings"),
        ],
        answers={"provider": answers, "live": []},
        addresses=[Address("redirect_uri", f"https://a.example/{SECRET}", "required")],
        not_checked=[f"Nginx: {SECRET}"],
        secrets=(SECRET, "secret", "ab", "abcde", "https:"[:5]),
    )


def test_the_whole_report() -> None:
    found = report()
    compare(FOLDER / "report.txt", found.text() + "\n")
    text = found.json()
    assert SECRET not in text
    compare(FOLDER / "report.json", text + "\n")


@pytest.mark.parametrize("strict", [False, True])
def test_the_exit_status_in_the_report(strict: bool) -> None:
    found = Report(findings=[Finding(CAUSES["samesite_none"], "settings")])
    assert (
        json.loads(found.json(strict=strict))["exit_status"]
        == found.exit_status(strict=strict)
        == int(strict)
    )


def test_which_secrets_are_hidden() -> None:
    long, short = "x" * MIN_SECRET, "y" * (MIN_SECRET - 1)
    found = Report(not_checked=[f"{long} {short} {long}z"], secrets=(long, short, f"{long}z"))
    assert found.text().splitlines() == [
        f"not checked: (hidden) {short} (hidden)",
        "0 errors, 0 warnings, and not everything could be checked",
    ]
    assert (long in repr(found.secrets), long in repr(Report(secrets=(long,)))) == (True, False)


@pytest.mark.parametrize(
    ("severities", "expected"),
    [
        ((), "0 errors, 0 warnings"),
        (("error",), "1 error, 0 warnings"),
        (("warning", "error", "error", "warning"), "2 errors, 2 warnings"),
        (("warning",), "0 errors, 1 warning"),
    ],
)
def test_the_summary(severities: tuple[str, ...], expected: str) -> None:
    causes = {"error": "provider_client", "warning": "samesite_none"}
    found = Report(findings=[Finding(CAUSES[causes[each]], "settings") for each in severities])
    assert found.text().splitlines()[-1] == expected
