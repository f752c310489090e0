"""Sessions between requests: their times, their record in a cookie, and the cache of opened cookies."""
