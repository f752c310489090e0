"""Test your own application behind its gate with any user, without a provider and without a network.

::

    with signed_in(app, email="alice@example.com", groups=["staff"]) as alice:
        assert alice.email in app.test_client().get("/").text

The gate contains no test mode that a request, a header or a setting could turn on. Within the ``with``, the gate
object is an instance of a class of this module, which adds to every request a session cookie that the gate's own key
sealed. Everything else is the real gate: rules, public paths, removed headers, sign-out.
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
from .live_servers import in_a_test


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
    groups_complete: bool = True,
) -> Iterator[Identity]:
    """Sign in every request that a test client sends to the gate of `app` within the ``with``, from any thread.

    A request that a server passes on is refused, because it may come from anyone: give the client of that server a
    `session_cookie`.

    It works with everything that calls the application in this process: the test clients of Flask and Werkzeug, the
    ``TestClient`` of Starlette and FastAPI, ``httpx.ASGITransport``, and Django's ``Client`` and ``AsyncClient``,
    whose requests then pass the gate although these clients only know Django. It can also decorate test functions. If
    it is nested for the same application, the inner user counts.

    Args:
        app: The gated application: the object that `OIDCGate` returned, a Flask object whose ``wsgi_app`` is gated, or
            a Starlette or FastAPI object with ``add_middleware(OIDCGate, ...)``, whose middleware is then built.
        subject: The subject, which also identifies the user in Django's table; by default the e-mail address, or
            ``test-user``.
        email_verified: It has an effect only together with `email`.
        claims: Further claims from the provider.
        access_token: The token that `pass_access_token` and `pass_authorization` send to the application.
        groups_complete: False for a user who may be in more groups, see `Identity.groups_complete`.

    Returns:
        The `Identity` that the application sees.

    Raises:
        LookupError: `app` contains no gate.
        RuntimeError: A server passed a request on. It is raised in the request, and again at the end of the ``with``.
    """
    sessions = _sessions(
        "signed_in",
        app,
        access_token,
        email=email,
        groups=groups,
        subject=subject,
        name=name,
        preferred_username=preferred_username,
        email_verified=email_verified,
        claims=claims,
        acr=acr,
        amr=amr,
        groups_complete=groups_complete,
    )
    with ExitStack() as stack:
        for gate, session in sessions:
            stack.enter_context(_patched(gate, session))
            if "django.core.handlers.base" in sys.modules:
                from .django_clients import through_the_gate

                stack.enter_context(through_the_gate(gate, session))
        stack.enter_context(in_a_test())
        try:
            yield sessions[0][1].session().identity
        finally:  # a test that fails, because a request was refused, should say why
            for _, session in sessions:
                if session.refused_server:
                    raise session.server_error()


def session_cookie(
    app: Any,
    *,
    email: str = "",
    groups: Iterable[str] = (),
    subject: str = "",
    name: str = "",
    email_verified: bool = True,
    claims: Mapping[str, Any] = MappingProxyType({}),
) -> str:
    """Return a ``Cookie`` header that signs in the requests that send it, and no others.

    It is for tests with a live server: its gate needs the settings of the gate of `app`, and the clock of this process.

    ::

        requests.get(url, headers={"Cookie": session_cookie(app, email="alice@example.com")})

    Args:
        app, email, groups, subject, name, email_verified, claims: See `signed_in`.

    Raises:
        LookupError: `app` contains no gate.
    """
    sessions = _sessions(
        "session_cookie",
        app,
        email=email,
        groups=groups,
        subject=subject,
        name=name,
        email_verified=email_verified,
        claims=claims,
    )
    return sessions[0][1].add_to("")


def _sessions(
    caller: str,
    app: object,
    access_token: str = "",
    *,
    email: str,
    groups: Iterable[str],
    subject: str,
    name: str,
    email_verified: bool,
    claims: Mapping[str, Any],
    preferred_username: str = "",
    acr: str = "",
    amr: Iterable[str] = (),
    groups_complete: bool = True,
) -> list[tuple[Gate, TestSession]]:
    """Return every gate of `app` with a session of this user.

    Raises:
        LookupError: There is no gate. The message names `caller`.
    """
    gates = gates_in(app)
    if not gates:
        raise LookupError(
            f"{caller}: no OIDCGate in {type(app).__name__!r}; pass the gated application: what "
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
        groups_complete=groups_complete,
    )
    return [(gate, TestSession(gate, identity, access_token)) for gate in gates]


@contextmanager
def _patched(gate: Gate, session: TestSession) -> Iterator[TestSession]:
    """Replace the class of `gate` for a while, because a call looks up ``__call__`` in the class."""
    runtime, before = gate._runtime, type(gate)
    # No discovery, because there is no provider.
    warmed_up_pid, runtime.warmed_up_pid = runtime.warmed_up_pid, os.getpid()
    gate.__class__ = subclass_for(before, session)
    try:
        yield session
    finally:
        gate.__class__ = before
        runtime.warmed_up_pid = warmed_up_pid
