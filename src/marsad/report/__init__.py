"""REPORT: what happened, told from the log."""
