"""``auth`` and ``forward``: verdicts for a proxy, with an empty body whose length is spelled out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import pytest

from oidc_gate.errors import GateError
from tests.shells.conftest import MakeSite
from tests.shells.driving import Answer, Upload
from tests.shells.site import FETCH, NAVIGATION, ORIGIN, Shell, Site

METHODS = ["GET", "HEAD", "POST", "PUT", "OPTIONS", "DELETE"]
NOTHING_WRONG = "allowed_groups=staff"


def assert_verdict(answer: Answer, status: int) -> None:
    assert (answer.status, answer.body) == (status, b"")
    assert answer.all("content-length") == ["0"]
    assert answer.header("cache-control") == "no-store"
    assert answer.all("location") == []
    assert answer.all("content-type") == []
    assert answer.all("www-authenticate") == (["Bearer"] if status == 401 else [])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("headers", [NAVIGATION, FETCH, {}])
def test_all_three_verdicts_for_any_method(make_site: MakeSite, method: str, headers: dict[str, str]) -> None:
    site = make_site(allowed_groups=("staff",), auto_sign_in=True)
    assert_verdict(site.visitor().ask("auth", headers, method), 401)
    assert_verdict(site.person(groups=("guests",)).ask("auth", headers, method), 403)
    visitor = site.person(groups=("staff",))
    for _ in range(2):
        answer = visitor.ask("auth", headers, method)
        assert_verdict(answer, 202)
        assert answer.header("x-auth-request-user") == "alice"
        assert answer.header("x-auth-request-email") == "alice@corp.example"
        assert answer.header("x-auth-request-groups") == "staff"
        assert answer.all("x-auth-request-preferred-username") == [""]
        assert answer.all("x-auth-request-access-token") == []
    assert site.app.seen == []


def test_the_access_token_where_asked_for(make_site: MakeSite) -> None:
    site = make_site(pass_access_token=True, pass_authorization=True)
    answer = site.person(access_token="opaque").ask("auth")
    assert answer.header("x-auth-request-access-token") == "opaque"
    assert answer.header("authorization") == "Bearer opaque"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        (NOTHING_WRONG, 202),
        ("allowed_groups=other,staff", 202),
        ("allowed_groups=other", 403),
        ("allowed_emails=alice@corp.example", 202),
        ("allowed_emails=bob@corp.example", 403),
        ("allowed_email_domains=corp.example", 202),
        ("allowed_email_domains=orp.example", 403),
        ("allowed_groups=staff&allowed_email_domains=other.example", 403),
    ],
)
def test_the_query_narrows(site: Site, query: str, status: int) -> None:
    visitor = site.person(groups=("staff",))
    for _ in range(2):
        assert visitor.ask("auth").status == 202
        assert_verdict(visitor.ask(f"auth?{query}"), status)
    assert_verdict(site.visitor().ask(f"auth?{query}"), 401)


def test_the_query_never_widens(make_site: MakeSite) -> None:
    site = make_site(allowed_groups=("staff",))
    assert_verdict(site.person(groups=("guests",)).ask("auth?allowed_groups=guests"), 403)


@pytest.mark.parametrize(
    "query",
    [
        "allowed_group=staff",
        "rd=/",
        "x",
        f"{NOTHING_WRONG}&x=1",
        "allowed_groups=",
        "allowed_groups=%ff",
        f"{NOTHING_WRONG}&{NOTHING_WRONG}",
    ],
)
def test_a_query_that_is_not_understood_lets_nobody_in_and_is_an_error_in_the_log(
    site: Site, query: str, caplog: pytest.LogCaptureFixture
) -> None:
    for visitor in (site.person(groups=("staff",)), site.visitor()):
        caplog.clear()
        assert_verdict(visitor.ask(f"auth?{query}"), 403)
        assert [record.levelno for record in caplog.records] == [logging.ERROR]


class Down:
    """A store that is away."""

    blocks = True

    def has(self, kinds: Sequence[str]) -> bool:
        return True

    def add_once(self, key: str, until: int, now: int) -> bool:
        raise GateError("store_unavailable", "The session store is away.", status=503)

    def last_seen(self, keys: Sequence[str], now: int) -> int | None:
        raise GateError("store_unavailable", "The session store is away.", status=503)


def test_when_it_cannot_be_decided_nobody_enters(site: Site) -> None:
    visitor = site.person()
    site.world.expiring_keys = Down()
    for headers in ({}, NAVIGATION):
        assert_verdict(visitor.ask("auth", headers), 503)
        assert visitor.get("/", headers).status == 503
    assert_verdict(site.visitor().ask("auth"), 401)
    assert site.app.seen == []


def test_the_log_knows_that_somebody_refused_is_signed_in(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(allowed_groups=("staff",))
    with caplog.at_level(logging.DEBUG, "oidc_gate"):
        site.person().ask("sign_in", NAVIGATION)
        site.visitor().ask("sign_in", NAVIGATION)
    lines = [
        record.getMessage().partition(": ")[2] for record in caplog.records if record.name == "oidc_gate"
    ]
    assert [line for line in lines if "sign_in_page" in line] == [
        "401: sign_in_page sub='alice': for navigation: signed in, refused by allowed_groups",
        "401: sign_in_page: for navigation: no_cookie",
    ]


# --- where, as a trusted proxy tells it ------------------------------------------------------------


def judging(shell: Shell, **changes: Any) -> Site:
    given: dict[str, Any] = {
        "original_uri_header": "X-Original-URI",
        "original_method_header": "X-Original-Method",
        "trusted_proxies": ("192.0.2.0/24",),
        "public_paths": ("/open/*", "OPTIONS /*"),
        "public_url": ORIGIN + shell.mount,
        "allowed_groups": ("staff",),
    }
    return Site(shell, **(given | changes))


@pytest.mark.parametrize(
    ("method", "uri", "nobody"),
    [
        ("GET", "/open/x", 202),
        ("GET", "/open/x?y=1", 202),
        ("OPTIONS", "/secret", 202),
        ("GET", "/open/a%20b", 202),
        ("GET", "/open/", 401),
        ("GET", "/open%2Fx/secret", 401),
        ("GET", "/%6Fpen/secret", 401),
        ("GET", "/open/x%2Fsecret", 401),
        ("GET", "/secret", 401),
        ("GET", "/secret?/open/x", 401),
        ("GET", "/open/../secret", 401),
        ("GET", "/open/%2e%2e/secret", 401),
        ("GET", "/open/x#y", 401),
        ("get", "/open/x", 401),
    ],
)
def test_rules_apply_to_where_a_trusted_proxy_says(shell: Shell, method: str, uri: str, nobody: int) -> None:
    site = judging(shell)
    told = {"X-Original-URI": site.own(uri), "X-Original-Method": method}
    answer = site.visitor().ask("auth", told)
    assert_verdict(answer, nobody)
    if nobody == 202:
        assert answer.all("x-auth-request-user") == [""]
    assert_verdict(site.person(groups=("guests",)).ask("auth", told), 202 if nobody == 202 else 403)
    assert_verdict(site.person(groups=("staff",)).ask("auth", told), 202)


@pytest.mark.parametrize("endpoint", ["auth", "forward"])
@pytest.mark.parametrize(
    ("groups", "query"),
    [(("guests",), ""), (("staff",), "?allowed_groups=x"), (("guests",), "?allowed_groups=guests")],
)
def test_a_refused_user_of_a_public_path_is_nobody(
    shell: Shell, endpoint: str, groups: tuple[str, ...], query: str, caplog: pytest.LogCaptureFixture
) -> None:
    site = judging(shell, pass_access_token=True, pass_authorization=True)
    public = {"X-Original-URI": site.own("/open/x"), "X-Original-Method": "GET"}
    protected = public | {"X-Original-URI": site.own("/secret")}
    visitor = site.person(groups=groups, access_token="opaque")
    for _ in range(2):
        with caplog.at_level(logging.DEBUG, "oidc_gate"):
            answer = visitor.ask(endpoint + query, public | NAVIGATION)
        assert_verdict(answer, 202)
        for name in ("user", "email", "groups", "preferred-username", "access-token"):
            assert answer.all(f"x-auth-request-{name}") == [""]
        assert answer.all("authorization") == [""]
        lines = [record.getMessage() for record in caplog.records if record.name == "oidc_gate"]
        line = next(text for text in reversed(lines) if ": user_refused" not in text)
        assert line.endswith(": 202: refused_on_public_path (allowed_groups) sub='alice'")
        assert_verdict(visitor.ask(endpoint + query, protected | NAVIGATION), 403)
    admitted = site.person(groups=("staff", "x")).ask(endpoint + query, public | NAVIGATION)
    assert admitted.header("x-auth-request-user") == ("" if "guests" in query else "alice")


def test_a_refused_users_session_is_renewed_with_the_verdict(shell: Shell) -> None:
    site = judging(shell)
    visitor = site.person(groups=("guests",))
    site.now += 400
    answer = visitor.ask("auth", {"X-Original-URI": site.own("/open/x"), "X-Original-Method": "GET"})
    assert_verdict(answer, 202)
    assert len(answer.all("set-cookie")) == 1


def test_a_missing_header_means_protected(shell: Shell) -> None:
    site = judging(shell)
    uri, method = {"X-Original-URI": site.own("/open/x")}, {"X-Original-Method": "GET"}
    assert_verdict(site.visitor().ask("auth", uri), 401)
    assert_verdict(site.visitor().ask("auth", method), 401)
    assert_verdict(site.visitor().ask("auth", uri | method), 202)


def test_nobody_else_is_believed(shell: Shell) -> None:
    told = {"X-Original-URI": shell.mount + "/open/x", "X-Original-Method": "GET"}
    assert_verdict(judging(shell, trusted_proxies=("198.51.100.0/24",)).visitor().ask("auth", told), 401)
    off = judging(shell, original_uri_header=None, original_method_header=None)
    assert_verdict(off.visitor().ask("auth", told), 401)


# --- forward ---------------------------------------------------------------------------------------


def test_forward_sends_a_navigation_to_the_sign_in_page(make_site: MakeSite) -> None:
    site = make_site(trusted_proxies=("192.0.2.0/24",), allowed_groups=("staff",))
    told = {"X-Forwarded-Uri": site.own("/reports?x=1&y=2"), "X-Forwarded-Method": "GET"}
    answer = site.visitor().ask("forward", NAVIGATION | told)
    assert answer.status == 302
    where = ORIGIN + site.path("sign_in")
    assert answer.header("location") == f"{where}?rd={site.own('/reports')}%3Fx%3D1%26y%3D2"
    evil = site.visitor().ask("forward", NAVIGATION | {"X-Forwarded-Uri": "//evil.example/"})
    assert "evil" not in evil.header("location")
    assert_verdict(site.visitor().ask("forward", FETCH | told), 401)
    assert_verdict(site.person(groups=("guests",)).ask("forward", NAVIGATION), 403)
    answer = site.person(groups=("staff",)).ask("forward", NAVIGATION)
    assert_verdict(answer, 202)
    assert answer.header("x-auth-request-user") == "alice"


# What servers write of the peer: uvicorn and hypercorn, others, granian; gunicorn, waitress.
ON_A_UNIX_SOCKET: list[dict[str, Any]] = [
    {"client": None, "REMOTE_ADDR": ""},
    {"client": [], "REMOTE_ADDR": "localhost"},
    {"client": ("", 0), "REMOTE_ADDR": ""},
    {"client": ("", "0"), "REMOTE_ADDR": ""},
]
ELSEWHERE: list[dict[str, Any]] = [{"client": ("192.0.2.7", 1)}, {"client": ("127.0.0.1", 1)}]


@pytest.mark.parametrize("peer", [*ON_A_UNIX_SOCKET, *ELSEWHERE])
def test_a_peer_on_a_unix_socket_is_trusted_by_that_name(make_site: MakeSite, peer: dict[str, Any]) -> None:
    site = make_site(trusted_proxies=("unix",))
    if site.shell.is_asgi:
        told = {"client": peer["client"]}
    else:
        told = {"REMOTE_ADDR": peer.get("REMOTE_ADDR", (peer["client"] or [""])[0])}
    pairs = [("Host", "internal"), ("X-Forwarded-Host", "outside.example")]
    answer = site.send("GET", site.path("userinfo"), pairs, Upload(), **told)
    host = "outside.example" if peer in ON_A_UNIX_SOCKET else "internal"
    assert answer.json["sign_in"] == f"https://{host}{site.path('start')}"


def test_forward_keeps_the_target_with_public_url_alone_and_believes_no_host(make_site: MakeSite) -> None:
    mount = make_site().shell.mount
    site = make_site(public_url=ORIGIN + mount)
    told = {"X-Forwarded-Uri": site.own("/reports?x=1"), "X-Forwarded-Host": "evil.example"}
    answer = site.visitor().ask("forward", NAVIGATION | told)
    assert answer.header("location") == f"{ORIGIN}{site.path('sign_in')}?rd={site.own('/reports')}%3Fx%3D1"
    for uri in ("https://evil.example/", "//evil.example/", "/\\evil.example/", site.path("sign_out")):
        answer = site.visitor().ask("forward", NAVIGATION | {"X-Forwarded-Uri": uri})
        assert answer.header("location") in {
            ORIGIN + site.path("sign_in"),
            f"{ORIGIN}{site.path('sign_in')}?rd={site.own('/')}",
            f"{ORIGIN}{site.path('sign_in')}?lost=1&rd={site.own('/')}",
        }


# --- the query of the client, which Caddy appends --------------------------------------------------

TRUSTED = {"trusted_proxies": ("192.0.2.0/24",)}
CLIENTS_QUERIES = ("x=1", "a=b&a=c&d", "q=a%20b", "%", "=", "group=1", "x=" + "y" * 5000)


@pytest.mark.parametrize("endpoint", ["auth", "forward"])
@pytest.mark.parametrize("query", CLIENTS_QUERIES)
def test_caddy_the_query_of_the_client_is_ignored(make_site: MakeSite, endpoint: str, query: str) -> None:
    site, person = make_site(**TRUSTED), None
    person = site.person(groups=("staff",))
    told = NAVIGATION | {"X-Forwarded-Uri": f"/page?{query}"}
    for _ in range(2):
        assert_verdict(person.ask(f"{endpoint}?{query}", told), 202)
        assert_verdict(person.ask(f"{endpoint}?{query}", told | {"X-Forwarded-Uri": "/page?other"}), 403)
        assert_verdict(person.ask(f"{endpoint}?{query}", NAVIGATION), 403)
    asked = site.visitor().ask(f"{endpoint}?{query}", told)
    assert asked.status == (401 if endpoint == "auth" else 302)
    stranger = make_site().person(groups=("staff",))
    assert_verdict(stranger.ask(f"{endpoint}?{query}", told), 403)


def test_caddy_original_uri_header_reports_the_query_too(make_site: MakeSite) -> None:
    site = make_site(
        original_uri_header="X-Original-URI", original_method_header="X-Original-Method", **TRUSTED
    )
    person, told = site.person(), {"X-Original-URI": "/page?x=1", "X-Original-Method": "GET"}
    assert_verdict(person.ask("auth?x=1", told), 202)
    assert_verdict(person.ask("auth?x=2", told), 403)


@pytest.mark.parametrize("endpoint", ["auth", "forward"])
@pytest.mark.parametrize(
    "rule", ["allowed_groups=admins", "allowed_emails=x@y.example", "allowed_group=admins", "%61llowed_groups=admins",
             "Allowed_Groups=admins", "alowed_groups=admins", "x=1&allowed_groups=admins", "allowed_groups="]
)  # fmt: skip
def test_cve_2021_21411_a_client_that_repeats_the_operators_query_meets_the_rule_all_the_same(
    make_site: MakeSite, endpoint: str, rule: str
) -> None:
    person = make_site(**TRUSTED).person(groups=("staff",))
    for told in ({}, {"X-Forwarded-Uri": f"/page?{rule}"}):
        for _ in range(2):
            assert_verdict(person.ask(f"{endpoint}?{rule}", NAVIGATION | told), 403)


# --- sign_in, the page that error_page shows --------------------------------------------------------


def test_sign_in_is_401_always_and_leads_where_nginx_says(site: Site) -> None:
    told = {"X-Auth-Request-Redirect": site.own("/reports?x=1&y=2")}
    page = site.visitor().ask("sign_in", NAVIGATION | told)
    assert (page.status, page.is_page) == (401, True)
    assert site.rd(site.start_link(page)) == site.own("/reports?x=1&y=2")
    program = site.visitor().ask("sign_in", FETCH | told)
    assert (program.status, program.is_problem) == (401, True)
    posted = site.visitor().ask("sign_in", NAVIGATION | told | {"X-Auth-Request-Method": "POST"})
    assert (posted.status, posted.is_page) == (401, True)
    assert site.rd(site.start_link(posted)) == site.own("/")
    pasted = site.visitor().ask(f"sign_in?rd={ORIGIN}{site.own('/a')}?b=1&c=2", NAVIGATION)
    assert site.rd(site.start_link(pasted)) == site.own("/a?b=1&c=2")
    assert site.visitor().ask("sign_in", NAVIGATION, "HEAD").body == b""


@pytest.mark.parametrize(
    "headers",
    [NAVIGATION, FETCH, {}, NAVIGATION | {"Sec-Purpose": "prefetch"}, FETCH | {"HX-Request": "true"}],
    ids=["page", "fetch", "curl", "prefetch", "htmx"],
)
@pytest.mark.parametrize("who", ["anonymous", "signed in", "refused"])
def test_a_challenge_that_nginx_has_copied_is_not_sent_again(
    make_site: MakeSite, headers: dict[str, str], who: str
) -> None:
    site = make_site(allowed_groups=("staff",))
    group = "staff" if who == "signed in" else "guests"
    visitor = site.visitor() if who == "anonymous" else site.person(groups=(group,))
    direct = {"X-Auth-Request-Redirect": site.path("sign_in") + "?rd=/x"}
    for opened_by_client in ({}, direct):
        answer = visitor.ask("sign_in", headers | opened_by_client)
        assert (answer.status, answer.all("www-authenticate")) == (401, ["Bearer"])
    answer = visitor.ask("sign_in", headers | {"X-Auth-Request-Redirect": site.own("/reports")})
    assert (answer.status, answer.all("www-authenticate")) == (401, [])


def test_sign_in_goes_on_by_itself_with_auto_sign_in_and_knows_who_is_there(make_site: MakeSite) -> None:
    site = make_site(auto_sign_in=True)
    page = site.visitor().ask("sign_in", NAVIGATION)
    assert page.status == 401
    assert page.header("refresh").startswith(f"0; url={site.path('start')}?rd=")
    known = make_site().person().ask("sign_in", NAVIGATION)
    assert known.status == 401
    assert "alice" in known.text
    assert "prompt=select_account" in known.text


def test_a_request_whose_host_is_unknown_is_shut_out_without_a_word(site: Site) -> None:
    assert_verdict(site.send("GET", site.path("auth"), [], Upload()), 503)


def test_forward_does_not_redirect_what_was_no_page(site: Site) -> None:
    assert site.visitor().ask("forward", NAVIGATION | {"X-Forwarded-Method": "GET"}).status == 302
    assert_verdict(site.visitor().ask("forward", NAVIGATION | {"X-Forwarded-Method": "POST"}), 401)
