"""Reads query strings and forms, with limits."""

from __future__ import annotations

from urllib.parse import parse_qsl

MAX_FIELDS = 100
"""The maximum number of fields. PHP and Node's querystring read 1,000; no message of the gate has more than 20."""
MAX_FORM_LENGTH = 96 * 1024
"""The maximum number of characters. The longest form is a logout token or an authorization response."""


def read_form(text: str, *, strict: bool = False) -> list[tuple[str, str]]:
    """Return the fields of a query string or a form in order, blank ones and repeated ones included.

    This is the only way in which the package reads them: ``parse_qsl`` has no bounds by itself, and takes 0.5 s for a
    query of 1 MB that consists of small fields.

    Args:
        text: The query without its ``?``, or the body of a form decoded as Latin-1.
        strict: Whether to refuse fields without ``=``.

    Raises:
        ValueError: There are more than `MAX_FIELDS` fields or `MAX_FORM_LENGTH` characters, or it is not well-formed.

    Spec: WHATWG URL §5.1 (application/x-www-form-urlencoded).
    """
    if len(text) > MAX_FORM_LENGTH:
        raise ValueError(f"a form of more than {MAX_FORM_LENGTH} characters")
    return parse_qsl(text, keep_blank_values=True, strict_parsing=strict, max_num_fields=MAX_FIELDS)


def values_of(text: str, name: str) -> list[str]:
    """Return the values of one field, without blank ones; none if `text` cannot be read.

    Args:
        text: As for `read_form`.
        name: The name of the field.
    """
    try:
        return [value for key, value in read_form(text) if key == name and value]
    except ValueError:
        return []
