"""Finds out why an exchange over HTTP failed, from the causes of the exceptions of requests and urllib3.

This module is imported with the first exchange, because requests and urllib3 take long to import.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from socket import gaierror
from typing import Any, Literal, NamedTuple

from requests.exceptions import InvalidURL
from urllib3.exceptions import DecodeError, InvalidChunkLength

Kind = Literal["certificate", "name", "timeout", "tls", "refused", "broken", "closed"]


class Failure(NamedTuple):
    """The reason why there is no answer.

    Attributes:
        kind: The certificate is not accepted, the name does not resolve, the time is over, TLS failed in another way,
            the operating system refused, something that is not HTTP came, or the connection was closed.
        detail: A few words for the operator. They contain no URL and no credentials.
    """

    kind: Kind
    detail: str


def explain_failure(error: BaseException, *, is_over: bool) -> Failure:
    """Return why an exchange failed.

    Args:
        is_over: Whether its deadline has passed. Any failure except that of a certificate or a name is then a timeout.
    """
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Failure("certificate", cause.verify_message or type(cause).__name__)
        if isinstance(cause, gaierror):
            return Failure("name", cause.strerror or type(cause).__name__)
    if is_over or any(isinstance(cause, TimeoutError) for cause in causes):
        return Failure("timeout", "no answer in time")
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return Failure("tls", cause.reason or type(cause).__name__)
    for cause in causes:
        if isinstance(cause, OSError) and cause.errno is not None:
            return Failure("refused", os.strerror(cause.errno))
    return Failure("broken" if _is_answer(causes) else "closed", type(causes[-1]).__name__)


def is_stale(error: BaseException) -> bool:
    """Return whether the server had closed a connection that was kept open."""
    gone = (RemoteDisconnected, ConnectionResetError, BrokenPipeError)
    return any(isinstance(cause, gone) for cause in _causes(error))


def _is_answer(causes: list[BaseException]) -> bool:
    """Return whether the server sent something that is not HTTP."""
    if any(isinstance(cause, DecodeError | InvalidChunkLength) for cause in causes):
        return True
    if any(isinstance(cause, RemoteDisconnected | IncompleteRead | InvalidURL) for cause in causes):
        return False
    return any(isinstance(cause, HTTPException) for cause in causes)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield `error` and its causes, outermost first."""
    seen: set[int] = set()
    waiting: list[Any] = [error]
    while waiting and len(seen) < 50:
        one = waiting.pop(0)
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
