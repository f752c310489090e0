"""flask-sock, whose handshakes are GET requests of WSGI, with the gate around it."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask_sock import Sock

from oidc_gate.ext.flask import current_identity
from oidc_gate.wsgi import OIDCGate

app = Flask(__name__)
sock = Sock(app)


@app.get("/")
def home() -> str:
    return "home"


@sock.route("/echo")
def echo(opened: Any) -> None:
    opened.send(f"{current_identity.subject}: {opened.receive(timeout=10)}")


app.wsgi_app = OIDCGate(app.wsgi_app)  # type: ignore[method-assign]
