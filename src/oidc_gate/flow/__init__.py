"""One sign-in on its way: what goes into ``state``, and what binds it to one browser."""
