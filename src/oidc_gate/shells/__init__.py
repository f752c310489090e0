"""The parts of the WSGI shell and of the ASGI shell, and the code that both use."""
