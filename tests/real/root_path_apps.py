"""One view below /public and one for everything else, in several frameworks, behind the gate in each way there is.

A request names its application in the header `X-App`, so that one server serves them all.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from oidc_gate import wsgi as gate_wsgi
from oidc_gate.asgi import AuthBackend, OIDCGate
from tests.real.header_echo import STRIPS

if TYPE_CHECKING:
    from oidc_gate.shells.asgi_messages import Message, Receive, Scope, Send

SETTINGS: dict[str, Any] = {
    "issuer": STRIPS.issuer,
    "client_id": STRIPS.client_id,
    "client_secret": STRIPS.client_secret,
    "cookie_secret": STRIPS.cookie_secret,
    "public_paths": ("/public/*",),
}
OPEN, SECRET = "the public view", "the secret view"


def wrapped(app: Any) -> Any:
    return OIDCGate(app, **SETTINGS)


def starlette(*middleware: Any) -> Any:
    starlette, routing = import_module("starlette.applications"), import_module("starlette.routing")
    answer = import_module("starlette.responses").PlainTextResponse
    routes = [
        routing.Route("/public/{rest:path}", lambda request: answer(OPEN)),
        routing.Route("/{rest:path}", lambda request: answer(SECRET)),
    ]
    app = starlette.Starlette(routes=routes)
    for one in middleware:
        app.add_middleware(one, **SETTINGS)
    return app


def fastapi(**keywords: Any) -> Any:
    module = import_module("fastapi")
    users = module.APIRouter(prefix="/public")
    app = module.FastAPI(openapi_url=None, **keywords)
    users.add_api_route("/", lambda: SECRET)
    users.add_api_route("/{rest:path}", lambda rest: OPEN)
    app.include_router(users)
    app.add_api_route("/{rest:path}", lambda rest: SECRET)
    app.add_middleware(OIDCGate, **SETTINGS)
    return app


def litestar(*middleware: Any) -> Any:
    module = import_module("litestar")

    async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": SECRET.encode()})

    handlers = [
        module.get("/public/{rest:path}", name="open", sync_to_thread=False)(_returning(OPEN, rest=str)),
        module.get(["/", "/{rest:path}"], name="rest", sync_to_thread=False)(_returning(SECRET)),
        module.handlers.asgi("/mounted", is_mount=True, copy_scope=True)(mounted),
    ]
    return module.Litestar(handlers, middleware=list(middleware), openapi_config=None)


def _returning(text: str, **parameters: Any) -> Callable[..., str]:
    def view() -> str:
        return text

    view.__annotations__ = {"return": str}
    return view


def quart() -> Any:
    app = import_module("quart").Quart("quart_app")

    async def opened(rest: str = "") -> str:
        return OPEN

    async def secret(rest: str = "") -> str:
        return SECRET

    app.add_url_rule("/public/<path:rest>", "open", opened)
    app.add_url_rule("/<path:rest>", "secret", secret)
    app.add_url_rule("/", "top", secret)
    return app


def quart_inside() -> Any:
    app = quart()
    app.asgi_app = wrapped(app.asgi_app)
    return app


def falcon() -> Any:
    class View:
        def __init__(self, text: str) -> None:
            self.text = text

        async def on_get(self, request: Any, response: Any, **parameters: str) -> None:
            response.text = self.text

    app = import_module("falcon.asgi").App()
    app.add_route("/public/{a:path}", View(OPEN))
    app.add_sink(View(SECRET).on_get, "/")
    return app


def blacksheep() -> Any:
    module = import_module("blacksheep")
    app = module.Application(router=module.Router())
    app.router.add_get("/public/{path:rest}", lambda: module.text(OPEN))
    app.router.add_get("*", lambda: module.text(SECRET))
    return app


def sanic() -> Any:
    module = import_module("sanic")
    app = module.Sanic("of_the_test")

    async def opened(request: Any, rest: str = "") -> Any:
        return module.text(OPEN)

    async def secret(request: Any, rest: str = "") -> Any:
        return module.text(SECRET)

    app.add_route(opened, "/public/<rest:path>")
    app.add_route(secret, "/<rest:path>")
    return app


APPS: dict[str, tuple[str, Callable[[], Any]]] = {
    "starlette wrapped": ("starlette", lambda: wrapped(starlette())),
    "starlette add_middleware": ("starlette", lambda: starlette(OIDCGate)),
    "fastapi add_middleware": ("fastapi", fastapi),
    "fastapi root_path": ("fastapi", lambda: fastapi(root_path="/base")),
    "litestar wrapped": ("litestar", lambda: wrapped(litestar())),
    "litestar middleware": ("litestar", lambda: litestar(wrapped)),
    "quart wrapped": ("quart", lambda: wrapped(quart())),
    "quart asgi_app": ("quart", quart_inside),
    "falcon wrapped": ("falcon", lambda: wrapped(falcon())),
    "blacksheep wrapped": ("blacksheep", lambda: wrapped(blacksheep())),
    "sanic wrapped": ("sanic", lambda: wrapped(sanic())),
    "blacksheep behind nginx": ("blacksheep", blacksheep),
}
INSTALLED = [name for name, (package, _) in APPS.items() if find_spec(package) is not None]
"""The names of the applications whose framework is here."""


@asynccontextmanager
async def _running(app: Any) -> AsyncIterator[None]:
    """Run the lifespan of one application; some build their routes in it."""
    asked: asyncio.Queue[Message] = asyncio.Queue()
    said: asyncio.Queue[Message] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    task = asyncio.create_task(app(scope, asked.get, said.put))
    await asked.put({"type": "lifespan.startup"})
    message = await said.get()
    assert message["type"] == "lifespan.startup.complete", message
    yield
    await asked.put({"type": "lifespan.shutdown"})
    await said.get()
    await task


class Dispatcher:
    def __init__(self) -> None:
        self.apps: dict[bytes, Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            name = dict(scope["headers"]).get(b"x-app", next(iter(self.apps)))
            await self.apps[name](scope, receive, send)
            return
        async with AsyncExitStack() as stack:
            await receive()
            for name in os.environ["APPS"].split(","):
                app = self.apps[name.encode()] = APPS[name][1]()
                await stack.enter_async_context(_running(app))
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


asgi = Dispatcher()


def _view(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [(OPEN if environ["PATH_INFO"].startswith("/public/") else SECRET).encode()]


wsgi = gate_wsgi.OIDCGate(_view, **SETTINGS)


def backend() -> Any:
    """Return what Nginx asks; it is told where, too."""
    return AuthBackend(
        **SETTINGS,
        public_url="https://app.example",
        trusted_proxies=["127.0.0.1"],
        original_uri_header="X-Original-URI",
        original_method_header="X-Original-Method",
    )
