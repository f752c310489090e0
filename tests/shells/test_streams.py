"""WebSockets and event streams do not outlive their session; anything else runs on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import to_thread

from oidc_gate.runtime import streams
from oidc_gate.runtime.driver import run as run_step
from tests.shells import driving
from tests.shells.driving import Upload
from tests.shells.site import HOST, Shell, Site, Visitor
from tests.shells.stores import put_stamp, sqlite_url

EVENTS = "text/event-stream"
KINDS = ["asyncio", "trio"]
IDLE, LIFETIME = 3600, 28_800
WAIT = 60


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "CHECK_SECONDS", 0.01)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def signed_out(site: Site, visitor: Visitor) -> None:
    assert visitor.ask("sign_out", {"Sec-Fetch-Site": "same-origin"}, "POST").status == 303


def at_the_absolute_end(site: Site, visitor: Visitor) -> None:
    for _ in range(LIFETIME // 1800 - 1):  # kept from being idle
        site.now += 1800
        assert visitor.get("/").status == 200
    site.now += 1800


def idle(site: Site, visitor: Visitor) -> None:
    site.now += IDLE


def revoked_by_the_provider(site: Site, visitor: Visitor) -> None:
    until = int(site.now) + LIFETIME
    site.world.expiring_keys.add_once("revoked\0sub\0alice", until, int(site.now))
    site.gate._gate.components.cache.clear()


ENDS = [signed_out, at_the_absolute_end, idle, revoked_by_the_provider]


def another_signed_out(site: Site, visitor: Visitor) -> None:
    signed_out(site, site.person("bob"))


def another_revoked(site: Site, visitor: Visitor) -> None:
    revoked_by_the_provider(site, visitor)


class Application:
    """An application that streams until it is told to stop, and remembers what it was told."""

    def __init__(self, *, content_type: str = EVENTS, waits_in: str = "receive") -> None:
        self.content_type, self.waits_in = content_type, waits_in
        self.received: list[Any] = []
        self.refused: list[BaseException] = []
        self.is_done = False
        self.raises: BaseException | None = None
        self.stops = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        is_websocket = scope["type"] == "websocket"
        piece = {"type": "http.response.body", "body": b"data: x\n\n", "more_body": True}
        if is_websocket:
            await receive()
            await send({"type": "websocket.accept"})
            piece = {"type": "websocket.send", "text": "x"}
        elif scope["path"].endswith("/stream"):
            headers = [(b"content-type", self.content_type.encode())]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await receive()
        else:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await send(piece)
        if self.waits_in == "receive":
            self.received.append(await receive())
            self.received.append(await receive())
            await self._try(send, piece)
        elif self.waits_in == "elsewhere":
            with anyio.move_on_after(60):
                while not self.stops:
                    await anyio.sleep(0.005)
            await self._try(send, piece)
        elif self.waits_in == "send":
            while not self.refused and not self.stops:
                await self._try(send, piece)
                await anyio.sleep(0.005)
            if not self.refused:
                last = {**piece, "more_body": False} if not is_websocket else {"type": "websocket.close"}
                await send(last)
        self.is_done = True
        if self.raises is not None:
            raise self.raises

    async def _try(self, send: Any, piece: Any) -> None:
        try:
            await send(piece)
        except OSError as error:
            self.refused.append(error)


class Client:
    """A client at the other side of the server, which is silent."""

    def __init__(self, is_websocket: bool) -> None:
        first = "websocket.connect" if is_websocket else "http.request"
        self._first = [{"type": first, "body": b"", "more_body": False}]
        self.sent: list[Any] = []
        self.leaves = anyio.Event()

    async def receive(self) -> Any:
        if self._first:
            return self._first.pop()
        await self.leaves.wait()
        return {"type": "client left"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        await anyio.sleep(0)

    @property
    def pieces(self) -> int:
        return sum(bool(message.get("body") or message.get("text")) for message in self.sent)

    @property
    def is_ended(self) -> bool:
        last = self.sent[-1]
        return last["type"] == "websocket.close" or last.get("more_body") is False


async def until(holds: Callable[[], object]) -> None:
    with anyio.fail_after(WAIT):
        while not holds():
            await anyio.sleep(0.005)


def make_site(kind: str, app: Any, **settings: Any) -> Site:
    return Site(Shell(kind, "", "/oauth2"), app, public_paths=("/open/*",), **settings)


def scope_for(visitor: Visitor, is_websocket: bool, path: str = "/stream", accept: str = EVENTS) -> Any:
    pairs = [("Host", HOST), ("Accept", accept)]
    if visitor.cookies:
        pairs.append(("Cookie", "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())))
    return driving.scope_of("GET", path, pairs, "", kind="websocket" if is_websocket else "http")


def open_count(site: Site) -> int:
    return sum(map(len, site.gate._runtime._streams.values()))


@pytest.mark.parametrize("is_websocket", [True, False], ids=["websocket", "events"])
class TestOnALoop:
    @pytest.mark.parametrize("waits_in", ["receive", "elsewhere", "send"])
    @pytest.mark.parametrize("end", ENDS)
    def test_a_stream_ends_with_its_session(
        self, kind: str, is_websocket: bool, end: Callable[[Site, Visitor], None], waits_in: str
    ) -> None:
        app = Application(waits_in=waits_in)
        site = make_site(kind, app)
        visitor = site.person()

        async def scenario() -> None:
            client = Client(is_websocket)
            assert await to_thread.run_sync(lambda: visitor.get("/").status) == 200
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(site.gate, scope_for(visitor, is_websocket), client.receive, client.send)
                await until(lambda: client.pieces)
                assert open_count(site) == 1
                await to_thread.run_sync(end, site, visitor)
                await until(lambda: client.is_ended)
                pieces = client.pieces
                app.stops = waits_in == "elsewhere"
                await until(lambda: app.is_done)
                assert client.pieces == pieces, "nothing is sent after the end"
            assert app.refused, "the application learns of it"
            if is_websocket:
                assert client.sent[-1]["code"] == 1008
            else:
                assert client.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
            if waits_in == "receive":
                expected = "websocket.disconnect" if is_websocket else "http.disconnect"
                assert [message["type"] for message in app.received] == [expected] * 2
                assert {message.get("code") for message in app.received} == {1008 if is_websocket else None}

        driving.run(kind, scenario)
        assert open_count(site) == 0

    def goes_on(
        self, site: Site, app: Application, scope: Any, act: Callable[[Site, Visitor], None], visitor: Visitor
    ) -> None:
        async def scenario() -> None:
            client = Client(scope["type"] == "websocket")
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(site.gate, scope, client.receive, client.send)
                await until(lambda: client.pieces)
                await to_thread.run_sync(act, site, visitor)
                pieces = client.pieces
                await until(lambda: client.pieces > pieces + 20)
                assert not client.is_ended
                app.stops = True
            assert app.refused == []

        driving.run(site.shell.kind, scenario)
        assert open_count(site) == 0

    @pytest.mark.parametrize("end", ENDS)
    def test_without_the_setting_it_goes_on(
        self, kind: str, is_websocket: bool, end: Callable[[Site, Visitor], None]
    ) -> None:
        app = Application(waits_in="send")
        site = make_site(kind, app, end_streams=False)
        visitor = site.person()
        self.goes_on(site, app, scope_for(visitor, is_websocket), end, visitor)

    def test_the_end_of_another_session_changes_nothing(self, kind: str, is_websocket: bool) -> None:
        for act in (another_signed_out, another_revoked):
            app = Application(waits_in="send")
            site = make_site(kind, app)
            self.goes_on(site, app, scope_for(site.person("carol"), is_websocket), act, site.person())

    def test_on_a_public_path_a_stream_without_an_identity_goes_on(
        self, kind: str, is_websocket: bool
    ) -> None:
        app = Application(waits_in="send")
        site = make_site(kind, app)
        scope = scope_for(site.visitor(), is_websocket, "/open/stream")
        self.goes_on(site, app, scope, signed_out, site.person())

    def test_on_a_public_path_a_refused_users_stream_goes_on(self, kind: str, is_websocket: bool) -> None:
        app = Application(waits_in="send")
        site = make_site(kind, app, allowed_groups=("staff",))
        visitor = site.person()
        self.goes_on(site, app, scope_for(visitor, is_websocket, "/open/stream"), idle, visitor)

    def test_a_renewal_elsewhere_moves_the_idle_end(self, kind: str, is_websocket: bool) -> None:
        app = Application(waits_in="send")
        site = make_site(kind, app)
        visitor = site.person()

        def renewed(site: Site, visitor: Visitor) -> None:
            scope_cookie = dict(visitor.cookies)
            site.now += IDLE / 2
            assert visitor.get("/").status == 200
            assert visitor.cookies != scope_cookie
            site.now += IDLE / 2 + 1

        self.goes_on(site, app, scope_for(visitor, is_websocket), renewed, visitor)

    def test_a_renewal_that_another_process_made_counts_once_its_cookie_comes(
        self, kind: str, is_websocket: bool
    ) -> None:
        app = Application(waits_in="send")
        site = make_site(kind, app)
        visitor = site.person()
        first = scope_for(visitor, is_websocket)

        def renewed(site: Site, visitor: Visitor) -> None:
            other = make_site(kind, app)  # the same settings, and another memory
            other.now = site.now = site.now + IDLE / 2
            shared = other.visitor()
            shared.cookies = visitor.cookies
            assert shared.get("/").status == 200
            assert visitor.get("/").status == 200
            site.now += IDLE / 2 + 1

        self.goes_on(site, app, first, renewed, visitor)

    def test_what_the_application_raises_is_raised(self, kind: str, is_websocket: bool) -> None:
        app = Application(waits_in="nothing")
        app.raises = LookupError("its own")
        site = make_site(kind, app)
        client = Client(is_websocket)

        async def scenario() -> None:
            scope = scope_for(site.person(), is_websocket)
            with pytest.raises(LookupError, match="its own"):
                await site.gate(scope, client.receive, client.send)

        driving.run(kind, scenario)
        assert open_count(site) == 0

    @pytest.mark.parametrize("makes", ["raised", "caused", "grouped"])
    def test_what_follows_from_the_end_is_no_error(self, kind: str, is_websocket: bool, makes: str) -> None:
        class Raising(Application):
            async def _try(self, send: Any, piece: Any) -> None:
                try:
                    await send(piece)
                except OSError as error:
                    if makes == "raised":
                        raise
                    if makes == "grouped":
                        raise ExceptionGroup("a task failed", [error]) from None
                    raise LookupError("the client has left") from error

        site = make_site(kind, Raising())
        visitor = site.person()

        async def scenario() -> None:
            client = Client(is_websocket)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(site.gate, scope_for(visitor, is_websocket), client.receive, client.send)
                await until(lambda: client.pieces)
                await to_thread.run_sync(signed_out, site, visitor)

        driving.run(kind, scenario)
        assert open_count(site) == 0

    def test_an_error_of_its_own_after_the_end_is_one(self, kind: str, is_websocket: bool) -> None:
        app = Application()
        app.raises = LookupError("its own")
        site = make_site(kind, app)
        visitor = site.person()

        async def scenario() -> None:
            client = Client(is_websocket)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(tick, site)
                with pytest.raises(LookupError, match="its own"):
                    await site.gate(scope_for(visitor, is_websocket), client.receive, client.send)

        async def tick(site: Site) -> None:
            await until(lambda: open_count(site))
            site.now += IDLE

        driving.run(kind, scenario)

    def test_a_cancelled_request_leaves_nothing(self, kind: str, is_websocket: bool) -> None:
        site = make_site(kind, Application())
        visitor = site.person()

        async def scenario() -> None:
            client = Client(is_websocket)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(site.gate, scope_for(visitor, is_websocket), client.receive, client.send)
                await until(lambda: client.pieces)
                tasks.cancel_scope.cancel()

        driving.run(kind, scenario)
        assert open_count(site) == 0

    def test_a_client_that_leaves_is_seen_by_the_application(self, kind: str, is_websocket: bool) -> None:
        app = Application()
        site = make_site(kind, app)
        client = Client(is_websocket)

        async def scenario() -> None:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(
                    site.gate, scope_for(site.person(), is_websocket), client.receive, client.send
                )
                await until(lambda: client.pieces)
                client.leaves.set()

        driving.run(kind, scenario)
        assert app.received == [{"type": "client left"}] * 2
        assert open_count(site) == 0

    def test_the_servers_errors_reach_the_application(self, kind: str, is_websocket: bool) -> None:
        app = Application(waits_in="send")
        site = make_site(kind, app)
        client = Client(is_websocket)

        async def send(message: Any) -> None:
            if client.pieces:
                raise ConnectionResetError("of the server")
            await client.send(message)

        driving.run(kind, site.gate, scope_for(site.person(), is_websocket), client.receive, send)
        assert [str(error) for error in app.refused] == ["of the server"]


@pytest.mark.parametrize(
    ("content_type", "accept"),
    [
        ("application/octet-stream", "*/*"),
        ("application/octet-stream", EVENTS),
        ("application/json", f"application/json, {EVENTS}"),
        (EVENTS, "*/*"),
    ],
)
def test_another_body_runs_on(kind: str, content_type: str, accept: str) -> None:
    """A clean end would make a cut download look whole."""
    app = Application(waits_in="send", content_type=content_type)
    site = make_site(kind, app)
    visitor = site.person()
    TestOnALoop().goes_on(site, app, scope_for(visitor, False, accept=accept), signed_out, visitor)


def test_only_a_request_that_accepts_events_is_wrapped(kind: str) -> None:
    sends: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        sends.append(send)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    site = make_site(kind, app)
    visitor = site.person()

    async def scenario() -> None:
        for accept, is_wrapped in (("*/*", False), (EVENTS, True), (f"application/json, {EVENTS}", True)):
            for _ in range(2):  # the second time by the cache
                client = Client(False)
                await site.gate(scope_for(visitor, False, accept=accept), client.receive, client.send)
                assert (sends.pop() != client.send) == is_wrapped
                assert len(client.sent) == 2

    driving.run(kind, scenario)


def test_a_websocket_that_was_denied_or_closed_is_not_closed_again(kind: str) -> None:
    async def closes(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.close", "code": 4000})
        await receive()

    site = make_site(kind, closes)
    visitor = site.person()

    async def scenario() -> None:
        client = Client(True)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(site.gate, scope_for(visitor, True), client.receive, client.send)
            await until(lambda: client.sent)
            await to_thread.run_sync(signed_out, site, visitor)
        assert client.sent == [{"type": "websocket.close", "code": 4000}]

    driving.run(kind, scenario)


def test_a_websocket_that_was_not_accepted_yet_is_refused(kind: str) -> None:
    async def waits(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "websocket.connect"
        assert (await receive())["type"] == "websocket.disconnect"

    site = make_site(kind, waits)
    visitor = site.person()

    async def scenario() -> None:
        client = Client(True)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(site.gate, scope_for(visitor, True), client.receive, client.send)
            await until(lambda: open_count(site))
            await to_thread.run_sync(signed_out, site, visitor)
        assert [(message["type"], message["code"]) for message in client.sent] == [("websocket.close", 1008)]

    driving.run(kind, scenario)


@pytest.mark.parametrize("kept", ["session_store", "revocation_store"])
@pytest.mark.parametrize("how", ["signed out", "by the provider"])
@pytest.mark.parametrize("is_websocket", [True, False])
def test_a_stream_ends_when_its_session_ends_in_another_process(
    kind: str, kept: str, how: str, is_websocket: bool, tmp_path: Path
) -> None:
    """The other process shares a store in a file; nothing is requested here in the meantime."""
    put_stamp(tmp_path / "sessions.db")
    settings: dict[str, Any] = {kept: sqlite_url(tmp_path)}
    app = Application()
    site, other = make_site(kind, app, **settings), make_site(kind, app, **settings)
    visitor, another = site.person(), site.person("bob")
    elsewhere = other.visitor()
    elsewhere.cookies = visitor.cookies

    def end() -> None:
        if how == "signed out":
            assert elsewhere.ask("sign_out", {"Sec-Fetch-Site": "same-origin"}, "POST").status == 303
            return
        step = other.gate._gate.components.sessions.end_at_provider(subject="alice", sid="")
        run_step(step, other.world, lambda limit: b"")

    async def scenario() -> None:
        client, goes_on = Client(is_websocket), Client(is_websocket)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(site.gate, scope_for(visitor, is_websocket), client.receive, client.send)
            tasks.start_soon(site.gate, scope_for(another, is_websocket), goes_on.receive, goes_on.send)
            await until(lambda: client.pieces and goes_on.pieces)
            await to_thread.run_sync(end)
            await until(lambda: client.is_ended)
            assert not goes_on.is_ended
            goes_on.leaves.set()

    driving.run(kind, scenario)
    assert open_count(site) == 0


class Pieces:
    """A WSGI application whose response has no end."""

    def __init__(self, content_type: str = EVENTS, *, starts: str = "at once") -> None:
        self.content_type, self.starts = content_type, starts
        self.closed, self.asked = 0, 0
        self.before_piece: Callable[[], None] = lambda: None

    def __call__(self, environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/":
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [b"home"]
        if self.starts == "at once":
            start_response("200 OK", [("Content-Type", self.content_type)])
        self._start_response = start_response
        return self

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self.asked += 1
        if self.asked == 1 and self.starts != "at once":
            self._start_response("200 OK", [("Content-Type", self.content_type)])
        self.before_piece()
        return b"data: x\n\n"

    def close(self) -> None:
        self.closed += 1


def open_wsgi(site: Site, visitor: Visitor, accept: str = EVENTS, path: str = "/stream") -> Any:
    pairs = [("Host", HOST), ("Accept", accept)]
    if visitor.cookies:
        pairs.append(("Cookie", "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())))
    environ = driving.environ_of("GET", path, pairs, Upload(), "")
    return site.gate(environ, lambda status, headers, exc_info=None: lambda piece: None)


@pytest.mark.parametrize("starts", ["at once", "by its first piece"])
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("when", ["between pieces", "while a piece is awaited"])
def test_over_wsgi_an_event_stream_ends_at_its_next_piece(
    end: Callable[[Site, Visitor], None], when: str, starts: str
) -> None:
    app = Pieces(starts=starts)
    site = make_site("wsgi", app)
    visitor = site.person()
    assert visitor.get("/").status == 200
    body = open_wsgi(site, visitor)
    assert [next(body) for _ in range(3)] == [b"data: x\n\n"] * 3
    if when == "between pieces":
        end(site, visitor)
    else:
        app.before_piece = lambda: end(site, visitor)
    asked = app.asked
    assert list(body) == []
    assert app.asked <= asked + 1
    body.close()
    assert app.closed == 1
    assert open_count(site) == 0


@pytest.mark.parametrize(
    ("content_type", "accept"),
    [("application/octet-stream", "*/*"), ("application/octet-stream", EVENTS), (EVENTS, "*/*")],
)
def test_over_wsgi_another_body_is_the_applications_own(content_type: str, accept: str) -> None:
    app = Pieces(content_type)
    site = make_site("wsgi", app)
    visitor = site.person()
    for _ in range(2):
        assert open_wsgi(site, visitor, accept) is app


def test_over_wsgi_another_body_that_starts_late_runs_on() -> None:
    app = Pieces("application/octet-stream", starts="by its first piece")
    site = make_site("wsgi", app)
    visitor = site.person()
    body = open_wsgi(site, visitor)
    next(body)
    signed_out(site, visitor)
    assert [next(body) for _ in range(20)] == [b"data: x\n\n"] * 20


@pytest.mark.parametrize("path", ["/open/stream", "/stream"])
def test_over_wsgi_a_stream_without_a_session_or_without_the_setting_goes_on(path: str) -> None:
    app = Pieces()
    site = make_site("wsgi", app, end_streams=path == "/open/stream")
    visitor = site.person()
    body = open_wsgi(site, site.visitor() if site.settings.end_streams else visitor, path=path)
    assert next(iter(body))
    signed_out(site, visitor)
    site.now += LIFETIME
    assert [next(iter(body)) for _ in range(20)] == [b"data: x\n\n"] * 20


def test_over_wsgi_a_stream_that_is_left_leaves_nothing() -> None:
    app = Pieces()
    site = make_site("wsgi", app)
    body = open_wsgi(site, site.person())
    next(body)
    assert open_count(site) == 1
    body.close()
    assert open_count(site) == 0
    assert app.closed == 1


def test_over_wsgi_the_renewed_session_comes_with_the_stream() -> None:
    app = Pieces()
    site = make_site("wsgi", app)
    visitor = site.person()
    site.now += IDLE / 2
    started: list[Any] = []
    pairs = [("Host", HOST), ("Accept", EVENTS)]
    pairs.append(("Cookie", "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())))
    environ = driving.environ_of("GET", "/stream", pairs, Upload(), "")
    body = site.gate(environ, lambda *given: started.append(given))
    assert "Set-Cookie" in dict(started[0][1])
    site.now += IDLE / 2 + 1
    assert next(body)
    body.close()


def test_over_wsgi_what_is_written_ends_too() -> None:
    written: list[bytes] = []

    def app(environ: Any, start_response: Any) -> Any:
        write = start_response("200 OK", [("Content-Type", EVENTS)])
        write(b"data: 1\n\n")
        site.now += IDLE
        with pytest.raises(BrokenPipeError):
            write(b"data: 2\n\n")
        return []

    site = make_site("wsgi", app)
    pairs = [("Host", HOST), ("Accept", EVENTS)]
    visitor = site.person()
    pairs.append(("Cookie", "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())))
    environ = driving.environ_of("GET", "/stream", pairs, Upload(), "")
    site.gate(environ, lambda *given: written.append).close()
    assert written == [b"data: 1\n\n"]
