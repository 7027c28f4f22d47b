"""The one way to end a command early: an exit code and one clear message."""

from __future__ import annotations

WRONG_USE = 2
"""Wrong use, configuration or rules; no credentials, profile or region at all."""

NO_VERDICT = 3
"""Something could not be seen."""

INTERNAL = 4
"""An error inside Trailkeeper."""


class StopError(Exception):
    """Ends the command with `code`. The message says what, where and what to do."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
