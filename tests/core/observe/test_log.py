"""The line for a decision, and its fields."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from oidc_gate.model import Allow, Decision, Identity, Reason, Reply, Request
from oidc_gate.observe import log

ADA = Identity("https://op.example", "ada", session_id="s1")


def decided(
    caplog: pytest.LogCaptureFixture,
    decision: Decision,
    identity: Identity | None = None,
    *,
    path: str = "/a",
    is_callback: bool = False,
) -> tuple[list[str], list[dict[str, Any]]]:
    request = Request("GET", "https", "", path, path, "code=secret", request_id="id-1")
    with caplog.at_level(logging.DEBUG, "oidc_gate"):
        log.decided(
            request,
            decision,
            identity=identity,
            client=lambda: "192.0.2.7",
            is_callback=is_callback,
        )
    records = [record for record in caplog.records if record.name == "oidc_gate"]
    return [record.getMessage() for record in records], [vars(record)["oidc_gate"] for record in records]


def test_verdict_code_rule_subject_and_path(caplog: pytest.LogCaptureFixture) -> None:
    reason = Reason("refused", "allowed_groups", notes=(Reason("user_refused", "allowed_groups", "why"),))
    lines, fields = decided(caplog, Reply(403, reason=reason), ADA)
    assert lines == [
        "id-1 GET /a: 403: refused (allowed_groups) sub='ada'",
        "id-1 GET /a: 403: user_refused (allowed_groups) sub='ada': why",
    ]
    assert fields[0] == {
        "request_id": "id-1",
        "method": "GET",
        "path": "/a",
        "verdict": "refused",
        "status": 403,
        "code": "refused",
        "rule": "allowed_groups",
        "subject": "ada",
    }
    assert fields[1]["detail"] == "why"


def test_the_application_is_called(caplog: pytest.LogCaptureFixture) -> None:
    lines, fields = decided(caplog, Allow(ADA, reason=Reason("signed_in")), ADA)
    assert lines == ["id-1 GET /a: allowed: signed_in sub='ada'"]
    assert fields[0]["verdict"] == "allowed"
    assert "status" not in fields[0]


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, "answered"),
        (202, "allowed"),
        (302, "answered"),
        (400, "error"),
        (401, "sign_in"),
        (403, "refused"),
        (503, "error"),
    ],
)
def test_verdicts(status: int, verdict: str) -> None:
    assert log.verdict_of(status) == verdict


def test_the_subject_of_the_event_counts_and_is_escaped(caplog: pytest.LogCaptureFixture) -> None:
    new = Reason("sign_in_completed", subject="e\nve" + "x" * 300, session_id="s2")
    lines, fields = decided(caplog, Reply(302, reason=new), ADA)
    assert "\n" not in lines[0]
    assert "sub='e\\nvexxx" in lines[0]
    assert len(fields[0]["subject"]) == 255
    audit = [record for record in caplog.records if record.name == "oidc_gate.audit"]
    assert [vars(record)["oidc_gate"]["session_id"] for record in audit] == ["s2"]
    assert "\n" not in audit[0].getMessage()


def test_an_error_of_the_callback_is_a_failed_sign_in_and_its_notes_are_none(
    caplog: pytest.LogCaptureFixture,
) -> None:
    reply = Reply(400, reason=Reason("flow_missing", notes=(Reason("another_error"),)))
    decided(caplog, reply, path="/oauth2/callback", is_callback=True)
    decided(caplog, reply, path="/callback")
    audit = [record for record in caplog.records if record.name == "oidc_gate.audit"]
    fields = [vars(record)["oidc_gate"] for record in audit]
    assert [(each["event"], each["code"], each["path"]) for each in fields] == [
        ("sign_in_failed", "flow_missing", "/oauth2/callback")
    ]


def test_what_a_client_chose_is_escaped_and_bounded(caplog: pytest.LogCaptureFixture) -> None:
    lines, fields = decided(
        caplog, Reply(401, reason=Reason("no_cookie")), path="/\n\x1b[31m\udce9" + "a" * 500
    )
    assert lines[0].startswith("id-1 GET /\\n\\x1b[31m\\udce9aaa")
    assert len(fields[0]["path"]) < 250
    assert "secret" not in lines[0]


def test_a_whole_line(caplog: pytest.LogCaptureFixture) -> None:
    request = Request("GET" + "X" * 30, "https", "", "/ä" + "a" * 300, "", "", request_id="id-1")
    notes = (Reason("groups_left_out", detail="sub='x', why"), Reason("unheard_of"))
    reply = Reply(
        302, reason=Reason("sign_in_completed", "r", "sub='eve'", notes, subject="eve", session_id="s2")
    )
    with caplog.at_level(logging.DEBUG, "oidc_gate"):
        log.decided(request, reply, identity=ADA, client=lambda: "", is_callback=False)
    path, method = "/\\xe4" + "a" * 198, "GET" + "X" * 17
    known = {"request_id": "id-1", "method": method, "path": path, "verdict": "answered", "status": 302}
    assert [
        (record.levelname, record.getMessage(), vars(record)["oidc_gate"])
        for record in caplog.records
        if record.name == "oidc_gate"
    ] == [
        (
            "INFO",
            f"id-1 {method} {path}: 302: sign_in_completed (r): sub='eve'",
            known | {"code": "sign_in_completed", "rule": "r", "subject": "eve", "detail": "sub='eve'"},
        ),
        (
            "ERROR",
            f"id-1 {method} {path}: 302: groups_left_out: sub='x', why",
            known | {"code": "groups_left_out", "subject": "ada", "detail": "sub='x', why"},
        ),
        (
            "WARNING",
            f"id-1 {method} {path}: 302: unheard_of sub='ada'",
            known | {"code": "unheard_of", "subject": "ada"},
        ),
    ]


def test_each_line_has_the_level_of_its_own_event(caplog: pytest.LogCaptureFixture) -> None:
    """A reason that is not logged keeps no note from being logged, and no event from the audit log."""
    reason = Reason("refused", "allowed_groups", notes=(Reason("user_refused", "allowed_groups", "why"),))
    request = Request("GET", "https", "", "/a", "/a", "", request_id="id-1")
    found = []
    for level, audited in ((logging.INFO, logging.INFO), (logging.WARNING, logging.INFO)):
        with caplog.at_level(level, "oidc_gate"), caplog.at_level(audited, "oidc_gate.audit"):
            assert not log.is_verbose()
            log.decided(
                request, Reply(403, reason=reason), identity=ADA, client=lambda: "c", is_callback=False
            )
        found.append([(record.name, vars(record)["oidc_gate"]["code"]) for record in caplog.records])
        caplog.clear()
    assert found == [
        [("oidc_gate", "user_refused"), ("oidc_gate.audit", "user_refused")],
        [("oidc_gate.audit", "user_refused")],
    ]
    with caplog.at_level(logging.DEBUG, "oidc_gate"):
        assert log.is_verbose()


def test_a_line_without_an_identity(caplog: pytest.LogCaptureFixture) -> None:
    lines, fields = decided(caplog, Reply(399, reason=Reason("no_cookie")))
    assert lines == ["id-1 GET /a: 399: no_cookie"]
    assert fields == [
        {
            "request_id": "id-1",
            "method": "GET",
            "path": "/a",
            "verdict": "answered",
            "status": 399,
            "code": "no_cookie",
        }
    ]
