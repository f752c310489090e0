"""What is fuzzed: one function a way in, from the bytes of a stranger to the gate's decision.

Each takes any bytes, and raises `AssertionError` for what must never be: another exception leaving the gate, an
answer that no server can send, somebody let in who is not signed in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from oidc_gate.gate import Gate
from oidc_gate.model import Allow, Decision, Headers, Reply, Request
from oidc_gate.runtime.driver import run
from oidc_gate.shells import asgi_messages
from oidc_gate.shells.tracing import traced
from tests.core.cli import differential
from tests.core.provider.scripted import answer, key
from tests.shells.site import COOKIE, HOST, NAVIGATION, Shell, Site

ENDPOINTS = (
    "auth", "forward", "sign_in", "start", "callback", "userinfo", "sign_out", "signed_out", "unavailable",
    "backchannel_logout", "frontchannel_logout", "ping", "ready", "static/gate.css", "", "x",
)  # fmt: skip
STATUSES = frozenset({200, 202, 302, 303, 304, 400, 401, 403, 404, 405, 502, 503})
FORM = ("content-type", "application/x-www-form-urlencoded")


def _site(**changes: Any) -> Site:
    site = Site(Shell("wsgi", "", "/oauth2"), public_paths=("/open/*",), **changes)
    site.visitor().ask("start")  # metadata and keys are there
    site.provider._nonces = defaultdict(lambda: "of no sign-in")  # for codes that nobody gave
    return site


SITE = _site()
POSTED = _site(response_mode="form_post", insecure_single_process_revocation=True)
SESSION = SITE.person("alice").cookies[COOKIE]


def decide(site: Site, request: Request, body: bytes = b"") -> Decision:
    """Return the decision, after a look at whether it is one that a server can carry out."""
    gate: Gate[Any] = site.gate._runtime.gate
    with traced(gate, request):  # as the shells do: it forgets the request's ID
        decision = run(gate.decide(request), site.world, lambda limit: body[: limit + 1])
    assert decision.reason.code, decision
    if isinstance(decision, Reply):
        assert decision.status in STATUSES, decision.status
        for name, value in decision.headers:
            assert not set("\r\n\x00") & set(name + value), (name, value)
        asgi_messages.encode_headers(decision.headers)
        return decision
    assert isinstance(decision, Allow)
    if decision.identity is None:
        assert request.path.startswith("/open/"), request.path
        assert "/../" not in request.path
    else:
        cookies = "; ".join(request.headers.all("cookie"))
        assert decision.identity.subject == "alice"
        assert f"{COOKIE}={SESSION}" in cookies, cookies
    return decision


def make(path: str, query: str = "", *headers: tuple[str, str], method: str = "GET") -> Request:
    pairs = [("host", HOST), *headers]
    return Request(method, "https", "", path, path, query, Headers(pairs), peer="192.0.2.7", request_id="f")


def _navigation(*more: tuple[str, str]) -> list[tuple[str, str]]:
    return [*((name.lower(), value) for name, value in NAVIGATION.items()), *more]


def cookie(data: bytes) -> None:
    """The value of each cookie of ours."""
    value = data.decode("latin-1")
    for name in ("", ".body", ".rounds", ".flow0"):
        header = f"{COOKIE}{name}={value}"
        header = header if not name else f"{COOKIE}={SESSION[:-1]}; {header}"
        for path in ("/", "/oauth2/start"):
            decide(SITE, make(path, "", *_navigation(("cookie", header))))


def cookie_header(data: bytes) -> None:
    """The whole header, through the shell's own reading of it too; ``@S`` stands for a good session."""
    header = data.decode("latin-1").replace("@S", f"{COOKIE}={SESSION}")
    decide(SITE, make("/", "", ("cookie", header)))
    SITE.app.seen.clear()
    for path in ("/reports", "/open/x"):
        environ = {
            "REQUEST_METHOD": "GET", "PATH_INFO": path, "wsgi.url_scheme": "https", "HTTP_HOST": HOST,
            "HTTP_COOKIE": header, "HTTP_X_FORWARDED_USER": "root",
        }  # fmt: skip
        list(SITE.gate(environ, lambda status, headers, exc_info=None: None))
    for seen in SITE.app.seen:
        assert "HTTP_X_FORWARDED_USER" not in seen
        if seen["oidc_gate.identity"] is None:
            assert seen["PATH_INFO"] == "/open/x"
        else:
            assert SESSION not in seen.get("HTTP_COOKIE", "") or header.count(SESSION) > 1


