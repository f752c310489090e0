"""Each questionable setting is found, and no other one is reported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from oidc_gate.check.questionable import (
    CheckContext,
    check_other_gate,
    check_store,
    find_questionable,
    public_suffix,
)
from oidc_gate.errors import GateError
from oidc_gate.settings import Settings
from oidc_gate.store.base import unavailable
from oidc_gate.testing import settings_for_tests
from tests.shells.stores import put_stamp
from tests.snapshot_files import compare

GOOD: dict[str, Any] = {
    "issuer": "https://op.example.com",
    "public_url": "https://app.example.com",
    "allowed_email_domains": ["example.com"],
}


def names(context: CheckContext = CheckContext(), **keywords: Any) -> list[str]:  # noqa: B008
    given = {name: value for name, value in (GOOD | keywords).items() if value != ()}
    return [found.cause for found in find_questionable(settings_for_tests(**given), context)]


def said(context: CheckContext, **keywords: Any) -> list[str]:
    """Return what is found, whole: one line each."""
    given = {name: value for name, value in (GOOD | keywords).items() if value != ()}
    return [
        f"{found.cause} at {found.setting}: {dict(found.facts)}"
        for found in find_questionable(settings_for_tests(**given), context)
    ]


def test_good_settings_are_not_reported() -> None:
    assert names() == []
    assert names(CheckContext(url="https://app.example.com/reports", behind_nginx=True)) == []
    assert names(CheckContext(url="https://app.example.com:8443/")) == []


NGINX = CheckContext(behind_nginx=True)


FOUND: list[tuple[str, dict[str, Any], CheckContext]] = [
    ("public_url_missing", {"public_url": None}, CheckContext()),
    ("url_elsewhere", {}, CheckContext(url="https://other.example.com/")),
    ("url_scheme", {}, CheckContext(url="http://app.example.com/")),
    (
        "insecure_cookies_on",
        {"public_url": "http://a.lan.example", "insecure_cookies": True},
        CheckContext(),
    ),
    ("issuer_development", {"issuer": "http://127.0.0.1:9"}, CheckContext()),
    ("cookie_domain_no_return", {"cookie_domain": "example.com"}, CheckContext()),
    ("redirect_host_without_cookie", {"allowed_redirect_hosts": ["wiki.example.com"]}, CheckContext()),
    ("samesite_strict", {"cookie_samesite": "Strict"}, CheckContext()),
    ("samesite_none", {"cookie_samesite": "None"}, CheckContext()),
    ("several_processes", {}, CheckContext(workers=2)),
    ("single_process_revocation", {"insecure_single_process_revocation": True}, CheckContext()),
    ("long_session", {"session_lifetime_seconds": 2_592_000}, CheckContext()),
    ("everyone_at_the_provider", {"allowed_email_domains": ()}, CheckContext()),
    ("unverified_email", {"insecure_allow_unverified_email": True}, CheckContext()),
    ("everything_public", {"public_paths": ["/*"]}, CheckContext()),
    ("everything_public", {"public_paths": ["GET /*"]}, CheckContext()),
    ("public_paths_unused", {"public_paths": ["/static/*"]}, NGINX),
    ("groups_without_scope", {"allowed_groups": ["staff"]}, CheckContext()),
    ("email_without_scope", {"scopes": "openid profile"}, CheckContext()),
    ("token_in_cookie", {"pass_access_token": True}, CheckContext()),
    ("token_in_cookie", {"keep_id_token": True}, CheckContext()),
    ("clock_leeway", {"clock_skew_seconds": 300}, CheckContext()),
    ("hs256_among_others", {"id_token_algorithms": ["RS256", "HS256"]}, CheckContext()),
    ("trusted_proxies_wide", {"trusted_proxies": ["198.0.0.0/8"]}, CheckContext()),
    ("trusted_proxies_wide", {"trusted_proxies": ["2a00::/16"]}, CheckContext()),
    ("public_url_missing", {"public_url": None}, CheckContext(url="https://x.example.com/a?b#c")),
    ("long_session", {"session_lifetime_seconds": 7 * 86_400 + 1}, CheckContext()),
    ("clock_leeway", {"clock_skew_seconds": 181}, CheckContext()),
    ("trusted_proxies_wide", {"trusted_proxies": ["198.51.0.0/23"]}, CheckContext()),
    ("trusted_proxies_wide", {"trusted_proxies": ["2a00::/47"]}, CheckContext()),
    ("token_in_cookie", {"pass_authorization": True}, CheckContext()),
    ("email_without_scope", {"scopes": "openid", "allowed_emails": ["a@b.example"]}, CheckContext()),
    ("everything_public", {"public_paths": ["/a", "/*", "POST /*"]}, CheckContext()),
    ("url_elsewhere", {"cookie_domain": "example.com"}, CheckContext(url="https://badexample.com/")),
    ("url_elsewhere", {}, CheckContext(url="http://other.example.com/x")),
]


def test_a_questionable_setting_is_found_alone() -> None:
    """What else is found is in the file that this is compared with."""
    lines = []
    for cause, keywords, context in FOUND:
        assert cause in names(context, **keywords)
        lines += [f"== {keywords} {context}", *said(context, **keywords)]
    compare(Path(__file__).with_name("snapshots") / "questionable.txt", "\n".join(lines) + "\n")


def test_a_client_without_a_secret() -> None:
    given = settings_for_tests(**GOOD)
    public = Settings(client_id="a", cookie_secret=given.cookie_secret, **GOOD)
    assert [found.cause for found in find_questionable(public, CheckContext())] == ["public_client"]


@pytest.mark.parametrize(
    ("keywords", "context"),
    [
        ({"public_url": None, "trusted_proxies": ["127.0.0.1"]}, CheckContext()),
        ({"public_paths": ["OPTIONS /*", "/static/*"]}, CheckContext()),
        (
            {
                "public_paths": ["/static/*"],
                "original_uri_header": "X-U",
                "original_method_header": "X-M",
                "trusted_proxies": ["127.0.0.1"],
            },
            NGINX,
        ),
        ({"allowed_groups": ["staff"], "scopes": "openid email groups"}, CheckContext()),
        (
            {"allowed_groups": ["staff"], "scopes": "openid email roles", "groups_claim": "roles"},
            CheckContext(),
        ),
        ({"trusted_proxies": ["10.0.0.0/8", "fd00::/8", "unix", "203.0.113.7"]}, CheckContext()),
        ({"allow_everyone": True, "allowed_email_domains": ()}, CheckContext()),
        ({"trusted_proxies": ["198.51.100.0/24", "2a00:1450::/48"]}, CheckContext()),
        ({"session_lifetime_seconds": 7 * 86_400, "clock_skew_seconds": 180}, CheckContext()),
        ({"public_paths": ["HEAD /*"]}, CheckContext()),
        ({"public_paths": ["/static/*"]}, CheckContext()),
        (
            {"allowed_groups": ["staff"], "scopes": "openid email realm", "groups_claim": "realm.roles"},
            CheckContext(),
        ),
        ({"scopes": "openid", "email_claim": "upn"}, CheckContext()),
        ({"scopes": "openid", "allowed_email_domains": (), "allow_everyone": True}, CheckContext()),
        ({"id_token_signed_response_alg": "HS256"}, CheckContext()),
        (
            {"public_url": "http://127.0.0.1:8000", "insecure_cookies": True, "issuer": "http://127.0.0.1:9"},
            CheckContext(),
        ),
        ({"allowed_redirect_hosts": ["app.example.com:8443"]}, CheckContext()),
        (
            {"public_url": None, "trusted_proxies": ["unix"], "allowed_redirect_hosts": ["b.example"]},
            CheckContext(),
        ),
        (
            {
                "cookie_domain": "example.com",
                "allowed_redirect_hosts": ["*.example.com", "wiki.example.com:8443"],
            },
            CheckContext(url="https://wiki.example.com/"),
        ),
    ],
)
def test_similar_settings_are_not_reported(keywords: Any, context: CheckContext) -> None:
    assert names(context, **keywords) == []


def test_anyone_in_the_world() -> None:
    given: dict[str, Any] = {
        "issuer": "https://accounts.google.com",
        "allow_everyone": True,
        "allowed_email_domains": (),
    }
    assert names(**given) == ["everyone_in_the_world"]


def test_a_public_suffix_as_cookie_domain() -> None:
    pytest.importorskip("publicsuffixlist")
    given: dict[str, Any] = {
        "public_url": "https://a.github.io",
        "cookie_domain": "github.io",
        "allowed_redirect_hosts": ["a.github.io"],
    }
    assert names(**given) == ["cookie_domain_suffix"]
    assert (public_suffix("co.uk"), public_suffix("a.co.uk")) == ("co.uk", "co.uk")


def test_a_store_makes_the_insecure_setting_needless(tmp_path: Path) -> None:
    given: dict[str, Any] = {
        "session_store": f"sqlite:///{tmp_path}/sessions.db",
        "insecure_single_process_revocation": True,
    }
    assert names(**given) == ["single_process_needless"]


class GivenStore:
    """A store whose check is given."""

    def __init__(self, *problems: str, error: GateError | None = None) -> None:
        self._problems, self._error = problems, error
        self.is_closed = False

    def check(self, now: int) -> tuple[str, ...]:
        if self._error:
            raise self._error
        return self._problems

    def close(self) -> None:
        self.is_closed = True


@pytest.mark.parametrize(
    ("store", "expected"),
    [
        (GivenStore(), []),
        (GivenStore("it evicts keys"), ["store_misconfigured"]),
        (GivenStore(error=unavailable("refused")), ["store_unreachable"]),
    ],
)
def test_what_the_store_says(
    store: GivenStore, expected: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("oidc_gate.check.questionable.store_of", lambda settings: store)
    settings = settings_for_tests(**GOOD, session_store=f"sqlite:///{tmp_path}/sessions.db")
    found = list(check_store(settings))
    assert [(found.cause, found.setting) for found in found] == [
        (cause, "session_store") for cause in expected
    ]
    assert store.is_closed


def test_a_real_store_and_none(tmp_path: Path) -> None:
    put_stamp(tmp_path / "sessions.db")
    settings = settings_for_tests(**GOOD, session_store=f"sqlite:///{tmp_path}/sessions.db")
    assert list(check_store(settings)) == []
    assert list(check_store(settings_for_tests(**GOOD))) == []


def test_a_settings_file_that_others_can_read(tmp_path: Path) -> None:
    file = tmp_path / "gate.toml"
    settings = settings_for_tests(**GOOD)
    file.write_text(f'cookie_secret = "{settings.cookie_secret[0]}"')
    for mode, expected in ((0o644, ["config_readable"]), (0o640, []), (0o600, [])):
        file.chmod(mode)
        assert [
            found.cause for found in find_questionable(settings, CheckContext(config=str(file)))
        ] == expected
    file.write_text('issuer = "https://op.example.com"')
    file.chmod(0o644)
    assert find_questionable(settings, CheckContext(config=str(file))) == []


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({}, ["cookie_name_shared"]),
        ({"cookie_name": "second"}, []),
        ({"public_url": "https://wiki.example.com"}, []),
        ({"public_url": "https://app.example.com:8443"}, ["cookie_name_shared"]),
    ],
)
def test_two_gates_on_one_host(other: dict[str, Any], expected: list[str]) -> None:
    first, second = settings_for_tests(**GOOD), settings_for_tests(**(GOOD | other))
    assert [found.cause for found in check_other_gate(first, second, "b.toml")] == expected
    assert list(check_other_gate(first, first, "b.toml")) == []
