"""Each audit log of each cluster: when its newest record arrived, and whether one is due."""

from __future__ import annotations

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
from controls.semantics import uptime
from controls.semantics.log_keys import SYSTEM_TABLES, cluster_log_group, day_prefix, parse_key

NAME = "audit_log"

RECENT = timedelta(hours=3)
"""A newest record younger than this needs no excuse: logs trail by 30 to 120 minutes."""

FOLDERS = 4
"""Date folders looked at, newest first, until the log is found: today, yesterday and, where both
are empty of it, two more. So an age up to 72 hours can be told from an older one. A log that is
not written steadily is judged by no age: today and yesterday are enough for it."""

DOWN = (
    "paused",
    "pausing",
    "resuming",
    "creating",
    "deleting",
    "final-snapshot",
    "resizing",
    "cancelling-resize",
    "restoring",
)
"""The statuses in which a cluster need not write its logs. What it does in others that are not
`available` (storage-full, hardware-failure, rebooting ...) is not documented."""

STREAMS_SHOWN = 50
"""One page of DescribeLogStreams, its most (API reference)."""

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
    among them); the user log only on changes, so that one is judged by delivery health. In a
    status of which AWS does not tell whether logs are written, a recent record shows it.
    """
    none_due = _none_due(log)
    if none_due is not None:
        return Said(False, none_due)
    status = _fact(log, "cluster_status")
    if _fact(log, "available"):
        return Said(True, f"the cluster is {status} and writes this log all the time")
    newest = last_record_at(aws, log)
    if _is_recent(newest, aws.now):
        return Said(True, f"the cluster is {status} and still writes this log")
    told = f"the cluster is {status}: whether it writes its logs in this state is not documented"
    return Unknown(f"{told}; {newest.reason}" if isinstance(newest, Unknown) else told)


def _none_due(log: Item) -> str | None:
    """Why no record of this log is due now, whatever has arrived; None where one may be."""
    kind = log.data["log_type"]
    if kind == "userlog":
        return "the user log is written only on changes; delivery health judges it"
    status = str(_fact(log, "cluster_status"))
    if status.split(",", maxsplit=1)[0].strip() in DOWN:
        return f"the cluster is {status}"
    if kind == "useractivitylog":
        for name in ("user_activity_logging", "user_activity_in_force"):
            if not _fact(log, name):
                return str(log.data["facts"][name].reason)
    return None


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
    """Since when the cluster has been up and logging, as far as AWS tells, pauses left out.

    Read with care only where the newest record is not recent: AWS keeps no time of when logging
    was switched on, so it is the earliest delivery that is known of, or, of a cluster that was
    paused since the newest record, as many hours ago as it was up since then.
    """
    created = log.data["facts"]["created_at"].value
    if not isinstance(created, datetime):
        return Unknown("the cluster shows no creation time yet")
    if not _may_be_due(log):
        return Said(created, "the cluster's creation; nothing later matters to this log now")
    newest = last_record_at(aws, log)
    if _is_recent(newest, aws.now):
        return Said(created, "the cluster's creation; the newest record is recent")
    times, turns = [(created, "the cluster's creation")], _turns(aws, log)
    if log.data["log_type"] == "useractivitylog":
        times += uptime.reboots_that_count(turns, aws.now)
    if not isinstance(newest, Unknown):
        times.append(_first_evidence(aws, log))
    if (left := uptime.last_left_open(turns)) is not None:
        return Unknown(
            f"the cluster is available, though its last event of {left:%Y-%m-%d %H:%M}Z says that "
            "it went down; when it came up again no event tells"
        )
    return Said(*uptime.writing_since(max(times), _moment(newest), turns, aws.now))


def idle(aws: Reader, log: Item) -> Answer[bool]:
    """Whether CloudWatch shows that nobody was connected since the newest record."""
    if not _may_be_due(log):
        return Said(False, "not asked: this log is not written steadily now")
    newest = _moment(last_record_at(aws, log))
    if newest is None or _is_recent(newest, aws.now):
        return Said(False, "not asked: only where the newest record is old")
    start = max(newest, aws.now - uptime.EVENTS_KEPT)
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


def _may_be_due(log: Item) -> bool:
    """Whether the log may be written all the time: what is not known for certain counts as so."""
    try:
        return _none_due(log) is None
    except CannotTellError:
        return True


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
    folders = FOLDERS if _may_be_due(log) else 2
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
        limit=STREAMS_SHOWN,
    )
    streams = answer.get("logStreams")
    if not streams:
        lacks = "holds no stream" if answer else "does not exist"
        return Unknown(f"log group {group} {lacks}; AWS does not tell since when logging is on")
    # Anyone may write other streams into the group; the cluster's is named like the cluster (AWS's
    # own reader of these logs relies on it, no documentation does).
    own = [each for each in streams if each.get("logStreamName") == log.data["cluster"]]
    # lastEventTimestamp is updated within the hour (CloudWatch Logs API): take the later of the two
    names = ("lastEventTimestamp", "lastIngestionTime")
    if not own:
        return Unknown(f"log group {group} holds no stream named {log.data['cluster']}")
    known = [int(each[name]) for each in own for name in names if each.get(name)]
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


def _turns(aws: Reader, log: Item) -> uptime.Turns:
    """Pauses, resumes and the like that AWS still remembers (14 days)."""
    events = aws.pages(
        "redshift",
        "DescribeEvents",
        "Events",
        SourceIdentifier=log.data["cluster"],
        SourceType="cluster",
        Duration=uptime.EVENTS_KEPT // timedelta(minutes=1),
    )
    return uptime.turns_of(events)


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
        Fact(written_steadily, needs=(*LIST_OBJECTS, STREAMS)),
        Fact(record_seen, needs=(*LIST_OBJECTS, STREAMS)),
        Fact(last_record_at, needs=(*LIST_OBJECTS, STREAMS)),
        Fact(writing_since, needs=(*LIST_OBJECTS, STREAMS, "redshift:DescribeEvents")),
        Fact(idle, needs=(*LIST_OBJECTS, STREAMS, "cloudwatch:GetMetricStatistics")),
    ),
    derives=derive_audit_logs,
    sources={"redshift_cluster": SOURCE_FACTS},
)
