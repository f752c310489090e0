"""Applications with the gate directly around them: `python -m <server> tests.real.wrapped:wsgi` or `:asgi`."""

from __future__ import annotations

from oidc_gate.asgi import OIDCGate as ASGIGate
from oidc_gate.cli.sample import sample_application
from oidc_gate.wsgi import OIDCGate as WSGIGate
from tests.real import echo

wsgi = WSGIGate(sample_application)
asgi = ASGIGate(echo.app)
