"""The servers that `oidc-gate serve` runs on, with nothing in them: `python -m bench.peers.empty_202 uvicorn 4180`."""

from __future__ import annotations

import sys
from typing import Any

APPLICATION = "bench.peers.empty_202:application"


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Say 202 to everybody."""
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    await send({"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def main(kind: str, port: str) -> None:
    """Serve as `oidc-gate serve` does."""
    if kind == "uvicorn":
        import uvicorn

        uvicorn.run(
            APPLICATION, host="127.0.0.1", port=int(port), proxy_headers=False, server_header=False,
            date_header=False, access_log=False, log_level="warning", ws="none", http="httptools",
        )  # fmt: skip
    else:
        from granian.constants import Interfaces
        from granian.server import Server

        Server(
            APPLICATION, address="127.0.0.1", port=int(port), interface=Interfaces.ASGI, websockets=False,
            log_access=False,
        ).serve()  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
