"""The URLs to which the gate sends requests."""

from __future__ import annotations

import pytest

from oidc_gate.provider.urls import is_plain_loopback, is_usable


@pytest.mark.parametrize(
    ("url", "with_plain", "without"),
    [
        ("https://op.example/token?a=1", True, True),
        ("HTTPS://op.example:8443", True, True),
        ("https://op.example/" + "x" * 2029, True, True),
        ("https://op.example/" + "x" * 2030, False, False),
        ("http://127.0.0.1:8080/token", True, False),
        ("http://localhost", True, False),
        ("http://[::1]/", True, False),
        ("http://op.example/", False, False),
        ("ftp://localhost/", False, False),
        ("", False, False),
        ("https://", False, False),
        ("https:///x", False, False),
        ("https://op.example/#a", False, False),
        ("https://@op.example/", False, False),
        ("https://a:b@op.example/", False, False),
        ("https://op.example:x/", False, False),
        ("https://op.example:65536/", False, False),
        ("https://[::1/", False, False),
        ("https://op.example/\x7f", False, False),
        ("https://op.example/ ", False, False),
        ("https://op.example/\\", False, False),
        ("https://\U0010ffff/", False, False),
    ],
)
def test_usable(url: str, with_plain: bool, without: bool) -> None:
    assert is_usable(url, allow_plain=True) is with_plain
    assert is_usable(url, allow_plain=False) is without


@pytest.mark.parametrize(
    ("issuer", "expected"),
    [
        ("http://localhost:8080", True),
        ("http://127.0.0.1/realms/a", True),
        ("http://[::1]:1", True),
        ("https://localhost", False),
        ("http://op.example", False),
        ("http:///", False),
        ("http://localhost:x", False),
        ("http://localhost/ ", False),
    ],
)
def test_plain_loopback(issuer: str, expected: bool) -> None:
    assert is_plain_loopback(issuer) is expected
