"""What the commands for proxies print, whole, for settings and options that change every part of it.

The files in docs are the same for the defaults; see `tests/docs/test_proxy_files.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from oidc_gate.proxies.caddy import CaddyOptions, caddy_configuration
from oidc_gate.proxies.nginx import NginxOptions, nginx_configuration
from oidc_gate.proxies.traefik import TraefikOptions, traefik_configuration
from oidc_gate.testing.settings import settings_for_tests
from tests.snapshot_files import compare

FOLDER = Path(__file__).with_name("snapshots")
URL = {"public_url": "https://app.example.com"}
TOKENS = {"pass_access_token": True, "pass_authorization": True}
PUBLIC_PATHS = {"public_paths": ["/x"]}
HEADERS = {
    "original_uri_header": "X-Original-URI",
    "original_method_header": "X-Original-Method",
    "trusted_proxies": ["127.0.0.1"],
}
SEVERAL: dict[str, Any] = {
    "public_url": "https://auth.example.com:8443",
    "cookie_domain": "example.com",
    "allowed_redirect_hosts": ["app.example.com", "*.apps.example.com"],
}
PATHS: dict[str, Any] = {
    "restricted": ("/admin/=admins", "/admin/staff/=Domain Users,x$y"),
    "public": ("/public/", "/robots.txt"),
}

NGINX: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "page": (
        URL,
        {
            **PATHS,
            "api": ("/api/", "/v2/"),
            "gate": "unix:/run/gate.sock",
            "upstreams": ("unix:/run/app.sock",),
            "certificate": "/c.pem",
            "certificate_key": "/k.pem",
            "max_body": "2g",
            "keepalive": 7,
            "verdict_cache": 10,
        },
    ),
    "page-403": (
        URL | TOKENS | PUBLIC_PATHS | HEADERS,
        {**PATHS, "form": "page-403", "api": ("/api/", "/v2/"), "verdict_cache": 60},
    ),
    "redirect": (
        URL | PUBLIC_PATHS | {"allowed_origins": ["https://other.example.com"], "pass_authorization": True},
        {"form": "redirect", "plain_port": 8081, "api": ("/api/",)},
    ),
    "own-server-of-the-gate": (
        SEVERAL | {"pass_access_token": True},
        {**PATHS, "upstreams": ("app.example.com=127.0.0.1:8080", "a.apps.example.com=127.0.0.1:8081")},
    ),
    "one-upstream-by-host": (SEVERAL, {"upstreams": ("auth.example.com=[::1]:8080",), "form": "redirect"}),
    "http": (
        {"public_url": "http://localhost:8000", "prefix": "/gate.v1", "cookie_name": "my.app"},
        {"api": ("/api/",), "public": ("/public/",)},
    ),
}
CADDY: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "paths": (URL | PUBLIC_PATHS, {**PATHS, "gate": "[::1]:4180", "upstream": "unix:/run/app.sock"}),
    "restricted": (
        URL | PUBLIC_PATHS | HEADERS,
        {"restricted": ("/a/=x", "/a/b/c/=y,z", "/a/b/=z")},
    ),
    "tokens": (
        {"public_url": "http://localhost:8000", "prefix": "/gate"} | TOKENS,
        {"gate": "unix:/run/gate.sock"},
    ),
    "sent-headers": (
        URL
        | {
            "original_uri_header": "x-forwarded-uri",
            "original_method_header": "X-Forwarded-Method",
            "trusted_proxies": ["127.0.0.1"],
        },
        {"public": ("/a.b/",)},
    ),
}
TRAEFIK: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "tokens": (URL | TOKENS | PUBLIC_PATHS, {"gate": "gate:1", "upstream": "[::1]:2"}),
    "http": (
        {"public_url": "http://[::1]:8000", "prefix": "/gate", "cookie_name": "c"} | PUBLIC_PATHS | HEADERS,
        {},
    ),
}


@pytest.mark.parametrize("name", NGINX)
def test_nginx(name: str) -> None:
    settings, options = NGINX[name]
    compare(
        FOLDER / f"nginx-{name}.conf",
        nginx_configuration(settings_for_tests(**settings), NginxOptions(**options)),
    )


@pytest.mark.parametrize("name", CADDY)
def test_caddy(name: str) -> None:
    settings, options = CADDY[name]
    compare(
        FOLDER / f"caddy-{name}.Caddyfile",
        caddy_configuration(settings_for_tests(**settings), CaddyOptions(**options)),
    )


@pytest.mark.parametrize("name", TRAEFIK)
def test_traefik(name: str) -> None:
    settings, options = TRAEFIK[name]
    compare(
        FOLDER / f"traefik-{name}.yml",
        traefik_configuration(settings_for_tests(**settings), TraefikOptions(**options)),
    )
