"""Sessions in Redis or Valkey, for many machines. Needs redis-py, the extra ``redis``."""
