"""Who may enter: no look-alike of a domain, no address that nobody vouched for, no rule that is ignored."""

from __future__ import annotations

from typing import Any

import pytest

from oidc_gate.errors import ConfigurationError
from tests.core.provider.scripted import CLIENT, ISSUER
from tests.core.provider.scripted import sign as sign_token
from tests.security.conftest import SHELLS, MakeSite
from tests.security.test_flow import bring, start
from tests.shells.site import COOKIE, NAVIGATION, ORIGIN, Site


def enters(site: Site, **claims: Any) -> bool:
    """Tell whether somebody of whom the provider says this may enter, everywhere that is asked."""
    site.provider.person = {"sub": "somebody", "email_verified": True} | claims
    visitor = site.visitor()
    signed_in = bring(visitor, start(visitor)).status
    site.app.seen.clear()
    page, verdict = visitor.get("/reports").status, visitor.ask("auth").status
    assert (signed_in, page, verdict, len(site.app.seen)) in ((302, 200, 202, 1), (403, 403, 403, 0))
    return page == 200


LOOK_ALIKES = [
    "a@badexample.com",
    "a@example.com.evil",
    "a@xexample.com",
    "a@example.comx",
    "a@sub.example.com",
    "a@.example.com",
    "a@example.com.",
    "a@example",
    "example.com",
    "@example.com",
    "a@",
    "a@-example.com",
]


@pytest.mark.parametrize("email", LOOK_ALIKES)
def test_cve_2021_21291_a_domain_is_compared_whole(make_site: MakeSite, email: str) -> None:
    site = make_site(allowed_email_domains=("example.com",))
    assert enters(site, email="a@example.com")
    assert enters(site, email="a@EXAMPLE.com")
    assert not enters(site, email=email)


@pytest.mark.parametrize(
    "email", ["a@badexample.com", "a@example.com.evil", "a@example.com", "a@x.badexample.com"]
)
def test_vouch_335_a_rule_for_subdomains_begins_at_a_dot(make_site: MakeSite, email: str) -> None:
    site = make_site(allowed_email_domains=("*.example.com",))
    assert enters(site, email="a@x.example.com")
    assert enters(site, email="a@y.x.example.com")
    assert not enters(site, email=email)


@pytest.mark.parametrize(
    "host",
    [
        "badexample.com",
        "example.com.evil",
        "example.com",
        "x.badexample.com",
        "example.com%2eevil",
        "xexample.com",
    ],
)
def test_cve_2021_21291_a_redirect_host_begins_at_a_dot(make_site: MakeSite, host: str) -> None:
    site = make_site(allowed_redirect_hosts=("*.example.com",))
    person = site.person()

    def leads_to(target: str) -> str:
        callback = start(site.visitor(), target)
        return bring(person, callback).header("location")

    assert leads_to("https://x.example.com/p") == "https://x.example.com/p"
    assert leads_to(f"https://{host}/p") == "/"


EVIL = [
    "a@evil.com@corp.com",
    "a@corp.com@evil.com",
    "a@@corp.com",
    '"a@evil.com"@corp.com',
    "a@evil.com\uff20corp.com",
    "a@evil.com\ufe6bcorp.com",
    "a@evil.com,b@corp.com",
    "a@evil.com b@corp.com",
    "a@evil.com\nb@corp.com",
    "a@evil.com\x00@corp.com",
    "a@corp.com\x00.evil.com",
    "a@corp.com%00.evil.com",
    "a@c\u043erp.com",
]


@pytest.mark.parametrize("email", EVIL)
def test_cve_2026_40574_exactly_one_at_sign(make_site: MakeSite, email: str) -> None:
    for site in (
        make_site(allowed_email_domains=("corp.com",)),
        make_site(allowed_emails=("b@corp.com", "a@corp.com")),
    ):
        assert enters(site, email="a@corp.com")
        assert enters(site, email="A@Corp.COM")
        assert not enters(site, email=email)


def test_cve_2026_40574_domains_are_compared_after_idna(make_site: MakeSite) -> None:
    site = make_site(allowed_email_domains=("stra\u00dfe.example",))
    assert enters(site, email="a@xn--strae-oqa.example")
    assert enters(site, email="a@STRA\u00dfE.example")
    assert not enters(site, email="a@strasse.example")


@pytest.mark.parametrize("said", ["absent", False, "false", 1, None, ["true"], "True", "yes"], ids=repr)
def test_email_verified_false_does_not_enter_where_email_decides(make_site: MakeSite, said: Any) -> None:
    claims = {"email": "a@corp.com", "email_verified": None if said == "absent" else said}
    for rule in ({"allowed_email_domains": ("corp.com",)}, {"allowed_emails": ("a@corp.com",)}):
        site = make_site(**rule)
        assert enters(site, email="a@corp.com", email_verified=True)
        assert not enters(site, **claims)
        assert enters(make_site(**rule, insecure_allow_unverified_email=True), **claims)
    assert enters(make_site(allowed_groups=("staff",)), groups=["staff"], **claims)


