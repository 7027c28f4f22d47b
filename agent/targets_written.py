"""What the configuration says of targets, without asking AWS."""

from __future__ import annotations

from collections.abc import Sequence

from agent.config import Settings

ALL = "all"


def every_region_is_asked(settings: Settings, regions: Sequence[str] | None) -> bool:
    """Whether some target is to be swept in every enabled region."""
    if regions:
        return ALL in regions
    return settings.regions == ALL or any(one.regions == ALL for one in settings.targets)
