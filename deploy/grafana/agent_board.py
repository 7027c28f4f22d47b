"""The agent itself: does it look, how long does it take, what stands in its way."""

from __future__ import annotations

from panels import (
    ANY_IS_BAD,
    ANY_IS_DOUBT,
    INSTANCE,
    INSTANCES,
    ZERO_IS_BAD,
    Json,
    Query,
    Row,
    dashboard,
    now,
    over_time,
    table,
)

SINCE = f"time() - max by (sweep) (trailkeeper_sweep_last_success_timestamp_seconds{{{INSTANCE}}})"
LIMIT = f"3 * max by (sweep) (trailkeeper_sweep_interval_seconds{{{INSTANCE}}})"
OURS = f"and on (job, instance) trailkeeper_build_info{{{INSTANCE}}}"


def each(function: str, metric: str, by: str, more: str = "") -> str:
    """`function` of a counter over the interval that Grafana picks, summed."""
    return f"sum by ({by}) ({function}(trailkeeper_{metric}{{{INSTANCE}{more}}}[$__rate_interval]))"


def quantile(share: float, metric: str, by: str) -> str:
    """A quantile of a histogram."""
    return f"histogram_quantile ({share}, {each('rate', metric + '_bucket', f'{by}, le')})"


AGENT: Json = dashboard(
    "trailkeeper-agent",
    "Trailkeeper / Agent",
    "The agent itself: does it look, how long does it take, what stands in its way.",
    [INSTANCES],
    [
        Row(
            "Now",
            [
                now(
                    "Loop",
                    "1 while the sweeping loop turns.",
                    f"min (trailkeeper_loop_alive{{{INSTANCE}}})",
                    steps=ZERO_IS_BAD,
                    wide=3,
                ),
                now(
                    "Store",
                    "1 while the store answers.",
                    f"min (trailkeeper_store_up{{{INSTANCE}}})",
                    steps=ZERO_IS_BAD,
                    wide=3,
                ),
                now(
                    "Configuration",
                    "1 if what stands on disk is in use; 0: it is not valid, the one before is.",
                    f"min (trailkeeper_config_last_reload_successful{{{INSTANCE}}})",
                    steps=ZERO_IS_BAD,
                    wide=3,
                ),
                now(
                    "Verdicts from before the start",
                    "Findings from the store that no sweep has confirmed yet.",
                    f"sum (trailkeeper_findings_stale{{{INSTANCE}}})",
                    steps=ANY_IS_DOUBT,
                    wide=3,
                ),
                now(
                    "Mistakes in rules",
                    "Findings that are unknown because a rule cannot be worked out.",
                    f"sum (trailkeeper_rule_errors{{{INSTANCE}}})",
                    steps=ANY_IS_BAD,
                    wide=3,
                ),
                now(
                    "Series left out",
                    "Resources that have no series of their own because of the limit.",
                    f"sum (trailkeeper_resources_dropped{{{INSTANCE}}})",
                    steps=ANY_IS_BAD,
                    wide=3,
                ),
                now(
                    "Rules in use",
                    "A sudden fall is a pack that was lost in a reload.",
                    f"min (trailkeeper_rules_loaded{{{INSTANCE}}})",
                    steps=ZERO_IS_BAD,
                    wide=3,
                ),
                now(
                    "Up since",
                    "Time since the last start.",
                    f"time() - max (process_start_time_seconds{{{INSTANCE}}} {OURS})",
                    unit="s",
                    wide=3,
                ),
                table(
                    "Instances",
                    "Which version runs where.",
                    [("", f"trailkeeper_build_info{{{INSTANCE}}}")],
                    ["job", "instance", "version"],
                    wide=24,
                    high=5,
                ),
            ],
        ),
        Row(
            "Sweeps",
            [
                over_time(
                    "Time since the last success",
                    "Late is more than three intervals: the dashed line. A full sweep does the "
                    "work of a freshness sweep that is due meanwhile.",
                    [
                        Query(SINCE, "{{sweep}}"),
                        Query(LIMIT, "{{sweep}}: late"),
                    ],
                    unit="s",
                    overrides=[
                        {
                            "matcher": {"id": "byRegexp", "options": "/late$/"},
                            "properties": [
                                {
                                    "id": "custom.lineStyle",
                                    "value": {"fill": "dash", "dash": [10, 10]},
                                }
                            ],
                        }
                    ],
                ),
                over_time(
                    "How long sweeps take",
                    "Median and 95th percentile of those that ended.",
                    [
                        Query(
                            quantile(0.5, "sweep_duration_seconds", "sweep"), "{{sweep}}: median"
                        ),
                        Query(quantile(0.95, "sweep_duration_seconds", "sweep"), "{{sweep}}: 95 %"),
                    ],
                    unit="s",
                ),
                over_time(
                    "Sweeps by outcome",
                    "How many ended. Partial: a target was not, or not wholly, read.",
                    [
                        Query(
                            each("increase", "sweeps_total", "sweep, outcome"),
                            "{{sweep}}: {{outcome}}",
                        )
                    ],
                    stacked=True,
                    wide=8,
                ),
                over_time(
                    "Sweeps that did not begin",
                    "Overlap: the one before was still under way; then sweeps take longer than "
                    "their interval.",
                    [
                        Query(
                            each("increase", "sweeps_skipped_total", "sweep, reason"),
                            "{{sweep}}: {{reason}}",
                        )
                    ],
                    wide=8,
                ),
                over_time(
                    "Under way",
                    "1 while a sweep runs.",
                    [
                        Query(
                            f"max by (sweep) (trailkeeper_sweep_in_progress{{{INSTANCE}}})",
                            "{{sweep}}",
                        )
                    ],
                    wide=8,
                ),
            ],
        ),
        Row(
            "AWS",
            [
                over_time(
                    "Calls by outcome",
                    "Attempts, retries included. Denied is a missing permission.",
                    [Query(each("rate", "aws_requests_total", "outcome"), "{{outcome}}")],
                    unit="reqps",
                    stacked=True,
                ),
                over_time(
                    "95th percentile of a call",
                    "By AWS service.",
                    [
                        Query(
                            quantile(0.95, "aws_request_duration_seconds", "service"), "{{service}}"
                        )
                    ],
                    unit="s",
                ),
                over_time(
                    "Calls by service",
                    "Attempts, retries included.",
                    [Query(each("rate", "aws_requests_total", "service"), "{{service}}")],
                    unit="reqps",
                    stacked=True,
                ),
                table(
                    "Calls that did not go well",
                    "In the time range shown.",
                    [
                        (
                            "attempts",
                            (
                                "sort_desc (sum by (service, operation, outcome) (increase("
                                f'trailkeeper_aws_requests_total{{{INSTANCE}, outcome!="ok"}}'
                                "[$__range])) > 0)"
                            ),
                        )
                    ],
                    ["service", "operation", "outcome"],
                    wide=12,
                    high=8,
                ),
            ],
        ),
        Row(
            "Errors and fixes",
            [
                over_time(
                    "Errors caught, by part",
                    "Each is in the log, with its cause.",
                    [Query(each("increase", "errors_total", "part"), "{{part}}")],
                    wide=8,
                ),
                over_time(
                    "Sweeps that wait for the store",
                    "They are in memory only: a restart would lose them.",
                    [
                        Query(
                            f"max by (instance) (trailkeeper_store_pending_sweeps{{{INSTANCE}}})",
                            "{{instance}}",
                        )
                    ],
                    wide=8,
                ),
                over_time(
                    "Fixes by outcome",
                    "Empty where the agent only observes.",
                    [
                        Query(
                            each("increase", "remediations_total", "fix, outcome"),
                            "{{fix}}: {{outcome}}",
                        )
                    ],
                    wide=8,
                ),
            ],
        ),
        Row(
            "Process",
            [
                over_time(
                    "Memory",
                    "Resident. It should be level from day to day.",
                    [Query(f"process_resident_memory_bytes{{{INSTANCE}}} {OURS}", "{{instance}}")],
                    unit="bytes",
                    wide=8,
                ),
                over_time(
                    "CPU",
                    "Cores.",
                    [
                        Query(
                            f"rate(process_cpu_seconds_total{{{INSTANCE}}}[$__rate_interval]) "
                            f"{OURS}",
                            "{{instance}}",
                        )
                    ],
                    wide=8,
                ),
                over_time(
                    "Open files and sockets",
                    "It should be level from day to day.",
                    [Query(f"process_open_fds{{{INSTANCE}}} {OURS}", "{{instance}}")],
                    wide=8,
                ),
                over_time(
                    "Size of the page",
                    "Samples in one scrape.",
                    [Query(f"scrape_samples_scraped{{{INSTANCE}}} {OURS}", "{{instance}}")],
                ),
                over_time(
                    "Duration of a scrape",
                    "As Prometheus measures it; its limit is scrape_timeout.",
                    [Query(f"scrape_duration_seconds{{{INSTANCE}}} {OURS}", "{{instance}}")],
                    unit="s",
                ),
            ],
        ),
    ],
)
