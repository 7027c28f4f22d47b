"""The chapters of the report: one module each, with the constant `SECTION`.

Chapter 0, completeness, asks no questions: it is rendered from the coverage.
"""

from __future__ import annotations

from agent.report.model import Section
from agent.report.sections import (
    authentication,
    destructive,
    failures,
    logins,
    movement,
    newcomers,
    off_hours,
    privileged,
    privileges,
    schema_changes,
    sensitive,
    sessions,
    tampering,
    transport,
    users,
    volume,
)

SECTIONS: tuple[Section, ...] = (
    logins.SECTION,
    failures.SECTION,
    newcomers.SECTION,
    transport.SECTION,
    authentication.SECTION,
    privileged.SECTION,
    users.SECTION,
    privileges.SECTION,
    schema_changes.SECTION,
    movement.SECTION,
    sensitive.SECTION,
    off_hours.SECTION,
    volume.SECTION,
    sessions.SECTION,
    tampering.SECTION,
    destructive.SECTION,
)
"""Every chapter, in the order of the report."""
