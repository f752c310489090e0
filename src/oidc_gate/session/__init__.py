"""A session between requests: its clocks, its record in a cookie, and the cookies recognised a moment ago."""
