"""The rules: which paths are public, which users may enter, and which identity the application receives."""
