"""What the gate tells those who run it."""
