"""A sign-in in progress: the content of ``state``, and the cookie that binds the sign-in to one browser."""
