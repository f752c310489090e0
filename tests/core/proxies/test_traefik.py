"""What `oidc-gate traefik` prints: valid YAML, the headers that are removed, and what follows from the settings."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from oidc_gate.policy.identity_headers import stripped_names
from oidc_gate.proxies.options import OptionError
from oidc_gate.proxies.traefik import TraefikOptions, spellings, traefik_configuration
from oidc_gate.settings import Settings
from oidc_gate.testing.settings import settings_for_tests

URL = "https://app.example.com"


def settings(**keywords: Any) -> Settings:
    return settings_for_tests(**({"public_url": URL} | keywords))


def printed(known: Settings, **options: str) -> Any:
    return yaml.safe_load(traefik_configuration(known, TraefikOptions(**options)))["http"]


def test_each_spelling() -> None:
    assert set(spellings("a-b-c")) == {"a-b-c", "a-b_c", "a_b-c", "a_b_c"}


@pytest.mark.parametrize("more", [{}, {"pass_authorization": True, "pass_access_token": True}])
def test_no_spelling_of_an_identity_header_arrives(more: dict[str, Any]) -> None:
    known = settings(**more)
    http = printed(known)
    removed = http["middlewares"]["oidc-remove-headers"]["headers"]["customRequestHeaders"]
    replaced = http["middlewares"]["oidc-check"]["forwardAuth"]["authResponseHeaders"]
    assert set(removed.values()) == {""}
    covered = set(removed) | {name.lower() for name in replaced}
    for name in stripped_names(known):
        assert set(spellings(name)) <= covered
    assert http["routers"]["application"]["middlewares"] == ["oidc-remove-headers", "oidc-check"]
    assert ("Authorization" in replaced) == bool(more)
    assert "middlewares" not in http["routers"]["oidc-gate"]


def test_what_follows_from_the_settings() -> None:
    http = printed(settings(prefix="/gate", cookie_name="c"), gate="gate:1", upstream="[::1]:2")
    assert http["routers"]["oidc-gate"]["rule"] == "Host(`app.example.com`) && PathPrefix(`/gate/`)"
    check = http["middlewares"]["oidc-check"]["forwardAuth"]
    assert check["address"] == "http://gate:1/gate/forward"
    assert check["addAuthCookiesToResponse"] == ["__Host-c"]
    assert "trustForwardHeader" not in check
    assert http["services"]["application"]["loadBalancer"]["servers"] == [{"url": "http://[::1]:2"}]
    assert http["routers"]["application"]["tls"] == {}
    plain = printed(settings(public_url="http://localhost:8000"))["routers"]["application"]
    assert (plain["entryPoints"], "tls" in plain) == (["web"], False)
    text = traefik_configuration(settings(public_paths=["/x"]), TraefikOptions())
    assert "public_paths of the settings have no effect" in text


@pytest.mark.parametrize("option", ["gate", "upstream", "server_name"])
@pytest.mark.parametrize("value", ["unix:/run/x.sock", 'a:1"\nx: y', "{{ env `HOME` }}:1", "a`) || Host(`b"])
def test_what_cannot_be_used(option: str, value: str) -> None:
    given: Any = {option: value}
    with pytest.raises(OptionError, match=f"--{option.replace('_', '-')}: "):
        traefik_configuration(
            settings(public_url=None) if option == "server_name" else settings(), TraefikOptions(**given)
        )


@given(st.lists(st.one_of(st.text(), st.just("{{ env `HOME` }}"), st.just("{{{"))))
def test_no_argument_becomes_a_template(command: list[str]) -> None:
    text = traefik_configuration(settings(), TraefikOptions(), command)
    assert "{{" not in text
    assert yaml.safe_load(text)["http"].keys() == {"routers", "middlewares", "services"}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, []),
        ({"pass_access_token": True}, ["X-Auth-Request-Access-Token"]),
        ({"pass_authorization": True}, ["Authorization"]),
        (
            {"pass_access_token": True, "pass_authorization": True},
            ["X-Auth-Request-Access-Token", "Authorization"],
        ),
    ],
)
def test_the_headers_that_the_application_gets(more: dict[str, Any], expected: list[str]) -> None:
    middlewares = printed(settings(**more))["middlewares"]
    suffixes = ("User", "Email", "Groups", "Groups-Incomplete", "Preferred-Username")
    always = [f"X-Auth-Request-{suffix}" for suffix in suffixes]
    replaced = middlewares["oidc-check"]["forwardAuth"]["authResponseHeaders"]
    assert replaced == [*always, *expected]
    removed = [*middlewares["oidc-remove-headers"]["headers"]["customRequestHeaders"]]
    assert removed == sorted(removed)
    assert not {name.lower() for name in removed} & {name.lower() for name in replaced}


NOTE = "public_paths of the settings have no effect"


@pytest.mark.parametrize(
    ("more", "is_noted"),
    [
        ({}, False),
        ({"public_paths": ["/x"]}, True),
        (
            {
                "public_paths": ["/x"],
                "original_uri_header": "X-Forwarded-Uri",
                "original_method_header": "X-Forwarded-Method",
                "trusted_proxies": ["127.0.0.1"],
            },
            False,
        ),
    ],
)
def test_what_public_paths_need(more: dict[str, Any], is_noted: bool) -> None:
    assert (NOTE in traefik_configuration(settings(**more), TraefikOptions())) is is_noted


def test_a_host_that_is_an_address() -> None:
    text = traefik_configuration(settings(public_url="https://[::1]:8443"), TraefikOptions())
    assert "Host(`::1`)" in text


@pytest.mark.parametrize(
    ("word", "shown"), [("{a}", "{a}"), ("{{a}}", "{ {a}}"), ("{{{a", "{ { {a"), ("a{", "a{")]
)
def test_braces_in_the_command_are_kept_apart(word: str, shown: str) -> None:
    text = traefik_configuration(settings(), TraefikOptions(), ("oidc-gate", "traefik", word))
    assert shown in text.partition("\nhttp:")[0]


def test_a_unix_socket_is_refused() -> None:
    with pytest.raises(OptionError) as caught:
        traefik_configuration(settings(), TraefikOptions(gate="unix:/run/g"))
    assert str(caught.value) == "--gate: Traefik does not connect to Unix sockets: write host and port"
