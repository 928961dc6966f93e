"""The composition root: configuration, wiring and commands."""
