"""Requests to the provider and its answers, as plain values."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from oidc_gate.syntax.forms import read_form

Json = dict[str, Any]
Pairs = list[tuple[str, str]]
Headers = tuple[tuple[str, str], ...]

NO_STORE: Headers = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))


def read_pairs(text: str) -> Pairs:
    """Return the parameters of a query or a form, or none if there are too many of them."""
    try:
        return read_form(text)
    except ValueError:
        return []


class ProtocolError(Exception):
    """An OAuth error response, raised where it is detected.

    Spec: RFC 6749 §5.2, §4.1.2.1.
    """

    def __init__(self, error: str, description: str, *, status: int = 400, headers: Headers = ()) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status
        self.headers = headers


@dataclass(frozen=True)
class Received:
    """One request as it arrived, for the endpoints and for the assertions of tests.

    Header names are in lower case. Of a repeated header or parameter, the dictionaries keep the last value, and
    `query_pairs` and `form_pairs` keep all.
    """

    method: str
    path: str
    query_pairs: Pairs = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def query(self) -> dict[str, str]:
        """Return the query as a dictionary, with the last value of each name."""
        return dict(self.query_pairs)

    @property
    def form_pairs(self) -> Pairs:
        """Return the form in the body, in order and with repeated names."""
        content_type = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type != "application/x-www-form-urlencoded":
            return []
        return read_pairs(self.body.decode("utf-8", "replace"))

    @property
    def form(self) -> dict[str, str]:
        """Return the form in the body as a dictionary, with the last value of each name."""
        return dict(self.form_pairs)

    @property
    def cookies(self) -> dict[str, str]:
        """Return the cookies; none if the header cannot be read."""
        try:
            return {
                name: morsel.value for name, morsel in SimpleCookie(self.headers.get("cookie", "")).items()
            }
        except CookieError:
            return {}


@dataclass(frozen=True)
class Reply:
    """One answer. `pace`, if given, writes the bytes at its own speed, or never."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: Headers = ()
    pace: Callable[[Callable[[bytes], None], Callable[[float], bool], bytes], None] | None = None


def json_reply(document: object, *, status: int = 200, headers: Headers = ()) -> Reply:
    """Return a JSON answer."""
    return Reply(status, json.dumps(document, separators=(",", ":")).encode(), headers=headers)


def error_reply(error: ProtocolError) -> Reply:
    """Return an OAuth error response as JSON.

    Spec: RFC 6749 §5.2.
    """
    return json_reply(
        {"error": error.error, "error_description": error.description},
        status=error.status, headers=NO_STORE + error.headers,
    )  # fmt: skip


def redirect(location: str, *, headers: Headers = (), status: int = 303) -> Reply:
    """Return a redirect that the browser follows with GET."""
    return Reply(status, content_type="text/plain", headers=(("Location", location), *NO_STORE, *headers))


def add_query(uri: str, params: Iterable[tuple[str, str]]) -> str:
    """Return a URI with parameters added to its query.

    Spec: RFC 6749 §3.1.2.
    """
    parts = urlsplit(uri)
    query = "&".join(filter(None, (parts.query, urlencode(list(params)))))
    return urlunsplit(parts._replace(query=query))


def single_valued(pairs: Pairs) -> dict[str, str]:
    """Return the parameters as a dictionary. A parameter with an empty value counts as absent.

    Raises:
        ProtocolError: `invalid_request`: a parameter is repeated.

    Spec: RFC 6749 §3.1, §3.2.
    """
    repeated = sorted(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
    if repeated:
        raise ProtocolError("invalid_request", f"repeated parameter: {', '.join(repeated)}")
    return {name: value for name, value in pairs if value}
