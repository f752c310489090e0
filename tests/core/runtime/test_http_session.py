"""The certificates and connections of the session of `requests`, by the settings and the environment."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from oidc_gate.runtime import http
from oidc_gate.runtime.deadline import DeadlineAdapter

BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def session_of(**given: str) -> Any:
    named = dict.fromkeys(("ca_file", "client_certificate", "client_certificate_key"))
    settings: Any = SimpleNamespace(**(named | given))
    return http._session(settings)


@pytest.mark.parametrize(
    ("ca_file", "environment", "verify"),
    [
        ("", {}, True),
        ("", {"REQUESTS_CA_BUNDLE": "r.pem"}, "r.pem"),
        ("", {"CURL_CA_BUNDLE": "c.pem"}, "c.pem"),
        ("", {"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": "c.pem"}, "c.pem"),
        ("", {"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": ""}, True),
        ("", {"REQUESTS_CA_BUNDLE": "r.pem", "CURL_CA_BUNDLE": "c.pem"}, "r.pem"),
        ("own.pem", {"REQUESTS_CA_BUNDLE": "r.pem", "CURL_CA_BUNDLE": "c.pem"}, "own.pem"),
        ("own.pem", {}, "own.pem"),
    ],
)
def test_certificates_are_always_checked_and_by_the_nearest_bundle(
    ca_file: str, environment: dict[str, str], verify: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in BUNDLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert session_of(**({"ca_file": ca_file} if ca_file else {})).verify == verify


@pytest.mark.parametrize(
    ("given", "cert"),
    [
        ({}, None),
        ({"client_certificate": "both.pem"}, "both.pem"),
        (
            {"client_certificate": "cert.pem", "client_certificate_key": "key.pem"},
            ("cert.pem", "key.pem"),
        ),
    ],
)
def test_the_certificate_of_the_client_and_its_key(given: dict[str, str], cert: object) -> None:
    assert session_of(**given).cert == cert


def test_every_address_keeps_the_deadline() -> None:
    session = session_of()
    for url in ("https://op.example/", "http://op.example/"):
        assert type(session.get_adapter(url)) is DeadlineAdapter


@pytest.mark.parametrize(
    ("settings_for", "verify"), [({}, "CERT_REQUIRED"), ({"ca_file": "own.pem"}, "CERT_REQUIRED")]
)
def test_a_route_asks_for_a_certificate(settings_for: dict[str, str], verify: str, tmp_path: Any) -> None:
    bundle = tmp_path / "own.pem"
    bundle.touch()
    given = {name: str(bundle) for name in settings_for}
    route = http._route(session_of(**given), "https://op.example/keys?x=1")
    pool: Any = route.pool
    assert (pool.host, route.target, pool.cert_reqs) == ("op.example", "/keys?x=1", verify)
    assert pool.ca_certs == str(bundle) or not given
