"""What the values of settings may be."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from oidc_gate.errors import ConfigurationError
from oidc_gate.settings import Settings
from oidc_gate.settings.problems import TEMPLATES, describe_problem
from oidc_gate.settings.schema import SCHEMA, SECRETS, Kind

from .cases import CERTIFICATE, FAPI2, FROM_SOURCES, GOOD, HTTP, OTHER, PEM, SECRET, id_of
from .good import GOOD_CHANGES
from .more_cases import EVERY_CASE, FOLLOWS


def problems(**changes: Any) -> list[tuple[str, str]]:
    """Return setting and code of every problem that `changes` cause."""
    try:
        Settings(**(GOOD | changes))
    except ConfigurationError as error:
        return [(found.setting, found.code) for found in error.problems]
    return []


@pytest.mark.parametrize(("changes", "setting", "code"), EVERY_CASE, ids=id_of)
def test_one_problem_alone(changes: dict[str, Any], setting: str, code: str) -> None:
    assert set(problems(**changes)) == {(setting, code)}


def test_every_kind_of_problem_has_a_case() -> None:
    assert {code for _, _, code in EVERY_CASE} | FROM_SOURCES == set(TEMPLATES)


def test_a_header_of_a_proxy_without_a_trusted_proxy_says_what_it_needs() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings(**GOOD, original_uri_header="X-Uri", original_method_header="X-Method")
    assert [found.setting for found in caught.value.problems] == [
        "original_uri_header",
        "original_method_header",
    ]
    assert all("trusted_proxies" in str(found) for found in caught.value.problems)


@pytest.mark.parametrize("changes", GOOD_CHANGES, ids=id_of)
def test_no_problem(changes: dict[str, Any]) -> None:
    assert problems(**changes) == []


@pytest.mark.parametrize(
    ("changes", "setting", "normal"),
    [
        ({}, "cookie_secret", (SECRET,)),
        ({"cookie_secret": [SECRET, OTHER]}, "cookie_secret", (SECRET, OTHER)),
        ({"issuer": "https://op.example.com/"}, "issuer", "https://op.example.com/"),
        ({"scopes": "openid  email"}, "scopes", ("openid", "email")),
        ({"acr_values": "a b"}, "acr_values", ("a", "b")),
        ({"allowed_groups": "a b"}, "allowed_groups", ("a b",)),
        ({"allowed_groups": {"a"}}, "allowed_groups", ("a",)),
        ({"provider_timeout_seconds": 5}, "provider_timeout_seconds", 5.0),
        ({"authorization_params": {"a": "b"}}, "authorization_params", MappingProxyType({"a": "b"})),
        ({"public_url": "https://App.example.com:443/base/"}, "public_url", "https://app.example.com/base"),
        ({"public_url": "https://straße.example/"}, "public_url", "https://xn--strae-oqa.example"),
        ({"public_url": "http://[0::1]:8000/"}, "public_url", "http://[::1]:8000"),
        (
            {"trusted_proxies": ["010::1", "unix", "10.0.0.0/8"]},
            "trusted_proxies",
            ("10::1", "unix", "10.0.0.0/8"),
        ),
        (
            {"allowed_redirect_hosts": ["*.Bücher.example:81"]},
            "allowed_redirect_hosts",
            ("*.xn--bcher-kva.example:81",),
        ),
        (
            {"allowed_redirect_hosts": ["[0::1]:8", "10.0.0.1"]},
            "allowed_redirect_hosts",
            ("[::1]:8", "10.0.0.1"),
        ),
        ({"allowed_origins": ["https://A.example:443"]}, "allowed_origins", ("https://a.example",)),
        ({"cookie_domain": "Corp.com"}, "cookie_domain", "corp.com"),
        ({"session_lifetime_seconds": 600}, "session_idle_seconds", 600),
        (FAPI2, "pushed_authorization_requests", "always"),
        (FAPI2, "dpop", True),
        (FAPI2 | {"client_private_key_alg": "PS256"}, "client_private_key_alg", "PS256"),
        (FAPI2, "id_token_algorithms", ("PS256", "ES256", "EdDSA", "Ed25519")),
        ({"fapi2": True, "client_secret": None, "client_certificate": CERTIFICATE}, "dpop", False),
    ],
)
def test_normal_form(changes: dict[str, Any], setting: str, normal: object) -> None:
    settings = Settings(**(GOOD | changes))
    assert getattr(settings, setting) == normal
    assert dataclasses.replace(settings) == settings


def test_all_problems_are_reported_together_in_the_order_of_the_settings() -> None:
    assert problems(auto_sign_in=1, issuer="x", prefix="/", client_id="", cookie_secret="short") == [
        ("issuer", "url_malformed"),
        ("client_id", "missing"),
        ("cookie_secret", "secret_short"),
        ("prefix", "prefix_malformed"),
        ("auto_sign_in", "wrong_type"),
    ]


@pytest.mark.parametrize(
    ("setting", "value", "meant"),
    [
        ("client_auth", "basic", "client_secret_basic"),
        ("cookie_samesite", "lax", "Lax"),
        ("client_auth", "x", ""),
    ],
)
def test_a_choice_that_is_nearly_right(setting: str, value: str, meant: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings(**(GOOD | {setting: value}))
    assert caught.value.problems[0].fix.partition("mean ")[2] == meant


def test_original_headers_count_from_nobody_without_trusted_proxies() -> None:
    assert problems(original_uri_header="X-Uri", original_method_header="X-Method") == [
        ("original_uri_header", "needs"),
        ("original_method_header", "needs"),
    ]


@pytest.mark.parametrize(("changes", "setting", "code"), FOLLOWS, ids=id_of)
def test_what_follows_from_a_problem_is_not_reported(
    changes: dict[str, Any], setting: str, code: str
) -> None:
    assert problems(**changes) == [(setting, code)]


@pytest.mark.parametrize(
    ("changes", "secure", "prefix", "origin", "path"),
    [
        ({}, True, "__Host-", "", ""),
        ({"public_url": "https://a.example:8443/b/c"}, True, "__Host-", "https://a.example:8443", "/b/c"),
        ({"cookie_domain": "corp.com"}, True, "__Secure-", "", ""),
        (HTTP, False, "", "http://localhost:8000", ""),
        ({"insecure_cookies": True}, False, "", "", ""),
        ({"insecure_cookies": True, "cookie_domain": "corp.com"}, False, "", "", ""),
    ],
)
def test_what_follows(changes: dict[str, Any], secure: bool, prefix: str, origin: str, path: str) -> None:
    settings = Settings(**(GOOD | changes))
    assert (settings.is_secure, settings.cookie_prefix) == (secure, prefix)
    assert (settings.public_origin, settings.public_path) == (origin, path)


def test_a_problem_is_one_line_that_says_all() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings(**(GOOD | {"issuer": "http://op.example.com"}))
    assert [str(found) for found in caught.value.problems] == [
        "issuer (keyword): 'http://op.example.com' is http, and op.example.com is not this machine. "
        "Fix: write https; http is accepted for localhost and 127.0.0.1 only. [url_http]"
    ]


@pytest.mark.parametrize(
    ("setting", "value", "fix"),
    [
        ("public_url", "https://a.example/oauth2", "write https://a.example; "),
        ("public_url", "https://a.example/b/oauth2/callback", "write https://a.example/b; "),
        ("public_url", "https://a.example/oidc/callback", "the redirect URI is then https://a.example/oidc/oauth2/callback"),
        ("public_url", "https://a.example/?x=1", "remove everything from the ? or # on"),
        ("public_url", "https://a.example/#x", "remove everything from the ? or # on"),
        ("public_url", "https://me:hunter2@a.example/", "remove everything up to the @"),
        ("public_url", "https://a.example:65536", "correct it, or leave it out"),
        ("public_url", "a.example", "write https://host/path"),
        ("public_url", "http://a.example", "write https; or set insecure_cookies"),
        ("issuer", "https://login.microsoftonline.com/common/v2.0", "microsoftonline.com/<tenant ID>/v2.0"),
        ("issuer", "https://op.example/.well-known/openid-configuration", "which leaves https://op.example"),
        ("issuer", "https://kc.example/realms/x/protocol/openid-connect/auth", "which leaves https://kc.example/realms/x"),
        ("issuer", "https://x.okta.com/oauth2/default/v1/authorize", "which leaves https://x.okta.com/oauth2/default"),
        ("issuer", "https://op.example/.well-known/", "which leaves https://op.example"),
        ("prefix", "/oauth2/callback", "write /oauth2; "),
        ("issuer", "https://op.example:70000", "correct it, or leave it out"),
        ("client_id", " app", "remove it"),
        ("scopes", ["email"], "add openid"),
        ("scopes", ["openid,email"], "write one name for each item"),
        ("allowed_redirect_hosts", ["a.example:70000"], "correct it, or leave it out"),
        ("allowed_origins", ["https://a.example/x"], "write scheme and host alone"),
        ("prefix", "oauth2/", "write a path such as /oauth2"),
        ("cookie_domain", "https://corp.com/", "write corp.com"),
        ("trusted_proxies", ["*"], "any other client could claim any host and address"),
        ("trusted_proxies", ["10.0.0.1/8"], "write 10.0.0.0/8"),
        ("trusted_proxies", ["proxy"], "names are not looked up"),
        ("session_store", "memcached://host", "write cookie, or: write one such as sqlite:///"),
    ],
)  # fmt: skip
def test_start_up_errors_name_the_setting_and_say_what_to_write(
    setting: str, value: object, fix: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings(**(GOOD | {setting: value}))
    (found,) = caught.value.problems
    assert (found.setting, fix in found.fix) == (setting, True), str(found)
    assert str(found) in str(caught.value)
    assert "hunter2" not in str(found)


def test_a_cookie_domain_that_does_not_cover_public_url_says_which_would() -> None:
    with pytest.raises(ConfigurationError, match=r"write app\.example\.com or a domain above it"):
        Settings(**(GOOD | {"cookie_domain": "corp.com", "public_url": "https://app.example.com"}))


@pytest.mark.parametrize(
    "changes",
    [
        {"client_secret": "hunter2 \n", "cookie_secret": "hunter2"},
        {"cookie_secret": ["hunter2" * 9, "hunter2" * 9], "client_secret": "hunter2" * 9},
        {"client_private_key": "hunter2", "id_token_decryption_key": '{"k": "hunter2"}'},
        {"client_private_key": b"hunter2", "cookie_secret": {"hunter2": 1}, "client_secret": ["hunter2"]},
        {"client_certificate_key": "-----BEGIN PRIVATE KEY-----hunter2"},
        {"issuer": "https://me:hunter2@op.example.com", "public_url": "https://me:hunter2@a.example/{x}?b"},
        {"issuer": "https://me:hunter2@op.example.com/.well-known/openid-configuration"},
        {"issuer": "https://op.example.com/?secret=hunter2", "session_store": "redis://:hunter2@host/"},
        {"allowed_origins": "x://me:hunter2@a/b", "allowed_redirect_hosts": "https://me:hunter2@a"},
        {"authorization_params": {"client_secret": "hunter2", "hd": "hunter2\n"}},
    ],
)
def test_no_secret_is_shown(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings(**(GOOD | changes))
    shown = f"{caught.value} {caught.value!r} {caught.value.problems!r} {caught.value.detail}"
    assert "hunter2" not in shown
    assert caught.value.__context__ is None


@pytest.mark.parametrize("text", ['{"a":' * 100_000, "x" * 5000 + ".pem", "~" + "x" * 100_000])
def test_a_key_that_is_long_or_deep_is_a_problem_like_any_other(text: str) -> None:
    assert problems(id_token_decryption_key=text) in (
        [("id_token_decryption_key", "key_unknown")],
        [("id_token_decryption_key", "key_is_path")],
    )


def test_no_secret_in_the_repr() -> None:
    keys = {"client_private_key": PEM, "id_token_decryption_key": PEM, "id_token_algorithms": "HS256"}
    settings = Settings(**(GOOD | keys | {"client_secret": "for HS256" * 4}))
    given = {name: value for name in SECRETS if (value := getattr(settings, name)) != SCHEMA[name].default}
    assert len(given) >= 4
    assert all(str(value) not in repr(settings) for value in given.values())
    assert SECRET not in repr(settings)
    assert "MC4CAQAwBQYDK2Vw" not in repr(settings)


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_a_problem_cannot_be_made_with_the_value_of_a_secret(name: str) -> None:
    assert "hunter2" not in str(
        describe_problem(name, "out_of_range", "keyword", value="hunter2", low=1, high=2)
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [("x" * 98, f"'{'x' * 98}'"), ("x" * 99, f"'{'x' * 96}..."), ("x" * 500, f"'{'x' * 96}...")],
    ids=len,
)
def test_at_most_100_characters_of_a_value_are_shown(value: str, shown: str) -> None:
    what = describe_problem("prefix", "prefix_malformed", "keyword", value=value).what
    assert what == f"{shown} is not a path that endpoints can be below"
    assert len(shown) <= 100


@pytest.mark.parametrize(
    ("changes", "url"),
    [
        ({}, None),
        ({"revocation_store": "redis://a"}, "redis://a"),
        ({"session_store": "redis://b"}, "redis://b"),
    ],
)
def test_the_store_of_sessions_or_of_revocations(changes: dict[str, Any], url: str | None) -> None:
    assert Settings(**(GOOD | changes)).store_url == url


def test_an_unknown_keyword_is_a_problem_like_any_other() -> None:
    assert problems(clientid="x", prefix="/") == [("clientid", "unknown"), ("prefix", "prefix_malformed")]


@pytest.mark.parametrize("name", ["allowed_emails", "allowed_groups", "allowed_redirect_hosts"])
def test_an_empty_list_of_users_is_a_problem_here_too(name: str) -> None:
    assert problems(**{name: []}) == [(name, "empty")]
    assert problems(**{name: ()}) == [], "the default, which dataclasses.replace passes"


@pytest.mark.parametrize("changes", [{"dpop": 0}, {"session_lifetime_seconds": 28800.0}])
def test_what_only_equals_the_default_has_its_type_checked(changes: dict[str, Any]) -> None:
    assert problems(**changes) == [(next(iter(changes)), "wrong_type")]


@pytest.mark.parametrize("name", [name for name, setting in SCHEMA.items() if setting.range])
def test_both_ends_of_a_range_belong_to_it(name: str) -> None:
    found = SCHEMA[name].range
    assert found is not None
    step = 1 if SCHEMA[name].kind is Kind.INTEGER else 0.05
    lifetime = {} if name == "session_lifetime_seconds" else {"session_lifetime_seconds": 2_592_000}
    sessions = {"session_store": "redis://a"}
    for value in found:
        assert (name, "out_of_range") not in problems(**{name: value}, **lifetime, **sessions)
    for value in (found.low - step, found.high + step):
        assert problems(**{name: value}, **lifetime, **sessions) == [(name, "out_of_range")]


def test_a_number_beyond_every_range() -> None:
    assert problems(provider_timeout_seconds=10**400) == [("provider_timeout_seconds", "out_of_range")]


def test_metrics_need_their_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)  # as if it were not installed
    assert problems() == []
    with pytest.raises(ConfigurationError) as caught:
        Settings(**GOOD, metrics_token=SECRET[:20])
    assert [str(found) for found in caught.value.problems] == [
        "metrics_token (keyword): needs prometheus-client. Fix: run pip install 'oidc_gate[metrics]'. [metrics_extra]"
    ]


@pytest.mark.skipif(
    not Path("/proc/self/mem").exists(), reason="needs a file that opens, and then cannot be read"
)
def test_a_file_that_opens_and_cannot_be_read() -> None:
    assert problems(ca_file="/proc/self/mem") == [("ca_file", "file")]


@pytest.mark.parametrize("name", ["prefix", "new"])
def test_settings_cannot_be_changed(name: str) -> None:
    settings = Settings(**GOOD)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(settings, name, "/other")
    with pytest.raises(dataclasses.FrozenInstanceError):
        delattr(settings, name)
    assert dataclasses.is_dataclass(settings)


def test_importing_the_settings_is_cheap() -> None:
    """Only what dataclasses need anyway: no URL, no address, no parser before the first settings are made."""
    heavy = "{'ipaddress', 'urllib.parse', 'json', 'tomllib', 'difflib', 'requests', 'werkzeug', 'idna'}"
    code = f"import sys, oidc_gate.settings; print(sorted({heavy} & set(sys.modules)), end='')"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, env=_path(), check=True
    )
    assert done.stdout == "[]"


def _path() -> dict[str, str]:
    import oidc_gate

    return {"PYTHONPATH": str(next(iter(oidc_gate.__path__)).removesuffix("/oidc_gate"))}
