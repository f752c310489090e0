"""A gated application, its visitors, and what the application saw."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import unescape
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from oidc_gate import asgi, wsgi
from oidc_gate.model import Identity
from oidc_gate.runtime.world import World
from oidc_gate.settings import Settings
from oidc_gate.store.base import Store
from oidc_gate.testing.gate_session import TestSession
from tests.shells import driving
from tests.shells.driving import Answer, Pairs, Upload
from tests.shells.provider import CLIENT, ISSUER, SECRET, START, Provider

HOST = "app.example"
ORIGIN = f"https://{HOST}"
COOKIE = "__Host-oidc_gate"

NAVIGATION = {
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Site": "none",
}
FETCH = {
    "Accept": "*/*",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Dest": "empty",
    "Sec-Fetch-Site": "same-origin",
}


class Shell(NamedTuple):
    """Which shell, mounted where, with which prefix."""

    kind: str
    mount: str
    prefix: str

    @property
    def is_asgi(self) -> bool:
        return self.kind != "wsgi"


@dataclass
class App:
    """An application that answers as it is told, and remembers what it was asked."""

    status: str = "200 OK"
    headers: Pairs = field(default_factory=lambda: [("Content-Type", "text/plain")])
    body: bytes = b"the application"
    seen: list[Any] = field(default_factory=list)

    def wsgi(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.seen.append(environ)
        start_response(self.status, list(self.headers))
        return [self.body]

    async def asgi(self, scope: Any, receive: Any, send: Any) -> None:
        self.seen.append(scope)
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            return
        headers = [(name.lower().encode(), value.encode()) for name, value in self.headers]
        await send({"type": "http.response.start", "status": int(self.status[:3]), "headers": headers})
        await send({"type": "http.response.body", "body": self.body})

    @property
    def last(self) -> Any:
        return self.seen[-1]

    @property
    def identity(self) -> Identity | None:
        found: Identity | None = self.last["oidc_gate.identity"]
        return found

    def header(self, name: str) -> list[str]:
        """What the application sees of a header, in any spelling."""
        wanted = name.lower().replace("_", "-")
        if "headers" in self.last:
            pairs = [(key.decode("latin-1"), value.decode("latin-1")) for key, value in self.last["headers"]]
        else:
            pairs = [(key[5:], value) for key, value in self.last.items() if key.startswith("HTTP_")]
        return [value for key, value in pairs if key.lower().replace("_", "-") == wanted]


class Site:
    """A gate in front of `App`, with a scripted provider and a clock that stands still.

    Args:
        store: a store in the place of the one that the settings name.
    """

    def __init__(self, shell: Shell, app: Any = None, *, store: Store | None = None, **changes: Any) -> None:
        self.shell, self.now = shell, float(START)
        self.app = App()
        self.provider = Provider(self)
        given: dict[str, Any] = {
            "issuer": ISSUER,
            "client_id": CLIENT,
            "client_secret": SECRET,
            "cookie_secret": ("bq2oC4vYkq0tF1rD7zX3mN9sLwE6uHgJ8pRaT5iVnKc",),
            "prefix": shell.prefix,
        }
        self.settings = Settings(**(given | changes))
        self.world = World(self.settings, store=store, clock=lambda: self.now, outbound=self.provider.answer)
        self.gate: Any
        if shell.is_asgi:
            self.gate = asgi.OIDCGate(app or self.app.asgi, self.settings, world=self.world)
        else:
            self.gate = wsgi.OIDCGate(app or self.app.wsgi, self.settings, world=self.world)
        # the one test of discovery in the background turns it on
        self.gate._runtime.warmed_up_pid = os.getpid()

    def path(self, endpoint: str) -> str:
        return f"{self.shell.mount}{self.shell.prefix}/{endpoint}"

    def own(self, path: str) -> str:
        return self.shell.mount + path

    def start_link(self, answer: Answer) -> str:
        """The sign-in link of a page, and of a page only."""
        links = re.findall(r'href="([^"]*/start[^"]*)"', answer.text)
        assert len(links) >= 1, answer.text
        return unescape(links[0])

    def rd(self, link: str) -> str:
        """Where a link to start leads back to."""
        parts = urlsplit(link)
        assert parts.path == self.path("start"), link
        return parse_qs(parts.query)["rd"][0]

    def send(self, method: str, target: str, headers: Pairs, upload: Upload, **more: Any) -> Answer:
        if not self.shell.is_asgi:
            environ = driving.environ_of(method, target, headers, upload, self.shell.mount, **more)
            return driving.send_wsgi(self.gate, environ)
        scope = driving.scope_of(method, target, headers, self.shell.mount, **more)
        answer: Answer = driving.run(self.shell.kind, driving.asend, self.gate, scope, upload)
        return answer

    def visitor(self) -> Visitor:
        return Visitor(self)

    def person(self, subject: str = "alice", **who: Any) -> Visitor:
        """A visitor who has a session."""
        who = dict[str, Any](email=f"{subject}@corp.example", email_verified=True) | who
        token = who.pop("access_token", "")
        visitor = self.visitor()
        who.setdefault("session_id", f"session of {subject}")
        ticket = TestSession(self.gate, Identity("", subject, **who), token)
        for pair in ticket.add_to("").split("; "):
            name, _, value = pair.partition("=")
            visitor.cookies[name] = value
        return visitor


class Visitor:
    """A browser, as far as cookies go, or a program; `Secure` cookies are kept: the site is https."""

    def __init__(self, site: Site) -> None:
        self.site, self.cookies = site, dict[str, str]()

    def send(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"", **more: Any
    ) -> Answer:
        """Send a request to a path below the mount."""
        return self.open(method, self.site.own(path), headers, body, **more)

    def open(
        self, method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b"", **more: Any
    ) -> Answer:
        """Send a request to an address as it stands in links and redirects."""
        target = target.removeprefix(ORIGIN)
        pairs = [("Host", HOST), *(headers or {}).items()]
        if self.cookies and "Cookie" not in (headers or {}):
            pairs.append(("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items())))
        upload = more.pop("upload", None) or Upload(body)
        answer = self.site.send(method, target, pairs, upload, **more)
        for cookie in answer.all("set-cookie"):
            self._keep(cookie)
        return answer

    def get(self, path: str, headers: dict[str, str] | None = None, **more: Any) -> Answer:
        return self.send("GET", path, headers, **more)

    def navigate(self, target: str, **headers: str) -> Answer:
        """Open an address as a page."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.open("GET", target, NAVIGATION | named)

    def ask(self, endpoint: str, headers: dict[str, str] | None = None, method: str = "GET") -> Answer:
        """Ask an endpoint of the gate."""
        return self.open(method, self.site.path(endpoint), headers)

    def sign_in(self, rd: str = "/") -> Answer:
        """Go through the whole flow; the answer of the callback."""
        started = self.navigate(self.site.path("start") + f"?rd={self.site.own(rd)}")
        assert started.status == 302, (started.status, started.text)
        return self.navigate(
            self.site.provider.authorize(started.header("location")), Sec_Fetch_Site="cross-site"
        )

    def _keep(self, set_cookie: str) -> None:
        pair, *attributes = set_cookie.split("; ")
        name, _, value = pair.partition("=")
        assert {"Path=/", "Secure", "HttpOnly"} <= set(attributes), set_cookie
        if "Max-Age=0" in attributes:
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = value
