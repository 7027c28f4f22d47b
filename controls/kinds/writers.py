"""What every kind derived from the clusters' logging status must say about what it cannot see."""

from __future__ import annotations

from collections.abc import Iterable

from controls.kinds.kind import Found
from controls.model import Gap, Resource, State


def unseen(kind: str, cluster: Resource) -> Iterable[Gap]:
    """The gaps one cluster leaves in a kind that is listed from where clusters log.

    A cluster whose destination could not be read hides a bucket or log group; one that publishes
    to S3 Tables keeps records where encryption and retention are not modelled.
    """
    reading, where = cluster.facts["log_destinations"], cluster.ref
    if reading.state is State.UNKNOWN:
        why = f"where cluster {where.name} logs is unknown: {reading.reason}"
        yield Gap(kind, where.account, where.region, why)
    elif goes_to(cluster, "s3table"):
        why = (
            f"cluster {where.name} publishes audit records to S3 Tables, whose encryption, "
            "access and retention are not modelled"
        )
        yield Gap(kind, where.account, where.region, why, f"{where.name} (S3 Tables)")


def hidden(found: Found, fact: str) -> str:
    """Why some cluster's `fact` was not seen, so that no list made from it is whole; or nothing."""
    whys = [
        f"the clusters of {gap.account}/{gap.region} could not be listed: {gap.reason}"
        for gap in found.gaps
        if gap.kind == "redshift_cluster"
    ]
    for cluster in found.of("redshift_cluster"):
        reading = cluster.facts[fact]
        if reading.state is State.UNKNOWN:
            whys.append(f"the {fact} of cluster {cluster.ref.name} is unknown: {reading.reason}")
    more = f"; and {len(whys) - 3} more" if len(whys) > 3 else ""
    return "; ".join(whys[:3]) + more


def goes_to(cluster: Resource, destination: str) -> bool:
    """Whether the cluster's logs are known to go to that destination."""
    value = cluster.facts["log_destinations"].value
    return isinstance(value, list) and destination in value
