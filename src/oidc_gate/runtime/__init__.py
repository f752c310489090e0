"""Everything that performs effects: the drivers, the clock, the network, and the threads for blocking work."""
