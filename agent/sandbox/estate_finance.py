"""The finance account of the simulated estate: hardened with care, and twice too far."""

from __future__ import annotations

from datetime import datetime, timedelta

from agent.sandbox.estate_archive import CENTRAL
from agent.sandbox.estate_shapes import (
    ACTIVITY,
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
    denies,
    expires,
    loader,
    log_groups,
    role_arn,
    tls_only,
    window,
)

KMS_BUCKET = "larkfield-fraud-audit-kms"
VPCE_BUCKET = "larkfield-risk-audit"

_ROLE = role_arn(FINANCE, "FinanceLoader")


def finance(now: datetime) -> list[Step]:
    """Its clusters, buckets and roles."""
    return [
        bucket(FINANCE, EU, "larkfield-finance-curated"),
        bucket(FINANCE, EU, "larkfield-finance-unload"),
        *loader(FINANCE, "FinanceLoader", "larkfield-finance-curated", "larkfield-finance-unload"),
        *_pending_reboot(now),
        *_kms(now),
        *_forgotten_service(now),
        *_paused(now),
        *_no_user_log(now),
        *_just_created(now),
        *_half_serverless(now),
    ]


def _pending_reboot(now: datetime) -> list[Step]:
    """The parameter was set true, and the cluster never rebooted: it still runs with false.

    So it has written no activity log, which its maintenance windows will not change.
    """
    trail = Trail(FINANCE, EU, "ledger-prod", CENTRAL[EU], "finance")
    made = cluster(
        FINANCE,
        EU,
        "ledger-prod",
        logging=trail.status(trail.delivered(now)),
        started_with={PARAMETER: "false"},
        created_at=now - timedelta(days=1_204),
        roles=[_ROLE],
        tags={"team": "ledger", "env": "prod"},
        maintenance_window=window(now),
        nodes=4,
    )
    return made + trail.files(now, 35, [CONNECTION, USER])


def _kms(now: datetime) -> list[Step]:
    """Hardened to SSE-KMS two days ago, as a benchmark asks: Redshift cannot deliver since."""
    trail = Trail(FINANCE, EU, "fraud-scoring", KMS_BUCKET)
    hardened = now - timedelta(hours=51)
    status = trail.status(
        trail.delivered(hardened),
        last_failure=now - timedelta(minutes=22),
        message=f"Cannot write to bucket {KMS_BUCKET}: access denied by its encryption settings.",
    )
    statements = [*admits_redshift(KMS_BUCKET, FINANCE), tls_only(KMS_BUCKET)]
    key = f"arn:aws:kms:{EU}:{FINANCE}:key/5f0c1f9e-7d1b-4c55-9a53-2e5b8f6a7c10"
    return [
        bucket(
            FINANCE,
            EU,
            KMS_BUCKET,
            statements,
            lifecycle=[expires()],
            encryption="aws:kms",
            kms_key=key,
            bucket_key=True,
        ),
        *cluster(
            FINANCE,
            EU,
            "fraud-scoring",
            logging=status,
            created_at=now - timedelta(days=402),
            roles=[_ROLE],
            tags={"team": "fraud", "env": "prod"},
        ),
        *trail.files(hardened, 7),
        {"do": "metric", "account": FINANCE, "region": EU, "cluster": "fraud-scoring"}
        | {"start": now - timedelta(days=4), "end": now, "value": 21, "interval": 60},
    ]


def _forgotten_service(now: datetime) -> list[Step]:
    """Minutes ago the bucket was closed to all but one VPC endpoint, AWS services included.

    Redshift comes through no endpoint of a customer. One delivery has failed and none is late
    yet: only the policy shows what is coming.
    """
    trail = Trail(FINANCE, EU, "risk-models", VPCE_BUCKET, every=15)
    status = trail.status(
        trail.delivered(now - timedelta(minutes=16)),
        last_failure=now - timedelta(minutes=8),
        message=f"Cannot write to bucket {VPCE_BUCKET}. Please ensure that your IAM permissions "
        "are set up correctly.",
    )
    outside = {"StringNotEquals": {"aws:SourceVpce": "vpce-0b7d2f61c3a94e8d5"}}
    statements = [
        *admits_redshift(VPCE_BUCKET, FINANCE),
        denies("DenyOutsideOurEndpoint", VPCE_BUCKET, outside),
        tls_only(VPCE_BUCKET),
    ]
    return [
        bucket(FINANCE, EU, VPCE_BUCKET, statements, lifecycle=[expires()]),
        *cluster(
            FINANCE,
            EU,
            "risk-models",
            logging=status,
            created_at=now - timedelta(days=655),
            roles=[_ROLE],
            tags={"team": "risk", "env": "prod"},
        ),
        *trail.files(now - timedelta(minutes=16), 7, kilobytes=240),
    ]


def _paused(now: datetime) -> list[Step]:
    """Runs for month-end closing only: its logs are old and nothing is wrong with that."""
    trail = Trail(FINANCE, US, "month-end-close", CENTRAL[US], "finance")
    paused = now - timedelta(days=12)
    made = cluster(
        FINANCE,
        US,
        "month-end-close",
        logging=trail.status(trail.delivered(paused)),
        status="paused",
        created_at=now - timedelta(days=820),
        roles=[_ROLE],
        tags={"team": "controlling", "env": "prod"},
    )
    event: Step = {"do": "event", "account": FINANCE, "region": US, "cluster": "month-end-close"}
    return [*made, event | {"what": "paused", "at": paused}, *trail.files(paused, 5)]


def _no_user_log(now: datetime) -> list[Step]:
    """On CloudWatch the exports are chosen one by one, and the user log was forgotten."""
    kinds = [CONNECTION, ACTIVITY]
    made = cluster(
        FINANCE,
        US,
        "billing-support",
        logging=cloudwatch(kinds),
        created_at=now - timedelta(days=311),
        roles=[_ROLE],
        tags={"team": "billing", "env": "prod"},
    )
    return made + log_groups(FINANCE, US, "cluster/billing-support", now, kinds)


def _just_created(now: datetime) -> list[Step]:
    """Three hours old, with one delivery: too young for a verdict on freshness."""
    trail = Trail(FINANCE, US, "budget-2027", CENTRAL[US], "finance", every=30)
    made = cluster(
        FINANCE,
        US,
        "budget-2027",
        logging=trail.status(trail.delivered(now)),
        created_at=now - timedelta(hours=3),
        roles=[_ROLE],
        tags={"team": "controlling", "env": "prod"},
    )
    return made + trail.files(now, 1 / 24, [CONNECTION, ACTIVITY], 40)


def _half_serverless(now: datetime) -> list[Step]:
    """Exports what Security Hub asks for and no more: no query is recorded anywhere."""
    kinds = [CONNECTION, USER]
    where: Step = {"account": FINANCE, "region": US}
    return [
        where
        | {"do": "namespace", "name": "forecasting", "exports": kinds, "roles": [_ROLE]}
        | {"created_at": now - timedelta(days=96), "status": "AVAILABLE"},
        where
        | {"do": "workgroup", "name": "forecasting-wg", "namespace": "forecasting"}
        | {"parameters": {PARAMETER: "false", "require_ssl": "true"}}
        | {"created_at": now - timedelta(days=96), "status": "AVAILABLE"},
        *log_groups(FINANCE, US, "forecasting", now, kinds),
    ]
