"""For all tests: how hypothesis runs, and what of the environment is not for what they test."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# No test is about time: a machine that is busy must not fail one.
settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

# The folder of real logs is the tests' alone: to Trailkeeper a variable of that name is a setting
# that there is not, and it says so.
if "TRAILKEEPER_LOG_SAMPLES" in os.environ:
    os.environ["LOG_SAMPLES"] = os.environ.pop("TRAILKEEPER_LOG_SAMPLES")