def test_email_verified_vouches_for_the_claim_email_alone(make_site: MakeSite) -> None:
    site = make_site(email_claim="upn", allowed_email_domains=("corp.com",))
    assert not enters(site, email="me@evil.com", upn="ceo@corp.com")
    assert enters(site, email="ceo@corp.com", upn="ceo@corp.com")


def test_cve_2022_31027_an_address_does_not_say_which_provider_vouched_for_it(make_site: MakeSite) -> None:
    """The person is (issuer, subject): a session of one provider is none at another, same address or not."""
    one = make_site()
    visitor = one.visitor()
    bring(visitor, start(visitor))
    visitor.get("/")
    assert one.app.identity is not None
    assert (one.app.identity.issuer, one.app.identity.subject) == (ISSUER, "alice")
    other = make_site(issuer="https://op2.example")
    stranger = other.visitor()
    stranger.cookies = visitor.cookies
    assert stranger.get("/").status == 401


@pytest.mark.parametrize(
    "issuer", ["https://op2.example", ISSUER + "/", ISSUER + ".evil", ISSUER[:-1], "", None]
)
def test_cve_2022_31027_a_token_of_another_issuer_signs_nobody_in(site: Site, issuer: str | None) -> None:
    site.provider.person |= {"iss": issuer}
    visitor = site.visitor()
    answer = bring(visitor, start(visitor))
    assert (answer.status, COOKIE in visitor.cookies) == (502, False)
    assert "id_token_iss" in answer.text


@pytest.mark.parametrize(
    "audience",
    [CLIENT + "x", CLIENT[:-1], CLIENT.upper(), f"x{CLIENT}", "", [], [CLIENT + "x"], [CLIENT, "other"], {CLIENT: 1}],
    ids=str,
)  # fmt: skip
def test_vouch_audience_is_compared_whole(site: Site, audience: Any) -> None:
    site.provider.person |= {"aud": audience}
    visitor = site.visitor()
    answer = bring(visitor, start(visitor))
    assert (answer.status, COOKIE in visitor.cookies) == (502, False)
    site.provider.person["aud"] = [CLIENT]
    bring(visitor, start(visitor))
    assert COOKIE in visitor.cookies


@pytest.mark.parametrize(
    "query",
    [
        "allowed_group=staff",
        "groups=staff",
        "allowed_groups=staff&x=1",
        "allowed_groups=staff&allowed_groups=admins",
        "allowed_groups",
        "allowed_groups=",
        "allowed_groups=staff,",
        "allowed_groups=%ff",
        "allowed_emails=alice",
        "Allowed_Groups=staff",
        "allowed_groups%5B%5D=staff",
        "&allowed_groups=staff",
    ],
)
def test_cve_2021_21411_a_rule_is_enforced_or_refused_and_never_ignored(
    site: Site, query: str, caplog: pytest.LogCaptureFixture
) -> None:
    person = site.person(groups=("staff",))
    assert person.ask("auth?allowed_groups=staff").status == 202
    assert person.ask("auth?allowed_groups=admins").status == 403
    assert person.ask(f"auth?{query}").status == 403
    assert site.visitor().ask(f"auth?{query}").status == 403
    assert caplog.records[-1].levelname == "ERROR"


def test_cve_2021_21411_an_unknown_setting_is_an_error(make_site: MakeSite) -> None:
    from oidc_gate import wsgi

    with pytest.raises(ConfigurationError) as caught:
        wsgi.OIDCGate(
            lambda environ, start_response: [],
            issuer=ISSUER,
            client_id=CLIENT,
            client_secret="s" * 43,
            cookie_secret="bq2oC4vYkq0tF1rD7zX3mN9sLwE6uHgJ8pRaT5iVnKc",
            allowed_group=("staff",),  # type: ignore[call-arg]
        )
    assert [each.code for each in caught.value.problems] == ["unknown"]


def test_cve_2021_21411_groups_are_a_further_demand_and_compared_whole(make_site: MakeSite) -> None:
    site = make_site(allowed_groups=("staff",), allowed_email_domains=("corp.com",))
    assert enters(site, email="a@corp.com", groups=["x", "staff"])
    for groups in (
        [],
        ["staffx"],
        ["Staff"],
        "sta",
        ["x,staff"],
        [" staff"],
        {"staff": 1},
        [["staff"]],
        None,
    ):
        assert not enters(site, email="a@corp.com", groups=groups), groups
    assert not enters(site, email="a@evil.com", groups=["staff"])


SPELLINGS = ["X-Forwarded-User", "X_Forwarded_User", "x-forwarded_user", "X_FORWARDED-USER"]
NAMES = [
    *SPELLINGS, "X-Forwarded-Email", "X_Forwarded_Groups", "X-Forwarded-Preferred_Username",
    "X-Forwarded-Access_Token", "X-Auth-Request-User", "X_Auth_Request_User", "x-auth-request_email",
    "X-Auth_Request-Groups", "X_Auth_Request_Preferred_Username", "X-Auth-Request-Access_Token", "Remote-User",
    "REMOTE_USER", "remote-user",
]  # fmt: skip


