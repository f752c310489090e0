"""Where the gate keeps what has to outlast a request."""
