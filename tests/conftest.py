"""For all tests: how hypothesis runs."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# No test is about time: a machine that is busy must not fail one.
settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")
