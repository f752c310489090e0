"""Test your own application behind its gate, signed in as anybody, with no provider and no network.

::

    with signed_in(app, email="alice@example.com", groups=["staff"]) as alice:
        assert alice.email in app.test_client().get("/").text

The gate itself knows nothing of this: there is no switch in it that a request, a header or a setting could
reach. For as long as the ``with`` lasts, the gate object that you name is of a class of this module, which
hands every request on with a session cookie that the gate's own key sealed. All else is the real thing: rules,
public paths, stripped headers, sign-out.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import MappingProxyType
from typing import Any

from ..model import Identity
from .gate_session import Gate, TestSession, runtime_of, subclass_for
from .gates import gates_in


@contextmanager
def signed_in(
    app: Any,
    *,
    email: str = "",
    groups: Iterable[str] = (),
    subject: str = "",
    name: str = "",
    preferred_username: str = "",
    email_verified: bool = True,
    claims: Mapping[str, Any] = MappingProxyType({}),
    acr: str = "",
    amr: Iterable[str] = (),
    access_token: str = "",
) -> Iterator[Identity]:
    """Sign every request in that reaches the gate of `app` within the ``with``.

    Works with whatever drives the application in this process: Flask's and Werkzeug's test clients, Starlette's
    and FastAPI's ``TestClient``, ``httpx.ASGITransport``, and Django's ``Client`` and ``AsyncClient``, which go
    through the gate within the ``with`` although they know only Django. Also a decorator for test functions.
    Within another ``with`` of the same application the inner one counts.

    Args:
        app: The gated application: what `OIDCGate` returned, a Flask object whose ``wsgi_app`` is gated, or a
            Starlette or FastAPI object with ``add_middleware(OIDCGate, ...)``, which is made ready to serve.
        subject: Stands for the person, also in Django's user table; the e-mail, else ``test-user``, if left out.
        email_verified: Counts only with an `email`.
        claims: Further claims, as they would come from the provider.
        access_token: What `pass_access_token` and `pass_authorization` hand on.

    Returns:
        The `Identity` that the application sees.

    Raises:
        LookupError: There is no gate to be found in `app`.
    """
    gates = gates_in(app)
    if not gates:
        raise LookupError(
            f"signed_in: no OIDCGate in {type(app).__name__!r}; pass the gated application: what "
            "OIDCGate(...) returned, or the Flask, Starlette or FastAPI object that it is a part of"
        )
    identity = Identity(
        issuer=runtime_of(gates[0]).gate.settings.issuer,
        subject=subject or email or "test-user",
        email=email,
        email_verified=bool(email) and email_verified,
        name=name,
        preferred_username=preferred_username,
        groups=tuple(groups),
        claims=MappingProxyType(dict(claims)),
        session_id=secrets.token_urlsafe(16),
        acr=acr,
        amr=tuple(amr),
    )
    with ExitStack() as stack:
        sessions = [TestSession(gate, identity, access_token) for gate in gates]
        for gate, session in zip(gates, sessions, strict=True):
            stack.enter_context(_patched(gate, session))
            if "django.core.handlers.base" in sys.modules:
                from .django_clients import through_the_gate

                stack.enter_context(through_the_gate(gate, session))
        yield sessions[0].session().identity


@contextmanager
def _patched(gate: Gate, session: TestSession) -> Iterator[TestSession]:
    """Give `gate` another class for a while: calls look ``__call__`` up in the class."""
    runtime, before = gate._runtime, type(gate)
    # no discovery: there is no provider
    warmed_up_pid, runtime.warmed_up_pid = runtime.warmed_up_pid, os.getpid()
    gate.__class__ = subclass_for(before, session)
    try:
        yield session
    finally:
        gate.__class__ = before
        runtime.warmed_up_pid = warmed_up_pid
