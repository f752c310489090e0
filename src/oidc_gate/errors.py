"""What can go wrong, as a tree.

::

    GateError                   every error of this package
    ├── ConfigurationError      settings that cannot work, with every problem
    ├── SessionError            a cookie that opens no session; becomes "anonymous"
    ├── CallbackError           400  the answer from the provider does not fit this browser
    ├── AccessDenied            403  signed in, and refused
    ├── Unavailable             503  something is missing at the moment
    │   ├── ProviderUnavailable      the provider does not answer, or asks to wait
    │   ├── StoreUnavailable         the session store does not answer, or cannot keep what it is given
    │   └── LineFull                 too much is under way already; nothing was done yet
    └── ProviderError           502  the provider answered what we refuse
        └── IDTokenError             a token that must not be believed: which claim, what was expected, what came

A `GateError` has a stable ``code`` for people to search and for programs to compare, a public sentence that
may stand on a page, and, in ``detail`` and ``__cause__``, what is for the log alone. Nobody matches on text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .settings.problems import Problem


class GateError(Exception):
    """The base of every error that this package raises on purpose.

    Args:
        code: Stable, lower case with underscores (``flow_expired``); documented in ``docs/errors.md``.
        public_message: One sentence for the person at the browser; never holds a secret.
        detail: For the log; never holds a secret either.
        status: The HTTP status that goes with it.
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
        problems: Every problem that was found, in the order of the settings.

    Attributes:
        is_logged: The log has every problem already. The text of the error then gives their number only, so
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
    """A session cookie that opens no session. Becomes "anonymous"; carries nothing of what was in it."""

    status = 401


class CallbackError(GateError):
    """An answer at the callback that does not belong to a sign-in of this browser."""

    status = 400


class AccessDenied(GateError):
    """Somebody who is signed in, and may not enter."""

    status = 403


class Unavailable(GateError):
    """Something is missing at the moment, and the same request may succeed later.

    Args:
        retry_after_seconds: When to try again, 0.5 to 3600; rounded up in ``Retry-After``.
    """

    status = 503

    def __init__(
        self, code: str, public_message: str, *, detail: str = "", retry_after_seconds: float = 10
    ) -> None:
        super().__init__(code, public_message, detail=detail)
        self.retry_after_seconds = min(max(retry_after_seconds, 0.5), 3600)


class ProviderUnavailable(Unavailable):
    """The provider is unreachable, slow, or asks to wait."""


class LineFull(Unavailable):
    """Too much is under way already. Nothing was done yet, so the same request can be sent again."""


class StoreUnavailable(Unavailable):
    """The session store does not answer in time, or cannot keep what it is given."""

    def __init__(
        self, code: str, public_message: str, *, detail: str = "", retry_after_seconds: float = 2
    ) -> None:
        super().__init__(code, public_message, detail=detail, retry_after_seconds=retry_after_seconds)


class ProviderError(GateError):
    """The provider answered, and the answer is refused."""

    status = 502


class IDTokenError(ProviderError):
    """A token that must not be believed.

    Args:
        claim: The claim or header parameter at fault (``iss``, ``alg``, ``signature``).
        expected: What would have been right.
        got: What came, as text, cut to 200 characters; never the token itself.
        token: Which token: ``id_token``, ``logout_token``, ``userinfo``.
        hint: For the log: what the operator can do about it.

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
