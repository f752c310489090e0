"""Nobody goes round in circles: a cookie that is dropped, a clock that is off, a person who may not enter.

fedora flask-oidc #17, oauth2-proxy #707.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.core.provider.scripted import ISSUER
from tests.security.conftest import MakeSite
from tests.shells.driving import Answer
from tests.shells.site import COOKIE, NAVIGATION, Site, Visitor

Meddles = Callable[[Visitor], None]


def browse(visitor: Visitor, target: str, meddle: Meddles, most: int = 40) -> list[Answer]:
    """Follow redirects as a browser does, to the first page; `meddle` spoils the jar after each answer."""
    answers: list[Answer] = []
    while len(answers) < most:
        answer = visitor.open("GET", target, NAVIGATION)
        meddle(visitor)
        answers.append(answer)
        if answer.status not in (302, 303):
            return answers
        target = answer.header("location")
        if target.startswith(ISSUER):
            target = visitor.site.provider.authorize(target)
    raise AssertionError(f"{most} redirects and no page")


def drop_session(visitor: Visitor, name: str = COOKIE) -> None:
    visitor.cookies.pop(name, None)


def drop_all(visitor: Visitor) -> None:
    visitor.cookies.clear()


def test_fedora_flask_oidc_17_a_session_cookie_that_never_comes_back(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(auto_sign_in=True)
    visitor = site.visitor()
    answers = browse(visitor, "/reports", drop_session)
    page = answers[-1]
    assert site.provider.fetches.count("token") == 3
    assert (page.status, page.is_page) == (400, True)
    assert "cookie" in page.text.lower()
    assert "sign_in_loop: the session cookie does not come back" in caplog.text
    link = site.start_link(page)
    assert site.rd(link) == "/reports"
    assert browse(visitor, link, lambda _: None)[-1].body == b"the application"


@pytest.mark.parametrize(
    ("domain", "why"),
    [
        ("app.example", "cookie_domain app.example may be a public suffix (as co.uk is)"),
        ("other.example", "cookie_domain other.example does not cover app.example"),
    ],
)
def test_a_cookie_domain_for_which_browsers_keep_no_cookie_is_named(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, domain: str, why: str
) -> None:
    site = make_site(auto_sign_in=True, cookie_domain=domain)
    page = browse(site.visitor(), "/reports", lambda visitor: drop_session(visitor, "__Secure-oidc_gate"))[-1]
    assert (page.status, "a domain for which browsers keep none" in page.text) == (400, True)
    assert f"sign_in_loop: the session cookie does not come back; {why}" in caplog.text
    caplog.clear()
    page = browse(site.visitor(), "/reports", drop_all)[-1]
    assert (page.status, "flow_missing" in page.text) == (400, True)
    assert f"or used; {why}" in caplog.text


def test_fedora_flask_oidc_17_no_cookie_comes_back_at_all(make_site: MakeSite) -> None:
    site = make_site(auto_sign_in=True)
    answers = browse(site.visitor(), "/reports", drop_all)
    assert len(answers) == 3
    assert (answers[-1].status, "flow_missing" in answers[-1].text) == (400, True)
    assert "did not keep the cookie" in answers[-1].text
    assert site.provider.fetches.count("token") == 0


def test_oauth2_proxy_707_a_clock_that_is_off(make_site: MakeSite) -> None:
    """Two servers whose clocks disagree: the one makes sessions that the other takes for ended."""
    site = make_site(auto_sign_in=True)

    def far_ahead(visitor: Visitor) -> None:
        visitor.cookies.pop(f"{COOKIE}.body", None)
        if COOKIE in visitor.cookies:
            site.now += 3_700
            assert visitor.open("GET", "/reports", NAVIGATION).status == 302
            site.now -= 3_700
            visitor.cookies.pop(COOKIE)

    page = browse(site.visitor(), "/reports", far_ahead)[-1]
    assert (page.status, page.is_page) == (400, True)
    assert site.provider.fetches.count("token") == 3


def test_three_sign_ins_within_a_day_are_no_loop(make_site: MakeSite) -> None:
    site = make_site(auto_sign_in=True)
    visitor = site.visitor()
    for _ in range(8):
        assert browse(visitor, "/reports", lambda _: None)[-1].body == b"the application"
        drop_session(visitor)
        site.now += 61


@pytest.mark.parametrize("auto_sign_in", [True, False])
def test_refused_user_gets_a_page_and_never_a_loop(make_site: MakeSite, auto_sign_in: bool) -> None:
    site = make_site(auto_sign_in=auto_sign_in, allowed_email_domains=("corp.example",))
    site.provider.person = {"sub": "mallory", "email": "mallory@evil.example", "email_verified": True}
    visitor = site.visitor()
    began = browse(visitor, "/oauth2/start?rd=/reports", lambda _: None)
    assert [answer.status for answer in began] == [302, 403]
    session = visitor.cookies[COOKIE]
    for target in ("/reports", "/", "/other?x=1"):
        answers = browse(visitor, target, lambda _: None)
        assert [answer.status for answer in answers] == [403]
        assert "mallory" in answers[0].text
        assert "prompt=select_account" in site.start_link(answers[0])
        assert visitor.cookies[COOKIE] == session
    assert visitor.ask("auth").status == 403
    assert site.app.seen == []
    site.provider.person = {"sub": "alice", "email": "alice@corp.example", "email_verified": True}
    again = browse(visitor, site.start_link(answers[0]), lambda _: None)
    assert again[-1].body == b"the application"


@pytest.mark.parametrize("error", ["login_required", "interaction_required", "access_denied", "server_error"])
def test_a_provider_that_refuses_is_not_asked_again_by_itself(make_site: MakeSite, error: str) -> None:
    site: Site = make_site(auto_sign_in=True)
    visitor = site.visitor()
    location = visitor.navigate("/oauth2/start?rd=/reports").header("location")
    answer = visitor.navigate(site.provider.authorize(location, code="", error=error))
    assert answer.status >= 400
    assert "refresh" not in {name.lower() for name, _ in answer.headers}
    assert 'http-equiv="refresh"' not in answer.text.lower()
    assert site.rd(site.start_link(answer)) == "/reports"


def test_somebody_signed_in_is_in_no_loop(make_site: MakeSite) -> None:
    site = make_site()
    person = site.person()
    person.cookies[f"{COOKIE}.rounds"] = f"9.{int(site.now)}"
    assert person.ask("start", NAVIGATION).status == 302


def test_two_gates_with_one_cookie_name_on_a_host_name_the_cause(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    """Each signs the other out: a browser that visits both in turn signs in again and again."""
    one, other = make_site(auto_sign_in=True), make_site(auto_sign_in=True, client_id="other")
    other.provider.audience = "other"
    page = visit_in_turn(one.visitor(), other.visitor())
    assert (page.status, page.is_page) == (400, True)
    assert "Another application on this host uses a cookie of the same name" in page.text
    assert "does not keep cookies" not in page.text
    [line] = [line.getMessage() for line in caplog.records if line.levelname == "ERROR"]
    assert (
        "sign_in_loop: the session cookie comes back replaced: __Host-oidc_gate was not sealed by this"
        in line
    )
    assert "Fix: give each gate its own cookie_name" in line


def test_two_gates_with_two_cookie_names_on_a_host_make_no_loop(make_site: MakeSite) -> None:
    one, other = (
        make_site(auto_sign_in=True),
        make_site(auto_sign_in=True, client_id="other", cookie_name="two"),
    )
    other.provider.audience = "other"
    assert visit_in_turn(one.visitor(), other.visitor()).body == b"the application"


def visit_in_turn(one: Visitor, other: Visitor) -> Answer:
    """Have one browser visit two gates in turn, until one of them shows a page of its own."""
    other.cookies = one.cookies
    for visitor in [one, other] * 4:
        answer = browse(visitor, "/reports", lambda _: None)[-1]
        if answer.status != 200:
            break
    return answer


def test_a_flow_cookie_of_another_gate_is_named(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = make_site(), make_site(client_id="other")
    visitor, stranger = one.visitor(), other.visitor()
    back = one.provider.authorize(visitor.navigate("/oauth2/start").header("location"))
    stranger.navigate("/oauth2/start")
    visitor.cookies = stranger.cookies
    assert visitor.navigate(back).status == 400
    assert "a flow cookie came that this gate did not seal: does another gate on this host" in caplog.text


def test_a_session_that_opens_and_ends_at_once_is_named(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    """Two servers whose clocks disagree: the cookie is there, and blaming it would mislead."""
    site = make_site(auto_sign_in=True)
    visitor = site.visitor()
    for _ in range(3):
        browse(visitor, "/reports", lambda _: None)
        visitor.cookies[COOKIE] = visitor.cookies[COOKIE][:40]
    page = browse(visitor, "/reports", lambda _: None)[-1]
    assert page.status == 400
    assert "the session cookie comes back, but opens no session: seal_malformed" in caplog.text
