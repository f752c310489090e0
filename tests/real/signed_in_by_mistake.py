"""Applications in which `signed_in` was left on, for `serving`: no visitor may be signed in."""

from __future__ import annotations

from contextlib import ExitStack

from oidc_gate.asgi import OIDCGate as ASGIGate
from oidc_gate.cli.sample import sample_application
from oidc_gate.testing import settings_for_tests, signed_in
from oidc_gate.wsgi import OIDCGate as WSGIGate
from tests.real import echo

SETTINGS = settings_for_tests()
wsgi = WSGIGate(sample_application, SETTINGS)
asgi = ASGIGate(echo.app, SETTINGS)

left_on = ExitStack()
left_on.enter_context(signed_in(wsgi, email="alice@example.com"))
left_on.enter_context(signed_in(asgi, email="alice@example.com"))
