"""Sessions in a store that stay fresh: the provider is asked again, and the rules are checked with what it says."""
