"""The audit log: which events, and how many lines anyone can cause."""

from __future__ import annotations

import logging

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
