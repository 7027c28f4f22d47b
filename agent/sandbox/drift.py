"""What happens in the simulated estate while the demo runs: drift appears and is put right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from agent.sandbox import estate
from agent.sandbox.estate_analytics import LOST_BUCKET
from agent.sandbox.estate_archive import CENTRAL
from agent.sandbox.estate_shapes import (
    ACTIVITY,
    ANALYTICS,
    ARCHIVE,
    CONNECTION,
    EU,
    FINANCE,
    LOGS,
    US,
    Step,
    Trail,
    bucket,
    cluster,
    expires,
    loader,
    log_groups,
    role,
    role_arn,
)
from agent.sandbox.server import Server

UPKEEP = timedelta(hours=1)
"""So often the estate's live logs are continued: after a day without new ones all were stale."""


Verdicts = dict[tuple[str, str], str | None]


STEADY = (CONNECTION, ACTIVITY)
"""The logs that are written all the time; the user log is written on changes only."""


def _nothing(now: datetime) -> list[Step]:
    return []


@dataclass(frozen=True, slots=True)
class Scene:
    """One thing that happens, `after` so many seconds from the beginning of the story.

    `steps` are planted as of now; `faults` replace those in force, None leaves them. `expect` is
    what the next sweep says that the one before did not: (rule, resource) to its new status, None
    where the finding is gone. All of it, but where a whole account becomes blind or sees again.
    """

    after: float
    says: str
    steps: Callable[[datetime], list[Step]] = _nothing
    faults: Sequence[Step] | None = None
    expect: Verdicts = field(default_factory=dict)

    def happen(self, server: Server, now: datetime) -> None:
        """In the estate. Raises RuntimeError where the sandbox refuses it."""
        server.plant(self.steps(now))
        if self.faults is not None:
            server.clear_faults()
            server.fault(*self.faults)


