"""The pages on the way out."""

import pytest

from oidc_gate import pages

from .markup import header, hrefs, read
from .samples import START, STATIC


def sign_out(provider_origin: str | None = None, return_to: str | None = None) -> pages.Page:
    return pages.sign_out_page(
        static_url=STATIC,
        action_url="/oauth2/sign_out",
        form_token='t"o<k',
        provider_origin=provider_origin,
        return_to=return_to,
    )


def form_action(page: pages.Page) -> str:
    policy = header(page, "Content-Security-Policy") or ""
    return next(part for part in policy.split("; ") if part.startswith("form-action "))[12:]


def test_posts_the_token() -> None:
    document = read(sign_out(return_to="/bye"))
    assert document.the("form").attributes == {"method": "post", "action": "/oauth2/sign_out"}
    assert [(i.attributes["name"], i.attributes["value"]) for i in document.find("input")] == [
        ("form_token", 't"o<k'),
        ("rd", "/bye"),
    ]
    assert document.the("button").words == "Sign out"


@pytest.mark.parametrize(
    ("provider", "return_to", "allowed"),
    [
        (None, None, "'self'"),
        (None, "/bye", "'self'"),
        ("https://op.example.com", None, "'self' https://op.example.com"),
        ("https://OP.example.com:8443/end?x", "/bye", "'self' https://op.example.com:8443"),
        (
            "https://op.example.com",
            "https://www.example.com/bye",
            "'self' https://op.example.com https://www.example.com",
        ),
        ("https://op.example.com", "https://op.example.com/bye", "'self' https://op.example.com"),
        ("http://localhost:9000", None, "'self' http://localhost:9000"),
    ],
)
def test_form_may_lead_to_the_provider_and_the_target(
    provider: str | None, return_to: str | None, allowed: str
) -> None:
    assert form_action(sign_out(provider, return_to)) == allowed


@pytest.mark.parametrize(
    "provider",
    [
        "https://op.example.com;script-src *",
        "https://op.example.com *",
        "https://op.example.com,*",
        "https://*",
        "https://*.example.com",
        "https://user@op.example.com",
        "https://op.example.com:",
        "'unsafe-inline'",
        "op.example.com",
        "/relative",
        "data:",
        "https://op.example.com\r\nX: y",
    ],
)
def test_nothing_else_enters_the_policy(provider: str) -> None:
    with pytest.raises(ValueError, match="address"):
        sign_out(provider)
    with pytest.raises(ValueError, match="address"):
        sign_out(return_to=provider.replace("/relative", "//relative"))


def test_says_whether_the_provider_is_included() -> None:
    assert "identity provider" not in read(sign_out()).the("main").words
    assert "and at your identity provider" in read(sign_out("https://op.example.com")).the("main").words


@pytest.mark.parametrize("everywhere", [True, False])
def test_signed_out_says_how_far_it_went(everywhere: bool) -> None:
    page = pages.signed_out_page(
        static_url=STATIC, sign_in_url=START, provider_signed_out=everywhere, application_name="Reports"
    )
    words = read(page).the("main").words
    assert "Your session in Reports has ended" in words
    assert ("so has the one at your identity provider" in words) is everywhere
    assert ("may still know you" in words) is not everywhere
    assert hrefs(read(page)) == [START]


def test_the_form_may_end_at_the_gate_on_another_host() -> None:
    page = pages.sign_out_page(
        static_url=STATIC,
        action_url="/oauth2/sign_out",
        form_token="t",
        provider_origin="https://op.example.com",
        gate_origin="https://auth.example.com",
    )
    assert form_action(page) == "'self' https://op.example.com https://auth.example.com"