@pytest.mark.parametrize("asked_for", [False, True], ids=["stripped", "set"])
def test_cve_2025_64484_no_spelling_of_an_identity_header_passes(
    make_site: MakeSite, asked_for: bool
) -> None:
    site = make_site(public_paths=("/open",), identity_headers=asked_for)
    for visitor, user in ((site.visitor(), ""), (site.person(), "alice")):
        for _ in range(2):
            for path in ("/open", "/reports") if user else ("/open",):
                visitor.get(path, dict.fromkeys(NAMES, "root"))
                for name in NAMES:
                    told = {
                        "x-forwarded-user": user,
                        "x-forwarded-email": f"{user}@corp.example" if user else "",
                    }
                    own = name.lower().replace("_", "-")
                    if asked_for and own in ("x-forwarded-groups", "x-forwarded-preferred-username"):
                        told[own] = ""
                    assert site.app.header(name) == ([told[own]] if asked_for and own in told else []), name


@pytest.mark.parametrize(
    "taken", [{"REMOTE_USER": "root", "AUTH_TYPE": "Basic"}, {"REMOTE_USER": "root"}, {"AUTH_TYPE": "Basic"}]
)
def test_cve_2025_64484_nor_what_a_server_took_for_a_user(taken: dict[str, Any]) -> None:
    """``REMOTE_USER`` of a server in front, as by Basic authentication, is no identity of the gate's."""
    site = Site(SHELLS["wsgi"], public_paths=("/open",))
    for visitor, user in ((site.visitor(), None), (site.person(), "alice"), (site.person(), "alice")):
        assert visitor.get("/open", **taken).status == 200
        assert site.app.last.get("REMOTE_USER") == user
        assert site.app.last.get("AUTH_TYPE") == ("oidc_gate" if user else None)


def test_ghsa_7r4p_every_configured_header_is_sent_empty_if_need_be(make_site: MakeSite) -> None:
    """A header that is left out is one that the client may send: Caddy copied only what was there."""
    site = make_site(
        identity_headers=True, pass_access_token=True, pass_authorization=True, public_paths=("/open",)
    )
    spoofed = {
        "Authorization": "Bearer root",
        "X-Forwarded-Email": "root@corp.example",
        "X-Forwarded-Groups": "root",
    }
    for visitor in (site.visitor(), site.person(email="", email_verified=False)):
        visitor.get("/open", spoofed)
        for name in ("email", "groups", "preferred-username", "access-token"):
            assert site.app.header(f"x-forwarded-{name}") == [""]
        assert site.app.header("authorization") == []


def test_cve_2026_35051_the_verdict_names_every_header_too(make_site: MakeSite) -> None:
    site = make_site(
        pass_access_token=True,
        pass_authorization=True,
        public_paths=("/open",),
        public_url=ORIGIN,
        trusted_proxies=("192.0.2.7",),
        original_uri_header="X-Original-URI",
        original_method_header="X-Original-Method",
    )
    public = {"X-Original-URI": "/open", "X-Original-Method": "GET"}
    nobody = site.visitor().ask("auth", public | {"X-Auth-Request-User": "root"})
    somebody = site.person(email="", email_verified=False).ask("auth", {"X-Auth-Request-Email": "root"})
    assert (nobody.status, somebody.status) == (202, 202)
    for answer, user in ((nobody, ""), (somebody, "alice")):
        assert answer.all("x-auth-request-user") == [user]
        for name in ("email", "groups", "preferred-username", "access-token"):
            assert answer.all(f"x-auth-request-{name}") == [""]
        assert len(answer.all("authorization")) == 1


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: x=1", "a\nb", "a\x00b", "a\x85b", "\r\n\r\n<script>"])
def test_header_injection_by_a_claim(make_site: MakeSite, value: str) -> None:
    site = make_site(identity_headers=True, user_claim="preferred_username")
    site.provider.person |= {
        "preferred_username": value,
        "name": value,
        "groups": [value, "ok"],
        "email": value,
    }
    visitor = site.visitor()
    bring(visitor, start(visitor))
    visitor.get("/")
    for name in ("user", "email", "groups", "preferred-username"):
        (told,) = site.app.header(f"x-forwarded-{name}")
        assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in told)
    verdict = visitor.ask("auth")
    assert not any(control in told for _, told in verdict.headers for control in "\r\n\x00")
    denied = make_site(allowed_groups=("none",))
    denied.provider.person = site.provider.person
    person = denied.visitor()
    bring(person, start(person))
    assert "<script>" not in person.get("/", NAVIGATION).text


def test_a_token_that_somebody_else_signed_signs_nobody_in(site: Site) -> None:
    from tests.core.provider.scripted import answer, key

    visitor = site.visitor()
    callback = start(visitor)
    claims = {"iss": ISSUER, "aud": CLIENT, "sub": "root", "iat": int(site.now), "exp": int(site.now) + 300}
    forged = sign_token(claims, key("k2"))
    site.provider.instead["token"] = answer(
        {"token_type": "Bearer", "access_token": "at", "id_token": forged}
    )
    assert bring(visitor, callback).status == 502
    assert COOKIE not in visitor.cookies
