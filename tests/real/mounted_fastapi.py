"""The gate's endpoints mounted in a FastAPI application."""

from __future__ import annotations

from fastapi import FastAPI

from oidc_gate.asgi import AuthBackend

app = FastAPI()
app.mount("/oauth2", AuthBackend())
