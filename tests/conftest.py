"""For all tests: how hypothesis runs, and what of the environment is not for what they test."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

# No test is about time: a machine that is busy must not fail one.
settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

# The folder of real logs is the tests' alone: to Trailkeeper a variable of that name is a setting
# that there is not, and it says so.
if "TRAILKEEPER_LOG_SAMPLES" in os.environ:
    os.environ["LOG_SAMPLES"] = os.environ.pop("TRAILKEEPER_LOG_SAMPLES")


@pytest.fixture(autouse=True)
def logs_as_they_begin() -> Iterator[None]:
    """A command that a test runs configures the logs of the whole process: of it alone, then."""
    yield
    structlog.reset_defaults()


TOLD_ONCE = (
    "tests/agent/sandbox/test_estate.py",
    "tests/report/engines/test_spark.py",
    "tests/report/test_fidelity.py",
    "tests/wheel/test_wheel.py",
    "tests/wire/test_demo.py",
    "tests/wire/test_remediated_estate.py",
)
"""Files whose fixture costs so much that one worker takes all their tests, and takes them first."""


class OnceAFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist's way to say what goes together
    """Every test goes to whoever is free, but for those files. (`--dist loadgroup` does not group
    under pytest 9: it marks a test's id, which is no longer read.)"""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file in TOLD_ONCE else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> OnceAFile:
    """How tests are dealt out to workers."""
    return OnceAFile(config, log)
