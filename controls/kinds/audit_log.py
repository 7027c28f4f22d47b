"""Each audit log of each cluster: when its newest record arrived, and whether one is due."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from controls.kinds.kind import Fact, Found, Item, Kind
from controls.model import (
    Absent,
    Answer,
    AwsError,
    CannotTellError,
    Gap,
    Maybe,
    Reader,
    Ref,
    Resource,
    Said,
    State,
    Unknown,
)
from controls.semantics.log_keys import SYSTEM_TABLES, cluster_log_group, day_prefix, parse_key

NAME = "audit_log"

RECENT = timedelta(hours=3)
"""A newest record younger than this needs no excuse: logs trail by 30 to 120 minutes."""

EVENTS_KEPT_MINUTES = 14 * 24 * 60
"""How far back DescribeEvents reaches (API reference)."""

FOLDERS = 4
"""Date folders looked at, newest first, until the log is found: today, yesterday and, where both
are empty of it, two more. So an age up to 72 hours can be told from an older one. A log that is
not written steadily is judged by no age: today and yesterday are enough for it."""

INTERRUPTIONS = re.compile(r"paus|resum|restor|resiz|creat|renam", re.IGNORECASE)
"""Event messages after which a cluster's log writing starts anew. The wordings are AWS's and not
documented as stable, so they are matched broadly: a match only delays a verdict."""

REBOOTS = re.compile(r"reboot", re.IGNORECASE)
"""A reboot brings enable_user_activity_logging into force: that log starts no earlier."""

LIST_OBJECTS = ("s3:ListObjectsV2", "s3:ListBuckets")
STREAMS = "logs:DescribeLogStreams"
SOURCE_FACTS = (
    "cluster_status",
    "available",
    "created_at",
    "log_destinations",
    "log_exports",
    "log_bucket",
    "log_key_prefix",
    "last_delivery_at",
    "last_failure_at",
    "ingestion_times",
    "user_activity_logging",
    "user_activity_in_force",
)


def derive_audit_logs(found: Found) -> Iterable[Item | Gap]:
    """One for each log that a cluster exports, wherever it goes."""
    for cluster in found.of("redshift_cluster"):
        where, exports = cluster.ref, cluster.facts["log_exports"]
        places = cluster.facts["log_destinations"]
        unseen = next((each for each in (places, exports) if each.state is State.UNKNOWN), None)
        if unseen is not None:
            why = f"which logs cluster {where.name} writes is unknown: {unseen.reason}"
            yield Gap(NAME, where.account, where.region, why)
        elif places.value:
            for log_type in exports.value if isinstance(exports.value, list) else ():
                yield _item(cluster, log_type)


def _item(cluster: Resource, log_type: str) -> Item:
    where = cluster.ref
    ref = Ref(
        NAME, where.account, where.region, f"{where.name}/{log_type}", where.arn, where.account
    )
    data = {"cluster": where.name, "log_type": log_type, "facts": cluster.facts}
    return Item(ref, data, cluster.tags, "redshift:DescribeLoggingStatus")


def log_type(aws: Reader, log: Item) -> Answer[str]:
    """`connectionlog`, `userlog` or `useractivitylog`."""
    return str(log.data["log_type"])


def written_steadily(aws: Reader, log: Item) -> Answer[bool]:
    """Whether the cluster should be writing this log all the time now.

    A running cluster writes connection and activity records all the time (its own user `rdsdb`
    among them); the user log only on changes, so that one is judged by delivery health.
    """
    kind = log.data["log_type"]
    if kind == "userlog":
        return Said(False, "the user log is written only on changes; delivery health judges it")
    status, up = _fact(log, "cluster_status"), _fact(log, "available")
    if not up:
        return Said(False, f"the cluster is {status}")
    if kind == "useractivitylog":
        for name in ("user_activity_logging", "user_activity_in_force"):
            if not _fact(log, name):
                return Said(False, log.data["facts"][name].reason)
    return Said(True, f"the cluster is {status} and writes this log all the time")


def record_seen(aws: Reader, log: Item) -> Answer[bool]:
    """Whether any record of this log is known to have arrived, ever."""
    match last_record_at(aws, log):
        case Absent(reason):
            return Said(False, reason)
        case Unknown() as unknown:
            return unknown
        case _:
            return True


def last_record_at(aws: Reader, log: Item) -> Maybe[datetime]:
    """When the newest record of this log arrived, or a time after which none did."""
    places = _fact(log, "log_destinations")
    if "s3" in places:
        return _newest_object(aws, log)
    if "cloudwatch" in places:
        return _newest_event(aws, log)
    return _newest_ingestion(log)


def writing_since(aws: Reader, log: Item) -> Answer[datetime]:
    """Since when the cluster has been up and logging, as far as AWS tells.

    Read with care only where the newest record is not recent: AWS keeps no time of when logging
    was switched on, so it is the earliest delivery that is known of. Where no record is known of
    either, it is the earliest that it can be.
    """
    created = log.data["facts"]["created_at"].value
    if not isinstance(created, datetime):
        return Unknown("the cluster shows no creation time yet")
    if not _steady(aws, log):
        return Said(created, "the cluster's creation; nothing later matters to this log now")
    newest = last_record_at(aws, log)
    if _is_recent(newest, aws.now):
        return Said(created, "the cluster's creation; the newest record is recent")
    times = [(created, "the cluster's creation"), *_restarts(aws, log)]
    if not isinstance(newest, Unknown):
        times.append(_first_evidence(aws, log))
    moment, why = max(times)
    return Said(moment, why)


def idle(aws: Reader, log: Item) -> Answer[bool]:
    """Whether CloudWatch shows that nobody was connected since the newest record."""
    if not _steady(aws, log):
        return Said(False, "not asked: this log is not written steadily now")
    newest = _moment(last_record_at(aws, log))
    if newest is None or _is_recent(newest, aws.now):
        return Said(False, "not asked: only where the newest record is old")
    start = max(newest, aws.now - timedelta(minutes=EVENTS_KEPT_MINUTES))
    try:
        answer = aws.call(
            "cloudwatch",
            "GetMetricStatistics",
            Namespace="AWS/Redshift",
            MetricName="DatabaseConnections",
            Dimensions=[{"Name": "ClusterIdentifier", "Value": log.data["cluster"]}],
            StartTime=start,
            EndTime=aws.now,
            Period=3600,
            Statistics=["Maximum"],
        )
    except AwsError as error:
        return Said(False, f"whether anyone was connected could not be read: {error}")
    points = {point["Timestamp"]: float(point["Maximum"]) for point in answer.get("Datapoints", ())}
    # The first and the last hour may have no point of their own; any other gap proves nothing.
    if len(points) < (aws.now - start) // timedelta(hours=1) - 1 or any(points.values()):
        return Said(False, "CloudWatch does not show that the cluster was without connections")
    return Said(True, f"CloudWatch shows no database connection since {start:%Y-%m-%d %H:%M}Z")


def _steady(aws: Reader, log: Item) -> bool:
    """Whether the log may be written all the time: what is not known for certain counts as so."""
    try:
        answer = written_steadily(aws, log)
    except CannotTellError:
        return True
    return not (isinstance(answer, Said) and answer.value is False)


def _fact(log: Item, name: str) -> Any:
    """A fact of the cluster behind the log. Raises CannotTellError where it is unknown."""
    reading = log.data["facts"][name]
    if reading.state is State.UNKNOWN:
        raise CannotTellError(reading.reason)
    return reading.value


def _moment(answer: Any) -> datetime | None:
    value = answer.value if isinstance(answer, Said) else answer
    return value if isinstance(value, datetime) else None


def _is_recent(answer: Any, now: datetime) -> bool:
    moment = _moment(answer)
    return moment is not None and now - moment <= RECENT


Span: TypeAlias = tuple[datetime, datetime]
"""The oldest and the newest delivery."""


def _day_objects(aws: Reader, log: Item, days_ago: int) -> Mapping[str, Span]:
    """By log type, when the cluster's objects of one date folder were delivered.

    One listing serves the three logs of a cluster; nothing else of the bucket is listed.
    """
    bucket, day = str(_fact(log, "log_bucket")), (aws.now - timedelta(days=days_ago)).date()
    prefix = day_prefix(
        _fact(log, "log_key_prefix"), aws.account, aws.region, log.data["cluster"], day
    )
    owner = aws.of_bucket(bucket)
    return owner.digest(_spans, "s3", "ListObjectsV2", "Contents", Bucket=bucket, Prefix=prefix)


def _spans(objects: Sequence[Mapping[str, Any]]) -> Mapping[str, Span]:
    """An old object that is copied onto itself is LastModified anew: its name's time counts too."""
    times: dict[str, list[datetime]] = {}
    for entry in objects:
        key = parse_key(str(entry["Key"]))
        if key is not None:
            delivered = min(entry["LastModified"], key.stamped_at)
            times.setdefault(key.log_type, []).append(delivered)
    return {log_type: (min(found), max(found)) for log_type, found in times.items()}


