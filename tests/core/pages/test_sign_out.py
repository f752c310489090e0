"""The pages on the way out."""

import pytest

from oidc_gate import pages

from .markup import header, hrefs, read
from .samples import START, STATIC


def sign_out(at_provider_too: bool = False) -> pages.Page:
    return pages.sign_out_page(
        static_url=STATIC,
        action_url="/oauth2/sign_out",
        form_token='t"o<k',
        back_url="/reports",
        at_provider_too=at_provider_too,
    )


def test_posts_the_token_to_ourselves_and_nobody_else() -> None:
    document = read(sign_out())
    assert document.the("form").attributes == {"method": "post", "action": "/oauth2/sign_out"}
    assert [(i.attributes["name"], i.attributes["value"]) for i in document.find("input")] == [
        ("form_token", 't"o<k')
    ]
    assert document.the("button").words == "Sign out"
    assert "form-action 'self';" in (header(sign_out(), "Content-Security-Policy") or "")
    assert header(sign_out(), "Referrer-Policy") == "same-origin"  # else the form's Origin is null


def test_offers_a_way_back() -> None:
    assert hrefs(read(sign_out())) == ["/reports"]


def test_says_whether_the_provider_is_included() -> None:
    assert "identity provider" not in read(sign_out()).the("main").words
    assert "and at your identity provider" in read(sign_out(True)).the("main").words


def test_leaving_goes_on_by_itself_and_offers_a_link() -> None:
    target = "https://op.example.com/end?client_id=app&state=x"
    page = pages.leaving_page(static_url=STATIC, target=target)
    assert header(page, "Refresh") == f"0; url={target}"
    assert hrefs(read(page)) == [target]
    assert "form-action 'none'" in (header(page, "Content-Security-Policy") or "")


@pytest.mark.parametrize("everywhere", [True, False])
def test_signed_out_says_how_far_it_went(everywhere: bool) -> None:
    page = pages.signed_out_page(
        static_url=STATIC, sign_in_url=START, provider_signed_out=everywhere, application_name="Reports"
    )
    words = read(page).the("main").words
    assert "You are not signed in to Reports." in words
    assert ("sent you back from its own sign-out. If you declined it there" in words) is everywhere
    assert ("may still know you" in words) is not everywhere
    assert hrefs(read(page)) == [START]
