"""What operators can observe: the log."""