def _newest_object(aws: Reader, log: Item) -> Maybe[datetime]:
    folders = FOLDERS if _steady(aws, log) else 2
    for days_ago in range(folders):
        span = _day_objects(aws, log, days_ago).get(log.data["log_type"])
        if span:
            day = (aws.now - timedelta(days=days_ago)).date()
            where = f"s3://{_fact(log, 'log_bucket')}, folder of {day}"
            return Said(span[1], f"the newest {log.data['log_type']} object in {where}")
    return _older_than_the_folders(aws, log, folders)


def _older_than_the_folders(aws: Reader, log: Item, folders: int) -> Maybe[datetime]:
    """No object of this log stands in the date folders: what else is known of the last record."""
    start = _midnight(aws.now - timedelta(days=folders - 1))
    delivered = _fact(log, "last_delivery_at")
    empty = f"no {log.data['log_type']} object of the cluster since {start:%Y-%m-%d}"
    told = f"{empty}; last delivery {delivered:%Y-%m-%d %H:%M}Z" if delivered else empty
    if any(_day_objects(aws, log, days_ago) for days_ago in range(folders)):
        # A success may be of another log of the cluster, so it proves at most "before the folders".
        return Said(min(delivered or start, start), told)
    if delivered is not None and delivered > start + RECENT:
        return Unknown(f"{told}, but nothing of it: deleted since, or written under another prefix")
    if delivered is not None:
        return Said(min(delivered, start), told)
    if _fact(log, "last_failure_at") is not None:
        return Absent(f"{empty}; deliveries fail and none has succeeded")
    return Unknown(
        f"{empty}, and nothing has been delivered yet; AWS does not tell since when logging is on"
    )


