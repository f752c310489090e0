"""A gated application in this process, its visitors, and a real provider on loopback that is told to misbehave."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests

from oidc_gate import asgi, wsgi
from oidc_gate.runtime.world import World
from oidc_gate.settings import Settings
from oidc_gate.testing import Client, Fault, TestProvider
from oidc_gate.testing.provider.logout import Delivery
from tests.shells.driving import Answer
from tests.shells.site import COOKIE, NAVIGATION, ORIGIN, App, Shell, Site, Visitor
from tests.shells.wire import Wire

CLIENT_ID, CLIENT_SECRET = "gate", "a secret of more than 32 octets, with: %+ and é"
EVIL = "https://evil.example"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
THERE_TOO = "has sent you back from its own sign-out"
PAGE = "/some/page?a=1&b=2"


@dataclass
class Refused:
    """What a sign-in that must fail is held against.

    Args:
        code: Of the page, and of the log.
        log: What the log must say: for a token, the claim, what was expected, and what was received.
    """

    code: str
    log: str
    status: int = 502
    params: dict[str, Any] = field(default_factory=dict)


def claim(
    name: str, *, expected: str, got: str, token: str = "id_token", status: int = 502, **params: Any
) -> Refused:
    """A token that is refused for one claim; `expected` and `got` are regular expressions."""
    log = rf"{token}: {name}: expected '{expected}', got [\"']{got}[\"']"
    return Refused(f"{token}_{name}", log, status, params)


class Party(Site):
    """One relying party: the gate as it is shipped, over one shell, with a clock that can be put on.

    Args:
        kind: ``wsgi`` or ``asyncio``.
        client: What of the registration differs.
        provider: Keywords of `TestProvider`.
        record: Where what was tried is written down, for docs/conformance.md.
    """

    def __init__(
        self,
        kind: str,
        caplog: pytest.LogCaptureFixture,
        record: list[tuple[str, object]],
        *,
        client: dict[str, Any],
        provider: dict[str, Any],
        **settings: Any,
    ) -> None:
        self.shell, self.app, self.ahead = Shell(kind, "", "/oauth2"), App(), 0.0
        self.caplog, self._record = caplog, record
        caplog.set_level("DEBUG", "oidc_gate")
        told: dict[str, Any] = {"auto_login": "alice", "clock": self.clock}
        self.op = TestProvider(**(told | provider)).start()
        self.wire = Wire(self)
        self.client = Client(**(self._registration() | client))
        self.op.register(self.client)
        given: dict[str, Any] = {
            "issuer": self.op.issuer,
            "client_id": CLIENT_ID,
            "client_secret": self.client.client_secret,
            "cookie_secret": ("bq2oC4vYkq0tF1rD7zX3mN9sLwE6uHgJ8pRaT5iVnKc",),
            "provider_timeout_seconds": 60.0,
        }
        self.settings = Settings(**(given | settings))
        self.world = World(self.settings, clock=self.clock)
        if kind == "wsgi":
            self.gate = wsgi.OIDCGate(self.app.wsgi, self.settings, world=self.world)
        else:
            self.gate = asgi.OIDCGate(self.app.asgi, self.settings, world=self.world)
        self.gate._runtime.warmed_up_pid = os.getpid()  # discovery when it is needed, not in the background

    def clock(self) -> float:
        """The time, for the gate and for the provider."""
        return time.time() + self.ahead

    def _registration(self) -> dict[str, Any]:
        return {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "redirect_uris": [ORIGIN + self.path("callback")],
            "post_logout_redirect_uris": [ORIGIN + self.path("signed_out")],
            "backchannel_logout_uri": f"http://127.0.0.1:{self.wire.port}{self.path('backchannel_logout')}",
        }

    def close(self) -> None:
        self.wire.close()
        self.op.stop()

    @contextmanager
    def hurried(self) -> Iterator[None]:
        """Give the provider half a second for each exchange within the block."""
        seconds = self.settings.provider_timeout_seconds
        object.__setattr__(self.settings, "provider_timeout_seconds", 0.5)
        yield
        object.__setattr__(self.settings, "provider_timeout_seconds", seconds)

    def tried(self, what: str) -> None:
        """Write down what was tried and went as it must."""
        told = ("tried", what.replace(self.op.issuer, "ISSUER"))
        if told not in self._record:
            self._record.append(told)

    # --- the browser

    def begin(self, browser: Browser, page: str = PAGE) -> str:
        """Open a page and follow its sign-in link; where the browser is sent to."""
        asked = browser.navigate(page)
        assert (asked.status, asked.is_page) == (401, True)
        started = browser.navigate(self.start_link(asked), Sec_Fetch_Site="same-origin")
        assert started.status == 302, started.text
        return started.header("location")

    def come_back(self, browser: Browser, location: str) -> Answer:
        """Go to the provider, and bring its answer to the gate."""
        answered = browser.http.get(location, allow_redirects=False, timeout=60)
        if answered.status_code == 303:
            return browser.navigate(answered.headers["Location"], Sec_Fetch_Site="cross-site")
        assert answered.status_code == 200, answered.text
        fields = {
            unescape(name): unescape(value)
            for name, value in re.findall(r'<input[^>]* name="([^"]*)" value="([^"]*)"', answered.text)
        }
        action = re.search(r'<form[^>]* action="([^"]*)"', answered.text)
        assert action is not None, answered.text
        headers = NAVIGATION | FORM | {"Sec-Fetch-Site": "cross-site", "Origin": self.op.issuer}
        return browser.open("POST", unescape(action[1]), headers, urlencode(fields).encode())

    def visitor(self) -> Browser:
        return Browser(self)

    # --- what a module asserts

    def signs_in(self, who: str = "alice", what: str = "sign-in") -> Browser:
        """Sign somebody in, all the way to the application, and nobody's secrets in the log."""
        self.op.auto_login, browser = who, self.visitor()
        answer = self.come_back(browser, self.begin(browser))
        assert answer.status in (302, 303), (answer.status, answer.text, self.caplog.text)
        assert answer.header("location") == PAGE
        assert browser.is_on()
        assert self.app.identity is not None
        assert (self.app.identity.issuer, self.app.identity.subject) == (self.op.issuer, who)
        self.keeps_secrets(browser)
        self.tried(f"{what}: signed in, the application was reached")
        return browser

    def refuses(self, fault: Fault, wanted: Refused) -> Answer:
        """Have the provider do `fault`: nobody is signed in, and the page and the log say why."""
        browser, before = self.visitor(), len(self.app.seen)
        with self.op.misbehaving(fault, **wanted.params):
            answer = self.come_back(browser, self.begin(browser))
        self.refused(browser, answer, wanted)
        assert len(self.app.seen) == before
        self.tried(f"`{fault.name}` ({fault.value.partition(' [')[0]}): refused, `{wanted.code}`")
        return answer

    def refused(self, browser: Browser, answer: Answer, wanted: Refused) -> None:
        """Hold an answer of the callback against what a refusal is."""
        assert (answer.status, answer.is_page) == (wanted.status, True), (answer.status, self.caplog.text)
        assert f"<code>{wanted.code}</code>" in answer.text, answer.text
        assert not [cookie for cookie in answer.all("set-cookie") if cookie.startswith(COOKIE)]
        seen = len(self.app.seen)
        assert browser.navigate(PAGE).status == 401
        assert len(self.app.seen) == seen
        lines = [line.getMessage() for line in self.caplog.records if line.levelname == "WARNING"]
        said = re.compile(rf": {wanted.status}: {wanted.code}: .*{wanted.log}")
        assert any(said.search(line) for line in lines), (said.pattern, lines)
        self.keeps_secrets(browser)

    def keeps_secrets(self, browser: Browser) -> None:
        """Neither code, verifier, client secret, token nor cookie stands in the log."""
        secrets = [CLIENT_SECRET, *browser.cookies.values()]
        for asked in self.op.requests:
            secrets += [asked.form.get(name, "") for name in ("code", "code_verifier", "client_assertion")]
            secrets += [asked.query.get(name, "") for name in ("state", "nonce")]
            secrets.append(asked.headers.get("authorization", "").partition(" ")[2])
        log = self.caplog.text
        assert not [secret for secret in secrets if len(secret) > 7 and secret in log]

    # --- signing out

    def signs_out(self, browser: Browser) -> tuple[Answer, dict[str, str]]:
        """Sign out with the button, here and at the provider; the last page, and what the provider was asked."""
        self.wire.open()  # the provider tells every client that was signed in to
        kept = dict(browser.cookies)
        headers = NAVIGATION | FORM | {"Sec-Fetch-Site": "same-origin", "Origin": ORIGIN}
        left = browser.open("POST", self.path("sign_out"), headers)
        assert (left.status, left.is_page) == (200, True)
        onward = re.search(r'href="([^"]*/end_session[^"]*)"', left.text)
        assert onward is not None, left.text
        asked = unescape(onward[1])
        assert asked.startswith(f"{self.op.issuer}/end_session?")
        assert COOKIE not in browser.cookies
        back = browser.http.get(asked, allow_redirects=False, timeout=60)
        assert back.status_code == 303, back.text
        answer = browser.navigate(back.headers["Location"], Sec_Fetch_Site="cross-site")
        assert answer.is_page
        assert not browser.is_on()
        browser.cookies = kept
        assert not browser.is_on(), "a copy of the cookie is of no use either"
        return answer, query_of(asked)

    def told(self, fault: Fault | None = None, **params: Any) -> Delivery:
        """Have the provider post a logout token to the gate; what it got for an answer."""
        self.wire.open()
        (delivery,) = self.op.back_channel_logout(fault=fault, **params)
        return delivery

    def refuses_logout(self, fault: Fault, wanted: Refused) -> None:
        """Have the provider post a bad logout token: 400, nobody is signed out, and the log says why."""
        browser = self.signs_in()
        delivery = self.told(fault, sub="alice", sid=self.op.sid_of("alice"), **wanted.params)
        self.refused_logout(delivery, wanted)
        assert browser.is_on()
        self.tried(
            f"`{fault.name}` ({fault.value.partition(' [')[0]}): 400 `{wanted.code}`, the session stays"
        )

    def refused_logout(self, delivery: Delivery, wanted: Refused) -> None:
        """Hold what a logout token got for an answer against what a refusal is."""
        assert delivery.status == 400, (delivery, self.caplog.text)
        answer = json.loads(delivery.body)
        assert answer["error"] == "invalid_request"
        assert answer["error_description"].startswith(f"{wanted.code}: ")
        lines = [line.getMessage() for line in self.caplog.records if line.levelname == "WARNING"]
        said = re.compile(rf"/backchannel_logout: 400: {wanted.code}: {wanted.log}")
        assert any(said.search(line) for line in lines), (said.pattern, lines)

    def fetched(self, endpoint: str) -> int:
        """How often an endpoint of the provider (``/jwks``) was asked."""
        return sum(asked.path == endpoint for asked in self.op.requests)


class Browser(Visitor):
    """A browser with two cookie jars: one for the application, one for the provider."""

    def __init__(self, party: Party) -> None:
        super().__init__(party)
        self.http = requests.Session()
        self.http.trust_env = False

    def is_on(self) -> bool:
        """Whether the application is reached."""
        before = len(self.site.app.seen)
        answer = self.get("/")
        reached = len(self.site.app.seen) == before + 1
        assert answer.status == (200 if reached else 401)
        return reached


@contextmanager
def closing(party: Party) -> Iterator[Party]:
    try:
        yield party
    finally:
        party.close()


def query_of(url: str) -> dict[str, str]:
    """The query of a URL in which no name stands twice."""
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)
