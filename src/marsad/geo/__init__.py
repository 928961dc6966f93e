"""Where things are on the ground: geodesy, elevation, sight and ground."""
