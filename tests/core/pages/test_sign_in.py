"""The pages on the way in."""

import pytest

from oidc_gate import pages

from .markup import attribute, header, hrefs, read
from .samples import START, STATIC


def test_asks_with_one_link() -> None:
    document = read(pages.sign_in_page(static_url=STATIC, start_url=START))
    link = document.the("a")
    assert link.words == "Sign in"
    assert link.attributes == {"class": "button", "href": START, "data-return": None}
    assert not document.find("form")


def test_names_application_and_provider() -> None:
    page = pages.sign_in_page(
        static_url=STATIC, start_url=START, application_name="Reports", provider_name="Northwind ID"
    )
    document = read(page)
    assert document.the("h1").words == "Sign in to Reports"
    assert document.the("title").words == "Sign in to Reports"
    assert document.the("a").words == "Sign in with Northwind ID"


def test_notice_is_said_first() -> None:
    page = pages.sign_in_page(static_url=STATIC, start_url=START, notice="Your session ended.")
    assert read(page).find("p")[0].words == "Your session ended."


def test_waits_for_a_click_unless_asked_not_to() -> None:
    page = pages.sign_in_page(static_url=STATIC, start_url=START)
    assert header(page, "Refresh") is None
    assert not read(page).find("meta", **{"http-equiv": "refresh"})


def test_goes_on_by_itself() -> None:
    page = pages.sign_in_page(static_url=STATIC, start_url=START, refresh_seconds=0)
    assert header(page, "Refresh") == f"0; url={START}"
    assert attribute(read(page).the("a"), "href") == START
    assert "data-automatic" in read(page).the("a").attributes


def test_no_other_delay() -> None:
    with pytest.raises(ValueError, match="refresh_seconds"):
        pages.sign_in_page(static_url=STATIC, start_url=START, refresh_seconds=5)


@pytest.mark.parametrize("build", ["sign_in", "continue"])
def test_long_refresh_goes_into_the_page(build: str) -> None:
    url = "/oauth2/start?rd=%2F" + "a" * 2_000 + '";x'
    page = (
        pages.sign_in_page(static_url=STATIC, start_url=url, refresh_seconds=0)
        if build == "sign_in"
        else pages.continue_page(static_url=STATIC, target=url)
    )
    assert header(page, "Refresh") is None
    meta = read(page).the("meta", **{"http-equiv": "refresh"})
    assert meta.attributes["content"] == f"0; url={url.replace(chr(34), '%22')}"


def test_somebody_signed_in_is_never_sent_on() -> None:
    page = pages.sign_in_page(
        static_url=STATIC,
        start_url=START,
        identity_label="ada@example.com",
        switch_url="/oauth2/start?prompt=select_account&rd=%2F",
        refresh_seconds=0,
    )
    document = read(page)
    assert header(page, "Refresh") is None
    assert not document.find("meta", **{"http-equiv": "refresh"})
    assert document.the("h1").words == "You are signed in"
    assert "ada@example.com" in document.the("main").words
    link = document.the("a")
    assert (link.words, link.attributes["href"]) == (
        "Sign in with another account",
        "/oauth2/start?prompt=select_account&rd=%2F",
    )
    assert "data-automatic" not in link.attributes


def test_posted_says_nothing_was_saved() -> None:
    document = read(pages.posted_page(static_url=STATIC, start_url=START))
    words = document.the("main").words
    assert "Nothing was received, and nothing was saved." in words
    assert "Back button" in words
    assert hrefs(document) == [START, START]
    assert document.find("a", target="_blank", rel="noopener")


def test_continue_works_without_refresh() -> None:
    page = pages.continue_page(static_url=STATIC, target="/reports?month=5#top")
    assert header(page, "Refresh") == "0; url=/reports?month=5#top"
    assert hrefs(read(page)) == ["/reports?month=5#top"]
