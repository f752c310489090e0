"""The exchanges of the check with the provider: each is limited, and is described without secrets."""

from __future__ import annotations

import json
import logging
import os
import time
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from ...effects import Effect, Fetch, Fetched, Now, Random, Step
from ...errors import GateError, ProviderUnavailable
from ...provider.responses import printable
from ...runtime.driver import run
from ...runtime.http import Outbound
from ...settings import Settings
from ...syntax.forms import read_form

T = TypeVar("T")

# Its debug log contains the whole URL of the authorization request. An operator can still set a level of their own.
_urllib3_log = logging.getLogger("urllib3.connectionpool")
if _urllib3_log.level == logging.NOTSET:
    _urllib3_log.setLevel(logging.INFO)

MAX_EXCHANGES = 24
"""The maximum number of requests that one check sends to the provider. It needs up to 15."""
_SHOWN = frozenset(
    {"client_id", "redirect_uri", "post_logout_redirect_uri", "prompt", "response_mode", "scope"}
)
_SHOWN_IN_BODY = _SHOWN | {"grant_type"}


class Exchange(NamedTuple):
    """One request to the provider and its answer.

    Attributes:
        sent: The request, without secrets and random values.
        received: The answer in a few words.
        fetched: The answer; None if there was none, or if it cannot be used.
        error: The reason why there is no usable answer.
    """

    sent: str
    received: str
    fetched: Fetched | None = None
    error: GateError | None = None

    @property
    def status(self) -> int:
        """Return the status, or 0 if there was no answer."""
        return self.fetched.status if self.fetched else 0

    @property
    def location(self) -> str:
        """Return the ``Location`` of a redirect, or an empty string."""
        return self.fetched.headers.get("location", "") if self.fetched and 300 <= self.status < 400 else ""

    @property
    def text(self) -> str:
        """Return the body as text."""
        return self.fetched.body.decode("utf-8", "replace") if self.fetched else ""

    @property
    def json(self) -> dict[str, Any]:
        """Return the JSON object in the body, or an empty one."""
        try:
            value = json.loads(self.fetched.body) if self.fetched else None
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}


@dataclass(slots=True)
class _World:
    """Performs the effects of steps of the provider package, for one check in one thread."""

    exchanges: Exchanges

    def lane_of(self, effect: Effect) -> None:
        """Return None, because nothing else runs at the same time."""

    def perform(self, effect: Effect) -> Any:
        """Perform `effect`."""
        match effect:
            case Now():
                return int(time.time())
            case Random(size):
                return os.urandom(size)
            case Fetch():
                exchange = self.exchanges.send(effect)
                if exchange.fetched is None:
                    assert exchange.error is not None
                    raise exchange.error
                return exchange.fetched
            case _:
                raise TypeError(f"{effect!r} is not an effect of the check")


class Exchanges:
    """Sends requests to the provider, with the same time limit and TLS settings as the gate itself.

    Attributes:
        settings: The settings of the gate.
        sent: Every exchange so far.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.sent: list[Exchange] = []
        self._outbound = Outbound(settings)
        self._hide = tuple(filter(None, (settings.client_secret, *settings.cookie_secret)))

    def send(self, request: Fetch) -> Exchange:
        """Send `request`, and return the exchange. Redirects are not followed, and nothing is sent twice."""
        sent = _describe_request(request)
        if len(self.sent) >= MAX_EXCHANGES:
            error = ProviderUnavailable("provider_busy", "", detail="the check sends no more requests")
            return Exchange(sent, error.detail, error=error)
        try:
            fetched = self._outbound.perform(request)
        except GateError as error:
            exchange = Exchange(sent, printable(error.detail or error.code, 300), error=error)
        else:
            exchange = Exchange(sent, self._describe_answer(fetched), fetched)
        self.sent.append(exchange)
        return exchange

    def run(self, step: Step[T]) -> T:
        """Run a step of the provider package.

        Raises:
            GateError: What the step raises.
        """
        return run(step, _World(self), lambda limit: b"")

    def _describe_answer(self, fetched: Fetched) -> str:
        words = [f"status {fetched.status}"]
        if location := fetched.headers.get("location"):
            words.append(f"to {_bare_url(location)}")
        error = _error_of(fetched) or _error_in(location or "")
        if error:
            words.append(": ".join(printable(part, 200, hide=self._hide) for part in error if part))
        elif not location:
            words.append(printable(fetched.headers.get("content-type", "").partition(";")[0], 60))
        return ", ".join(filter(None, words))


def _error_of(fetched: Fetched) -> tuple[str, ...]:
    document = Exchange("", "", fetched).json
    error, description = document.get("error"), document.get("error_description")
    return (error, str(description or "")) if isinstance(error, str) else ()


def _error_in(url: str) -> tuple[str, ...]:
    params = query_of(url)
    return (params["error"], params.get("error_description", "")) if "error" in params else ()


def query_of(url: str) -> dict[str, str]:
    """Return the parameters of a URL, with the last value of a repeated one. A text that is not a URL has none."""
    try:
        return dict(read_form(urlsplit(url).query))
    except ValueError:
        return {}


def _bare_url(url: str) -> str:
    """Return `url` without its query, which may contain codes and states."""
    return printable(url.partition("?")[0].partition("#")[0], 200)


def _describe_request(request: Fetch) -> str:
    words = [request.method, _bare_url(request.url)]
    pairs = [pair for pair in query_of(request.url).items() if pair[0] in _SHOWN]
    if request.body:
        body = dict(read_form(request.body.decode("latin-1")))
        pairs += [pair for pair in body.items() if pair[0] in _SHOWN_IN_BODY]
        if "code" in body:
            pairs.append(("code", "(made up)"))
    if pairs:
        words.append("with " + ", ".join(f"{name}={printable(value, 120)}" for name, value in pairs))
    return " ".join(words)
