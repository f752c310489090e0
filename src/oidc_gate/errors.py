"""The errors of this package.

::

    GateError                   the base of all errors
    ├── ConfigurationError      settings that cannot work, with every problem
    ├── SessionError            a cookie that opens no session; the request is anonymous
    ├── CallbackError           400  the authorization response does not belong to this browser
    ├── AccessDenied            403  signed in, but refused
    ├── Unavailable             503  something is not available at the moment
    │   ├── ProviderUnavailable      the provider does not answer, or asks to wait
    │   ├── StoreUnavailable         the session store does not answer, or cannot store what it is given
    │   └── QueueFull                too many requests are waiting; nothing was done yet
    └── ProviderError           502  an answer of the provider is not acceptable
        └── IDTokenError             a token is not valid: which claim, what was expected, what was received

A `GateError` has a stable ``code``, which users can search for and programs can compare, a public sentence that a page
may show, and details for the log in ``detail`` and ``__cause__``. Do not compare the texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .settings.problems import Problem


class GateError(Exception):
    """The base of every error that this package raises on purpose.

    Args:
        code: A stable code in lower case with underscores (``flow_expired``), documented in ``docs/errors.md``.
        public_message: One sentence for the user. It never contains a secret.
        detail: Details for the log. They never contain a secret either.
        status: The HTTP status of the answer.
    """

    status = 500

    def __init__(
        self, code: str, public_message: str, *, detail: str = "", status: int | None = None
    ) -> None:
        super().__init__(code, public_message)
        self.code = code
        self.public_message = public_message
        self.detail = detail
        if status is not None:
            self.status = status

    def __str__(self) -> str:
        return f"{self.code}: {self.detail or self.public_message}"


class ConfigurationError(GateError):
    """Settings that cannot work.

    Args:
        problems: All problems, in the order of the settings.

    Attributes:
        is_logged: Whether the log has every problem already. The text of the error then only gives their number, so
            that a server which prints the error as well does not repeat them.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        self.is_logged = False
        lines = "\n".join(f"  {problem}" for problem in problems)
        super().__init__("configuration", "The gate is not configured.", detail=f"{self._summary()}\n{lines}")

    def _summary(self) -> str:
        return "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"

    def __str__(self) -> str:
        if self.is_logged:
            return f"{self.code}: {self._summary()}, which the log lists at CRITICAL (logger oidc_gate)"
        return super().__str__()


class SessionError(GateError):
    """A session cookie that opens no session. The request is anonymous. The error contains nothing from the cookie."""

    status = 401


class CallbackError(GateError):
    """An authorization response that does not belong to a sign-in of this browser."""

    status = 400


class AccessDenied(GateError):
    """A user who is signed in but may not enter."""

    status = 403


class Unavailable(GateError):
    """Something is not available at the moment, and the same request may succeed later.

    Args:
        retry_after_seconds: The time until the next attempt, 0.5 to 3600 seconds; rounded up in ``Retry-After``.
    """

    status = 503

    def __init__(
        self, code: str, public_message: str, *, detail: str = "", retry_after_seconds: float = 10
    ) -> None:
        super().__init__(code, public_message, detail=detail)
        self.retry_after_seconds = min(max(retry_after_seconds, 0.5), 3600)


class ProviderUnavailable(Unavailable):
    """The provider cannot be reached, is slow, or asks to wait."""


class QueueFull(Unavailable):
    """Too many requests are waiting. Nothing was done yet, so the same request can be sent again."""


class StoreUnavailable(Unavailable):
    """The session store does not answer in time, or cannot store what it is given."""

    def __init__(
        self, code: str, public_message: str, *, detail: str = "", retry_after_seconds: float = 2
    ) -> None:
        super().__init__(code, public_message, detail=detail, retry_after_seconds=retry_after_seconds)


class ProviderError(GateError):
    """An answer of the provider is not acceptable."""

    status = 502


class IDTokenError(ProviderError):
    """A token that is not valid.

    Args:
        claim: The claim or header parameter that is wrong (``iss``, ``alg``, ``signature``).
        expected: The expected value.
        got: The received value as text, cut to 200 characters; never the token itself.
        token: The kind of token: ``id_token``, ``logout_token``, ``userinfo``.
        hint: What the operator can do about it, for the log.

    Spec: OpenID Connect Core §3.1.3.7; Back-Channel Logout §2.6.
    """

    def __init__(
        self, claim: str, *, expected: object, got: object, token: str = "id_token", hint: str = ""
    ) -> None:
        self.claim = claim
        self.expected = str(expected)[:200]
        self.got = str(got)[:200]
        super().__init__(
            f"{token}_{claim}",
            "The sign-in service sent an answer that cannot be trusted.",
            detail=f"{token}: {claim}: expected {self.expected!r}, got {self.got!r}"
            + (f"; {hint}" if hint else ""),
        )
