"""A provider that answers from a script, without a network; honest unless told otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from oidc_gate.effects import Fetch, Fetched
from tests.core.provider.scripted import CLIENT, ISSUER, METADATA, SECRET, START, answer, jwks, key, sign

__all__ = ["CLIENT", "ISSUER", "SECRET", "START", "Provider"]

Person = dict[str, Any]

key()  # made once, here: discovery in the background would race the first sign-in for it


class Provider:
    """Discovery, keys, tokens and userinfo for one person at a time.

    Attributes:
        person: Claims of whoever signs in next.
        instead: What an endpoint (``token``) answers instead: an answer, or an exception to raise.
        fetches: What was asked, by endpoint.
        revoked: What the revocation endpoint was asked to revoke.
        code_prefix: What its codes begin with; another one for each site that shares a store with others.
        refreshed: The refresh tokens that were exchanged, in order.
        tokens: What the answers of the token endpoint contain besides the ID token.
    """

    def __init__(self, site: Any) -> None:
        self._site = site
        self._nonces: dict[str, str] = {}
        self.person: Person = {"sub": "alice", "email": "alice@corp.example", "email_verified": True}
        self.instead: dict[str, Fetched | Exception | Callable[[], Fetched]] = {}
        self.fetches: list[str] = []
        self.revoked: list[dict[str, str]] = []
        self.metadata = dict(METADATA)
        self.audience = CLIENT
        self.seconds_ahead = 0
        self.code_prefix = "code-"
        self.refreshed: list[str] = []
        self.tokens: dict[str, Any] = {"access_token": "at"}

    def authorize(self, location: str, **changes: str) -> str:
        """Return the callback that a browser is sent to after an authorization request at `location`."""
        assert location.startswith(ISSUER + "/authorize?"), location
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        code = f"{self.code_prefix}{len(self._nonces)}"
        self._nonces[code] = asked["nonce"]
        answered = {"code": code, "state": asked["state"]} | changes
        return f"{asked['redirect_uri']}?{urlencode({k: v for k, v in answered.items() if v})}"

    def answer(self, fetch: Fetch) -> Fetched:
        name = fetch.url.rpartition("/")[2]
        self.fetches.append(name)
        instead = self.instead.get(name)
        if isinstance(instead, Exception):
            raise instead
        if instead is not None:
            return instead if isinstance(instead, Fetched) else instead()
        return {
            "openid-configuration": lambda: answer(self.metadata),
            "jwks": lambda: answer(jwks()),
            "token": lambda: self._token(fetch),
            "userinfo": lambda: answer(self.person),
            "revoke": lambda: self._revoke(fetch),
        }[name]()

    def _revoke(self, fetch: Fetch) -> Fetched:
        self.revoked.append(
            {name: values[0] for name, values in parse_qs((fetch.body or b"").decode()).items()}
        )
        return answer(b"")

    def _token(self, fetch: Fetch) -> Fetched:
        form = parse_qs((fetch.body or b"").decode())
        now = int(self._site.now) + self.seconds_ahead
        claims = {"iss": ISSUER, "aud": self.audience, "iat": now, "exp": now + 300}
        if form["grant_type"] == ["refresh_token"]:
            self.refreshed += form["refresh_token"]
        else:
            claims["nonce"] = self._nonces[form["code"][0]]
        return answer({"token_type": "Bearer", "id_token": sign(claims | self.person)} | self.tokens)
