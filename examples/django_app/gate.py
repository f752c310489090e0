"""The gate's settings for WSGI and ASGI. All other settings come from OIDC_GATE_* variables."""

SETTINGS = {
    "public_paths": ["/"],
    "allowed_email_domains": ["example.com"],
    "application_name": "The Django example",
}