def play(
    story: Sequence[Scene],
    server: Server,
    wait: Callable[[float], bool],
    say: Callable[[str], object],
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> None:
    """The story over and over, until `wait`, which is given seconds, answers true.

    Once an hour the estate's live logs are continued and the record of calls is dropped, so that
    it may be left running. Raises RuntimeError or OSError where the server fails.
    """
    kept_up = now()
    while True:
        elapsed = 0.0
        for scene in story:
            if wait(scene.after - elapsed):
                return
            elapsed = scene.after
            scene.happen(server, now())
            say(scene.says)
        if now() - kept_up >= UPKEEP:
            kept_up = now()
            server.plant(continued(kept_up))
            server.forget_calls()


def continued(now: datetime) -> list[Step]:
    """The steps by which what was delivering at the beginning has gone on doing so until `now`.

    What had stopped stays as it is. A log file that is there already is written again.
    """
    steps: list[Step] = []
    for step in estate.steps(now):
        match step["do"]:
            case "cluster" if _is_live(step.get("logging", {}), now):
                where = {name: step[name] for name in ("account", "region")}
                told = {"do": "logging", "cluster": step["identifier"]}
                steps.append(told | where | step["logging"])
            case "log_objects" if now - step["end"] < 2 * UPKEEP and step["types"][0] in STEADY:
                steps.append(step | {"start": max(step["start"], step["end"] - 3 * UPKEEP)})
            case "log_group":
                steps.append(step)
    return steps


def _is_live(logging: Step, now: datetime) -> bool:
    """Whether it delivers at that time; to CloudWatch it does without saying when."""
    last = logging.get("last_success", now)
    return bool(logging) and now - last < 2 * UPKEEP


# ---------------------------------------------------------------- what happens


_WAREHOUSE = Trail(ANALYTICS, EU, "warehouse-prod", CENTRAL[EU], "analytics")
_BATCH = Trail(ANALYTICS, US, "clickstream-batch", CENTRAL[US], "analytics")
_NEW = "pricing-experiment"


def _warehouse(**status: object) -> Step:
    where: Step = {"account": ANALYTICS, "region": EU, "cluster": "warehouse-prod"}
    return {"do": "logging"} | where | status


def _switched_off(now: datetime) -> list[Step]:
    return [_warehouse(enabled=False, destination=None)]


def _switched_on(now: datetime) -> list[Step]:
    return [_warehouse(**_WAREHOUSE.status(_WAREHOUSE.delivered(now)))]


def _kept(days: int) -> Callable[[datetime], list[Step]]:
    """The lifecycle of the central bucket in us-east-1."""
    return lambda now: [bucket(ARCHIVE, US, CENTRAL[US], lifecycle=[expires(days=days)])]


def _batch(now: datetime, **status: object) -> list[Step]:
    where: Step = {"account": ANALYTICS, "region": US, "cluster": "clickstream-batch"}
    return [{"do": "logging"} | where | status]


def _delivery_fails(now: datetime) -> list[Step]:
    status = _BATCH.status(
        _BATCH.delivered(now - timedelta(hours=4)),
        last_failure=now - timedelta(minutes=6),
        message=f"Cannot write to bucket {CENTRAL[US]}. Please ensure that your IAM permissions "
        "are set up correctly.",
    )
    return _batch(now, **status)


def _delivery_works(now: datetime) -> list[Step]:
    return _batch(now, **_BATCH.status(_BATCH.delivered(now)))


def _streams_end(now: datetime) -> list[Step]:
    """Thirty hours ago, though people were connected since."""
    metric: Step = {"do": "metric", "account": ANALYTICS, "region": US, "cluster": "customer-360"}
    connected = metric | {"start": now - timedelta(hours=2), "end": now - timedelta(hours=1)}
    ended = now - timedelta(hours=30)
    return [
        connected | {"value": 14, "interval": 60},
        *log_groups(ANALYTICS, US, "cluster/customer-360", ended),
    ]


def _streams_go_on(now: datetime) -> list[Step]:
    return log_groups(ANALYTICS, US, "cluster/customer-360", now)


def _all_of_s3(now: datetime) -> list[Step]:
    own = f"arn:aws:iam::{FINANCE}:policy/FinanceLoaderPolicy"
    return [role(FINANCE, "FinanceLoader", managed=[own, "AmazonS3FullAccess"])]


def _two_buckets(now: datetime) -> list[Step]:
    curated, unload = "larkfield-finance-curated", "larkfield-finance-unload"
    return loader(FINANCE, "FinanceLoader", curated, unload)


def _appears(now: datetime) -> list[Step]:
    return cluster(
        ANALYTICS,
        EU,
        _NEW,
        logging=None,
        created_at=now,
        roles=[role_arn(ANALYTICS, "WarehouseLoader")],
        tags={"team": "pricing", "env": "dev"},
    )


def _disappears(now: datetime) -> list[Step]:
    return [{"do": "remove", "what": "cluster", "account": ANALYTICS, "region": EU, "name": _NEW}]


# ---------------------------------------------------------------- the story

_LIFECYCLE = (
    "audit-logs-expire-in-time",
    "audit-logs-kept-long-enough",
    "audit-logs-uploads-aborted",
)
_OF_LOGGING = (
    "redshift-log-delivery-admitted",
    "redshift-log-delivery-healthy",
    "redshift-log-types-complete",
    "redshift-user-activity-logged",
)


def _off(name: str) -> Verdicts:
    """What is said of a cluster that does not log."""
    rest: Verdicts = {(rule, name): "not_applicable" for rule in _OF_LOGGING}
    return {("redshift-audit-logging-on", name): "fail"} | rest


_LOGS_GONE: Verdicts = {
    **_off("warehouse-prod"),
    **{(rule, f"{CENTRAL[EU]}/analytics/"): None for rule in _LIFECYCLE},
    **{("redshift-logs-fresh", f"warehouse-prod/{log}"): None for log in LOGS},
}
_WIDENED: Verdicts = {
    ("audit-logs-expire-in-time", f"{CENTRAL[US]}/{prefix}/"): "fail"
    for prefix in ("analytics", "finance")
}
_UNDELIVERED: Verdicts = {("redshift-log-delivery-healthy", "clickstream-batch"): "fail"}
_STALE: Verdicts = {("redshift-logs-fresh", f"customer-360/{log}"): "fail" for log in STEADY}
_TOO_MUCH: Verdicts = {("redshift-role-least-privilege", "FinanceLoader"): "fail"}
_UNSEEN: Verdicts = {
    **{("log-bucket-private", name): "unknown" for name in (LOST_BUCKET, "*")},
    ("redshift-audit-logging-on", "ledger-prod"): None,
    ("redshift-audit-logging-on", "*"): "unknown",
}


def _healed(broken: Verdicts) -> Verdicts:
    """Back to what the estate's verdicts are."""
    return {finding: estate.EXPECTED.get(finding) for finding in broken}


STORY: tuple[Scene, ...] = (
    Scene(
        20,
        "Somebody switches audit logging off on warehouse-prod.",
        _switched_off,
        expect=_LOGS_GONE,
    ),
    Scene(
        65,
        "Audit logging is on again on warehouse-prod.",
        _switched_on,
        expect=_healed(_LOGS_GONE),
    ),
    Scene(
        85,
        f"The lifecycle of {CENTRAL[US]} is widened: audit logs stay for 400 days.",
        _kept(400),
        expect=_WIDENED,
    ),
    Scene(
        130,
        f"The lifecycle of {CENTRAL[US]} deletes audit logs after 180 days again.",
        _kept(180),
        expect=_healed(_WIDENED),
    ),
    Scene(
        150,
        "Redshift has not been able to deliver the logs of clickstream-batch for four hours.",
        _delivery_fails,
        expect=_UNDELIVERED,
    ),
    Scene(
        165,
        "Nothing has arrived in the log groups of customer-360 for thirty hours.",
        _streams_end,
        expect=_STALE,
    ),
    Scene(
        205,
        "The logs of clickstream-batch are delivered again.",
        _delivery_works,
        expect=_healed(_UNDELIVERED),
    ),
    Scene(
        210,
        "The log groups of customer-360 fill again.",
        _streams_go_on,
        expect=_healed(_STALE),
    ),
    Scene(
        230,
        "Somebody in a hurry attaches AmazonS3FullAccess to the role FinanceLoader.",
        _all_of_s3,
        expect=_TOO_MUCH,
    ),
    Scene(
        275,
        "FinanceLoader may use its two buckets again, and no other.",
        _two_buckets,
        expect=_healed(_TOO_MUCH),
    ),
    Scene(
        295,
        f"Account {FINANCE} denies every call: what is known of it stays, as unknown.",
        faults=({"kind": "deny", "account": FINANCE},),
        expect=_UNSEEN,
    ),
    Scene(
        340,
        f"Account {FINANCE} answers again.",
        faults=(),
        expect=_healed(_UNSEEN),
    ),
    Scene(
        360,
        f"A cluster appears without audit logging: {_NEW}.",
        _appears,
        expect=_off(_NEW),
    ),
    Scene(
        405,
        f"The cluster {_NEW} is deleted, and its findings go with it.",
        _disappears,
        expect=_healed(_off(_NEW)),
    ),
)
"""Seven minutes at the end of which the estate is as it was at the beginning."""
