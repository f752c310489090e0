"""The context of a request: its hosts, targets and links."""

from __future__ import annotations

from typing import Any

import pytest

from oidc_gate.endpoints.context import Components, RequestContext, build_context
from oidc_gate.errors import SessionError
from oidc_gate.request.navigation import Audience
from oidc_gate.seal.ring import NONCE_BYTES
from oidc_gate.store.memory import MemoryStore
from tests.core.request.making import request, settings

PAGE = {"accept": "text/html", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
SCRIPT = {"accept": "*/*", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}
FRAME = PAGE | {"sec-fetch-dest": "iframe"}
HTMX = SCRIPT | {"hx-request": "true"}
HERE = {"public_url": "https://app.example"}
HOSTS = HERE | {"allowed_redirect_hosts": ("wiki.example", "*.apps.example")}


def context_of(headers: dict[str, str] | None = None, *, given: Any = HERE, **parts: Any) -> RequestContext:
    components = Components(settings(allow_everyone=True, **given))
    named = {"host": "app.example"} | (headers or {})
    return build_context(components, request(headers=named, scheme="https", **parts))


@pytest.mark.parametrize(
    ("host", "origin", "is_on_other_host"),
    [
        ("app.example", "https://app.example", False),
        ("APP.example:443", "https://app.example", False),
        ("wiki.example", "https://wiki.example", False),
        ("x.apps.example", "https://x.apps.example", False),
        ("apps.example", "https://app.example", True),
        ("evil.example", "https://app.example", True),
        ("app.example:8443", "https://app.example", True),
        ("", "https://app.example", False),
        ("a b", "https://app.example", False),
    ],
)
def test_the_origin_of_the_browser(host: str, origin: str, *, is_on_other_host: bool) -> None:
    context = context_of({"host": host}, given=HOSTS)
    assert (context.browser_origin, context.is_on_other_host) == (origin, is_on_other_host)


@pytest.mark.parametrize(
    ("host", "links"),
    [
        ("app.example", ("/oauth2/start", "/oauth2/start?a=b%20c&rd=/x", "/")),
        (
            "wiki.example",
            (
                "https://app.example/oauth2/start",
                "https://app.example/oauth2/start?a=b%20c&rd=/x",
                "https://wiki.example/",
            ),
        ),
        ("evil.example", ("/oauth2/start", "/oauth2/start?a=b%20c&rd=/x", "/")),
    ],
)
def test_links_and_the_default_target(host: str, links: tuple[str, str, str]) -> None:
    context = context_of({"host": host}, given=HOSTS)
    found = (context.link_to("start"), context.link_to("start", a="b c", rd="/x"), context.default_target)
    assert found == links
    assert context.path_to("start") == "/oauth2/start"
    assert context.url_of("start", rd="/x") == "https://app.example/oauth2/start?rd=/x"


@pytest.mark.parametrize(
    ("mount", "host", "target"),
    [
        ("", "app.example", "/"),
        ("", "wiki.example", "https://wiki.example/"),
        ("/base", "app.example", "/base/"),
        ("/base", "wiki.example", "https://wiki.example/base/"),
    ],
)
def test_the_default_target_is_below_the_mount(mount: str, host: str, target: str) -> None:
    given = HOSTS | {"public_url": f"https://app.example{mount}"}
    assert context_of({"host": host}, given=given, mount=mount).default_target == target


def test_a_mount_that_a_client_chose_is_no_target() -> None:
    assert context_of(given={}, mount="//evil.example").default_target == "/"


@pytest.mark.parametrize(
    ("origins", "is_foreign"),
    [
        ([], False),
        (["https://app.example"], False),
        (["HTTPS://APP.example"], False),
        (["https://wiki.example"], False),
        (["https://other.example"], False),
        (["https://evil.example"], True),
        (["http://app.example"], True),
        (["null"], True),
        ([""], True),
        (["https://app.example", "https://app.example"], True),
    ],
)
def test_a_page_of_another_origin(origins: list[str], *, is_foreign: bool) -> None:
    given = HOSTS | {"allowed_origins": ("https://other.example",)}
    components = Components(settings(allow_everyone=True, **given))
    pairs = [("host", "wiki.example"), *(("origin", origin) for origin in origins)]
    assert build_context(components, request(headers=pairs, scheme="https")).has_foreign_origin is is_foreign


REFERER = {"referer": "https://app.example/page?a=b"}
FOREIGN_REFERER = {"referer": "https://evil.example/page"}
CURRENT = {"hx-current-url": "https://app.example/current"}


@pytest.mark.parametrize(
    ("headers", "target"),
    [
        (PAGE, "/asked"),
        (PAGE | REFERER, "/asked"),
        (SCRIPT, "/rd"),
        (SCRIPT | REFERER, "https://app.example/page?a=b"),
        (SCRIPT | FOREIGN_REFERER, "/rd"),
        (SCRIPT | {"referer": "/page"}, "/rd"),
        (SCRIPT | CURRENT, "/rd"),
        (FRAME, "/asked"),
        (FRAME | REFERER, "https://app.example/page?a=b"),
        (HTMX | CURRENT, "https://app.example/current"),
        (HTMX | CURRENT | REFERER, "https://app.example/current"),
        (HTMX | REFERER, "https://app.example/page?a=b"),
        (HTMX | REFERER | {"hx-current-url": "https://evil.example/"}, "https://app.example/page?a=b"),
        (HTMX | REFERER | {"hx-current-url": "/current"}, "https://app.example/page?a=b"),
    ],
)
def test_the_target_after_a_sign_in(headers: dict[str, str], target: str) -> None:
    found = context_of(headers).target_after_sign_in("/asked", "/rd")
    assert found.removeprefix("https://app.example") == target.removeprefix("https://app.example")


def test_a_target_that_is_not_safe_is_the_default() -> None:
    for headers in (PAGE, SCRIPT, FRAME):
        context = context_of(headers)
        assert context.target_after_sign_in("https://evil.example/", "//evil.example/") == "/"
        assert context.safe_target_or_default("javascript:alert(1)") == "/"
        assert context.safe_target_or_default("/ok") == "/ok"


@pytest.mark.parametrize(
    ("host", "target", "absolute"),
    [
        ("app.example", "/x", "/x"),
        ("wiki.example", "/x", "https://wiki.example/x"),
        ("wiki.example", "https://app.example/x", "https://app.example/x"),
        ("evil.example", "/x", "/x"),
    ],
)
def test_a_path_is_on_the_host_of_the_browser(host: str, target: str, absolute: str) -> None:
    assert context_of({"host": host}, given=HOSTS).absolute(target) == absolute


@pytest.mark.parametrize(
    ("headers", "parts", "is_lost"),
    [
        (PAGE, {}, False),
        (PAGE, {"path": "//x"}, True),
        (SCRIPT, {"path": "//x"}, False),
        (PAGE | {"x-auth-request-redirect": "//x"}, {}, True),
        (PAGE | {"x-auth-request-redirect": "/x"}, {}, False),
        (PAGE | {"x-forwarded-uri": "//x"}, {}, True),
        (PAGE | {"x-forwarded-uri": "/x//y"}, {}, False),
        (PAGE, {"query": "lost=1&rd=/"}, True),
        (SCRIPT, {"query": "lost=1&rd=/"}, False),
    ],
)
def test_an_address_that_cannot_be_a_target(
    headers: dict[str, str], parts: dict[str, str], *, is_lost: bool
) -> None:
    context = context_of(headers, **parts)
    assert context.is_address_lost is is_lost
    assert context.link_to("start", rd="/") == (
        "/oauth2/start?lost=1&rd=/" if is_lost else "/oauth2/start?rd=/"
    )
    assert context.link_to("start", rd="/x") == "/oauth2/start?rd=/x"


@pytest.mark.parametrize(
    ("headers", "audience"),
    [
        (PAGE, Audience.NAVIGATION),
        (SCRIPT, Audience.SCRIPT),
        (FRAME, Audience.FRAME),
        (HTMX, Audience.HTMX),
        (PAGE | {"sec-purpose": "prefetch"}, Audience.PREFETCH),
    ],
)
def test_the_audience(headers: dict[str, str], audience: Audience) -> None:
    assert context_of(headers).audience is audience


def test_without_a_session() -> None:
    context = context_of()
    assert (context.session, context.identity, context.loaded, context.reason.code) == (
        *(None, None),
        *(None, "no_cookie"),
    )


def test_components_for_another_prefix_share_what_they_know() -> None:
    components = Components(settings(allow_everyone=True))
    other = components.below("/other")
    assert (components.settings.prefix, other.settings.prefix) == ("/oauth2", "/other")
    different = {name for name, value in vars(components).items() if getattr(other, name) is not value}
    assert different == {"settings"}


@pytest.mark.parametrize(
    ("given", "has_store", "made"),
    [
        ({}, False, ("CookieSessions", False, False, False)),
        ({}, True, ("CookieSessions", True, True, False)),
        ({"session_store": "redis://host:6379/0"}, True, ("StoredSessions", True, True, False)),
        (
            {"session_store": "redis://host:6379/0", "refresh": True},
            True,
            ("StoredSessions", True, True, True),
        ),
        (
            {"session_store": "redis://host:6379/0", "recheck_seconds": 60},
            True,
            ("StoredSessions", True, True, True),
        ),
        (
            {"session_store": "redis://host:6379/0", "refresh": True},
            False,
            ("CookieSessions", False, False, False),
        ),
    ],
)
def test_the_components_that_the_settings_and_a_store_need(
    given: dict[str, Any], has_store: bool, made: tuple[str, bool, bool, bool]
) -> None:
    told = {"session_store": "cookie", "refresh": False} | given
    components = Components(settings(allow_everyone=True, **told), MemoryStore() if has_store else None)
    parts = (components.ends, components.store_health, components.refresher)
    assert (type(components.sessions).__name__, *(part is not None for part in parts)) == made
    assert components.stored_sessions is (components.sessions if made[0] == "StoredSessions" else None)


@pytest.mark.parametrize(("given", "name"), [({}, "op.example"), ({"provider_name": "Corp"}, "Corp")])
def test_the_provider_is_named_as_in_the_settings_or_by_its_host(given: dict[str, str], name: str) -> None:
    assert Components(settings(allow_everyone=True, **given)).provider_name == name
    of_path = settings(allow_everyone=True, issuer="https://op.example/realms/one", **given)
    assert Components(of_path).provider_name == name


@pytest.mark.parametrize("other", [{"client_id": "another"}, {"issuer": "https://op.example/other"}])
def test_what_one_gate_seals_or_signs_is_not_accepted_by_another_with_the_same_secret(
    other: dict[str, str],
) -> None:
    ours, same, theirs = (Components(settings(allow_everyone=True, **given)) for given in ({}, {}, other))
    for name in ("sign_out_tokens", "logout_states"):
        token = getattr(theirs, name).sign("subject", 1000)
        for gate, is_signed in ((theirs, True), (ours, False)):
            assert getattr(gate, name).is_signed(token, "subject", 1000, max_age_seconds=10) is is_signed
    for name in ("state_sealer", "logout_target_sealer"):
        sealed = getattr(ours, name).seal(b"text", bytes(NONCE_BYTES))
        assert getattr(same, name).open(sealed) == b"text"
        with pytest.raises(SessionError):
            getattr(theirs, name).open(sealed)
    for number, sealer in enumerate(ours.flow_sealers):
        sealed = sealer.seal(b"text", bytes(NONCE_BYTES))
        for sealers in (same.flow_sealers, theirs.flow_sealers):
            for slot, opener in enumerate(sealers):
                if sealers is same.flow_sealers and slot == number:
                    assert opener.open(sealed) == b"text"
                    continue
                with pytest.raises(SessionError):
                    opener.open(sealed)


def test_what_is_sealed_or_signed_for_one_purpose_is_not_accepted_for_another() -> None:
    components = Components(settings(allow_everyone=True))
    sealers = [*components.flow_sealers, components.state_sealer, components.logout_target_sealer]
    for sealer in sealers:
        sealed = sealer.seal(b"text", bytes(NONCE_BYTES))
        for other in sealers:
            if other is not sealer:
                with pytest.raises(SessionError):
                    other.open(sealed)
    signers = (components.sign_out_tokens, components.logout_states)
    for signer, other_signer in (signers, signers[::-1]):
        token = signer.sign("subject", 1000)
        assert signer.is_signed(token, "subject", 1000, max_age_seconds=10)
        assert not other_signer.is_signed(token, "subject", 1000, max_age_seconds=10)
