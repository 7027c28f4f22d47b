"""Pages: all of them, in order, and never in a circle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from agent.aws.access import AccountAccess
from agent.aws.hands import OBSERVER
from agent.aws.paging import PAGED, walk
from agent.aws.trace import trace
from controls.model import AwsError
from tests.agent.aws.conftest import BASE, Open
from tests.agent.aws.fake_wire import Reply, Seen, clusters, identity

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


class Pages:
    """Hands out the pages one by one and keeps what it was asked."""

    def __init__(self, *pages: Mapping[str, Any]) -> None:
        self.left = list(pages)
        self.asked: list[Mapping[str, Any]] = []

    def __call__(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked.append(asked)
        return self.left.pop(0)


@pytest.mark.parametrize(
    ("name", "key", "first", "second"),
    [
        pytest.param(
            "redshift:DescribeClusters",
            "Clusters",
            ({"MaxRecords": 100}, {"Marker": "t"}),
            {"MaxRecords": 100, "Marker": "t"},
            id="redshift",
        ),
        pytest.param(
            "redshift-serverless:ListNamespaces",
            "namespaces",
            ({"maxResults": 100}, {"nextToken": "t"}),
            {"maxResults": 100, "nextToken": "t"},
            id="serverless",
        ),
        pytest.param(
            "logs:DescribeLogGroups",
            "logGroups",
            ({"limit": 50}, {"nextToken": "t"}),
            {"limit": 50, "nextToken": "t"},
            id="logs",
        ),
        pytest.param(
            "s3:ListBuckets",
            "Buckets",
            ({"MaxBuckets": 1000}, {"ContinuationToken": "t"}),
            {"MaxBuckets": 1000, "ContinuationToken": "t"},
            id="buckets",
        ),
        pytest.param(
            "s3:ListObjectsV2",
            "Contents",
            ({"MaxKeys": 1000}, {"NextContinuationToken": "t", "IsTruncated": True}),
            {"MaxKeys": 1000, "ContinuationToken": "t"},
            id="objects",
        ),
        pytest.param(
            "iam:ListRolePolicies",
            "PolicyNames",
            ({"MaxItems": 100}, {"Marker": "t", "IsTruncated": True}),
            {"MaxItems": 100, "Marker": "t"},
            id="iam",
        ),
    ],
)
def test_every_page_is_fetched_by_its_own_names(
    name: str, key: str, first: tuple[dict[str, Any], dict[str, Any]], second: dict[str, Any]
) -> None:
    asked, page = first
    pages = Pages({key: [{"n": 1}], **page}, {key: [{"n": 2}]})

    assert walk(name, key, {}, pages) == ({"n": 1}, {"n": 2})
    assert [asked, second] == pages.asked


def test_an_empty_page_with_a_token_is_not_the_last() -> None:
    pages = Pages({"logGroups": [], "nextToken": "t"}, {"logGroups": [{"n": 1}]})

    assert walk("logs:DescribeLogGroups", "logGroups", {}, pages) == ({"n": 1},)


def test_a_size_that_is_asked_for_is_kept() -> None:
    pages = Pages({"Contents": [{"Key": "k"}], "IsTruncated": False})
    walk("s3:ListObjectsV2", "Contents", {"MaxKeys": 7, "Bucket": "b"}, pages)

    assert pages.asked == [{"MaxKeys": 7, "Bucket": "b"}]


def test_a_listing_of_no_objects_is_empty() -> None:
    assert walk("s3:ListObjectsV2", "Contents", {}, Pages({"IsTruncated": False})) == ()


@pytest.mark.parametrize(
    ("name", "key", "pages", "said"),
    [
        pytest.param(
            "redshift:DescribeClusters",
            "Clusters",
            Pages({"Clusters": [], "Marker": "t"}, {"Clusters": [], "Marker": "t"}),
            "the same token twice",
            id="a circle",
        ),
        pytest.param(
            "redshift:DescribeClusters",
            "Clusters",
            Pages({"Marker": ""}),
            "without Clusters",
            id="neither items nor token",
        ),
        pytest.param(
            "iam:ListRolePolicies",
            "PolicyNames",
            Pages({"PolicyNames": [], "IsTruncated": True}),
            "names no token",
            id="more, but no token",
        ),
        pytest.param("s3:GetBucketPolicy", "Policy", Pages(), "not in the table", id="unpaged"),
    ],
)
def test_pages_that_lead_nowhere_are_an_error(name: str, key: str, pages: Pages, said: str) -> None:
    with pytest.raises(AwsError, match=said):
        walk(name, key, {}, pages)


def test_what_is_paged_is_in_the_observers_hand() -> None:
    assert set(PAGED) <= OBSERVER


def test_250_clusters_are_all_seen(open_aws: Open) -> None:
    names = [f"c{number}" for number in range(250)]

    def answer(seen: Seen) -> Reply:
        start = int(seen.params.get("Marker", "0"))
        size = int(seen.params.get("MaxRecords", "0"))
        end = start + size
        marker = str(end) if end < len(names) else ""
        return identity(seen) or clusters(*names[start:end], marker=marker)

    aws, wire = open_aws(answer)
    reader = aws.sweep(NOW, [AccountAccess(BASE)]).reader(BASE, "eu-west-1")
    items = reader.pages("redshift", "DescribeClusters", "Clusters")

    assert names == [one["ClusterIdentifier"] for one in items]
    assert wire.count("redshift:DescribeClusters") == 3


def test_a_server_that_repeats_its_token_is_left(open_aws: Open) -> None:
    aws, wire = open_aws(lambda seen: identity(seen) or clusters("c", marker="again"))
    reader = aws.sweep(NOW, [AccountAccess(BASE)]).reader(BASE, "eu-west-1")

    with pytest.raises(AwsError, match="the same token twice") as caught:
        reader.pages("redshift", "DescribeClusters", "Clusters")

    assert (caught.value.account, caught.value.region) == (BASE, "eu-west-1")
    assert wire.count("redshift:DescribeClusters") == 2


def _names(found: Sequence[Mapping[str, Any]]) -> list[str]:
    return [str(one["ClusterIdentifier"]) for one in found]


def test_a_digest_of_all_pages_is_made_once(open_aws: Open) -> None:
    aws, wire = open_aws(lambda seen: identity(seen) or clusters("one", "two"))
    reader = aws.sweep(NOW, [AccountAccess(BASE)]).reader(BASE, "eu-west-1")
    asked = [trace(reader, ["redshift:DescribeClusters"]) for _ in range(2)]
    digests = [one.digest(_names, "redshift", "DescribeClusters", "Clusters") for one in asked]

    assert digests[0] is digests[1]
    assert digests[0] == ["one", "two"]
    assert asked[0].trace == asked[1].trace
    assert wire.count("redshift:DescribeClusters") == 1
