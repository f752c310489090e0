"""A gate and the strict test provider, over real HTTP between them; the browser uses no library that logs."""

from __future__ import annotations

import http.client
import re
from html import unescape
from typing import Any
from urllib.parse import urlencode, urlsplit

from oidc_gate.runtime.http import Outbound
from oidc_gate.testing import Client, TestProvider
from tests.shells.site import ORIGIN, Shell, Site

CLIENT_ID, CLIENT_SECRET = "gate", "client-secret: %+&= aeiou 0123456789"


class LiveProvider:
    """Takes the place of the scripted one: what a person's browser does there."""

    def __init__(self, op: TestProvider) -> None:
        self.op = op

    def authorize(self, location: str, **changes: str) -> str:
        url = urlsplit(location)
        connection = http.client.HTTPConnection(url.netloc, timeout=60)
        try:
            connection.request("GET", f"{url.path}?{url.query}")
            answer = connection.getresponse()
            back = answer.getheader("Location") or _posted(answer.read().decode("utf-8", "replace"))
        finally:
            connection.close()
        return f"{back}&{urlencode(changes)}" if changes else back


def _posted(page: str) -> str:
    fields = re.findall(r'name="([^"]+)" value="([^"]*)"', page)
    return "?" + urlencode([(name, unescape(value)) for name, value in fields])


def client(**registered: Any) -> Client:
    given: dict[str, Any] = {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "redirect_uris": [f"{ORIGIN}/oauth2/callback"],
        "post_logout_redirect_uris": [f"{ORIGIN}/oauth2/signed_out"],
    }
    return Client(**given | registered)


class LiveSite(Site):
    """A site whose gate asks `op` over the network."""

    def __init__(self, shell: Shell, op: TestProvider, **changes: Any) -> None:
        given: dict[str, Any] = {
            "issuer": op.issuer,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "public_url": ORIGIN,
            "scopes": ("openid", "email", "profile", "groups"),
            "provider_timeout_seconds": 60.0,
        }
        super().__init__(shell, **given | changes)
        self.provider: Any = LiveProvider(op)
        self.world.clock = op._realm.clock
        self.gate._clock = self.world.clock
        self.world._outbound = Outbound(self.settings).perform
