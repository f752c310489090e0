"""Reading the settings of `oidc-gate serve` again: what the log says, and that the process can still be forked."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from oidc_gate import __version__
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
    before = set(threading.enumerate())
    SettingsLoader(str(config), "there", 1).load()
    assert set(threading.enumerate()) <= before


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


def test_the_whole_log_and_what_systemd_gets(
    config: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "oidc_gate")
    told: list[tuple[str, ...]] = []
    monkeypatch.setattr("oidc_gate.cli.reload.notify", lambda *lines: told.append(lines))
    monkeypatch.setattr("oidc_gate.cli.reload.time.monotonic_ns", lambda: 1_999_999)
    loader = SettingsLoader(str(config), "there", 1)
    first = loader.load()
    caplog.clear()
    loader.on_ready(first)
    loader.on_ready(first)  # the new workers did not start
    more = 'allowed_emails = ["a@b.example"]\ninsecure_single_process_revocation = true\n'
    config.write_text(config.read_text() + more)
    second = loader.reload()
    assert second is not None
    loader.on_ready(second)
    third = loader.reload()
    assert third is not None
    loader.on_ready(third)
    replaced = "SIGHUP: the workers are replaced; "
    forgotten = (
        "SIGHUP: the new workers do not know which sessions have ended, because this was only in the memory of the old"
        " ones. Fix: set session_store or revocation_store"
    )
    said = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert [each for each in said if "listens on" in each[1] or each[1].startswith("SIGHUP")] == [
        ("INFO", f"oidc-gate {__version__} listens on there with 1 worker"),
        ("INFO", f"{replaced}changed settings: allowed_emails, insecure_single_process_revocation"),
        ("WARNING", forgotten),
        (
            "INFO",
            f"{replaced}no setting has changed. Files are read again; environment variables are those that the"
            " process was started with",
        ),
        ("WARNING", forgotten),
    ]
    ready, reloading = ("READY=1", "STATUS=Listening on there"), ("RELOADING=1", "MONOTONIC_USEC=1999")
    assert told == [ready, ready, reloading, ready, reloading, ready]


def test_the_file_of_the_environment_is_read(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OIDC_GATE_CONFIG", str(config))
    assert SettingsLoader(None, "there", 1).load().public_url == "https://app.example.com"
