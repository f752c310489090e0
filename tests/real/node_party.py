"""The gate in this process, signed in to at the certified npm oidc-provider; its forms filled in by hand."""

from __future__ import annotations

import os
import re
from html import unescape
from typing import Any
from urllib.parse import urljoin

import requests

from oidc_gate import asgi, wsgi
from oidc_gate.runtime.world import World
from oidc_gate.settings import Settings
from tests.real.op_node import NodeProvider
from tests.shells.driving import Answer
from tests.shells.site import ORIGIN, App, Shell, Site, Visitor

CALLBACK = f"{ORIGIN}/oauth2/callback"
SECRET = "a secret of more than 32 octets, + and % in it"
_MAX_STEPS = 12


class NodeParty(Site):
    """One relying party; https as its visitors see it.

    Args:
        verify: The authority that vouches for the provider, if that speaks https.
    """

    def __init__(
        self, provider: NodeProvider, client_id: str, *, kind: str = "wsgi", verify: str = "", **settings: Any
    ) -> None:
        self.shell, self.app, self.verify = Shell(kind, "", "/oauth2"), App(), verify
        self.issuer = provider.issuer
        given = {
            "issuer": self.issuer,
            "client_id": client_id,
            "cookie_secret": ("bq2oC4vYkq0tF1rD7zX3mN9sLwE6uHgJ8pRaT5iVnKc",),
            "ca_file": verify or None,
            "provider_timeout_seconds": 60.0,
        }
        self.settings = Settings.load(environ={}, **(given | settings))
        self.world = World(self.settings)
        if kind == "wsgi":
            self.gate = wsgi.OIDCGate(self.app.wsgi, self.settings, world=self.world)
        else:
            self.gate = asgi.OIDCGate(self.app.asgi, self.settings, world=self.world)
        self.gate._runtime.warmed_up_pid = os.getpid()

    def sign_in(self, login: str = "alice") -> NodeBrowser:
        """Sign somebody in, to the application."""
        browser = NodeBrowser(self)
        answer = self.attempt(browser, login)
        assert answer.status == 302, answer.text
        assert browser.get("/").status == 200
        assert self.app.identity is not None
        assert (self.app.identity.issuer, self.app.identity.subject) == (self.issuer, login)
        assert self.app.identity.email == f"{login}@example.com"
        return browser

    def attempt(self, browser: NodeBrowser, login: str = "alice") -> Answer:
        """Start a sign-in; the answer of the callback, or of the start if the browser was not sent away."""
        started = browser.navigate(self.path("start"))
        if started.status != 302:
            return started
        return browser.navigate(
            browser.through(started.header("location"), login), Sec_Fetch_Site="cross-site"
        )


class NodeBrowser(Visitor):
    """A browser with a jar for the application and one for the provider."""

    def __init__(self, party: NodeParty) -> None:
        super().__init__(party)
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.verify = party.verify or True
        self.asked = ""

    def through(self, location: str, login: str) -> str:
        """Follow the provider's redirects and forms until it sends the browser back; where to."""
        self.asked = location
        page = self.http.get(location, allow_redirects=False, timeout=60)
        for _ in range(_MAX_STEPS):
            if page.is_redirect:
                location = urljoin(page.url, page.headers["Location"])
                if location.startswith(ORIGIN):
                    return location
                page = self.http.get(location, allow_redirects=False, timeout=60)
                continue
            action = re.search(r'<form[^>]* action="([^"]+)"', page.text)
            assert page.status_code == 200, page.text
            assert action is not None, page.text
            fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
            fields |= {"login": login, "password": "any"} if 'name="login"' in page.text else {}
            where = urljoin(page.url, unescape(action[1]))
            page = self.http.post(where, data=fields, allow_redirects=False, timeout=60)
        raise AssertionError(f"still at the provider: {page.url}")
