"""The gate's cookies: their names and attributes, and finding them in a header by hand."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oidc_gate.cookies import Cookies
from tests.core.request.making import settings

MAIN = "__Host-oidc_gate"


def cookies(**values: Any) -> Cookies:
    return Cookies(settings(**{"public_url": "https://app.example.com"} | values))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "__Host-oidc_gate=v; Max-Age=60; Path=/; Secure; HttpOnly; SameSite=Lax"),
        ({"cookie_name": "x"}, "__Host-x=v; Max-Age=60; Path=/; Secure; HttpOnly; SameSite=Lax"),
        (
            {"cookie_domain": "example.com"},
            "__Secure-oidc_gate=v; Max-Age=60; Path=/; Domain=example.com; Secure; HttpOnly; SameSite=Lax",
        ),
        (
            {"cookie_samesite": "Strict"},
            "__Host-oidc_gate=v; Max-Age=60; Path=/; Secure; HttpOnly; SameSite=Strict",
        ),
        ({"public_url": "http://localhost:8000"}, "oidc_gate=v; Max-Age=60; Path=/; HttpOnly; SameSite=Lax"),
    ],
)
def test_set(values: dict[str, Any], expected: str) -> None:
    jar = cookies(**values)
    assert jar.set(jar.main, "v", max_age=60) == expected


def test_clearing_says_what_setting_said_or_no_browser_obeys() -> None:
    jar = cookies(cookie_domain="example.com")
    was, cleared = jar.set(jar.main, "v", max_age=60), jar.clear(jar.main)
    assert cleared == was.replace("=v; Max-Age=60", "=; Max-Age=0")


def test_the_flow_cookie_comes_along_with_a_cross_site_post_only_for_form_post() -> None:
    assert cookies(response_mode="form_post").flow_samesite == "None"
    assert cookies(cookie_samesite="Strict").flow_samesite == "Lax"


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", []),
        (f"{MAIN}=a", ["a"]),
        (f"x=1; {MAIN}=a; y=2", ["a"]),
        (f"x=1;{MAIN}=a;y=2", ["a"]),
        (f"{MAIN}=a; {MAIN}=b", ["a", "b"]),
        (f"={MAIN}=a", []),  # CVE-2023-23934
        (f"x={MAIN}=a", []),
        (f"x{MAIN}=a", []),
        (f"{MAIN}x=a", []),
        (f"{MAIN}.body=a", []),
        (f"x=; ={MAIN}=a; {MAIN}=b", ["b"]),
        ("; ".join(f"{MAIN}={n}" for n in range(9)), ["0", "1", "2", "3"]),
    ],
)
def test_find(header: str, found: list[str]) -> None:
    assert cookies().find(header, MAIN) == found


@pytest.mark.parametrize(
    ("header", "rest"),
    [
        ("", ""),
        ("x=1", "x=1"),
        (f"{MAIN}=a", ""),
        (f"x=1; {MAIN}=a", "x=1"),
        (f"{MAIN}=a; x=1", "x=1"),
        (f"x=1; {MAIN}=a; y=2", "x=1; y=2"),
        (f"x=1; {MAIN}.body=a; {MAIN}=b; {MAIN}.flow3=c; {MAIN}.rounds=1.2; y=2", "x=1; y=2"),
        (f"{MAIN}.flow9=a; {MAIN}_admin=b", f"{MAIN}.flow9=a; {MAIN}_admin=b"),
        (f"{MAIN}=a; {MAIN}=b; z=3", "z=3"),
        (f"x=1; {MAIN}=a;  {MAIN}=b", "x=1"),
        (f"{MAIN}=a;  {MAIN}=b;\t{MAIN}=c", ""),
    ],
)
def test_what_the_application_is_left_with(header: str, rest: str) -> None:
    jar = cookies()
    assert jar.without_ours(header) == rest
    value, others = jar.split(header)
    assert not value or others == rest
    assert value == "".join(jar.find(header, MAIN)[:1])


@given(
    st.lists(
        st.sampled_from([MAIN, "=", ";", "; ", " ", ".body", ".flow1", "x", '"', "é", "\x00"]), max_size=40
    )
)
def test_split_never_finds_what_find_does_not(parts: list[str]) -> None:
    jar, header = cookies(), "".join(parts)
    value, others = jar.split(header)
    if value:
        assert [value] == jar.find(header, MAIN)[:1]
        assert not jar.find(others, MAIN)
    assert not jar.find(jar.without_ours(header), MAIN)


def test_a_hostile_header_costs_no_time() -> None:
    jar = cookies()
    for header in (f"={MAIN}=" * 3_600, f"{MAIN}=a; " * 3_200, "; " * 32_000, f"x={MAIN}" * 3_600):
        began = time.process_time()
        jar.find(header, MAIN)
        jar.split(header)
        jar.without_ours(header)
        jar.names_in(header)
        assert time.process_time() - began < 0.5  # quadratic would be many seconds
