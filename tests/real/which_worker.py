"""Gated applications, `:wsgi` and `:asgi`, whose answers name the worker; those of the gate too."""

from __future__ import annotations

import os
from collections.abc import Iterable, MutableMapping
from typing import TYPE_CHECKING, Any

from tests.real import wrapped
from tests.real.stores.visits import HEADER

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from oidc_gate.shells.asgi_messages import Receive, Scope, Send


def wsgi(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
        return start_response(status, [*headers, (HEADER, str(os.getpid()))], *exc_info)

    return wrapped.wsgi(environ, start)


async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
    async def named(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (HEADER.lower().encode(), b"%d" % os.getpid())]
        await send(message)

    await wrapped.asgi(scope, receive, named)
