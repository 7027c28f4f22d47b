"""What the doctor tries permissions on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from agent.aws.hands import OBSERVER
from agent.doctor_probes import PROBES, find_sample
from controls.kinds.kind import LogBucket
from tests.fakes import ACCOUNT, ARCHIVE, REGION, FakeAws, denied

OURS = LogBucket("ours", ACCOUNT, REGION)
THEIRS = LogBucket("theirs", ARCHIVE, REGION)
LOGGED: Mapping[str, Any] = {"LoggingEnabled": True, "BucketName": "logged-to"}


def target(logging: Any) -> FakeAws:
    """A target with one cluster."""
    return FakeAws(
        {
            "redshift:DescribeClusters": {"Clusters": [{"ClusterIdentifier": "orders"}]},
            "redshift:DescribeLoggingStatus": logging,
        }
    )


@pytest.mark.parametrize(
    ("configured", "logging", "bucket"),
    [
        pytest.param([THEIRS, OURS], LOGGED, "ours", id="the account's own, as configured"),
        pytest.param([THEIRS], LOGGED, "logged-to", id="else where a cluster logs"),
        pytest.param([THEIRS], {"LoggingEnabled": False}, "theirs", id="else any configured"),
        pytest.param([], {"LoggingEnabled": True}, "", id="no bucket: CloudWatch"),
        pytest.param([], denied("redshift:DescribeLoggingStatus"), "", id="not to be seen"),
    ],
)
def test_which_bucket_is_tried(configured: Sequence[LogBucket], logging: Any, bucket: str) -> None:
    """The one whose answer says most about this target."""
    assert find_sample(target(logging), configured).bucket == bucket


def test_every_probe_is_in_the_observers_hand() -> None:
    """The doctor does nothing that a sweep could not."""
    assert set(PROBES) <= OBSERVER
