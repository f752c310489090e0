"""The audit log: which events, and how many lines anyone can cause."""

from __future__ import annotations

import logging
import subprocess
import sys
from typing import Any

import pytest

from oidc_gate.model import Identity, Reason
from oidc_gate.observe import audit
from oidc_gate.observe.events import AUDIT, EVENTS

ADA = Identity("https://op.example", "ada", session_id="s1")


def test_every_audit_event_stands_for_codes_that_there_are_and_each_for_its_own() -> None:
    codes = [code for event in AUDIT.values() for code in event.codes]
    assert set(codes) - {audit.REFRESHED} <= EVENTS.keys()
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize(
    ("code", "identity", "is_callback", "event"),
    [
        ("sign_in_completed", None, True, "sign_in"),
        ("user_refused", ADA, False, "refusal"),
        ("signed_out", ADA, False, "sign_out"),
        ("signed_out", None, False, None),
        ("provider_logout", None, False, "revocation"),
        ("seal_forged", None, False, "forged_cookie"),
        ("seal_foreign", None, False, None),
        ("refresh_refused", None, False, None),  # it was logged when it happened
        ("flow_missing", None, True, "sign_in_failed"),
        ("flow_missing", None, False, None),
        ("signed_in", ADA, True, None),
        ("already_signed_in", ADA, True, None),
    ],
)
def test_what_is_an_event(code: str, identity: Identity | None, is_callback: bool, event: str | None) -> None:
    assert audit.event_of(Reason(code), identity, is_callback=is_callback) == event


def test_of_what_anyone_can_cause_so_many_a_minute_and_then_how_many_were_left_out() -> None:
    now = [100.0]
    limit = audit.RateLimit(3, lambda: now[0])
    assert [limit.left_out("forged_cookie") for _ in range(5)] == [0, 0, 0, None, None]
    assert limit.left_out("sign_in_failed") == 0
    now[0] += 59.9
    assert limit.left_out("forged_cookie") is None
    now[0] += 0.1
    assert [limit.left_out("forged_cookie") for _ in range(4)] == [3, 0, 0, None]
    now[0] += 60
    assert limit.left_out("forged_cookie") == 1
    now[0] += 60
    assert limit.left_out("forged_cookie") == 0, "there was room for all"


def test_the_limit_is_for_what_anyone_can_cause(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(audit, "_limit", audit.RateLimit(1))
    with caplog.at_level(logging.INFO, "oidc_gate.audit"):
        for event in ("forged_cookie", "forged_cookie", "sign_in_failed", "revocation", "revocation"):
            audit.record(event, {}, Reason(""), None, lambda: "192.0.2.7")
        for _ in range(3):
            audit.record("sign_out", {}, Reason(""), ADA, lambda: "192.0.2.7")
    events = [message.partition(" ")[0] for message in caplog.messages]
    assert events == ["forged_cookie", "sign_in_failed", "revocation", *["sign_out"] * 3]
    assert caplog.messages[-1] == "sign_out client='192.0.2.7' session_id='s1'"


def test_nothing_is_done_for_a_log_that_nobody_reads(caplog: pytest.LogCaptureFixture) -> None:
    def client() -> str:
        raise AssertionError

    with caplog.at_level(logging.WARNING, "oidc_gate.audit"):
        audit.record("sign_out", {}, Reason(""), ADA, client)
    assert caplog.messages == []


def test_refreshes_are_at_debug_unless_they_end_the_session(caplog: pytest.LogCaptureFixture) -> None:
    for level, expected in ((logging.DEBUG, 2), (logging.INFO, 1), (logging.WARNING, 0)):
        caplog.clear()
        with caplog.at_level(level, "oidc_gate.audit"):
            audit.refreshed("refresh_refused", ADA, "why\n")
            audit.refreshed(audit.REFRESHED, ADA)
        assert len(caplog.messages) == expected
        if expected:
            assert caplog.messages[0] == (
                "refresh code='refresh_refused' subject='ada' session_id='s1' detail='why\\n'"
            )


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str, dict[str, Any]]]:
    """Return level, text and fields of each line of the audit log, and forget them."""
    found = [
        (record.levelno, record.getMessage(), vars(record)["oidc_gate"])
        for record in caplog.records
        if record.name == "oidc_gate.audit"
    ]
    caplog.clear()
    return found


