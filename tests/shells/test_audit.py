"""The audit log of a whole session, with stable names and fields."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from tests.shells.conftest import MakeSite
from tests.shells.site import COOKIE, FETCH, NAVIGATION, Site


def audited(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [vars(record)["oidc_gate"] for record in caplog.records if record.name == "oidc_gate.audit"]


def test_sign_in_and_sign_out(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    visitor = site.visitor()
    with caplog.at_level(logging.INFO, "oidc_gate"):
        visitor.sign_in()
        visitor.get("/", FETCH)
        visitor.ask("sign_out", NAVIGATION | {"Sec-Fetch-Site": "same-origin"})
    signed_in, signed_out = audited(caplog)
    session = site.app.last["oidc_gate.identity"].session_id
    assert signed_in["event"] == "sign_in"
    assert signed_out["event"] == "sign_out"
    for fields in (signed_in, signed_out):
        assert fields["subject"] == site.app.last["oidc_gate.identity"].subject
        assert fields["session_id"] == session
        assert fields["client"] == "192.0.2.7"
        assert fields["request_id"]


def test_a_refused_user_signs_in_and_is_refused(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "oidc_gate"):
        make_site(allowed_groups=("nobody",)).visitor().sign_in()
    found = {fields["event"]: fields for fields in audited(caplog)}
    assert found.keys() == {"sign_in", "refusal"}
    assert found["refusal"]["rule"] == "allowed_groups"
    assert found["refusal"]["subject"] == found["sign_in"]["subject"] != ""
    assert found["refusal"]["session_id"] == found["sign_in"]["session_id"]


def test_a_failed_sign_in(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "oidc_gate"):
        site.visitor().ask("callback?state=x&code=c", NAVIGATION)
    (fields,) = audited(caplog)
    assert (fields["event"], fields["status"], fields["verdict"]) == ("sign_in_failed", 400, "error")
    assert fields["code"]
    assert "subject" not in fields


def test_a_forged_cookie(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    visitor = site.person()
    value = visitor.cookies[COOKIE]
    visitor.cookies[COOKIE] = value[:-2] + ("AA" if value[-2:] != "AA" else "BB")
    with caplog.at_level(logging.INFO, "oidc_gate"):
        visitor.get("/", FETCH)
    (fields,) = audited(caplog)
    assert (fields["event"], fields["code"]) == ("forged_cookie", "seal_forged")


def test_a_sign_out_without_a_session_is_no_event(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "oidc_gate"):
        site.visitor().ask("sign_out", NAVIGATION | {"Sec-Fetch-Site": "same-origin"})
    assert audited(caplog) == []