def query(data: bytes) -> None:
    """The first byte chooses the endpoint, the second who asks; the rest is the query, then the path."""
    text = data[2:].decode("latin-1")
    endpoint = ENDPOINTS[(data[0] if data else 0) % len(ENDPOINTS)]
    who = (data[1] if len(data) > 1 else 0) % 4
    headers = _navigation() if who & 1 else []
    headers += [("cookie", f"{COOKIE}={SESSION}")] if who & 2 else []
    for method in ("GET", "POST"):
        decide(SITE, make(f"/oauth2/{endpoint}", text, *headers, method=method), data[2:])
    decide(
        SITE, make("/oauth2/" + endpoint, "", *headers, ("x-auth-request-redirect", text), ("referer", text))
    )
    decide(SITE, make("/" + text, text, *_navigation(("host", text), ("hx-current-url", text))))
    decide(
        SITE, make("/" + text, text, *_navigation(("origin", text), ("accept", text), ("hx-request", "true")))
    )
    decide(POSTED, make("/oauth2/frontchannel_logout", text, *headers))


def callback(data: bytes) -> None:
    """The answer of a provider: ``@S`` stands for the right state, ``@C`` for a good code."""
    for site in (SITE, POSTED):
        started = site.visitor().navigate("/oauth2/start?rd=/x")
        given = parse_qs(urlsplit(site.provider.authorize(started.header("location"))).query)
        flow = ("cookie", started.header("set-cookie").partition(";")[0])
        text = data.decode("latin-1").replace("@S", given["state"][0]).replace("@C", given["code"][0])
        site.provider.fetches.clear()
        decide(site, make("/oauth2/callback", text, *_navigation(flow)))
        body = text.encode("latin-1")
        decide(site, make("/oauth2/callback", "", *_navigation(flow, FORM), method="POST"), body)
        decide(site, make("/oauth2/sign_out", "", FORM, method="POST"), body)
        assert site.provider.fetches.count("token") <= 1


def _token(data: bytes) -> str:
    """An even first byte: any text. An odd one: any payload, rightly signed."""
    from joserfc import jws

    if not data or data[0] % 2 == 0:
        return data[1:].decode("latin-1")
    return jws.serialize_compact({"alg": "RS256", "kid": key().kid}, data[1:] or b"{}", key())


def logout_token(data: bytes) -> None:
    body = b"logout_token=" + _token(data).encode("latin-1")
    decide(POSTED, make("/oauth2/backchannel_logout", "", FORM, method="POST"), body)
    decide(POSTED, make("/oauth2/backchannel_logout", "", FORM, method="POST"), data)


def id_token(data: bytes) -> None:
    """The answer of the token endpoint: with a token in it, and any bytes. ``@N`` stands for the right nonce."""
    for is_whole in (False, True):
        started = SITE.visitor().navigate("/oauth2/start?rd=/x")
        back = urlsplit(SITE.provider.authorize(started.header("location")))
        nonce = SITE.provider._nonces[parse_qs(back.query)["code"][0]]
        told = data.replace(b"@N", nonce.encode())
        token = {"token_type": "Bearer", "access_token": "at", "id_token": _token(told)}
        SITE.provider.instead["token"] = answer(told if is_whole else token)
        flow = ("cookie", started.header("set-cookie").partition(";")[0])
        reply = decide(SITE, make("/oauth2/callback", back.query, *_navigation(flow)))
        SITE.provider.instead.clear()
        assert isinstance(reply, Reply)
        signed_in = any(f"{COOKIE}=" in value for name, value in reply.headers if name == "Set-Cookie")
        assert not signed_in or nonce.encode() in told


def verdict_stream(data: bytes) -> None:
    """What a client sends to `oidc-gate serve`, cut where the first byte says. ``@C`` stands for a good cookie."""
    differential.run(data[1:], [data[0] * 7] if data else [])


TARGETS: dict[str, Callable[[bytes], None]] = {
    "cookie": cookie,
    "cookie_header": cookie_header,
    "query": query,
    "callback": callback,
    "logout_token": logout_token,
    "id_token": id_token,
    "verdict_stream": verdict_stream,
}
