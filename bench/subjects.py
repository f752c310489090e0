"""Everything that is measured in the process, by name: one request without it, and one with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from bench.peers import frameworks
from bench.peers.frameworks import (
    OTHER_COOKIES,
    SECRET,
    Call,
    Pair,
    ask_asgi,
    ask_wsgi,
    plain_asgi,
    plain_wsgi,
)
from bench.provider import group_names
from bench.sealed import like, seal, session_of
from oidc_gate.asgi import OIDCGate as ASGIGate
from oidc_gate.settings import Settings
from oidc_gate.wsgi import OIDCGate as WSGIGate

UNREMEMBERED = (
    256  # cookies that take turns, and are forgotten after each: seen for the first time every time
)


@dataclass(frozen=True)
class Given:
    """What the subjects are made of: the settings of a gate, a cookie that it gave for a real sign-in, the claims."""

    settings: dict[str, Any]
    cookie: str
    claims: dict[str, Any]


def _wsgi(given: Given, **settings: Any) -> WSGIGate:
    return WSGIGate(plain_wsgi, Settings.load(environ={}, **given.settings, **settings))


def _asgi(given: Given, **settings: Any) -> ASGIGate:
    return ASGIGate(plain_asgi, Settings.load(environ={}, **given.settings, **settings))


def _seen(
    make: Callable[..., Any], ask: Callable[..., Call], plain: Any, *, just_now: bool = False
) -> Callable[[Given], Pair]:
    def pair(given: Given) -> Pair:
        cookie = f"{OTHER_COOKIES}; {given.cookie}"
        if just_now:  # for ten minutes the browser has the cookie by which a loop would be noticed
            cookie += f"; {given.cookie.partition('=')[0]}.rounds=1.1795628214"
        return ask(plain, cookie), ask(make(given), cookie)

    return pair


def _first(
    make: Callable[..., Any],
    ask: Callable[..., Call],
    plain: Any,
    *,
    with_tokens: bool = False,
    groups: int = 0,
) -> Callable[[Given], Pair]:
    def pair(given: Given) -> Pair:
        gate = make(given, keep_id_token=with_tokens, pass_access_token=with_tokens)
        runtime = gate._runtime
        session = session_of(runtime, given.cookie)
        if with_tokens:  # a JWT each, as most providers give
            session = session._replace(id_token=_jwt("i"), access_token=_jwt("a"))
        if groups:
            who = replace(session.identity, groups=tuple(group_names(groups)))
            session = session._replace(identity=who)
        people = (seal(runtime, like(session, number)) for number in range(UNREMEMBERED))
        cookies = [f"{OTHER_COOKIES}; {cookie}" for cookie in people]
        forget = runtime.gate.components.cache.clear
        return ask(plain, _one_after_another(cookies)), ask(gate, _one_after_another(cookies, forget))

    return pair


def _one_after_another(cookies: list[str], afterwards: Call = lambda: None) -> Callable[[], str]:
    """Return what gives one cookie after another, again and again, and does something after all of them."""

    def following() -> Iterator[str]:
        while True:
            yield from cookies
            afterwards()

    return following().__next__


def _jwt(seed: str) -> str:
    """Return a text as long, and as hard to compress, as a JWT of 8 claims under RS256."""
    import hashlib
    from base64 import urlsafe_b64encode

    noise = b"".join(hashlib.sha256(f"{seed}{n}".encode()).digest() for n in range(18))
    return "eyJhbGciOiJSUzI1NiIsImtpZCI6Ii4uLiJ9." + urlsafe_b64encode(noise).decode().rstrip("=")


def _without_session(
    make: Callable[..., Any],
    ask: Callable[..., Call],
    plain: Any,
    path: str,
    *,
    rules: int = 1,
    accept: str = "text/html",
) -> Callable[[Given], Pair]:
    def pair(given: Given) -> Pair:
        others = (f"/other/{number}/*" for number in range(rules - 1))
        gate = make(given, public_paths=(*others, "/public/*"))
        return ask(plain, OTHER_COOKIES, path, accept), ask(gate, OTHER_COOKIES, path, accept)

    return pair


def _nothing() -> None:
    return None


def _itsdangerous(given: Given) -> Pair:
    from itsdangerous import URLSafeTimedSerializer

    serializer = URLSafeTimedSerializer(SECRET)
    # one after another, as our cookies at first sight: the same one again and again would be in the processor's cache
    texts = [
        serializer.dumps({**given.claims, "sub": f"{given.claims['sub']}{n}"}) for n in range(UNREMEMBERED)
    ]
    following = _one_after_another(texts)
    return following, lambda: serializer.loads(following(), max_age=28800)


def _aes_gcm_open(given: Given) -> Pair:
    parts = _wsgi(given)._gate.components
    sealer, (value, _) = parts.sessions._main, parts.cookies.split(given.cookie)
    return _nothing, lambda: sealer.open(value)


def _dict_lookup(given: Given) -> Pair:
    known, longer = {given.cookie: True}, given.cookie + " "
    # every request brings a new string, whose hash nobody knows yet
    return lambda: longer[:-1], lambda: known[longer[:-1]]


OURS: dict[str, Callable[[Given], Pair]] = {
    "seen before, WSGI": _seen(_wsgi, ask_wsgi, plain_wsgi),
    "seen before, ASGI": _seen(_asgi, ask_asgi, plain_asgi),
    "seen before, just signed in, WSGI": _seen(_wsgi, ask_wsgi, plain_wsgi, just_now=True),
    "seen before, just signed in, ASGI": _seen(_asgi, ask_asgi, plain_asgi, just_now=True),
    "first sight, WSGI": _first(_wsgi, ask_wsgi, plain_wsgi),
    "first sight, ASGI": _first(_asgi, ask_asgi, plain_asgi),
    "first sight with two JWTs, WSGI": _first(_wsgi, ask_wsgi, plain_wsgi, with_tokens=True),
    "first sight with two JWTs, ASGI": _first(_asgi, ask_asgi, plain_asgi, with_tokens=True),
    "anonymous, 401, WSGI": _without_session(_wsgi, ask_wsgi, plain_wsgi, "/reports"),
    "anonymous, 401, ASGI": _without_session(_asgi, ask_asgi, plain_asgi, "/reports"),
    "anonymous, 401 to a script, WSGI": _without_session(
        _wsgi, ask_wsgi, plain_wsgi, "/reports", accept="*/*"
    ),
    "anonymous, 401 to a script, ASGI": _without_session(
        _asgi, ask_asgi, plain_asgi, "/reports", accept="*/*"
    ),
    "public path, WSGI": _without_session(_wsgi, ask_wsgi, plain_wsgi, "/public/logo.svg"),
    "public path, ASGI": _without_session(_asgi, ask_asgi, plain_asgi, "/public/logo.svg"),
}
GROWING: dict[str, Callable[[Given], Pair]] = {
    **{
        f"first sight, {n:,} groups": _first(_asgi, ask_asgi, plain_asgi, groups=n)
        for n in (1, 8, 50, 200, 500)
    },
    **{
        f"public path, {n:,} rules": _without_session(
            _asgi, ask_asgi, plain_asgi, "/public/logo.svg", rules=n
        )
        for n in (1, 10, 100, 1_000)
    },
}
"""What grows with the number in its name."""
STARLETTE = "Starlette Session + Authentication"
ITSDANGEROUS = "itsdangerous loads"
PEERS: dict[str, Callable[[Given], Pair]] = {
    STARLETTE: lambda given: frameworks.starlette_sessions(given.claims),
    "starsessions, CookieStore": lambda given: frameworks.starsessions_cookie(given.claims),
    "Flask session": lambda given: frameworks.flask_session(given.claims),
    "Django signed-cookie session + auth": lambda given: frameworks.django_session(given.claims),
    ITSDANGEROUS: _itsdangerous,
    "one AES-GCM open": _aes_gcm_open,
    "one dict look-up": _dict_lookup,
}
