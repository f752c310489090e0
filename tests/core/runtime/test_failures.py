"""Why an exchange failed, from the causes of an exception."""

from __future__ import annotations

import errno
import os
import ssl
from http.client import BadStatusLine, IncompleteRead, RemoteDisconnected
from socket import EAI_NONAME, gaierror
from types import SimpleNamespace

import pytest
from requests.exceptions import InvalidURL
from urllib3.exceptions import DecodeError, InvalidChunkLength, MaxRetryError, ProtocolError

from oidc_gate.runtime.failures import Failure, explain_failure, is_stale


def certificate(message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "failed")
    error.verify_message = message
    return error


def tls(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, "failed")
    error.reason = reason
    return error


def caused_by(cause: BaseException) -> Exception:
    """Raise an error from `cause`, and return it."""
    try:
        raise ProtocolError("outer") from cause
    except ProtocolError as error:
        return error


def during(cause: Exception) -> Exception:
    """Raise an error while `cause` is handled, and return it."""
    try:
        try:
            raise cause
        except Exception:
            raise ProtocolError("outer")  # noqa: B904
    except ProtocolError as error:
        return error


CHUNK = InvalidChunkLength(SimpleNamespace(tell=lambda: 0, length_remaining=0), b"x")  # type: ignore[arg-type]
REFUSED = OSError(errno.ECONNREFUSED, "refused")
FAILURES = [
    (certificate("self-signed"), Failure("certificate", "self-signed")),
    (certificate(""), Failure("certificate", "SSLCertVerificationError")),
    (gaierror(EAI_NONAME, "not known"), Failure("name", "not known")),
    (gaierror(), Failure("name", "gaierror")),
    (TimeoutError("slow"), Failure("timeout", "no answer in time")),
    (tls("WRONG_VERSION_NUMBER"), Failure("tls", "WRONG_VERSION_NUMBER")),
    (tls(""), Failure("tls", "SSLError")),
    (REFUSED, Failure("refused", os.strerror(errno.ECONNREFUSED))),
    (OSError("no number"), Failure("closed", "OSError")),
    (DecodeError("gzip"), Failure("broken", "DecodeError")),
    (CHUNK, Failure("broken", "InvalidChunkLength")),
    (BadStatusLine("x"), Failure("broken", "BadStatusLine")),
    (RemoteDisconnected("gone"), Failure("closed", "RemoteDisconnected")),
    (IncompleteRead(b"x"), Failure("closed", "IncompleteRead")),
    (InvalidURL("x"), Failure("closed", "InvalidURL")),
    (ValueError("x"), Failure("closed", "ValueError")),
]


@pytest.mark.parametrize(("error", "expected"), FAILURES)
def test_a_failure_and_one_that_it_caused(error: Exception, expected: Failure) -> None:
    assert explain_failure(error, is_over=False) == expected
    for outer in (caused_by(error), during(error), ProtocolError("outer", error)):
        assert explain_failure(outer, is_over=False) == expected


@pytest.mark.parametrize(("error", "expected"), FAILURES)
def test_after_the_deadline_any_other_failure_is_a_timeout(error: Exception, expected: Failure) -> None:
    found = explain_failure(error, is_over=True)
    keeps = expected.kind in ("certificate", "name")
    assert found == (expected if keeps else Failure("timeout", "no answer in time"))


def test_the_reason_of_an_error_is_one_of_its_causes() -> None:
    error = MaxRetryError(None, "/", REFUSED)  # type: ignore[arg-type]
    error.args = ()
    assert explain_failure(error, is_over=False) == Failure("refused", os.strerror(errno.ECONNREFUSED))


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        (REFUSED, TimeoutError(), "timeout"),
        (CHUNK, IncompleteRead(b"x"), "broken"),
        (BadStatusLine("x"), IncompleteRead(b"x"), "closed"),
    ],
)
def test_what_decides_is_the_kind_and_not_the_order(first: Exception, second: Exception, kind: str) -> None:
    for causes in ((first, second), (second, first)):
        assert explain_failure(ProtocolError("outer", *causes), is_over=False).kind == kind


def test_causes_in_a_circle() -> None:
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    assert explain_failure(first, is_over=False) == Failure("closed", "ValueError")


@pytest.mark.parametrize(
    ("depth", "kind"), [(1, "timeout"), (50, "timeout"), (51, "closed"), (5000, "closed")]
)
def test_fifty_causes_are_looked_at(depth: int, kind: str) -> None:
    error: Exception = TimeoutError()
    for _ in range(depth - 1):
        outer = ValueError()
        outer.__cause__, error = error, outer
    assert explain_failure(error, is_over=False).kind == kind


@pytest.mark.parametrize(
    ("error", "stale"),
    [
        (RemoteDisconnected("gone"), True),
        (ConnectionResetError(errno.ECONNRESET, "reset"), True),
        (BrokenPipeError(errno.EPIPE, "pipe"), True),
        (REFUSED, False),
        (TimeoutError(), False),
        (BadStatusLine("x"), False),
    ],
)
def test_a_connection_that_the_server_had_closed(error: Exception, *, stale: bool) -> None:
    assert is_stale(error) is stale
    assert is_stale(caused_by(error)) is stale
