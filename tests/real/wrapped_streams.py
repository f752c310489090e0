"""The applications of `tests.real.endless` behind the gate."""

from __future__ import annotations

from oidc_gate.asgi import OIDCGate as ASGIGate
from oidc_gate.wsgi import OIDCGate as WSGIGate
from tests.real import endless

asgi = ASGIGate(endless.application)
wsgi = WSGIGate(endless.wsgi_application)
