"""The checks that ID tokens, logout tokens and signed userinfo have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NewType

from oidc_gate.errors import IDTokenError

from .encoding import describe_value

Claims = NewType("Claims", Mapping[str, Any])
"""Claims of a validated token, read-only; ``exp``, ``iat``, ``nbf`` and ``auth_time`` are integers."""

MAX_TOKEN_AGE_SECONDS = 600  # a token comes straight from the provider; an older one was kept by somebody
_LAST_SECOND = 253_402_300_799  # the end of the year 9999
_NUMERIC_DATES = ("exp", "iat", "nbf", "auth_time")


@dataclass(frozen=True, slots=True)
class ClaimChecks:
    """The claims of one token, and the checks that may be made of them.

    Args:
        token: Which token, for errors.
        now: Epoch seconds.
        skew: How far the clocks may be apart, seconds.
    """

    claims: dict[str, Any] = field(repr=False)
    token: str
    now: int
    skew: int

    @classmethod
    def begin(cls, claims: Mapping[str, Any], *, token: str, now: int, skew: int) -> ClaimChecks:
        """Take null for absent, and turn times into integers.

        Spec: RFC 7519 §2, NumericDate: a JSON number, fractions allowed.
        """
        checks = cls({name: value for name, value in claims.items() if value is not None}, token, now, skew)
        for name in _NUMERIC_DATES:
            if name in checks.claims:
                checks.claims[name] = checks._numeric_date(name)
        return checks

    def _numeric_date(self, claim: str) -> int:
        value = self.claims[claim]
        # bool is an int to Python, and not to JSON.
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LAST_SECOND:
            raise self.refuse(claim, expected="a time in epoch seconds")
        return int(value)

    def refuse(self, claim: str, *, expected: str, got: str | None = None) -> IDTokenError:
        """Make the error for `claim`; `got` replaces its value where that should not stand in a log."""
        value = describe_value(self.claims.get(claim)) if got is None else got
        return IDTokenError(claim, expected=expected, got=value, token=self.token)

    def time(self, claim: str) -> int:
        """Return a time that must be there, epoch seconds."""
        value = self.claims.get(claim)
        if not isinstance(value, int):
            raise self.refuse(claim, expected="a time in epoch seconds")
        return value

    def text(self, claim: str) -> str:
        """Return a text that must be there, of 1 to 255 printable ASCII characters.

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
        """Demand exactly `issuer`.

        Spec: OpenID Connect Core §3.1.3.7 item 2.
        """
        if self.claims.get("iss") != issuer:
            raise self.refuse("iss", expected=issuer)

    def check_audience(self, client_id: str) -> None:
        """Demand that the token is for `client_id`, and was made for it where others may read it too.

        Further audiences are taken, since providers add the APIs of a client (Keycloak's audience mappers),
        but only beside an ``azp`` that names us: then the token was issued to us. Another client that
        received it cannot use it here, for want of our nonce.

        Spec: OpenID Connect Core §2 and §3.1.3.7 items 3 to 5.
        """
        value = self.claims.get("aud")
        audiences = [value] if isinstance(value, str) else value
        if not isinstance(audiences, list) or not all(isinstance(audience, str) for audience in audiences):
            raise self.refuse("aud", expected=client_id)
        # Items of a list, never parts of a text: "gate" is not in "gate-admin".
        if client_id not in audiences:
            raise self.refuse("aud", expected=client_id, got=" ".join(audiences))
        others = set(audiences) - {client_id}
        if (others or "azp" in self.claims) and self.claims.get("azp") != client_id:
            raise self.refuse("azp", expected=client_id)

    def check_not_expired(self) -> None:
        """Demand that ``exp`` lies ahead.

        Spec: OpenID Connect Core §3.1.3.7 item 9.
        """
        if self.time("exp") + self.skew <= self.now:
            raise self.refuse("exp", expected=f"later than {self.now - self.skew}")

    def check_not_before(self) -> None:
        """Refuse a token that is not valid yet.

        Spec: RFC 7519 §4.1.5.
        """
        if "nbf" in self.claims and self.time("nbf") > self.now + self.skew:
            raise self.refuse("nbf", expected=f"at most {self.now + self.skew}")

    def check_issued_now(self) -> None:
        """Demand an ``iat`` that is neither ahead nor long ago.

        Spec: OpenID Connect Core §3.1.3.7 item 10.
        """
        earliest, latest = self.now - MAX_TOKEN_AGE_SECONDS - self.skew, self.now + self.skew
        if not earliest <= self.time("iat") <= latest:
            raise self.refuse("iat", expected=f"{earliest} to {latest}")
