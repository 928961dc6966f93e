"""The machine's own clock."""

import time


class SystemClock:
    """The clock of the machine; its offset from true time is the operating system's care, see `marsad doctor`."""

    def now_ns(self) -> int:
        """UTC now, nanoseconds since 1970."""
        return time.time_ns()

    def sleep(self, seconds: float) -> None:
        """Wait; not at all where `seconds` is not positive."""
        time.sleep(max(seconds, 0.0))
