"""The body of a request over ASGI is awaited for a limited time."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from oidc_gate.errors import GateError
from oidc_gate.shells import asgi_responses
from oidc_gate.shells.asgi_responses import Body


class Slow:
    """A client that sends a byte now and then, or stops after the first."""

    def __init__(self, drips: bool) -> None:
        self.drips, self.sent = drips, 0

    async def receive(self) -> dict[str, Any]:
        if self.sent:
            await anyio.sleep(0.02 if self.drips else 60)
        self.sent += 1
        return {"type": "http.request", "body": b"x", "more_body": True}


@pytest.mark.parametrize("kind", ["asyncio", "trio"])
@pytest.mark.parametrize("drips", [False, True])
def test_a_body_that_does_not_come_is_not_waited_for(
    kind: str, drips: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MAX_BODY_SECONDS", "MAX_DRAIN_SECONDS"):
        monkeypatch.setattr(asgi_responses, name, 0.3)

    async def read() -> None:
        client = Slow(drips)
        body = Body(client.receive)
        with pytest.raises(GateError) as caught:
            await body.read(1_000_000)
        assert (caught.value.code, caught.value.status) == ("body_timeout", 408)
        sent = client.sent
        await body.drain()
        assert (await body.read(10), client.sent) == (b"", sent)  # it is not waited for a second time

    async def drain() -> None:
        client = Slow(drips)
        body = Body(client.receive)
        await body.drain()
        assert client.sent >= 1

    anyio.run(read, backend=kind)
    anyio.run(drain, backend=kind)
