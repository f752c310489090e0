"""A fresh worker whose first requests come all at once; run as a program by `test_first_requests`.

It imports nothing of the tests: what the gate has not imported by itself is not there. Standard input holds JSON:
the shell (``wsgi`` or ``asgi``), the settings, and the requests as pairs of target and ``Cookie``; an answer for
each, its status and ``Location``, or what was raised, goes to standard output. Of ``watched`` it is the modules that
one request imported outside of `oidc_gate.runtime.libraries`.
"""

from __future__ import annotations

import io
import json
import os
import sys
import threading
import time
import traceback
from typing import Any

from oidc_gate import OIDCGate, Settings
from oidc_gate.runtime import libraries

Answer = tuple[int, str]
HEADERS = {
    "Host": "app.example",
    "Accept": "text/html",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Site": "none",
}


def ask_wsgi(settings: Settings, requests: list[list[str]]) -> list[Answer]:
    """Send every request in a thread of its own, all at the same moment."""
    gate = OIDCGate(_wsgi_application, settings)
    barrier = threading.Barrier(len(requests))
    answers: list[Answer] = [(0, "")] * len(requests)

    def ask(number: int, target: str, cookie: str) -> None:
        barrier.wait()
        answers[number] = _ask(gate, target, cookie)

    threads = [threading.Thread(target=ask, args=(number, *one)) for number, one in enumerate(requests)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def _ask(gate: Any, target: str, cookie: str) -> Answer:
    started: list[Any] = []
    method, _, target = target.rpartition(" ")
    path, _, query = target.partition("?")
    body = b"logout_token=a.b.c" if method == "POST" else b""
    environ = {
        "REQUEST_METHOD": method or "GET",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "REMOTE_ADDR": "192.0.2.7",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(body),
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in HEADERS.items()},
        "HTTP_COOKIE": cookie,
    }
    while True:
        try:
            b"".join(gate(environ, lambda status, headers, exc_info=None: started.append((status, headers))))
        except Exception:
            return 500, traceback.format_exc()
        status, headers = started[-1][0], dict(started[-1][1])
        if not status.startswith("503") or "Refresh" not in headers:
            return int(status[:3]), headers.get("Location", "")
        time.sleep(0.5)  # the page that waits for a place, and asks again by itself


def watch(settings: Settings, requests: list[list[str]]) -> list[str]:
    """Return the modules that the first request of a process imports, but for those of `libraries.load`."""
    gate: Any = OIDCGate(_wsgi_application, settings)
    gate._runtime.warmed_up_pid = (
        os.getpid()
    )  # no discovery in the background, which would import before the request
    late: list[str] = []
    is_loading = False
    load = libraries.load

    def loading() -> None:
        nonlocal is_loading
        is_loading = True
        load()
        is_loading = False

    class Finder:
        @staticmethod
        def find_spec(name: str, path: Any = None, target: Any = None) -> None:
            if not is_loading and name.partition(".")[0] not in sys.stdlib_module_names:
                late.append(name)

    libraries.load = loading
    sys.meta_path.insert(0, Finder)
    for one in requests:
        _ask(gate, *one)
    return late


def ask_asgi(settings: Settings, requests: list[list[str]]) -> list[Answer]:
    """Send every request as a task of one event loop."""
    import asyncio

    gate = OIDCGate(_asgi_application, settings)

    async def ask(target: str, cookie: str) -> Answer:
        sent: list[dict[str, Any]] = []
        path, _, query = target.partition("?")
        headers = {**HEADERS, "Cookie": cookie}
        scope = {
            "type": "http",
            "method": "GET",
            "scheme": "https",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": ("192.0.2.7", 40000),
        }

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        try:
            await gate(scope, receive, send)
        except Exception:
            return 500, traceback.format_exc()
        return sent[0]["status"], dict(sent[0]["headers"]).get(b"location", b"").decode()

    async def ask_all() -> list[Answer]:
        return await asyncio.gather(*(ask(*one) for one in requests))

    return asyncio.run(ask_all())


def _wsgi_application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [b""]


async def _asgi_application(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


if __name__ == "__main__":
    given = json.load(sys.stdin)
    ask_all: Any = {"wsgi": ask_wsgi, "asgi": ask_asgi, "watched": watch}[given["shell"]]
    json.dump(ask_all(Settings.load(environ={}, **given["settings"]), given["requests"]), sys.stdout)
