"""COORDINATE: share what was agreed, and nothing else."""
