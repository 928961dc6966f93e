"""RESPOND: from tracks to alerts, incidents and dispatch."""
