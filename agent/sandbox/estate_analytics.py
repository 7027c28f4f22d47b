"""The analytics account of the simulated estate: most clusters, and most of the drift."""

from __future__ import annotations

from datetime import datetime, timedelta

from agent.sandbox.estate_archive import CENTRAL
from agent.sandbox.estate_shapes import (
    ANALYTICS,
    CONNECTION,
    EU,
    FINANCE,
    PARAMETER,
    US,
    USER,
    Step,
    Trail,
    admits_redshift,
    bucket,
    cloudwatch,
    cluster,
    expires,
    loader,
    log_groups,
    policy,
    role,
    role_arn,
    tls_only,
    window,
)

WALKTHROUGH_BUCKET = "larkfield-redshift-audit-logs"
SHARED_BUCKET = "larkfield-platform-logs"
LOST_BUCKET = "larkfield-marketing-audit"
FORMER_BUCKET = "larkfield-redshift-audit-2024"
"""Delivered to until the central archive came; no cluster names it now, the configuration does."""

COMMANDS_ROLE = "AmazonRedshift-CommandsAccessRole-20240911T101530"

_ROLE = role_arn(ANALYTICS, "WarehouseLoader")


def analytics(now: datetime) -> list[Step]:
    """Its clusters, buckets and roles."""
    return [
        bucket(ANALYTICS, EU, "larkfield-lake-curated"),
        bucket(ANALYTICS, EU, "larkfield-lake-unload"),
        *loader(ANALYTICS, "WarehouseLoader", "larkfield-lake-curated", "larkfield-lake-unload"),
        *_right(now),
        *_walkthrough(now),
        *_wrong_prefix(now),
        *_stale(now),
        *_dead_delivery(now),
        *_endless_retention(now),
        *_right_on_cloudwatch(now),
        *_s3_tables(now),
        *_logging_off(now),
        *_right_serverless(now),
        *_former_bucket(now),
    ]


# ---------------------------------------------------------------- as it should be


def _right(now: datetime) -> list[Step]:
    """Two clusters that deliver to the central archive; nothing is wrong with them."""
    steps: list[Step] = []
    for region, name, kilobytes in ((EU, "warehouse-prod", 2_400), (US, "clickstream-batch", 700)):
        trail = Trail(ANALYTICS, region, name, CENTRAL[region], "analytics")
        steps += cluster(
            ANALYTICS,
            region,
            name,
            logging=trail.status(trail.delivered(now)),
            created_at=now - timedelta(days=1_511),
            roles=[_ROLE],
            tags={"team": "platform", "env": "prod"},
            nodes=8,
        )
        steps += trail.files(now, 35, kilobytes=kilobytes)
    return steps


def _right_on_cloudwatch(now: datetime) -> list[Step]:
    """All three logs, each log group with 180 days."""
    made = cluster(
        ANALYTICS,
        US,
        "customer-360",
        logging=cloudwatch(),
        created_at=now - timedelta(days=311),
        roles=[_ROLE],
        tags={"team": "crm", "env": "prod"},
    )
    return made + log_groups(ANALYTICS, US, "cluster/customer-360", now)


def _right_serverless(now: datetime) -> list[Step]:
    """All three exports on the namespace, and the parameter on its workgroup."""
    where: Step = {"account": ANALYTICS, "region": EU}
    return [
        where
        | {"do": "namespace", "name": "reporting", "roles": [_ROLE], "status": "AVAILABLE"}
        | {"exports": [CONNECTION, USER, "useractivitylog"]}
        | {"created_at": now - timedelta(days=205)},
        where
        | {"do": "workgroup", "name": "reporting-wg", "namespace": "reporting"}
        | {"parameters": {PARAMETER: "true", "require_ssl": "true"}}
        | {"created_at": now - timedelta(days=205), "status": "AVAILABLE"},
        *log_groups(ANALYTICS, EU, "reporting", now),
    ]


def _former_bucket(now: datetime) -> list[Step]:
    """Still full of logs that must go in time: the lifecycle sees to it."""
    trail = Trail(ANALYTICS, US, "clickstream-batch", FORMER_BUCKET)
    statements = [*admits_redshift(FORMER_BUCKET, ANALYTICS), tls_only(FORMER_BUCKET)]
    return [
        bucket(ANALYTICS, US, FORMER_BUCKET, statements, lifecycle=[expires()]),
        *trail.files(now - timedelta(days=140), 7),
    ]


# ---------------------------------------------------------------- drift


