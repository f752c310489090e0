"""Sessions in Redis or Valkey, for any number of machines. This needs redis-py, the extra ``redis``."""
