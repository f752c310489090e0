"""A tiny relying party on plain requests, to drive the test provider with."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlsplit

import requests
from joserfc import jwt
from joserfc.jwk import Key, KeySet

from oidc_gate.testing import Client, TestProvider

REDIRECT_URI = "http://127.0.0.1:9/callback"
SECRET = "s: %+é/=&"
APP = Client(
    client_id="app",
    client_secret=SECRET,
    redirect_uris=[REDIRECT_URI],
    post_logout_redirect_uris=["http://127.0.0.1:9/bye"],
)
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


class SmallRelyingParty:
    """One browser and one client in one object; every parameter can be bent."""

    def __init__(self, op: TestProvider, client: Client = APP) -> None:
        self.op, self.client, self.http = op, client, requests.Session()
        self.http.trust_env = False

    def authorize(self, method: str = "GET", /, **bent: str | None) -> requests.Response:
        params = {
            "client_id": self.client.client_id,
            "redirect_uri": self.client.redirect_uris[0],
            "response_type": "code",
            "scope": "openid email profile groups",
            "state": "st+te",
            "nonce": "n-1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        } | bent
        sent = {name: value for name, value in params.items() if value is not None}
        where = {"params": sent} if method == "GET" else {"data": sent}
        return self.http.request(method, f"{self.op.issuer}/authorize", allow_redirects=False, **where)  # type: ignore[arg-type]

    def answer(self, **bent: str | None) -> dict[str, str]:
        response = self.authorize(**bent)
        assert response.status_code == 303, response.text
        return sent_back(response)

    def token(self, **bent: str | None) -> requests.Response:
        form = {
            "grant_type": "authorization_code",
            "redirect_uri": self.client.redirect_uris[0],
            "code_verifier": VERIFIER,
        } | bent
        auth = None
        if self.client.auth_method == "client_secret_basic" and "client_id" not in bent:
            auth = (quote_plus(self.client.client_id), quote_plus(self.client.client_secret or ""))
        return self.http.post(
            f"{self.op.issuer}/token",
            data={k: v for k, v in form.items() if v is not None},
            auth=auth,
            timeout=60,
        )

    def sign_in(self, **bent: str | None) -> dict[str, Any]:
        response = self.token(code=self.answer(**bent)["code"])
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def userinfo(self, access_token: str) -> requests.Response:
        return self.http.get(
            f"{self.op.issuer}/userinfo", headers={"Authorization": f"Bearer {access_token}"}
        )

    def claims(self, id_token: str, key: Key | None = None) -> dict[str, Any]:
        keys = key or KeySet.import_key_set(self.http.get(f"{self.op.issuer}/jwks").json())
        return jwt.decode(id_token, keys, algorithms=[self.client.id_token_signed_response_alg]).claims


def sent_back(response: requests.Response) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(response.headers["Location"]).query))
