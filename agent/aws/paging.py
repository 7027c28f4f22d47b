"""Which operations answer in pages, and how each hands on its token."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from agent.aws.errors import REFUSED, UNPARSEABLE
from agent.aws.hands import action_of
from controls.model import AwsError

Page = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Paging:
    """The names of one operation's paging parameters and members."""

    send: str
    receive: str
    size: str
    per_page: int
    more: str = ""
    """The member that says whether there is another page, where the token alone does not."""
    may_lack_items: bool = False
    """No items, no member (flattened lists of S3); elsewhere such an answer is not usable."""


_REDSHIFT = Paging("Marker", "Marker", "MaxRecords", 100)
_SERVERLESS = Paging("nextToken", "nextToken", "maxResults", 100)
_LOGS = Paging("nextToken", "nextToken", "limit", 50)
_IAM = Paging("Marker", "Marker", "MaxItems", 100, more="IsTruncated")

PAGED: Mapping[str, Paging] = {
    "redshift:DescribeClusters": _REDSHIFT,
    "redshift:DescribeClusterParameters": _REDSHIFT,
    "redshift:DescribeEvents": _REDSHIFT,
    "redshift-serverless:ListNamespaces": _SERVERLESS,
    "redshift-serverless:ListWorkgroups": _SERVERLESS,
    "s3:ListBuckets": Paging("ContinuationToken", "ContinuationToken", "MaxBuckets", 1000),
    "s3:ListObjectsV2": Paging(
        "ContinuationToken",
        "NextContinuationToken",
        "MaxKeys",
        1000,
        more="IsTruncated",
        may_lack_items=True,
    ),
    "logs:DescribeLogGroups": _LOGS,
    "logs:DescribeLogStreams": _LOGS,
    "iam:ListAttachedRolePolicies": _IAM,
    "iam:ListRolePolicies": _IAM,
}
"""Sizes are the largest that each API takes (Redshift 20..100, logs 50, Serverless 100)."""


def walk(
    name: str, key: str, params: Mapping[str, Any], fetch: Callable[[Mapping[str, Any]], Page]
) -> tuple[Page, ...]:
    """The items under `key` of every page of `service:Operation`.

    Raises:
        AwsError: a page could not be read, holds no items, or its token leads in a circle.
    """
    paging = PAGED.get(name)
    if paging is None:
        raise AwsError(REFUSED, "is not in the table of paged operations", action=name)
    asked = {paging.size: paging.per_page, **params}
    seen: set[str] = set()
    items: list[Page] = []
    while True:
        page = fetch(asked)
        if key not in page and not paging.may_lack_items:
            raise _broken(name, f"answered a page without {key}")
        items += page.get(key) or ()
        token = _next(name, paging, page)
        if token is None:
            return tuple(items)
        if token in seen:
            raise _broken(name, "gave the same token twice: its pages lead in a circle")
        seen.add(token)
        asked = {**asked, paging.send: token}


def _next(name: str, paging: Paging, page: Page) -> str | None:
    token: str | None = page.get(paging.receive) or None
    if not paging.more:
        return token
    if not page.get(paging.more):
        return None
    if token is None:
        raise _broken(name, "says that there are more pages, and names no token for them")
    return token


def _broken(name: str, what: str) -> AwsError:
    return AwsError(UNPARSEABLE, f"{name} {what}", action=action_of(name))