def _walkthrough(now: datetime) -> list[Step]:
    """A well-known walkthrough of the six-month policy, followed to the letter.

    Its lifecycle deletes noncurrent versions after 180 days in a bucket that has no versions, so
    nothing goes; the parameter stays false, so no query is logged; the role may do all of S3.
    """
    name = "redshift-cluster-1"
    trail = Trail(ANALYTICS, EU, name, WALKTHROUGH_BUCKET)
    lifecycle = {
        "ID": "remove-6month-old-file",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 180},
    }
    ages = range(40, 430, 13)  # fourteen months of files are still there: nothing was deleted
    old = [step for age in ages for step in trail.files(now - timedelta(days=age), 0, [CONNECTION])]
    return [
        bucket(
            ANALYTICS,
            EU,
            WALKTHROUGH_BUCKET,
            admits_redshift(WALKTHROUGH_BUCKET),
            lifecycle=[lifecycle],
        ),
        role(ANALYTICS, "RedshiftS3FullAccess", managed=["AmazonS3FullAccess"]),
        *cluster(
            ANALYTICS,
            EU,
            name,
            logging=trail.status(trail.delivered(now), exports=None),
            activity="false",
            created_at=now - timedelta(days=436),
            roles=[role_arn(ANALYTICS, "RedshiftS3FullAccess")],
            tags={"team": "sales", "env": "prod"},
            maintenance_window=window(now),
            username="awsuser",
        ),
        *old,
        *trail.files(now, 35, [CONNECTION, USER]),
    ]


def _wrong_prefix(now: datetime) -> list[Step]:
    """The lifecycle names `AWSLogs/`, and the keys begin with the cluster's own prefix.

    The bucket is shared with CloudTrail and Athena. The cluster's role is the console's default,
    whose AWS policy writes to every bucket with `redshift` in its name, and to every object with
    `redshift` in its key: that is where each audit log is.
    """
    trail = Trail(ANALYTICS, EU, "web-analytics", SHARED_BUCKET, "warehouse")
    statements = [*admits_redshift(SHARED_BUCKET, ANALYTICS), tls_only(SHARED_BUCKET)]
    commands = "AmazonRedshiftAllCommandsFullAccess"
    path = "/service-role/"
    return [
        bucket(ANALYTICS, EU, SHARED_BUCKET, statements, lifecycle=[expires("AWSLogs/")]),
        role(ANALYTICS, COMMANDS_ROLE, path=path, managed=[commands]),
        *cluster(
            ANALYTICS,
            EU,
            "web-analytics",
            logging=trail.status(trail.delivered(now)),
            created_at=now - timedelta(days=802),
            roles=[role_arn(ANALYTICS, COMMANDS_ROLE, path)],
            tags={"team": "web", "env": "prod"},
        ),
        *trail.files(now, 35, kilobytes=350),
        *_others_in_the_shared_bucket(now),
    ]


def _others_in_the_shared_bucket(now: datetime) -> list[Step]:
    """Athena's results, CloudTrail's files, and Redshift logs of a cluster named alike."""
    steps: list[Step] = []
    for hours in range(0, 14 * 24, 3):
        time = now - timedelta(hours=hours, minutes=7)
        query = f"athena-results/{time:%Y/%m/%d}/6c1d{hours:04}-52f0-4b1e-9c7a-8d1f{hours:08}"
        trail = f"AWSLogs/{ANALYTICS}/CloudTrail/{EU}/{time:%Y/%m/%d}"
        file = f"{ANALYTICS}_CloudTrail_{EU}_{time:%Y%m%dT%H%MZ}_Zr{hours:04}.json.gz"
        for key, size in (
            (f"{query}.csv", 4_800 + hours * 611),
            (f"{query}.csv.metadata", 318),
            (f"{trail}/{file}", 73_000 + hours),
        ):
            steps.append(_file(SHARED_BUCKET, key, time, size))
    alike = Trail(ANALYTICS, EU, "web-analytics-staging", SHARED_BUCKET, "warehouse")
    return steps + alike.files(now - timedelta(days=20), 3)


