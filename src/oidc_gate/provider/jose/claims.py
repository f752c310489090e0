"""The checks that ID tokens, logout tokens and signed userinfo have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NewType

from oidc_gate.errors import IDTokenError

from .encoding import describe_value
from .recipient import Recipient

Claims = NewType("Claims", Mapping[str, Any])
"""The claims of a validated token, read-only. ``exp``, ``iat``, ``nbf`` and ``auth_time`` are integers."""

MAX_TOKEN_AGE_SECONDS = 600  # a token comes directly from the provider; an older one was kept and replayed
_LAST_SECOND = 253_402_300_799  # the end of the year 9999
_NUMERIC_DATES = ("exp", "iat", "nbf", "auth_time")


@dataclass(frozen=True, slots=True)
class ClaimChecks:
    """The claims of one token, and the checks of them.

    Args:
        token: The kind of token, for errors.
        now: The time in epoch seconds.
        skew: The allowed difference between the clocks, in seconds.
    """

    claims: dict[str, Any] = field(repr=False)
    token: str
    now: int
    skew: int

    @classmethod
    def begin(cls, claims: Mapping[str, Any], recipient: Recipient, *, token: str) -> ClaimChecks:
        """Return the checks for `claims`, with null treated as absent and times converted to integers.

        Spec: RFC 7519 §2, NumericDate: a JSON number, possibly with a fraction.
        """
        present = {name: value for name, value in claims.items() if value is not None}
        checks = cls(present, token, recipient.now, recipient.clock_skew_seconds)
        for name in _NUMERIC_DATES:
            if name in checks.claims:
                checks.claims[name] = checks._numeric_date(name)
        return checks

    def _numeric_date(self, claim: str) -> int:
        value = self.claims[claim]
        # In Python a bool is an int. In JSON it is not a number.
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LAST_SECOND:
            raise self.refuse(claim, expected="a time in epoch seconds")
        return int(value)

    def refuse(self, claim: str, *, expected: str, got: str | None = None, hint: str = "") -> IDTokenError:
        """Return the error for `claim`. `got` replaces the value of the claim if that must not be logged."""
        value = describe_value(self.claims.get(claim)) if got is None else got
        return IDTokenError(claim, expected=expected, got=value, token=self.token, hint=hint)

    def time(self, claim: str) -> int:
        """Return a required time in epoch seconds."""
        value = self.claims.get(claim)
        if not isinstance(value, int):
            raise self.refuse(claim, expected="a time in epoch seconds")
        return value

    def text(self, claim: str) -> str:
        """Return a required string of 1 to 255 printable ASCII characters.

        Spec: OpenID Connect Core §2 (``sub``: at most 255 ASCII characters).
        """
        value = self.claims.get(claim)
        if (
            not isinstance(value, str)
            or not 0 < len(value) <= 255
            or not (value.isascii() and value.isprintable())
        ):
            raise self.refuse(claim, expected="1 to 255 printable ASCII characters")
        return value

    def check_issuer(self, issuer: str) -> None:
        """Check that ``iss`` is exactly `issuer`.

        Spec: OpenID Connect Core §3.1.3.7 item 2.
        """
        if self.claims.get("iss") != issuer:
            raise self.refuse("iss", expected=issuer)

    def check_audience(self, client_id: str) -> None:
        """Check that the token is for `client_id`, and was issued to it if there are other audiences.

        Other audiences are accepted, because providers add the APIs that a client uses (Keycloak's audience mappers),
        but only together with an ``azp`` that is `client_id`. Another client that received the token cannot use it
        here, because it does not have the nonce of the sign-in.

        Spec: OpenID Connect Core §2 and §3.1.3.7 items 3 to 5.
        """
        value = self.claims.get("aud")
        audiences = [value] if isinstance(value, str) else value
        if not isinstance(audiences, list) or not all(isinstance(audience, str) for audience in audiences):
            raise self.refuse("aud", expected=client_id)
        # Compare with the items of a list, never with parts of a string: "gate" is not in "gate-admin".
        if client_id not in audiences:
            raise self.refuse("aud", expected=client_id, got=" ".join(audiences))
        others = set(audiences) - {client_id}
        if (others or "azp" in self.claims) and self.claims.get("azp") != client_id:
            raise self.refuse("azp", expected=client_id)

    def check_not_expired(self) -> None:
        """Check that ``exp`` is in the future.

        Spec: OpenID Connect Core §3.1.3.7 item 9.
        """
        if self.time("exp") + self.skew <= self.now:
            late = self.now - self.time("exp")
            hint = f"it expired {late} s ago{self._clock_hint()}"
            raise self.refuse("exp", expected=f"later than {self.now - self.skew}", hint=hint)

    def check_not_before(self) -> None:
        """Check that the token is already valid (``nbf``).

        Spec: RFC 7519 §4.1.5.
        """
        if "nbf" in self.claims and self.time("nbf") > self.now + self.skew:
            hint = f"it is valid in {self.time('nbf') - self.now} s{self._clock_hint()}"
            raise self.refuse("nbf", expected=f"at most {self.now + self.skew}", hint=hint)

    def check_issued_now(self) -> None:
        """Check that ``iat`` is neither in the future nor long ago.

        Spec: OpenID Connect Core §3.1.3.7 item 10.
        """
        earliest, latest = self.now - MAX_TOKEN_AGE_SECONDS - self.skew, self.now + self.skew
        if not earliest <= self.time("iat") <= latest:
            offset = self.time("iat") - self.now
            hint = f"it was issued {describe_offset(offset)}{self._clock_hint()}"
            raise self.refuse("iat", expected=f"{earliest} to {latest}", hint=hint)

    def _clock_hint(self) -> str:
        """Return how much the clocks differ. A fresh token shows it, since the provider has just issued it."""
        issued_at = self.claims.get("iat")
        if not isinstance(issued_at, int) or abs(offset := issued_at - self.now) <= self.skew:
            return ""
        direction = f"{offset} s behind" if offset > 0 else f"{-offset} s ahead of"
        return f"; if it is fresh, this host's clock is {direction} the provider's. Fix: synchronize both with NTP"


def describe_offset(offset: int) -> str:
    """Return a time in relation to this host's clock, in words."""
    return f"{offset} s in the future" if offset > 0 else f"{-offset} s ago"
