from __future__ import annotations

import json

import pytest

from oidc_gate.check.answers import unknown, wrong
from oidc_gate.check.provider.registration import Address
from oidc_gate.check.report import Report
from oidc_gate.check.results import findings_of

SECRET = 'a "secret" with \\ and é in it'


class Exchange:
    sent = f"POST https://op.example.com/token {SECRET}"
    received = f"status 400: {SECRET} is wrong"


def report() -> Report:
    answers = [
        wrong("Is it right?", "provider_client", Exchange(), SECRET),
        wrong(
            "And this?",
            "provider_redirect_uri",
            Exchange(),
            redirect_uri="https://app.example.com/oauth2/callback",
        ),
        unknown("And that?"),
    ]
    return Report(
        findings=findings_of("provider", "https://op.example.com", answers),
        answers={"provider": answers},
        secrets=(SECRET, "op"),
    )


def test_no_secret_is_in_the_output() -> None:
    for text in (report().text(), report().json()):
        assert "secret" not in text.replace("client_secret", "")
        assert "(hidden)" in text
        assert "op.example.com" in text  # too short to be replaced


def test_the_text_names_cause_fix_and_consequence() -> None:
    text = report().text()
    assert "ERROR provider_client: " in text
    assert "fix:        copy client_id" in text
    assert "therefore:  provider_redirect_uri" in text
    assert "more:       oidc-gate explain provider_client" in text
    assert "docs/" not in text
    assert "unknown         And that?" in text
    assert text.endswith("\n1 error, 0 warnings")


def test_json() -> None:
    content = json.loads(report().json(strict=True))
    assert content["exit_status"] == 1
    (finding,) = content["findings"]
    assert (finding["read"], finding["more"]) == ("docs/settings.md", "oidc-gate explain provider_client")
    assert (finding["cause"], finding["severity"], finding["part"]) == (
        "provider_client",
        "error",
        "provider",
    )
    assert [each["cause"] for each in finding["consequences"]] == ["provider_redirect_uri"]
    assert "https://app.example.com/oauth2/callback" in finding["consequences"][0]["fix"]
    assert [answer["answer"] for answer in content["answers"]] == ["wrong", "wrong", "unknown"]
    assert {*content["answers"][0]} == {"part", "question", "answer", "sent", "received", "cause"}


def test_what_could_not_be_checked() -> None:
    one = Report(not_checked=["the provider, because the settings cannot work"])
    assert one.exit_status(strict=False) == 2
    hidden = Report(not_checked=[SECRET], secrets=(SECRET,))
    assert SECRET not in hidden.text() + hidden.json()
    assert "not checked: the provider" in one.text()


@pytest.mark.parametrize(
    ("secrets", "text", "expected"),
    [
        (("12345",), "a 12345 b", "a 12345 b"),
        (("123456",), "a 123456 b 123456", "a (hidden) b (hidden)"),
        (("123456", "12345678"), "a 12345678 b 123456", "a (hidden) b (hidden)"),
        (("12345678", "123456"), "a 12345678 b 123456", "a (hidden) b (hidden)"),
        (("",), "a b", "a b"),
    ],
    ids=range(5),
)
def test_which_secrets_are_replaced(secrets: tuple[str, ...], text: str, expected: str) -> None:
    one = Report(
        answers={"live": [unknown(text)]},
        not_checked=[text],
        addresses=[Address("redirect_uri", text, "required")],
        secrets=secrets,
    )
    content = json.loads(one.json())
    assert content["answers"][0]["question"] == expected
    assert (content["register"], content["not_checked"]) == ({"redirect_uri": expected}, [expected])
    assert one.text().splitlines() == [
        "live:",
        f"  unknown         {expected}",
        "",
        "Register at the provider:",
        f"  redirect_uri              {expected}  (required)",
        "",
        f"not checked: {expected}",
        "0 errors, 0 warnings, and not everything could be checked",
    ]
