"""What performs effects: the drivers, the clock, the network, and the threads in which blocking work is done."""
