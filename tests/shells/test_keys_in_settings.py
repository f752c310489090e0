"""A key that cannot be read is told before the first request, with all other faults of keys."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from oidc_gate import asgi, wsgi
from oidc_gate.errors import ConfigurationError
from tests.core.request.making import settings

BROKEN = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize("gate", [wsgi.OIDCGate, asgi.OIDCGate])
def test_settings_are_given_whole_or_by_keyword_and_not_both(gate: Any) -> None:
    strict = settings(allowed_groups=("staff",))
    keywords = {"issuer": "https://op.example", "client_id": "c", "cookie_secret": strict.cookie_secret}
    with pytest.raises(TypeError, match="client_id, cookie_secret, issuer"):
        gate(lambda environ, start_response: [], strict, **keywords)


@pytest.mark.parametrize("gate", [wsgi.OIDCGate, asgi.OIDCGate])
def test_every_unusable_key_is_a_fault(gate: Any, caplog: pytest.LogCaptureFixture) -> None:
    given = settings(client_private_key=BROKEN, id_token_decryption_key=BROKEN, client_secret=None)
    with pytest.raises(ConfigurationError) as caught, caplog.at_level(logging.CRITICAL, "oidc_gate"):
        gate(lambda environ, start_response: [], given)
    assert [(fault.setting, fault.code) for fault in caught.value.faults] == [
        ("client_private_key", "key_unusable"),
        ("id_token_decryption_key", "key_unusable"),
    ]
    assert "key_unusable" in caplog.text
    assert "MIIB" not in caplog.text
