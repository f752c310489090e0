"""Reading the settings of `oidc-gate serve` again: what the log says, and that the process can still be forked."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from oidc_gate.cli.reload import SettingsLoader
from oidc_gate.errors import ConfigurationError
from oidc_gate.testing import environ_for_tests


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in environ_for_tests().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("OIDC_GATE_PUBLIC_URL", raising=False)
    file = tmp_path / "gate.toml"
    file.write_text('public_url = "https://app.example.com"\n')
    return file


def test_it_starts_no_thread_because_the_process_is_forked(config: Path) -> None:
    before = threading.active_count()
    SettingsLoader(str(config), "there", 1).load()
    assert threading.active_count() == before


@pytest.mark.parametrize("text", ["public_url = 1\n", "", "not TOML"])
def test_settings_that_cannot_work_are_refused(
    text: str, config: Path, caplog: pytest.LogCaptureFixture
) -> None:
    loader = SettingsLoader(str(config), "there", 1)
    loader.on_ready(loader.load())
    config.write_text(text)
    assert loader.reload() is None
    assert "SIGHUP: the new settings cannot work, so the old ones stay in use" in caplog.text
    assert "CRITICAL" in caplog.text
    with pytest.raises(ConfigurationError):
        loader.load()


def test_the_log_names_what_has_changed_and_no_value(config: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "oidc_gate")
    loader = SettingsLoader(str(config), "there", 3)
    loader.on_ready(loader.load())
    assert "listens on there with 3 workers" in caplog.text
    for text, said in (
        ('allowed_emails = ["new@example.com"]\n', "changed settings: allowed_emails"),
        ("", "no setting has changed. Files are read again"),
    ):
        if text:
            config.write_text(config.read_text() + text)
        caplog.clear()
        settings = loader.reload()
        assert settings is not None
        loader.on_ready(settings)
        assert said in caplog.text
        assert "new@" not in caplog.text


def test_sign_outs_that_are_forgotten_are_in_the_log(config: Path, caplog: pytest.LogCaptureFixture) -> None:
    loader = SettingsLoader(str(config), "there", 1)
    loader.on_ready(loader.load())
    assert "do not know which sessions have ended" not in caplog.text
    config.write_text(config.read_text() + "insecure_single_process_revocation = true\n")
    settings = loader.reload()
    assert settings is not None
    loader.on_ready(settings)
    assert "the new workers do not know which sessions have ended" in caplog.text
