"""The endpoints below the prefix: what answers them, which methods they accept, and whether they need the session."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import NamedTuple

from ..effects import Step
from ..model import Reply
from . import (
    auth,
    backchannel_logout,
    callback,
    forward,
    frontchannel_logout,
    metrics,
    ping,
    ready,
    sign_in,
    sign_out,
    signed_out,
    start,
    static,
    unavailable,
    userinfo,
)
from .context import Components, RequestContext

_READS = ("GET", "HEAD")
_ANY_METHOD = ()  # Nginx sends GET, other proxies the client's own method


class SessionUse(Enum):
    """What the gate does with the session of a request before the endpoint answers."""

    NONE = auto()
    """The session cookie is not read."""
    READ = auto()
    """The session is read. The endpoint begins or ends a session."""
    FRESH = auto()
    """The session is read, and refreshed if that is due. The endpoint reports who the user is."""
    VERDICT = auto()
    """As `FRESH`, and renewed if that is due. A proxy asks whether a request to the application may pass."""


class Endpoint(NamedTuple):
    """One endpoint.

    Attributes:
        answer: Answers a request.
        methods: The methods that it accepts; empty for any method.
        session: What is done with the session before.
    """

    answer: Callable[[Components, RequestContext], Step[Reply]]
    methods: tuple[str, ...] = _READS
    session: SessionUse = SessionUse.READ


ENDPOINTS: dict[str, Endpoint] = {
    "auth": Endpoint(auth.answer, _ANY_METHOD, SessionUse.VERDICT),
    "forward": Endpoint(forward.answer, _ANY_METHOD, SessionUse.VERDICT),
    "sign_in": Endpoint(sign_in.answer),
    "start": Endpoint(start.answer, ("GET",)),
    "callback": Endpoint(callback.answer, ("GET", "POST")),
    "userinfo": Endpoint(userinfo.answer, session=SessionUse.FRESH),
    "sign_out": Endpoint(sign_out.answer, ("GET", "POST")),
    "signed_out": Endpoint(signed_out.answer),
    "unavailable": Endpoint(unavailable.answer, session=SessionUse.NONE),
    "backchannel_logout": Endpoint(backchannel_logout.answer, ("POST",), SessionUse.NONE),
    "frontchannel_logout": Endpoint(frontchannel_logout.answer, ("GET",)),
    "ping": Endpoint(ping.answer, session=SessionUse.NONE),
    "ready": Endpoint(ready.answer, session=SessionUse.NONE),
    "metrics": Endpoint(metrics.answer, session=SessionUse.NONE),
    "static": Endpoint(static.answer, session=SessionUse.NONE),
}
"""Every endpoint by its name, which is the first segment of the path below the prefix. Each is a module of this
package. Only ``static`` has a second segment."""
