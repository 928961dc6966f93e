"""PLAN: towers, cameras, fence and patrols at the least cost."""
