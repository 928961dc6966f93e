"""What a service manager is told: that the program is ready, that it lives, that it stops."""

import contextlib
import os
import socket


def tell_manager(state: str) -> None:
    """Tell systemd, where it started us and asks to be told; see sd_notify(3)."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    # A name that begins with @ is in the abstract namespace.
    path = "\0" + address[1:] if address.startswith("@") else address
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
        door.sendto(state.encode(), path)
