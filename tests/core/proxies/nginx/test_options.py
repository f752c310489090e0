"""Options of `oidc-gate nginx`: what cannot be used, and what is to be written instead."""

from __future__ import annotations

from typing import Any

import pytest

from oidc_gate.proxies.nginx import NginxOptions
from oidc_gate.proxies.nginx.options import NginxSite
from oidc_gate.proxies.options import OptionError, PublicURL
from oidc_gate.testing.settings import settings_for_tests

ONE = settings_for_tests(public_url="https://app.example.com")
SEVERAL = settings_for_tests(
    public_url="https://auth.example.com",
    cookie_domain="example.com",
    allowed_redirect_hosts=["app.example.com", "*.apps.example.com"],
)
HOSTILE = "x; } include /etc/shadow; {"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"form": "401"}, "--form: '401' is none of page, page-403, redirect"),
        ({"keepalive": 0}, "--keepalive: write a number from 1 to 1024"),
        ({"keepalive": 1025}, "--keepalive: write a number from 1 to 1024"),
        ({"verdict_cache": 61}, "--verdict-cache: write a number of seconds from 1 to 60"),
        ({"verdict_cache": -1}, "--verdict-cache: write a number of seconds from 1 to 60"),
        ({"plain_port": 65536}, "--plain-port: write a port from 1 to 65535"),
        ({"plain_port": -1}, "--plain-port: write a port from 1 to 65535"),
        ({"gate": HOSTILE}, "--gate: .* is not an address"),
        ({"upstreams": (HOSTILE,)}, "--upstream: .* is not an address"),
        ({"certificate": HOSTILE}, "--certificate: .* is not the path of a file"),
        ({"certificate_key": HOSTILE}, "--certificate-key: .* is not the path of a file"),
        ({"max_body": HOSTILE}, "--max-body: .* is not a size"),
        ({"server_name": HOSTILE}, "--server-name: .* is not the name of a host"),
        ({"public": (HOSTILE,)}, "--public: .* is not a path"),
        ({"api": (HOSTILE,)}, "--api: .* is not a path"),
        ({"restricted": (f"{HOSTILE}=a",)}, "--restrict: .* is not a path"),
        ({"restricted": ("/a/=b\n;",)}, "--restrict: .* is not a list of groups"),
        ({"restricted": ("/a/",)}, "--restrict: '/a/' names no group: write it as /admin/=admins"),
        ({"restricted": ("/a=b",)}, "--restrict: write '/a/'"),
        ({"restricted": ("/a/=b", "/a/=c")}, "--restrict: '/a/' is given twice"),
        ({"restricted": ("/a/=b",), "public": ("/a/",)}, "'/a/' is given to two of --restrict, --public"),
        ({"api": ("/api",)}, "--api: write '/api/'"),
        ({"upstreams": ("127.0.0.1:1", "127.0.0.1:2")}, "one of several and has no host"),
        (
            {"upstreams": ("app.example.com=127.0.0.1:1", "wiki.example.com=127.0.0.1:2")},
            "wiki.example.com does not get the session of app.example.com",
        ),
    ],
)
def test_what_cannot_be_used(given: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        NginxSite.of(ONE, NginxOptions(**given))


@pytest.mark.parametrize(
    ("upstreams", "message"),
    [
        (("other.example.com=127.0.0.1:1",), "return to other.example.com .* allowed_redirect_hosts"),
        (("zapp.example.com=127.0.0.1:1",), "return to zapp.example.com .* allowed_redirect_hosts"),
        (("apps.example.com=127.0.0.1:1",), "return to apps.example.com .* allowed_redirect_hosts"),
        (("app.example.org=127.0.0.1:1",), "app.example.org does not get the session"),
        (("evilexample.com=127.0.0.1:1",), "evilexample.com does not get the session"),
        (("example.com=127.0.0.1:1",), "example.com does not get the session"),
        (("app.example.com=127.0.0.1:1", "app.example.com=127.0.0.1:2"), "app.example.com is given twice"),
        (("app.example.com=;",), "is not an address"),
        (("a;.example.com=127.0.0.1:1",), "is not the name of a host"),
    ],
)
def test_hosts_that_cannot_be_used(upstreams: tuple[str, ...], message: str) -> None:
    with pytest.raises(OptionError, match=f"--upstream: .*{message}"):
        NginxSite.of(SEVERAL, NginxOptions(upstreams=upstreams))


@pytest.mark.parametrize(
    "given",
    [
        {"keepalive": 1},
        {"keepalive": 1024},
        {"plain_port": 1},
        {"plain_port": 65535},
        {"verdict_cache": 1},
        {"verdict_cache": 60},
    ],
)
def test_the_ends_of_each_range_can_be_used(given: dict[str, int]) -> None:
    site = NginxSite.of(ONE, NginxOptions(**given))  # type: ignore[arg-type]
    assert {name: getattr(site, name) for name in given} == given


def test_a_site_with_every_option_left_out() -> None:
    assert NginxSite.of(settings_for_tests(public_url="https://[::1]:8443"), NginxOptions()) == NginxSite(
        url=PublicURL("https", "[::1]", 8443),
        prefix="/oauth2",
        form="page",
        gate="127.0.0.1:4180",
        upstreams=(("application", "", "127.0.0.1:8080"),),
        restricted=(),
        public=(),
        api=(),
        certificate="/etc/nginx/tls/__1.crt",
        certificate_key="/etc/nginx/tls/__1.key",
        max_body="100m",
        keepalive=32,
        plain_port=0,
        verdict_cache=0,
    )


def test_a_host_that_users_could_not_return_to_is_added_to_those_that_are_allowed() -> None:
    with pytest.raises(OptionError) as raised:
        NginxSite.of(SEVERAL, NginxOptions(upstreams=("other.example.com=a:1",)))
    assert str(raised.value) == (
        "--upstream: users could not return to other.example.com after they sign in: add it to "
        "allowed_redirect_hosts "
        "(OIDC_GATE_ALLOWED_REDIRECT_HOSTS=app.example.com,*.apps.example.com,other.example.com)"
    )


@pytest.mark.parametrize("public_url", [None, "https://auth.example.com"])
@pytest.mark.parametrize("cookie_domain", [None, "example.com"])
def test_a_second_host_needs_both_settings(public_url: str | None, cookie_domain: str | None) -> None:
    known = settings_for_tests(
        public_url=public_url, cookie_domain=cookie_domain, allowed_redirect_hosts=["app.example.com"]
    )
    options = NginxOptions(upstreams=("app.example.com=a:1",), server_name="auth.example.com")
    if public_url and cookie_domain:
        assert NginxSite.of(known, options).hosts == ("app.example.com",)
    else:
        with pytest.raises(
            OptionError, match=r"app\.example\.com does not get the session of auth\.example\.com"
        ):
            NginxSite.of(known, options)


def test_each_upstream_has_a_name_of_its_own() -> None:
    given = (
        "app.example.com=a:1",
        "app.apps.example.com=b:2",
        "1.apps.example.com=c:3",
        "auth.example.com=d:4",
        "a1.apps.example.com=e:5",
        "oidc_gate.apps.example.com=f:6",
    )
    site = NginxSite.of(SEVERAL, NginxOptions(upstreams=given))
    assert [name for name, _, _ in site.upstreams] == [
        "app",
        "app_app_apps_example_com",
        "app_1_apps_example_com",
        "auth",
        "a1",
        "app_oidc_gate_apps_example_com",
    ]


def test_the_certificate_is_that_of_the_cookie_domain() -> None:
    assert NginxSite.of(ONE, NginxOptions()).certificate == "/etc/nginx/tls/app.example.com.crt"
    site = NginxSite.of(SEVERAL, NginxOptions(upstreams=("app.example.com=a:1",), certificate_key="/k"))
    assert (site.certificate, site.certificate_key) == ("/etc/nginx/tls/example.com.crt", "/k")


def test_two_lists_of_groups_never_share_a_location() -> None:
    site = NginxSite.of(ONE, NginxOptions(restricted=("/a/=x y", "/b/=x-y", "/c/=x,y", "/d/=é")))
    names = [name for _, name, _ in site.restricted]
    assert names == ["auth_x_y", "auth_x_y_", "auth_x_y__", "auth__"]
