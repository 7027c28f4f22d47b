"""The way of the audit logs: are they written, do they arrive, are they kept and gone in time."""

from __future__ import annotations

from panels import (
    ACCOUNTS,
    ANY_IS_BAD,
    ANY_IS_DOUBT,
    FINDING,
    JOB,
    ONCE,
    PLACE,
    REGIONS,
    SHARE,
    Json,
    Panel,
    Query,
    Row,
    bars,
    column,
    dashboard,
    now,
    over_time,
    table,
)

SEEN = "rule_account_region:trailkeeper_findings:max"
LAST = "trailkeeper_log_last_record_timestamp_seconds"
AGES = "account_region_log_type:trailkeeper_log_age_seconds:max"
STEADY = 'log_type=~"connectionlog|useractivitylog"'
"""The user log is written only on changes: its age says nothing."""

WRITTEN = (
    "redshift-audit-logging-on|redshift-log-types-complete|redshift-user-activity-logged|"
    "serverless-.+"
)
ARRIVES = (
    "redshift-log-delivery-.+|redshift-logs-fresh|log-bucket-encryption-deliverable|"
    "log-bucket-unlocked"
)
KEPT = "audit-logs-.+|log-group-.+|log-bucket-(encrypted|private|tls-only)|redshift-role-.+"
DAY = ((None, "green"), (21600, "yellow"), (86400, "red"))


def failing(rules: str) -> str:
    """How many findings of these rules fail, or failed when they could last be judged."""
    return f'sum ({ONCE} (trailkeeper_findings_failing{{{PLACE}, rule=~"{rules}"}}))'


def share(rules: str) -> str:
    """Per rule, the share that passes of what was judged."""
    chosen = f'{PLACE}, rule=~"{rules}"'
    passed = f'sum by (rule) ({SEEN}{{{chosen}, status="pass"}})'
    return (
        f'sort ({passed} / (sum by (rule) ({SEEN}{{{chosen}, status=~"pass|fail|unknown"}}) > 0))'
    )


def stage(title: str, description: str, rules: str) -> Panel:
    """One stage of the way, rule by rule."""
    return bars(
        title,
        description,
        share(rules),
        "{{rule}}",
        unit="percentunit",
        steps=SHARE,
        defaults={"min": 0, "max": 1},
        wide=8,
    )


LOGS: Json = dashboard(
    "trailkeeper-logs",
    "Trailkeeper / Log pipeline",
    "Are audit logs written, do they arrive, are they kept, and gone in time. Needs the recording "
    "rules of deploy/prometheus/rules.yml.",
    [ACCOUNTS, REGIONS],
    [
        Row(
            "Now",
            [
                now(
                    "Logs that stopped",
                    "Audit logs whose newest record is older than redshift-logs-fresh allows, "
                    "though the cluster writes them.",
                    failing("redshift-logs-fresh"),
                    steps=ANY_IS_BAD,
                ),
                now(
                    "Deliveries failing",
                    "Clusters of which AWS reports failing deliveries.",
                    failing("redshift-log-delivery-healthy"),
                    steps=ANY_IS_BAD,
                ),
                now(
                    "Logging off",
                    "Clusters without audit logging.",
                    failing("redshift-audit-logging-on"),
                    steps=ANY_IS_BAD,
                ),
                now(
                    "Freshness unknown",
                    "Logs of which nobody can tell whether they arrive.",
                    f'sum ({SEEN}{{{PLACE}, rule="redshift-logs-fresh", status="unknown"}})',
                    steps=ANY_IS_DOUBT,
                ),
                now(
                    "Logs with a known newest record",
                    "Over how many logs the ages below are.",
                    f"count (max by (account, region, cluster, log_type) ({LAST}{{{PLACE}}}))",
                ),
                now(
                    "Since the last sweep",
                    "Time since a sweep of either kind last succeeded: both look at freshness.",
                    f"time() - max (trailkeeper_sweep_last_success_timestamp_seconds{{{JOB}}})",
                    unit="s",
                    steps=((None, "green"), (900, "orange"), (3600, "red")),
                ),
            ],
        ),
        Row(
            "The way of a log",
            [
                stage("1. Written", "Logging on, all logs exported, queries logged.", WRITTEN),
                stage("2. Arrives", "Admitted, delivered, fresh.", ARRIVES),
                stage("3. Kept, guarded, gone in time", "Lifecycle, encryption, access.", KEPT),
            ],
        ),
        Row(
            "Age of the newest record",
            [
                over_time(
                    "Oldest log by account, region and kind",
                    "Connection and activity logs are written all the time by a running "
                    "cluster, and trail by one to three hours. A paused cluster writes none: the "
                    "rule knows, this graph does not.",
                    [
                        Query(
                            f"max by (account, region, log_type) ({AGES}{{{PLACE}, {STEADY}}})",
                            "{{account}}/{{region}} {{log_type}}",
                        )
                    ],
                    unit="s",
                    steps=DAY,
                    wide=24,
                ),
                table(
                    "Oldest fifty",
                    "By cluster and log; the user log, too, which is written only on changes.",
                    [
                        (
                            "age",
                            (
                                "topk (50, time() - max by (account, region, cluster, log_type) "
                                f"({LAST}{{{PLACE}}}))"
                            ),
                        )
                    ],
                    ["account", "region", "cluster", "log_type"],
                    overrides=[
                        column("age", unit="s", steps=DAY),
                        column(
                            "cluster",
                            link="${agent_url}/findings?rule=redshift-logs-fresh&account="
                            "${__data.fields.account}&q=${__data.fields.cluster}",
                        ),
                    ],
                ),
            ],
        ),
        Row(
            "What fails on the way",
            [
                over_time(
                    "Failing by rule",
                    "Findings that fail, or failed when they could last be judged.",
                    [
                        Query(
                            f"sum by (rule) ({ONCE} (trailkeeper_findings_failing{{{PLACE}, "
                            f'rule=~"{WRITTEN}|{ARRIVES}"}})) > 0',
                            "{{rule}}",
                        )
                    ],
                    stacked=True,
                    wide=24,
                ),
                table(
                    "Clusters and logs that fail now",
                    "Rules of writing and arriving only.",
                    [
                        (
                            "",
                            (
                                "max by (severity, rule, account, region, resource) "
                                f"(resource:trailkeeper_failing:held{{{PLACE}, "
                                f'rule=~"{WRITTEN}|{ARRIVES}"}})'
                            ),
                        )
                    ],
                    ["severity", "rule", "account", "region", "resource"],
                    overrides=[column("resource", link=FINDING)],
                ),
            ],
        ),
    ],
)
