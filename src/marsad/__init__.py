"""Marsad: keep watch over a long line on the ground."""
