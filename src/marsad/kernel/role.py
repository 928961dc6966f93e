"""What somebody at the desk may do, in one word."""

from typing import Literal

Role = Literal["viewer", "operator", "supervisor", "planner", "administrator", "patrol"]
"""A viewer only looks; a patrol sees its own orders and answers them."""