def test_a_whole_line(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    now = [100.0]
    monkeypatch.setattr(audit, "_limit", audit.RateLimit(1, lambda: now[0]))
    given: dict[str, object] = {"request_id": "id-1", "status": 302, "code": "c\n", "subject": "ada"}
    with caplog.at_level(logging.INFO, "oidc_gate.audit"):
        audit.record("sign_in", given, Reason("", session_id="s2"), ADA, lambda: "192.0.2.7")
        text = "request_id='id-1' status=302 code='c\\n' subject='ada' client='192.0.2.7'"
        fields = {**given, "client": "192.0.2.7"}
        assert lines(caplog) == [
            (
                logging.INFO,
                f"sign_in {text} session_id='s2'",
                {"event": "sign_in", **fields, "session_id": "s2"},
            )
        ]
        assert "client" not in given
        for _ in range(3):
            audit.record("forged_cookie", given, Reason(""), None, lambda: "192.0.2.7")
        assert lines(caplog) == [
            (logging.INFO, f"forged_cookie {text}", {"event": "forged_cookie", **fields})
        ]
        now[0] += 60
        audit.record("forged_cookie", given, Reason(""), None, lambda: "192.0.2.7")
        left_out = {"event": "forged_cookie", **fields, "left_out": 2}
        assert lines(caplog) == [(logging.INFO, f"forged_cookie {text} left_out=2", left_out)]


def test_a_whole_line_about_a_refresh(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "oidc_gate.audit"):
        audit.refreshed(audit.REFRESHED, ADA)
        audit.refreshed("refresh_refused", ADA, "why")
        audit.refreshed("refresh_refused", Identity("https://op.example", "ada"))
    known = {"event": "refresh", "subject": "ada"}
    ended = known | {"code": "refresh_refused"}
    assert lines(caplog) == [
        (
            logging.DEBUG,
            "refresh code='refreshed' subject='ada' session_id='s1'",
            known | {"code": "refreshed", "session_id": "s1"},
        ),
        (
            logging.INFO,
            "refresh code='refresh_refused' subject='ada' session_id='s1' detail='why'",
            ended | {"session_id": "s1", "detail": "why"},
        ),
        (logging.INFO, "refresh code='refresh_refused' subject='ada'", ended),
    ]


@pytest.mark.parametrize("event", AUDIT)
def test_which_events_are_limited(
    event: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(audit, "_limit", audit.RateLimit(audit.MAX_A_MINUTE, lambda: 1.0))
    with caplog.at_level(logging.INFO, "oidc_gate.audit"):
        for _ in range(121):
            audit.record(event, {}, Reason(""), None, lambda: "")
    is_limited = event in ("sign_in_failed", "forged_cookie", "revocation")
    assert len(caplog.messages) == (120 if is_limited else 121)


def test_a_child_counts_anew_and_waits_for_no_thread_of_its_parent() -> None:
    limit = audit.RateLimit(1, lambda: 1.0)
    assert [limit.left_out("forged_cookie") for _ in range(2)] == [0, None]
    assert limit._lock.acquire(timeout=60)
    limit.forked()
    assert [limit.left_out("forged_cookie") for _ in range(2)] == [0, None]


def test_each_forked_process_counts_anew() -> None:
    code = """
import os
from oidc_gate.observe.audit import _limit
_limit.left_out("forged_cookie")
pid = os.fork()
if not pid:
    os._exit(len(_limit._counts))
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
assert len(_limit._counts) == 1
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
