"""What the WSGI and the ASGI shell share."""
