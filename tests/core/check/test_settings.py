from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from oidc_gate.check.questionable import CheckContext
from oidc_gate.check.settings import check_settings, read_settings
from oidc_gate.testing import settings_for_tests

ENVIRON = {
    "OIDC_GATE_ISSUER": "https://op.example.com",
    "OIDC_GATE_CLIENT_ID": "gate",
    "OIDC_GATE_CLIENT_SECRET": secrets.token_urlsafe(32),
    "OIDC_GATE_COOKIE_SECRET": secrets.token_urlsafe(32),
    "OIDC_GATE_PUBLIC_URL": "https://app.example.com",
}


def test_every_problem_is_a_finding() -> None:
    result = read_settings(None, ENVIRON | {"OIDC_GATE_PREFIX": "x", "OIDC_GATE_NO_SUCH": "1"})
    assert result.settings is None
    assert {finding.cause.name for finding in result.findings} == {"settings_invalid"}
    assert sorted(finding.where for finding in result.findings) == [
        "no_such (OIDC_GATE_NO_SUCH)",
        "prefix (OIDC_GATE_PREFIX)",
    ]
    assert all(finding.fix for finding in result.findings)


def test_a_finding_says_where_the_value_comes_from(tmp_path: Path) -> None:
    file = tmp_path / "gate.toml"
    file.write_text('cookie_samesite = "Strict"\nallowed_groups = ["staff"]')
    result = read_settings(str(file), ENVIRON | {"OIDC_GATE_SCOPES": "openid"})
    assert result.settings is not None
    context = CheckContext(config=str(file))
    found = check_settings(result.settings, context, {"OIDC_GATE_SCOPES": "openid"})
    assert {finding.cause.name: finding.where for finding in found} == {
        "samesite_strict": f"cookie_samesite ({file})",
        "groups_without_scope": "scopes (OIDC_GATE_SCOPES)",
    }


def test_without_the_list_of_public_suffixes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oidc_gate.check.questionable.public_suffix", lambda domain: None)
    monkeypatch.setattr("oidc_gate.check.settings.public_suffix", lambda domain: None)
    settings = settings_for_tests(
        issuer="https://op.example.com",
        public_url="https://app.example.com",
        cookie_domain="example.com",
        allowed_redirect_hosts=["b.example.com"],
        allow_everyone=True,
    )
    assert [each.cause.name for each in check_settings(settings, CheckContext(), {})] == ["suffixes_missing"]
