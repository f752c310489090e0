"""Who we are measured beside: one file a peer."""