def _newest_event(aws: Reader, log: Item) -> Maybe[datetime]:
    group = cluster_log_group(log.data["cluster"], log.data["log_type"])
    answer = aws.call(
        "logs",
        "DescribeLogStreams",
        absent=("ResourceNotFoundException",),
        logGroupName=group,
        orderBy="LastEventTime",
        descending=True,
        limit=1,
    )
    if not answer.get("logStreams"):
        lacks = "holds no stream" if answer else "does not exist"
        return Unknown(f"log group {group} {lacks}; AWS does not tell since when logging is on")
    stream = answer["logStreams"][0]
    # lastEventTimestamp is updated within the hour (CloudWatch Logs API): take the later of the two
    stamps = [stream.get(name) for name in ("lastEventTimestamp", "lastIngestionTime")]
    known = [int(stamp) for stamp in stamps if stamp]
    if not known:
        return Unknown(f"log group {group} shows no event time")
    return datetime.fromtimestamp(max(known) / 1000, tz=UTC)


def _newest_ingestion(log: Item) -> datetime | Unknown:
    """When the system table that holds this log's records last received data in S3 Tables."""
    table = SYSTEM_TABLES[log.data["log_type"]]
    text = (_fact(log, "ingestion_times") or {}).get(table)
    if text is None:
        return Unknown(f"S3 Tables show no ingestion time of {table} yet")
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return Unknown(f"S3 Tables show {text!r} as the ingestion time of {table}")
    if time.tzinfo is None:
        return Unknown(f"S3 Tables show an ingestion time of {table} without its zone: {text}")
    return time.astimezone(UTC)


def _restarts(aws: Reader, log: Item) -> list[tuple[datetime, str]]:
    """Resumes, restores and resizes that AWS still remembers (14 days)."""
    patterns = [INTERRUPTIONS]
    if log.data["log_type"] == "useractivitylog":
        patterns.append(REBOOTS)
    events = aws.pages(
        "redshift",
        "DescribeEvents",
        "Events",
        SourceIdentifier=log.data["cluster"],
        SourceType="cluster",
        Duration=EVENTS_KEPT_MINUTES,
    )
    return [
        (event["Date"], f"the event {event.get('Message', '')!r}")
        for event in events
        if any(pattern.search(str(event.get("Message", ""))) for pattern in patterns)
    ]


def _first_evidence(aws: Reader, log: Item) -> tuple[datetime, str]:
    """The earliest sign of delivery that is known of: logging was on from then at the latest."""
    times: list[datetime] = []
    if "s3" in _fact(log, "log_destinations"):
        for days_ago in range(FOLDERS):
            times += [oldest for oldest, _ in _day_objects(aws, log, days_ago).values()]
    elif known := _moment(last_record_at(aws, log)):
        times.append(known)
    if delivered := _fact(log, "last_delivery_at"):
        times.append(delivered)
    if times:
        return min(times), "the earliest delivery that is known of"
    # Deliveries fail and none ever succeeded: logging is on at least since the failure.
    failed = _fact(log, "last_failure_at")
    if failed is None:
        raise CannotTellError("since when logging is on is not known")
    return failed, "the delivery failure"


def _midnight(time: datetime) -> datetime:
    return time.replace(hour=0, minute=0, second=0, microsecond=0)


AUDIT_LOG = Kind(
    NAME,
    "One audit log of a provisioned cluster: connection, user or user activity.",
    facts=(
        Fact(log_type),
        Fact(written_steadily),
        Fact(record_seen, needs=(*LIST_OBJECTS, STREAMS)),
        Fact(last_record_at, needs=(*LIST_OBJECTS, STREAMS)),
        Fact(writing_since, needs=(*LIST_OBJECTS, STREAMS, "redshift:DescribeEvents")),
        Fact(idle, needs=(*LIST_OBJECTS, STREAMS, "cloudwatch:GetMetricStatistics")),
    ),
    derives=derive_audit_logs,
    sources={"redshift_cluster": SOURCE_FACTS},
)
