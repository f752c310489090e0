"""The stage: the provider, everybody who answers `auth_request`, Nginx in front, and a load on one at a time."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.browser import sign_in_often
from bench.load import Load, load, write_cookies
from bench.measure import cpu_seconds, say
from bench.peers import apache, nginx, oauth2_proxy, ours, vouch_proxy
from bench.peers.backend import Backend
from bench.provider import provider
from tests.real.ports import free_port

SERVE, SERVE_2, SERVE_4 = "serve", "serve, 2 workers", "serve, 4 workers"
LONG, GRANIAN = "serve, the long way", "serve on granian"
EMPTY, EMPTY_GRANIAN = "uvicorn, empty 202", "granian, empty 202"
PROXY, PROXY_1 = "oauth2-proxy", "oauth2-proxy, GOMAXPROCS=1"
VOUCH, VOUCH_1 = "vouch-proxy", "vouch-proxy, GOMAXPROCS=1"
APACHE_COOKIE, APACHE_CACHE = "mod_auth_openidc, cookie", "mod_auth_openidc, server cache"
SERVE_SQLITE, SERVE_REDIS = "serve, SQLite", "serve, Redis"
PROXY_REDIS, APACHE_REDIS = "oauth2-proxy, Redis, GOMAXPROCS=1", "mod_auth_openidc, Redis"
ITSELF = ", by itself"
OURS = (SERVE, SERVE_2, SERVE_4, LONG, GRANIAN)
STORED = (SERVE, SERVE_SQLITE, SERVE_REDIS, PROXY_1, PROXY_REDIS, APACHE_CACHE, APACHE_REDIS)
"""Those that keep sessions in a store, beside those of them that keep them in cookies or in their own memory."""
EVERYBODY = (*OURS, EMPTY, EMPTY_GRANIAN, PROXY_1, PROXY, VOUCH_1, VOUCH, APACHE_COOKIE, APACHE_CACHE)

GO_PROGRAMS = {"oauth2-proxy": oauth2_proxy.binary, "vouch-proxy": vouch_proxy.binary}
FORGIVEN = 0.01  # of the requests, where connections are many

Starter = Callable[[str, int, Path], AbstractContextManager[Backend]]


@dataclass(frozen=True)
class Turn:
    """What one load of one contestant showed.

    Args:
        cpu: Seconds that the contestant's processes used for 10,000 requests.
        all_cpu: The same with Nginx.
    """

    load: Load
    cpu: float
    all_cpu: float


@dataclass
class Stage:
    """Nginx, those behind it, the cookies that they gave, and what was measured.

    Args:
        left_out: What could not be measured, and why.
    """

    issuer: str
    front: nginx.Front
    backends: dict[str, Backend]
    cookies: dict[str, Path]
    directory: Path
    turns: dict[tuple[str, str], list[Turn]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def play(self, name: str, case: str, cookies: Path, connections: int, seconds: float) -> None:
        """Load one contestant once, and remember it under `case`.

        Raises:
            RuntimeError: It did not let everybody in.
        """
        by_itself = name.endswith(ITSELF)
        backend = self.backends.get(name.removesuffix(ITSELF), Backend(name, 0, "", 0))
        url = f"http://127.0.0.1:{backend.port}{backend.itself}" if by_itself else self.front.urls[name]
        _see_the_page(url, cookies)
        before, front_before = cpu_seconds(backend.leader), cpu_seconds(self.front.leader)
        done = load(url, cookies, connections=connections, seconds=seconds)
        own, front = cpu_seconds(backend.leader) - before, cpu_seconds(self.front.leader) - front_before
        _see_the_page(url, cookies)
        if done.failed > FORGIVEN * done.requests or not done.requests:
            raise RuntimeError(f"{name}: {done.failed} of {done.requests} requests failed")
        each = 1e4 / done.requests
        self.turns.setdefault((case, name), []).append(Turn(done, own * each, (own + front) * each))

    def play_all(
        self, names: Sequence[str], case: str, *, runs: int, seconds: float, connections: int = 16,
        cookies: dict[str, Path] | None = None,
    ) -> None:  # fmt: skip
        """Let `names` take turns, after a second of warming up each."""
        names = [
            name for name in names if name.removesuffix(ITSELF) in self.backends or name in self.front.urls
        ]
        say(f"{case}: {', '.join(names)}")
        lost: set[str] = set()
        for turn in range(-1, runs):
            for name in names:
                if name in lost:
                    continue
                jar = {**self.cookies, **(cookies or {})}
                given = jar.get(name.removesuffix(ITSELF), jar[SERVE])
                try:
                    self.play(
                        name, case if turn >= 0 else "", given, connections, seconds if turn >= 0 else 1
                    )
                except (RuntimeError, OSError) as error:
                    lost.add(name)
                    self.turns.pop((case, name), None)
                    self.left_out.append(f"{case}: {error}")

    def played(self, case: str) -> list[str]:
        """Return who was measured."""
        return [name for each, name in self.turns if each == case]

    def values(self, case: str, name: str, of: Callable[[Turn], float]) -> list[float]:
        """Return one figure of every turn."""
        return [of(turn) for turn in self.turns.get((case, name), [])]


@contextmanager
def stage(
    directory: Path, *, names: Sequence[str] = EVERYBODY, groups: int = 8, redis: str = "", **settings: Any
) -> Iterator[Stage]:
    """Start everybody in `names` who can be had, and sign in at each.

    Args:
        groups: Of the person who signs in.
        redis: Its host and port, for those in `names` that keep their sessions there.
        settings: Further ones of our gates.
    """
    directory.mkdir(exist_ok=True)
    names, left_out = _available(names)
    ports = {name: free_port() for name in names}
    registered = (ours.redirect_uri, apache.redirect_uri, vouch_proxy.redirect_uri)
    uris = [uri(port) for port in ports.values() for uri in registered]
    with ExitStack() as stack:
        op = stack.enter_context(provider(uris, directory=directory, groups=groups))
        backends = {}
        for name, port in ports.items():
            backends[name] = stack.enter_context(_starter(name, redis, settings)(op.issuer, port, directory))
        front = stack.enter_context(nginx.nginx(list(backends.values()), directory))
        cookies = {}
        for name, backend in backends.items():
            if backend.sign_in_url:
                cookies[name] = write_cookies(
                    directory, ours.slug(name), sign_in_often(backend.sign_in_url, 1)
                )
        yield Stage(op.issuer, front, backends, cookies, directory, left_out=left_out)


def _available(names: Sequence[str]) -> tuple[list[str], list[str]]:
    lacking = {"mod_auth_openidc": apache.missing()}
    for peer, binary in GO_PROGRAMS.items():
        program, told = binary()
        lacking[peer] = "" if program else told
    left_out = [f"{peer}: {why}" for peer, why in lacking.items() if why]
    here = [name for name in names if not lacking.get(name.partition(",")[0])]
    return here, left_out


def _starter(name: str, redis: str, settings: dict[str, Any]) -> Starter:
    def gate(*options: str, module: str = "oidc_gate.cli", **own: Any) -> Starter:
        return lambda issuer, port, room: ours.serve(
            name, issuer, port, room, *options, module=module, **settings | own
        )

    def on_sqlite(issuer: str, port: int, room: Path) -> AbstractContextManager[Backend]:
        return gate(session_store=f"sqlite://{room}/sessions-{port}.db")(issuer, port, room)

    starters: dict[str, Starter] = {
        SERVE: gate(),
        SERVE_2: gate("--workers", "2"),
        SERVE_4: gate("--workers", "4"),
        LONG: gate(module="bench.peers.long_way"),
        GRANIAN: gate("--server", "granian"),
        EMPTY: lambda _, port, room: ours.empty(name, "uvicorn", port, room),
        EMPTY_GRANIAN: lambda _, port, room: ours.empty(name, "granian", port, room),
        PROXY_1: partial(oauth2_proxy.oauth2_proxy, name, threads=1),
        PROXY: partial(oauth2_proxy.oauth2_proxy, name),
        VOUCH_1: partial(vouch_proxy.vouch_proxy, name, threads=1),
        VOUCH: partial(vouch_proxy.vouch_proxy, name),
        SERVE_SQLITE: on_sqlite,
        SERVE_REDIS: gate(session_store=f"redis://{redis}"),
        PROXY_REDIS: partial(oauth2_proxy.oauth2_proxy, name, threads=1, redis=redis),
        APACHE_REDIS: partial(apache.apache, name, session_type="server-cache", redis=redis),
        APACHE_COOKIE: partial(apache.apache, name, session_type="client-cookie"),
        APACHE_CACHE: partial(apache.apache, name, session_type="server-cache"),
    }
    return starters[name]


def _see_the_page(url: str, cookies: Path) -> None:
    """Check that the first and the last of `cookies` show the page: a redirect is quick too, but proves nothing."""
    parts = urlsplit(url)
    lines = cookies.read_text().splitlines()
    for cookie in (lines[0], lines[-1]):
        connection = http.client.HTTPConnection(parts.netloc, timeout=10)
        connection.request("GET", parts.path, headers={"Cookie": cookie})
        response = connection.getresponse()
        body = response.read()
        connection.close()
        if response.status != 200 or body.strip() != b"hello":
            raise RuntimeError(f"{url}: {response.status} {body[:100]!r} where the page should be")
