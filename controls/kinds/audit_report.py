"""The monthly report of each cluster's audit logs: whether last month's lies where it should."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from controls.kinds.kind import Fact, Found, Item, Kind
from controls.model import Answer, Gap, Reader, Ref, Resource, Said, State, Unknown
from controls.semantics.report_keys import VERDICTS, month_before, report_folder, verdict_of

NAME = "audit_report"

LIST = ("s3:ListObjectsV2", "s3:ListBuckets")
"""The verdict stands in a key, so that who observes needs no right to read any object."""


def derive_reports(found: Found) -> Iterable[Item | Gap]:
    """One for each provisioned cluster, where a bucket for reports is configured."""
    if not found.reports:
        return
    bucket, _, prefix = found.reports.partition("/")
    for cluster in found.of("redshift_cluster"):
        yield _item(found, cluster, bucket, prefix)


def _item(found: Found, cluster: Resource, bucket: str, prefix: str) -> Item:
    where = cluster.ref
    arn = f"arn:{found.partition}:s3:::{bucket}"
    ref = Ref(NAME, where.account, where.region, where.name, arn, where.account)
    data = {"bucket": bucket, "prefix": prefix, "facts": cluster.facts}
    return Item(ref, data, cluster.tags, "redshift:DescribeClusters")


def last_month_ended_at(aws: Reader, report: Item) -> Answer[datetime]:
    """The first moment of this month (UTC): what is before it is last month's."""
    return Said(_month_start(aws.now), f"last month is {month_before(aws.now)}")


def report_expected(aws: Reader, report: Item) -> Answer[bool]:
    """Whether the cluster was there last month and exports logs: there is what to report."""
    created, places = report.data["facts"]["created_at"], report.data["facts"]["log_destinations"]
    unknown = next((each for each in (created, places) if each.state is State.UNKNOWN), None)
    if unknown is not None:
        return Unknown(unknown.reason or "the cluster could not be read")
    if not places.value:
        return Said(False, "the cluster exports no audit log")
    if not {"s3", "cloudwatch"} & set(places.value):
        return Said(False, "its logs go where no report reads them: " + ", ".join(places.value))
    if isinstance(created.value, datetime) and created.value >= _month_start(aws.now):
        return Said(False, f"the cluster was created after {month_before(aws.now)}")
    return True


def last_report(aws: Reader, report: Item) -> Answer[str]:
    """Last month's report: `complete` or `incomplete` as its logs were found, `running` where it
    was made before its last logs were due, `empty` where it found none, `missing`."""
    month, bucket = month_before(aws.now), str(report.data["bucket"])
    folder = report_folder(
        str(report.data["prefix"]), month, aws.account, aws.region, report.ref.name
    )
    listed = aws.of_bucket(bucket).pages(
        "s3", "ListObjectsV2", "Contents", Bucket=bucket, Prefix=folder
    )
    times = {str(one["Key"]).removeprefix(folder): one["LastModified"] for one in listed}
    verdicts = {name: found for name in times if (found := verdict_of(name))}
    where = f"s3://{bucket}/{folder}report.html"
    if "manifest.json" not in times or not verdicts:
        return Said("missing", f"no report of {month} at {where}")
    # A report that is made again leaves the former verdict beside the new one.
    newest = max(verdicts, key=lambda name: (times[name], VERDICTS.index(verdicts[name])))
    return Said(verdicts[newest], where)


def _month_start(now: datetime) -> datetime:
    return now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


AUDIT_REPORT = Kind(
    NAME,
    "Last month's report of one cluster's audit logs, where report.destination names a bucket.",
    facts=(Fact(report_expected), Fact(last_month_ended_at), Fact(last_report, needs=LIST)),
    derives=derive_reports,
    sources={"redshift_cluster": ("created_at", "log_destinations")},
)
