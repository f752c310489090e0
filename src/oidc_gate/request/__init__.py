"""Reading a request: where it reached us, who is asking, and where the person wants to go."""
