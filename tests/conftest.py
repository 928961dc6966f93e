"""What all tests share."""

import os

from hypothesis import settings

# The first call of a compiled kernel takes seconds, so no example has a deadline; the check machine repeats itself.
settings.register_profile("marsad", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("marsad")
