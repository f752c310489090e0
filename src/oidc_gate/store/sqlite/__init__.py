"""Sessions in an SQLite file, for all processes of one machine."""

from .store import SqliteStore

__all__ = ["SqliteStore"]
