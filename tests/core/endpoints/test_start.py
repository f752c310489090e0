"""How long the state of a sign-in may be."""

from __future__ import annotations

import hashlib
from urllib.parse import parse_qs, urlsplit

from oidc_gate.endpoints import start
from oidc_gate.endpoints.context import Components, build_context
from oidc_gate.flow.record import open_state
from tests.core.provider import scripted as op
from tests.core.request.making import request

PAGE = {
    "host": "app.example",
    "accept": "text/html",
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "document",
}
COMPONENTS = Components(op.settings())
WORLD = op.world()
NOISE = "/" + "".join(hashlib.sha256(bytes([number])).hexdigest() for number in range(80))


def state_for(length: int) -> tuple[int, bool]:
    """Start a sign-in for a target of this length; return the length of the state, and whether it has the target."""
    context = build_context(
        COMPONENTS, request(headers=PAGE, scheme="https", query=f"rd={NOISE[:length]}", path="/oauth2/start")
    )
    reply = WORLD.drive(start.answer(COMPONENTS, context))
    (state,) = parse_qs(urlsplit(reply.header("location")).query)["state"]
    opened = open_state(COMPONENTS.state_sealer, state)
    assert (opened.target, opened.is_lost) in ((NOISE[:length], False), ("/", True))
    return len(state), not opened.is_lost


def test_a_target_is_left_out_if_the_state_would_have_more_than_3072_characters() -> None:
    least, most = 1, len(NOISE)
    while most - least > 1:
        middle = (least + most) // 2
        if state_for(middle)[1]:
            least = middle
        else:
            most = middle
    kept = [
        length for size in range(least - 8, least + 9) for length, is_kept in [state_for(size)] if is_kept
    ]
    assert max(kept) == 3072
