"""The pages for when it does not go on."""

from pathlib import Path

import pytest

from oidc_gate import pages

from .markup import Document, header, hrefs, read
from .samples import START, STATIC

ASSETS = Path(pages.__file__).parent / "assets"


def rows(document: Document) -> list[tuple[str, str]]:
    return [(dt.words, dd.words) for dt, dd in zip(document.find("dt"), document.find("dd"), strict=True)]


def test_denied_offers_somebody_else() -> None:
    page = pages.denied_page(
        static_url=STATIC,
        identity_label="ada@example.com",
        switch_url=START,
        sign_out_url="/oauth2/sign_out",
        request_id="r-1",
        reason="Only for finance.",
        application_name="Reports",
    )
    document = read(page)
    assert [(a.words, a.attributes["href"]) for a in document.find("a")] == [
        ("Sign in with another account", START),
        ("Sign out", "/oauth2/sign_out"),
    ]
    words = document.the("main").words
    assert "this account is not allowed to use Reports." in words
    assert "ada@example.com" in words
    assert "Only for finance." in words
    assert rows(document) == [("Request ID", "r-1")]
    assert header(page, "Refresh") is None


def error(**changes: object) -> Document:
    arguments: dict[str, object] = {
        "static_url": STATIC,
        "status": 400,
        "code": "state_mismatch",
        "title": "This sign-in was not started here",
        "message": "What happened.",
        "what_to_do": "Start again.",
        "request_id": "r-1",
    }
    return read(pages.error_page(**{**arguments, **changes}))  # type: ignore[arg-type]


def test_error_says_what_and_what_to_do_and_what_to_tell() -> None:
    document = error(details=[("Provider says", "invalid_scope")], causes=["One.", "Two."])
    assert document.the("h1").words == "This sign-in was not started here"
    assert [p.words for p in document.find("p")] == ["What happened.", "Start again."]
    assert [li.words for li in document.find("li")] == ["One.", "Two."]
    assert rows(document) == [
        ("Error code", "state_mismatch"),
        ("Status", "400"),
        ("Request ID", "r-1"),
        ("Provider says", "invalid_scope"),
    ]
    assert len(document.find("code")) == 4
    assert not document.find("a")


def test_error_button() -> None:
    assert [a.words for a in error(action_url=START).find("a")] == ["Try again"]
    assert [a.words for a in error(action_url=START, action_label="Go").find("a")] == ["Go"]


def test_details_are_bounded() -> None:
    document = error(details=((str(number), "v" * 100_000) for number in range(10**9)))
    shown = rows(document)
    assert len(shown) == 12
    assert shown[-1][1] == "v" * 299 + "…"


def test_causes_are_bounded() -> None:
    assert len(error(causes=["One."] * 13).find("li")) == 12


def test_details_on_one_line_in_reading_order() -> None:
    assert rows(error(details=[("a", "x\r\n\u202ey\u2028z\x00")]))[-1] == ("a", "x y z")


def test_a_detail_without_a_value_is_left_out() -> None:
    assert len(rows(error(details=[("Provider says", "")]))) == 3


def test_loop_names_causes() -> None:
    document = read(pages.loop_page(static_url=STATIC, request_id="r-1", action_url=START))
    assert [li.words for li in document.find("li")] == list(pages.LOOP_CAUSES)
    assert hrefs(document) == [START]
    assert rows(document)[0] == ("Error code", "sign_in_loop")


@pytest.mark.parametrize(
    ("seconds", "sent", "said"),
    [
        (None, None, "in a moment"),
        (5, "5", "in a few seconds"),
        (30, "30", "in less than a minute"),
        (60, "60", "in a minute"),
        (61, "61", "in 2 minutes"),
        (0, "1", "in a few seconds"),
        (-7, "1", "in a few seconds"),
        (10**9, "86400", "in 1440 minutes"),
    ],
)
def test_unavailable_says_when(seconds: int | None, sent: str | None, said: str) -> None:
    page = pages.unavailable_page(static_url=STATIC, request_id="r-1", retry_after_seconds=seconds)
    assert header(page, "Retry-After") == sent
    assert f"Please try again {said}." in read(page).the("main").words
    assert hrefs(read(page)) == [""]
    assert rows(read(page)) == [("Request ID", "r-1")]


def test_no_heading_breaks_inside_sign_in() -> None:
    page = pages.loop_page(static_url=STATIC, request_id="r1", action_url=START)
    [word] = read(page).find("span", **{"class": "whole"})
    assert word.words == "Sign-in"
    assert read(page).the("h1").words == "Sign-in keeps starting again"
    assert ".whole {\n  white-space: nowrap;" in (ASSETS / "gate.css").read_text()
