"""One JSON object a line, whatever was logged."""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from oidc_gate.observe import current
from oidc_gate.observe.json_log import JSONFormatter

ANY_TEXT = st.text(st.characters())  # with surrogates and control characters


def line(message: str = "", *, fields: Any = None, error: Exception | None = None) -> str:
    record = logging.LogRecord("oidc_gate", logging.INFO, "", 1, "%s", (message,), None)
    if fields is not None:
        record.oidc_gate = fields
    if error is not None:
        record.exc_info = (type(error), error, None)
    return JSONFormatter().format(record)


def test_the_fields_of_every_line() -> None:
    record = logging.LogRecord("oidc_gate.audit", logging.WARNING, "", 1, "%s and %d", ("a", 1), None)
    record.created = 1_700_000_000.25
    found = json.loads(JSONFormatter().format(record))
    assert list(found) == ["time", "level", "logger", "pid", "message"]
    assert found["time"] == "2023-11-14T22:13:20.250Z"
    assert (found["level"], found["logger"], found["message"]) == ("WARNING", "oidc_gate.audit", "a and 1")


def test_fields_of_the_gate_replace_none_of_these() -> None:
    found = json.loads(line("right", fields={"message": "wrong", "time": 0, "status": 403, "subject": "ada"}))
    assert (found["message"], found["status"], found["subject"]) == ("right", 403, "ada")
    assert found["time"] != 0
    assert json.loads(line(fields="no dict"))["message"] == ""


def test_an_exception_is_part_of_the_line() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError as error:
        found = line("failed", error=error)
    assert "\n" not in found
    assert "ValueError: two\nlines" in json.loads(found)["exception"]
    assert sys.exc_info()[0] is None


@given(ANY_TEXT, ANY_TEXT)
def test_any_text_is_one_line_of_printable_ascii_and_valid_utf_8(message: str, value: str) -> None:
    found = line(message, fields={"path": value})
    assert found.isascii()
    assert found.isprintable()
    for text in json.loads(found).values():
        str(text).encode()  # no surrogate
    if not any("\ud800" <= character <= "\udfff" for character in value):
        assert json.loads(found)["path"] == value


def test_characters_that_json_leaves_as_they_are() -> None:
    found = line("a\x7fb", fields={"path": "\udce9"})
    assert "\x7f" not in found
    assert json.loads(found)["message"] == "a\x7fb"
    assert json.loads(found)["path"] == "\\udce9"


def test_a_line_that_is_logged_during_a_decision_has_the_id_of_the_request() -> None:
    assert "request_id" not in json.loads(line("outside"))
    with current.deciding():
        assert "request_id" not in json.loads(line("not known yet"))
        current.set_request_id("proxy-1")
        assert json.loads(line("inside"))["request_id"] == "proxy-1"
        assert json.loads(line("its own", fields={"request_id": "other"}))["request_id"] == "other"


def test_a_whole_line() -> None:
    record = logging.LogRecord("oidc_gate", logging.INFO, "", 1, "%s", ("ä",), None)
    record.created, record.oidc_gate = 1_700_000_000.0, {"status": 403, "at": {1}}
    record.exc_text, record.stack_info = "Traceback", "Stack (most recent call last):"
    with current.deciding():
        current.set_request_id("id-1")
        assert JSONFormatter().format(record) == (
            '{"time":"2023-11-14T22:13:20.000Z","level":"INFO","logger":"oidc_gate",'
            f'"pid":{os.getpid()},"message":"\\u00e4","status":403,"at":"{{1}}","request_id":"id-1",'
            '"exception":"Traceback","stack":"Stack (most recent call last):"}'
        )
    record.exc_info = (ValueError, ValueError("newer"), None)
    assert json.loads(JSONFormatter().format(record))["exception"] == "ValueError: newer"
