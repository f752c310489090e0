"""Reading a request: the URL that the browser used, the kind of client, and the target after sign-in."""
