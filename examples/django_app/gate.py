"""The gate's settings, the same over WSGI and ASGI. All else comes from OIDC_GATE_* variables."""

SETTINGS = {
    "public_paths": ["/"],
    "allowed_email_domains": ["example.com"],
    "application_name": "The Django example",
}
