"""Marsad: keep watch over a long line on the ground."""

__version__ = "0.1.0"
