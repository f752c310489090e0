"""Settings that cannot work: a gate logs every problem at CRITICAL, and raises an error that does not repeat them."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from typing import Any

import pytest

from oidc_gate import asgi, wsgi
from oidc_gate.errors import ConfigurationError
from tests.core.request.making import settings


def application(*args: Any) -> Any: ...


BROKEN = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize("gate", [wsgi.OIDCGate, asgi.OIDCGate])
def test_settings_are_given_whole_or_by_keyword_and_not_both(gate: Any) -> None:
    strict = settings(allowed_groups=("staff",))
    keywords = {"issuer": "https://op.example", "client_id": "c", "cookie_secret": strict.cookie_secret}
    with pytest.raises(TypeError, match="client_id, cookie_secret, issuer"):
        gate(application, strict, **keywords)


@pytest.mark.parametrize("gate", [wsgi.OIDCGate, asgi.OIDCGate])
def test_every_unusable_key_is_a_problem(gate: Any, caplog: pytest.LogCaptureFixture) -> None:
    given = settings(client_private_key=BROKEN, id_token_decryption_key=BROKEN, client_secret=None)
    with pytest.raises(ConfigurationError) as caught, caplog.at_level(logging.CRITICAL, "oidc_gate"):
        gate(application, given)
    assert [(each.setting, each.code) for each in caught.value.problems] == [
        ("client_private_key", "key_unusable"),
        ("id_token_decryption_key", "key_unusable"),
    ]
    assert "key_unusable" in caplog.text
    assert "MIIB" not in caplog.text


def refused(**keywords: Any) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        wsgi.OIDCGate(lambda environ, start_response: [], environ={}, **keywords)
    return caught.value


def test_what_the_log_has_the_error_does_not_repeat(caplog: pytest.LogCaptureFixture) -> None:
    error = refused(prefix="/")
    assert str(error) == "configuration: 4 problems, which the log lists at CRITICAL (logger oidc_gate)"
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("oidc_gate", "CRITICAL")
    for found in error.problems:
        assert str(found) in record.message
        assert str(found) in error.detail


def test_what_the_log_does_not_have_the_error_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("oidc_gate"), "disabled", True)
    error = refused(prefix="/")
    assert all(str(found) in str(error) for found in error.problems)


@pytest.mark.parametrize(
    "program",
    [
        "from oidc_gate import OIDCGate; OIDCGate(lambda environ, start_response: [], prefix='/')",
        "from oidc_gate.cli import main; main(['serve'])",
    ],
    ids=["python", "oidc-gate serve"],
)
def test_errors_are_printed_once(program: str) -> None:
    environ = {name: text for name, text in os.environ.items() if not name.startswith("OIDC_GATE_")}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environ, check=False
    )
    assert done.stderr.count("OIDC_GATE_ISSUER") == 1, done.stderr
    assert "problems, which the log lists at CRITICAL" in done.stderr.splitlines()[-1]
