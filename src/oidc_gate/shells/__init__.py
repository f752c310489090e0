"""What the WSGI shell and the ASGI shell share."""
