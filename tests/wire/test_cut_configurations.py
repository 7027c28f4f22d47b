"""A bucket's configuration that breaks off on the wire is no bucket without one."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.sandbox_server import Sandbox
from tests.wire.clear import judged
from tests.wire.conftest import Run
from tests.wire.estate import right
from tests.wire.test_bad_input import JSON, SOON


@pytest.mark.parametrize(
    ("operation", "rule"),
    [
        ("GetBucketVersioning", "audit-logs-expire-in-time"),
        ("GetBucketEncryption", "log-bucket-encrypted"),
        ("GetPublicAccessBlock", "log-bucket-private"),
        ("GetObjectLockConfiguration", "log-bucket-unlocked"),
        ("GetBucketPolicy", "log-bucket-tls-only"),
    ],
)
def test_a_configuration_that_breaks_off_is_unknown(
    operation: str, rule: str, sandbox: Sandbox, run: Run, now: datetime
) -> None:
    sandbox.plant(right(now))
    sandbox.fault({"kind": "malformed", "service": "s3", "operation": operation, "times": None})

    ran = run(*JSON, settings=SOON)

    assert judged(ran, 3)["pass"] > 0
    assert set(ran.verdicts(rule).values()) <= {"unknown", "not_applicable"}
    assert "unknown" in ran.verdicts(rule).values()
