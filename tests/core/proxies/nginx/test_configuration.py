"""What `oidc-gate nginx` prints: its structure for any option, and what follows from the settings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oidc_gate.check.nginx import check_nginx
from oidc_gate.check.nginx.reading import Directive, read_dump
from oidc_gate.policy.identity_headers import stripped_names
from oidc_gate.proxies.nginx import FORMS, NginxOptions, nginx_configuration
from oidc_gate.proxies.options import OptionError
from oidc_gate.settings import Settings
from oidc_gate.testing.settings import settings_for_tests

URL = "https://app.example.com"
SEVERAL: dict[str, Any] = {
    "public_url": "https://auth.example.com",
    "cookie_domain": "example.com",
    "allowed_redirect_hosts": ["app.example.com", "wiki.example.com"],
}
HOSTS = ("app.example.com=127.0.0.1:8080", "wiki.example.com=127.0.0.1:8081")
ALL: dict[str, Any] = {
    "restricted": ("/admin/=admins", "/staff/=Domain Users,x$y"),
    "public": ("/public/", "/robots.txt"),
    "api": ("/api/", "/v2/"),
    "verdict_cache": 10,
}


def settings(**keywords: Any) -> Settings:
    return settings_for_tests(**({"public_url": URL} | keywords))


def directives(text: str, name: str) -> list[tuple[str, ...]]:
    """Return the arguments of all directives `name`, in order."""

    def walk(block: tuple[Directive, ...]) -> list[tuple[str, ...]]:
        found = []
        for each in block:
            found += [each.args] if each.name == name else []
            found += walk(each.block or ())
        return found

    return walk(read_dump(text))


def structure(block: tuple[Directive, ...]) -> list[Any]:
    return [(each.name, len(each.args), structure(each.block or ())) for each in block]


def location(text: str, *args: str) -> Directive:
    servers = [each for each in read_dump(text) if each.name == "server"]
    found = [each for server in servers for each in server.all("location") if each.args == args]
    return found[0]


def check(text: str, known: Settings, tmp_path: Path) -> list[str]:
    """Return the causes that `oidc-gate check --nginx` finds."""
    file = tmp_path / "nginx.conf"
    file.write_text(f"events {{}}\nhttp {{\n{text}}}\n")
    return [finding.cause.name for finding in check_nginx(str(file), known)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("more", [{}, ALL], ids=["plain", "all"])
@pytest.mark.parametrize(
    "given_settings",
    [
        {},
        {"prefix": "/gate.v1/~x"},
        {"pass_authorization": True, "pass_access_token": True},
        {"allowed_origins": ["https://other.example.com"]},
        {"public_url": "http://localhost:8000"},
        {"public_url": "https://app.example.com:8443"},
        SEVERAL,
        {
            "public_paths": ["/x"],
            "original_uri_header": "X-Original-URI",
            "original_method_header": "X-Original-Method",
            "trusted_proxies": ["127.0.0.1"],
        },
    ],
    ids=["defaults", "prefix", "tokens", "origins", "http", "port", "several", "public_paths"],
)
def test_the_check_finds_nothing(
    form: str, more: dict[str, Any], given_settings: dict[str, Any], tmp_path: Path
) -> None:
    known = settings(**given_settings)
    hosts: dict[str, Any] = {"upstreams": HOSTS} if given_settings is SEVERAL else {}
    text = nginx_configuration(known, NginxOptions(form=form, **hosts, **more))
    assert check(text, known, tmp_path) == []
    assert "{{" not in text
    assert not re.search(r"[ \t]$|\n\n\n", text, re.MULTILINE)
    # Each identity header is overwritten wherever the application is asked.
    set_here = {each.args[0].lower() for each in location(text, "/").all("proxy_set_header")}
    assert stripped_names(known) <= set_here


_any = st.one_of(
    st.text(),
    st.from_regex(r"[a-z/.:0-9=;{}$\"'\\\n ]{1,20}", fullmatch=True),
    st.sampled_from(["/a/;}", "/a/=b\n}", "127.0.0.1:80;", "$host", "a:1 b", "/a/=;}{\"'$x\\"]),
)


@given(
    gate=_any,
    upstream=_any,
    name=_any,
    restricted=_any,
    public=_any,
    api=_any,
    file=_any,
    body=_any,
    command=st.lists(_any),
)
def test_no_option_adds_a_directive(
    gate: str,
    upstream: str,
    name: str,
    restricted: str,
    public: str,
    api: str,
    file: str,
    body: str,
    command: list[str],
) -> None:
    usual: dict[str, Any] = {
        "restricted": ("/a/=b",),
        "public": ("/p/",),
        "api": ("/api/",),
        "form": "redirect",
    }
    expected = structure(read_dump(nginx_configuration(settings(), NginxOptions(**usual))))
    for option in (
        {"gate": gate},
        {"upstreams": (upstream,)},
        {"server_name": name},
        {"restricted": (restricted,)},
        {"restricted": (f"/r/={restricted}",)},
        {"public": (public.rstrip("/") + "/",)},
        {"api": (api,)},
        {"certificate": file},
        {"certificate_key": file},
        {"max_body": body},
        {},
    ):
        known = settings(public_url=None) if "server_name" in option else settings()
        try:
            text = nginx_configuration(known, NginxOptions(**(usual | option)), command)
        except OptionError:
            continue
        assert structure(read_dump(text)) == expected


def test_no_secret_is_printed() -> None:
    known = settings(client_secret="a" * 20 + "secret" * 4)
    text = nginx_configuration(known, NginxOptions(**ALL))
    assert "secretsecret" not in text
    assert known.cookie_secret[0] not in text


def test_cookie_and_prefix_are_those_of_the_settings() -> None:
    text = nginx_configuration(settings(cookie_name="my.app", prefix="/gate"), NginxOptions())
    (pattern,) = [args[0] for args in directives(text, "map") if args[0] == "$http_cookie"]
    assert pattern
    assert "__Host-my[.]app(?:[.](?:body2?|" in text
    assert "/oauth2" not in text
    assert ("~", "^/gate/(?:sign_in|unavailable)$") in directives(text, "location")


def test_plain_http_has_no_certificate() -> None:
    text = nginx_configuration(settings(public_url="http://localhost:8000"), NginxOptions())
    assert directives(text, "listen") == [("8000",)]
    assert directives(text, "ssl_certificate") == []
    assert "(?<oidc_name>   oidc_gate(?:[.]" in text


def test_behind_a_proxy_that_has_the_certificate(tmp_path: Path) -> None:
    text = nginx_configuration(settings(), NginxOptions(plain_port=8081, **ALL))
    assert directives(text, "listen") == [("8081",)]
    assert directives(text, "ssl_certificate") == []
    assert {args[1] for args in directives(text, "proxy_set_header") if args[0] == "X-Forwarded-Proto"} == {
        "https"
    }
    assert '|https://$http_host" $oidc_foreign_socket' in text
    assert "$scheme" not in text
    assert "only it may be able to reach this port" in text
    assert check(text, settings(), tmp_path) == []
    with pytest.raises(OptionError, match="--plain-port: public_url is http already"):
        nginx_configuration(settings(public_url="http://localhost:8000"), NginxOptions(plain_port=8081))


def test_another_port_is_kept_by_the_redirect_to_https() -> None:
    text = nginx_configuration(settings(public_url=f"{URL}:8443"), NginxOptions())
    assert directives(text, "listen") == [("8443", "ssl"), ("80",)]
    assert directives(text, "return")[-1] == ("308", "https://$host:8443$request_uri")


def test_a_gate_with_a_host_of_its_own_gets_a_server() -> None:
    text = nginx_configuration(settings(**SEVERAL), NginxOptions(upstreams=HOSTS))
    names = [("app.example.com", "wiki.example.com"), ("auth.example.com",)]
    assert directives(text, "server_name")[:2] == names
    text = nginx_configuration(
        settings(**SEVERAL), NginxOptions(upstreams=(*HOSTS, "auth.example.com=127.0.0.1:8082"))
    )
    assert len([each for each in read_dump(text) if each.name == "server"]) == 2


def test_buffers_and_authorization_follow_the_tokens() -> None:
    plain = nginx_configuration(settings(), NginxOptions())
    assert {*directives(plain, "proxy_buffer_size")} == {("16k",)}
    assert "authorization" not in plain.lower()
    text = nginx_configuration(settings(pass_authorization=True), NginxOptions())
    assert {*directives(text, "proxy_buffer_size")} == {("32k",)}
    assert ("$oidc_authorization", "$upstream_http_authorization") in directives(text, "auth_request_set")
    assert ("Authorization", "$oidc_authorization") in directives(text, "proxy_set_header")


def test_the_gate_alone_judges_the_origins_that_the_settings_allow() -> None:
    text = nginx_configuration(settings(allowed_origins=["https://other.example.com"]), NginxOptions())
    assert directives(text, "if") == []
    assert "oidc_foreign_socket" not in text


def test_public_paths_need_two_headers() -> None:
    assert "public_paths of the settings have no effect" in nginx_configuration(
        settings(public_paths=["/x"]), NginxOptions()
    )
    known = settings(
        public_paths=["/x"],
        original_uri_header="X-Original-URI",
        original_method_header="X-Original-Method",
        trusted_proxies=["127.0.0.1"],
    )
    text = nginx_configuration(known, NginxOptions(restricted=("/a/=b",), verdict_cache=5))
    assert "have no effect" not in text
    for name in ("/oauth2/auth", "/oauth2/auth_b"):
        asked = location(text, "=", name)
        sent = {each.args for each in asked.all("proxy_set_header")}
        assert {("X-Original-URI", "$request_uri"), ("X-Original-Method", "$oidc_method")} <= sent
        (key,) = asked.all("proxy_cache_key")
        rule = name.rpartition("/")[2]
        # No value before the cookie has a space, so no two requests that differ have the same key.
        assert key.args == (f"{rule} $oidc_method $request_uri $scheme://$host $http_cookie",)


def test_a_cache_of_verdicts_is_named_with_its_cost() -> None:
    text = nginx_configuration(settings(), NginxOptions(restricted=("/a/=b",), verdict_cache=20))
    assert "keeps access for up to 20 seconds" in text
    keys = {args[0] for args in directives(text, "proxy_cache_key")}
    assert keys == {"auth $scheme://$host $http_cookie", "auth_b $scheme://$host $http_cookie"}
    assert {*directives(text, "proxy_cache_valid")} == {("202", "20s")}
    assert len(directives(text, "proxy_cache_bypass")) == len(directives(text, "proxy_no_cache")) == 2
    assert {*directives(text, "proxy_ignore_headers")} == {("Cache-Control",)}


def test_scripts_get_401_in_each_form() -> None:
    for form in FORMS[1:]:
        text = nginx_configuration(settings(), NginxOptions(form=form, api=("/api/",)))
        (api,) = [each for each in location(text, "/").all("location") if each.args == ("/api/",)]
        assert [each.args for each in api.all("error_page")] == [
            ("401", "=", "/oauth2/sign_in"),
            ("403", "/oauth2/sign_in"),
            ("500", "=503", "/oauth2/unavailable"),
        ]
    text = nginx_configuration(settings(), NginxOptions(api=("/api/",)))
    assert "# /api/: scripts get 401 and JSON" in text


def test_a_public_path_without_a_slash_is_that_path_alone() -> None:
    text = nginx_configuration(settings(), NginxOptions(public=("/robots.txt", "/static/")))
    inner = [each.args for each in location(text, "/").all("location")]
    assert inner == [("=", "/robots.txt"), ("/static/",)]