def _stale(now: datetime) -> list[Step]:
    """Its newest log is three days old, though nothing has failed and people are connected.

    All around lie younger objects that are not its logs: those of clickstream-batch, whose name
    begins alike, a manifest in its own date folder, and a copy under another prefix. The role it
    names was deleted: whoever may create roles can have that name, and with it the data.
    """
    name = "clickstream"
    trail = Trail(ANALYTICS, US, name, CENTRAL[US], "analytics")
    stopped = now - timedelta(days=3)
    folder = f"AWSLogs/{ANALYTICS}/redshift/{US}/{now:%Y/%m/%d}"
    file = f"{ANALYTICS}_redshift_{US}_{name}"
    copied = f"restored/{folder}/{file}_{CONNECTION}_{now:%Y-%m-%dT%H}:00.gz"
    return [
        *cluster(
            ANALYTICS,
            US,
            name,
            logging=trail.status(trail.delivered(stopped)),
            created_at=now - timedelta(days=690),
            roles=[role_arn(ANALYTICS, "ClickstreamEtl")],
            tags={"team": "clickstream", "env": "prod"},
        ),
        *trail.files(stopped, 32, kilobytes=1_100),
        _file(CENTRAL[US], f"analytics/{folder}/{file}_manifest.json", now, 2_210),
        _file(CENTRAL[US], copied, now, 13_800),
        {"do": "metric", "account": ANALYTICS, "region": US, "cluster": name}
        | {"start": now - timedelta(days=4), "end": now, "value": 37, "interval": 60},
    ]


def _dead_delivery(now: datetime) -> list[Step]:
    """Its bucket was deleted in a clean-up, and finance made one of the same name.

    Policy, lifecycle and encryption are right again; but Redshift compares the bucket's owner
    with the one at the time logging was switched on, and refuses (Management Guide, db-auditing).
    """
    trail = Trail(ANALYTICS, US, "marketing-attribution", LOST_BUCKET)
    status = trail.status(
        trail.delivered(now - timedelta(days=6)),
        last_failure=now - timedelta(minutes=41),
        message=f"The owner of bucket {LOST_BUCKET} is not the one that logging was enabled with.",
    )
    statements = [*admits_redshift(LOST_BUCKET, ANALYTICS), tls_only(LOST_BUCKET)]
    return [
        bucket(FINANCE, US, LOST_BUCKET, statements, lifecycle=[expires()]),
        *cluster(
            ANALYTICS,
            US,
            "marketing-attribution",
            logging=status,
            created_at=now - timedelta(days=540),
            roles=[_ROLE],
            tags={"team": "marketing", "env": "prod"},
        ),
        {"do": "metric", "account": ANALYTICS, "region": US, "cluster": "marketing-attribution"}
        | {"start": now - timedelta(days=7), "end": now, "value": 9, "interval": 60},
    ]


def _endless_retention(now: datetime) -> list[Step]:
    """Log groups as Redshift creates them: events never expire. And a role for everything."""
    every: Step = {"Sid": "Ingest", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    return [
        role(ANALYTICS, "BiddingIngest", inline={"ingest": policy(every)}),
        *cluster(
            ANALYTICS,
            US,
            "realtime-bidding",
            logging=cloudwatch(),
            created_at=now - timedelta(days=311),
            roles=[role_arn(ANALYTICS, "BiddingIngest")],
            tags={"team": "ads", "env": "prod"},
        ),
        *log_groups(ANALYTICS, US, "cluster/realtime-bidding", now, retention=None),
    ]


def _s3_tables(now: datetime) -> list[Step]:
    """Publishes to S3 Tables, where retention and encryption are not modelled: unknown."""
    tables = ("sys_connection_log", "sys_userlog", "sys_query_history")
    status = {
        "destination": "s3table",
        "s3_tables": {
            "EnabledAll": True,
            "S3TableGranularity": "cluster",
            "S3TableNamespace": "growth_experiments",
            "S3Tables": list(tables),
            "LastIngestionTimes": {table: now - timedelta(minutes=34) for table in tables},
        },
    }
    return cluster(
        ANALYTICS,
        US,
        "growth-experiments",
        logging=status,
        created_at=now - timedelta(days=71),
        roles=[_ROLE],
        tags={"team": "growth", "env": "prod"},
    )


def _logging_off(now: datetime) -> list[Step]:
    """A scratch cluster that nobody switched logging on for; it holds copies of live data."""
    return cluster(
        ANALYTICS,
        US,
        "data-science-scratch",
        logging=None,
        activity=None,
        created_at=now - timedelta(days=58),
        roles=[_ROLE],
        tags={"team": "data-science", "env": "dev"},
        maintenance_window=window(now),
        node_type="dc2.large",
    )


def _file(bucket: str, key: str, modified: datetime, size: int) -> Step:
    return {"do": "object", "bucket": bucket, "key": key, "modified": modified, "size": size}
