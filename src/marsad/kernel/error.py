"""Every error Marsad raises.

::

    MarsadError
    |-- InputError          their data is bad: a file, a setting, an argument; mend it and try again
    |   |-- ConfigError     a setting: names the key's path, the value, and what would be valid
    |   |-- SettingsError   a file of settings: lists every ConfigError in it
    |   |   |-- SiteError       a site file
    |   |   |-- ScenarioError   a scenario
    |   |   `-- PlanFileError   what a plan is to be made of
    |   `-- IntegrityError  a log whose chain does not verify: names the first bad entry
    |-- UnavailableError    something outside does not answer now: try again later
    `-- RefusedError        a rule forbids it
        `-- LinkRefusedError  what a partner sent proves nothing, or the wrong thing: names the reason
"""

from collections.abc import Sequence


class MarsadError(Exception):
    """The root: catch this to catch everything Marsad raises on purpose."""


class InputError(MarsadError):
    """The data given is bad; the message names what to mend."""


class ConfigError(InputError):
    """A setting is bad.

    `key` is the dotted path in the file, `value` what stands there, `valid` what could stand there, `line` where it
    stands, 1-based, where that is known.
    """

    def __init__(self, key: str, value: str, valid: str, line: int | None = None) -> None:
        super().__init__(f"{'' if line is None else f'line {line}: '}{key} = {value}: {valid}")
        self.key = key
        self.value = value
        self.valid = valid
        self.line = line


class SettingsError(InputError):
    """A file has bad settings; `problems` holds every one of them, in the order of the file."""

    def __init__(self, path: str, problems: Sequence[ConfigError]) -> None:
        count = f"{len(problems)} settings" if len(problems) > 1 else "1 setting"
        super().__init__("\n  ".join([f"{path}: {count} to mend", *map(str, problems)]))
        self.path = path
        self.problems = tuple(problems)


class SiteError(SettingsError):
    """A site file has bad settings."""


class ScenarioError(SettingsError):
    """A scenario has bad settings."""


class PlanFileError(SettingsError):
    """A plan file has bad settings."""


class IntegrityError(InputError):
    """A log's chain does not verify; `sequence` is the first bad entry, 0-based."""

    def __init__(self, sequence: int, reason: str) -> None:
        super().__init__(f"entry {sequence}: {reason}")
        self.sequence = sequence
        self.reason = reason


class UnavailableError(MarsadError):
    """Something outside does not answer now; trying again later may succeed."""


class RefusedError(MarsadError):
    """A rule forbids what was asked; the message names the rule."""


class LinkRefusedError(RefusedError):
    """What came over a link is refused; `reason` is one word for it, the same on screens, in logs and on the wire."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
