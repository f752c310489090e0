"""The log, the audit log, and the format of the metrics."""
