"""What `oidc-gate caddy` prints: its structure for any option, and what follows from the settings."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oidc_gate.proxies.caddy import CaddyOptions, caddy_configuration
from oidc_gate.proxies.options import OptionError
from oidc_gate.settings import Settings
from oidc_gate.testing.settings import settings_for_tests

URL = "https://app.example.com"
HOSTILE = "x\n}\nrespond 200\n{"


def settings(**keywords: Any) -> Settings:
    return settings_for_tests(**({"public_url": URL} | keywords))


def structure(text: str) -> list[str]:
    """Return the first word of each line that is no comment."""
    return [
        line.split()[0] for line in text.splitlines() if line.strip() and not line.strip().startswith("#")
    ]


_any = st.one_of(
    st.text(), st.from_regex(r"[a-z/.:0-9={}$\"`#\\\n ]{1,20}", fullmatch=True), st.just(HOSTILE)
)


@given(gate=_any, upstream=_any, restricted=_any, public=_any, command=st.lists(_any))
def test_no_option_adds_a_directive(
    gate: str, upstream: str, restricted: str, public: str, command: list[str]
) -> None:
    usual: dict[str, Any] = {"restricted": ("/a/=b",), "public": ("/p/",)}

    def names(text: str) -> list[str]:
        return [re.sub(r"^@auth_\w+", "@auth_b", word) for word in structure(text)]

    expected = names(caddy_configuration(settings(), CaddyOptions(**usual)))
    for option in (
        {"gate": gate},
        {"upstream": upstream},
        {"restricted": (restricted,)},
        {"restricted": (f"/r/={restricted}",)},
        {"public": (public,)},
        {},
    ):
        try:
            text = caddy_configuration(settings(), CaddyOptions(**(usual | option)), command)
        except OptionError:
            continue
        assert names(text) == expected
        lines = text.partition("\napp.example.com {")[2].splitlines()
        assert [line for line in lines if "{{" in line and not line.strip().startswith("#")] == []


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"gate": HOSTILE}, "--gate: "),
        ({"upstream": HOSTILE}, "--upstream: "),
        ({"server_name": HOSTILE}, "--server-name: "),
        ({"restricted": (f"{HOSTILE}=a",)}, "--restrict: "),
        ({"public": (HOSTILE,)}, "--public: "),
        ({"public": ("/a/",), "restricted": ("/a/=b",)}, "'/a/' is given to two"),
        ({"public": ("/a/c/",), "restricted": ("/a/=b",)}, "'/a/c/' is below '/a/', which --restrict covers"),
    ],
)
def test_what_cannot_be_used(option: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        caddy_configuration(settings(), CaddyOptions(**option))


def test_what_follows_from_the_settings() -> None:
    text = caddy_configuration(
        settings(
            public_url="http://localhost:8000",
            prefix="/gate",
            cookie_name="my.app",
            pass_access_token=True,
            pass_authorization=True,
            original_uri_header="X-Original-URI",
            original_method_header="X-Forwarded-Method",
            trusted_proxies=["127.0.0.1"],
        ),
        CaddyOptions(gate="unix:/run/g.sock"),
    )
    for expected in (
        "\nhttp://localhost:8000 {\n",
        "handle /gate/* {",
        "rewrite /gate/forward?\n",
        "(?:my[.]app(?:[.](?:body2?|rounds|flow[0-7]))? *=",
        "reverse_proxy unix//run/g.sock {",
        "request_header -Authorization\n",
        "request_header Authorization {rp.header.Authorization}\n",
        "request_header X-Forwarded-Access-Token {rp.header.X-Auth-Request-Access-Token}\n",
        "header_up X-Original-URI {uri}\n",
    ):
        assert expected in text
    assert text.count("header_up X-Forwarded-Method") == 1
    assert "/oauth2" not in text
    plain = caddy_configuration(settings(), CaddyOptions())
    assert "Authorization" not in plain
    assert "\napp.example.com {\n" in plain
    assert f"\n{URL.removeprefix('https://')}:8443 {{\n" in caddy_configuration(
        settings(public_url=f"{URL}:8443"), CaddyOptions()
    )


def test_public_paths_need_a_setting() -> None:
    known = settings(public_paths=["/x"])
    assert "public_paths of the settings have no effect" in caddy_configuration(known, CaddyOptions())


def test_public_paths_are_patterns_of_whole_paths() -> None:
    text = caddy_configuration(settings(), CaddyOptions(public=("/robots.txt", "/static/")))
    assert r"@protected not path_regexp ^(?:/robots\.txt$|/static/)" in text


@pytest.mark.parametrize("path", ["/X/", "/a.b/c-d/~e_F/"])
def test_a_restricted_path_is_that_path_and_everything_below_it(path: str) -> None:
    text = caddy_configuration(settings(), CaddyOptions(restricted=(f"{path}=x",)))
    assert f"    @auth_x path {path[:-1]} {path}*\n" in text


def test_a_path_inside_another_comes_first() -> None:
    text = caddy_configuration(settings(), CaddyOptions(restricted=("/a/=x", "/a/b/=y")))
    assert text.index("path /a/b /a/b/*") < text.index("path /a /a/*")


ORIGINAL_URI, ORIGINAL_METHOD = "header_up X-Original-URI {uri}", "header_up X-Original-Method {method}"


@pytest.mark.parametrize(
    ("uri", "method", "expected"),
    [
        (None, None, []),
        ("X-Original-URI", "X-Original-Method", [ORIGINAL_URI, ORIGINAL_METHOD]),
        ("X-Original-URI", "x-forwarded-METHOD", [ORIGINAL_URI]),
        ("X-FORWARDED-Uri", "X-Original-Method", [ORIGINAL_METHOD]),
        ("X-Forwarded-Uri", "X-Forwarded-Method", []),
    ],
)
def test_headers_with_the_original_request(uri: str | None, method: str | None, expected: list[str]) -> None:
    known = settings(
        original_uri_header=uri,
        original_method_header=method,
        trusted_proxies=["127.0.0.1"],
        public_paths=["/x"],
    )
    text = caddy_configuration(known, CaddyOptions())
    plain = caddy_configuration(settings(), CaddyOptions())
    more = [line.strip() for line in text.splitlines() if line.strip().startswith("header_up")]
    always = [line.strip() for line in plain.splitlines() if line.strip().startswith("header_up")]
    assert [line for line in more if line not in always] == expected
    assert len(more) == len(always) + len(expected)
    assert ("public_paths of the settings have no effect" in text) is (uri is None)
    assert "public_paths of the settings have no effect" not in plain


@pytest.mark.parametrize(
    ("more", "lines"),
    [
        ({}, set()),
        ({"pass_access_token": True}, {"X-Forwarded-Access-Token {rp.header.X-Auth-Request-Access-Token}"}),
        ({"pass_authorization": True}, {"-Authorization", "Authorization {rp.header.Authorization}"}),
    ],
)
def test_tokens_for_the_application(more: dict[str, Any], lines: set[str]) -> None:
    with_tokens, plain = (
        {
            line.strip().removeprefix("request_header ")
            for line in caddy_configuration(settings(**each), CaddyOptions()).splitlines()
            if line.strip().startswith("request_header ")
        }
        for each in (more, {})
    )
    assert (with_tokens - plain, plain - with_tokens) == (lines, set())


def test_restricted_and_public_paths_as_a_whole() -> None:
    options = CaddyOptions(
        restricted=("/a/=x,y z", "/a/bb/=w", "/c/=v"), public=("/robots.txt", "/a.b/", "/s/")
    )
    text = caddy_configuration(settings(), options)
    positions = [text.index(f" path {path} {path}/*\n") for path in ("/a/bb", "/a", "/c")]
    assert positions == sorted(positions)
    assert text.count('users in one of these groups: "x", "y z"') == 1
    assert "?allowed_groups=x,y%20z\n" in text
    assert r" path_regexp ^(?:/robots\.txt$|/a\.b/|/s/)" in text
    assert "@protected" not in caddy_configuration(settings(), CaddyOptions(restricted=("/a/=x",)))
