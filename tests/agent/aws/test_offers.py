"""Where a service exists, as botocore's own data tells."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agent.aws.door import Aws

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("region", "offered"),
    [
        pytest.param("eu-west-1", True, id="where it is"),
        pytest.param("xx-nowhere-9", True, id="a region that is not known: nothing can be told"),
    ],
)
def test_a_service_is_lacking_only_where_that_is_known(region: str, offered: bool) -> None:
    assert Aws().sweep(NOW, []).offers("redshift-serverless", region) is offered


def test_some_region_of_redshift_lacks_serverless() -> None:
    """Else the question need not be asked, and this goes."""
    aws = Aws()
    lacking = set(aws.regions_of("redshift", "aws")) - set(
        aws.regions_of("redshift-serverless", "aws")
    )

    assert lacking
    assert not any(aws.sweep(NOW, []).offers("redshift-serverless", one) for one in lacking)
