"""The checks that every answer of the provider passes: status, content type and JSON; and the errors in answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from ..effects import Fetched
from ..errors import ProviderError, ProviderUnavailable

UNTRUSTED_MESSAGE = "The sign-in service sent an answer that cannot be trusted."
UNREACHABLE_MESSAGE = "The sign-in service cannot be reached at the moment."
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")


def media_type(fetched: Fetched) -> str:
    """Return the content type in lower case, without its parameters."""
    return fetched.headers.get("content-type", "").partition(";")[0].strip().lower()


def raise_for_status(fetched: Fetched, what: str) -> None:
    """Raise an error for a status that means the same for every request: an error of the provider, or a redirect.

    Args:
        what: The request, for the log: ``discovery``, ``token endpoint``.

    Raises:
        ProviderUnavailable: The status is 429 or 5xx. `retry_after_seconds` is what the provider asks for.
        ProviderError: The answer is a redirect. Following it would pass on what the request contained.
    """
    if fetched.status == 429 or fetched.status >= 500:
        raise ProviderUnavailable(
            "provider_busy" if fetched.status == 429 else "provider_failing",
            UNREACHABLE_MESSAGE,
            detail=f"{what}: status {fetched.status}",
            retry_after_seconds=retry_after(fetched),
        )
    if 300 <= fetched.status < 400:
        raise ProviderError(
            "provider_redirect",
            UNTRUSTED_MESSAGE,
            detail=f"{what}: status {fetched.status}; redirects are not followed",
        )


def retry_after(fetched: Fetched, default: int = 10) -> int:
    """Return how many seconds the provider asks to wait.

    Spec: RFC 9110 §10.2.3.
    """
    value = fetched.headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        return int(value)
    from email.utils import parsedate_to_datetime

    try:  # a date is compared with the provider's own clock
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(fetched.headers.get("date", ""))
    except (TypeError, ValueError):
        return default
    return int(wait.total_seconds())


def json_object(fetched: Fetched, what: str, *, strict_type: bool = True) -> dict[str, Any]:
    """Return the JSON object in the body.

    Args:
        strict_type: Whether a JSON content type is required.

    Raises:
        ProviderError: ``provider_answer``: the body is not a JSON object.
    """
    kind = media_type(fetched)
    if strict_type and kind != "application/json" and not kind.endswith("+json"):
        refuse(
            what, f"status {fetched.status}, content type {printable(kind, 60)!r}, expected application/json"
        )
    try:
        value = json.loads(fetched.body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        refuse(
            what,
            f"status {fetched.status}, {len(fetched.body)} bytes that are not JSON ({type(error).__name__})",
        )
    if not isinstance(value, dict):
        refuse(what, "JSON, but not an object")
    return value


def text(document: Mapping[str, Any], name: str, limit: int) -> str:
    """Return member `name` if it is a string of 1 to `limit` characters, and an empty string otherwise."""
    value = document.get(name)
    return value if isinstance(value, str) and len(value) <= limit else ""


def refuse(what: str, reason: str, code: str = "provider_answer") -> NoReturn:
    """Raise a `ProviderError` for an answer that is not acceptable."""
    raise ProviderError(code, UNTRUSTED_MESSAGE, detail=f"{what}: {reason}")


def printable(value: object, limit: int = 200, *, hide: Iterable[str | None] = ()) -> str:
    """Return `value` in a form that is safe in one line of the log.

    Args:
        hide: Secrets that the provider may have repeated in its answer.
    """
    result = str(value)
    for secret in hide:
        if secret:
            result = result.replace(secret, "(hidden)")
    return _UNPRINTABLE.sub("?", result)[:limit]


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and Infinity are not JSON (RFC 8259 §6)
