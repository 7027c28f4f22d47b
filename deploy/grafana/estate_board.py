"""The estate at one look: what holds, what fails, what nobody can tell, and where."""

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
    RULES,
    SHARE,
    VERDICT,
    ZERO_IS_BAD,
    Json,
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
FAILING = f"{ONCE} (trailkeeper_findings_failing{{{VERDICT}}})"
NEWEST = f"{ONCE} (trailkeeper_target_%s{{{PLACE}}})"
RESOURCE = "severity, rule, account, region, kind, resource"


def judged(status: str) -> str:
    """The findings of some statuses among what is chosen."""
    return f'{SEEN}{{{VERDICT}, status=~"{status}"}}'


def ratio(by: str = "") -> str:
    """The share that passes of what was judged, as the agent's pages count it."""
    grouped = f"sum by ({by})" if by else "sum"
    return f"{grouped} ({judged('pass')}) / ({grouped} ({judged('pass|fail|unknown')}) > 0)"


ESTATE: Json = dashboard(
    "trailkeeper-estate",
    "Trailkeeper / Estate",
    "What holds, what fails and what nobody can tell, over all accounts. Needs the recording rules "
    "of deploy/prometheus/rules.yml.",
    [ACCOUNTS, REGIONS, RULES],
    [
        Row(
            "Now",
            [
                now(
                    "Compliance",
                    "The share of judged findings that pass. Unknown is not a pass; waived and not "
                    "applicable findings are left out.",
                    ratio(),
                    unit="percentunit",
                    steps=SHARE,
                    defaults={"min": 0, "max": 1, "decimals": 1},
                ),
                now(
                    "Failing by severity",
                    "Findings that fail, or failed when they could last be judged. Complete, "
                    "whatever the limit on series.",
                    f"sum by (severity) ({FAILING})",
                    legend="{{severity}}",
                    steps=ANY_IS_BAD,
                    wide=8,
                ),
                now(
                    "Unknown",
                    "Findings that nobody can prove now. Not failures, and not passes.",
                    f"sum ({judged('unknown')})",
                    steps=ANY_IS_DOUBT,
                ),
                now(
                    "Waived",
                    "Failures that somebody accepted until a date.",
                    f"sum ({judged('waived')})",
                ),
                now(
                    "Targets not wholly read",
                    "Accounts and regions that the last sweep could not read, or only in part.",
                    f"sum (1 - {NEWEST % 'complete'})",
                    steps=ANY_IS_DOUBT,
                ),
                now(
                    "Age of these verdicts",
                    "Time since the newest sweep that is shown here.",
                    f"time() - max (trailkeeper_verdicts_taken_timestamp_seconds{{{JOB}}})",
                    unit="s",
                    steps=((None, "green"), (2700, "orange"), (7200, "red")),
                ),
                now(
                    "Alerts firing",
                    "Alerts of Trailkeeper that fire now.",
                    f'count (ALERTS{{{JOB}, alertname=~"Trailkeeper.+", alertstate="firing"}}) '
                    "or vector(0)",
                    steps=ANY_IS_BAD,
                ),
            ],
        ),
        Row(
            "Where",
            [
                bars(
                    "Compliance by rule",
                    "The worst first.",
                    f"sort ({ratio('rule')})",
                    "{{rule}}",
                    unit="percentunit",
                    steps=SHARE,
                    defaults={"min": 0, "max": 1},
                    high=14,
                ),
                bars(
                    "Compliance by account",
                    "The worst first.",
                    f"sort ({ratio('account')})",
                    "{{account}}",
                    unit="percentunit",
                    steps=SHARE,
                    defaults={"min": 0, "max": 1},
                    high=14,
                ),
            ],
        ),
        Row(
            "What fails",
            [
                table(
                    "Failing now",
                    "What alerts go by: it fails, or failed when it could last be judged, or was "
                    "failing when the agent last answered. At most as many as "
                    "metrics.resource_series allows, the gravest first.",
                    [("", f"max by ({RESOURCE}) (resource:trailkeeper_failing:held{{{VERDICT}}})")],
                    RESOURCE.split(", "),
                    overrides=[column("resource", link=FINDING)],
                ),
                table(
                    "Cannot be proven now",
                    "Unknown findings: a call was denied or failed, or a document is not modelled. "
                    "* is every resource of that kind.",
                    [
                        (
                            "",
                            (
                                f"max by ({RESOURCE}) (trailkeeper_resource_noncompliant{{"
                                f'{VERDICT}, status="unknown"}})'
                            ),
                        )
                    ],
                    RESOURCE.split(", "),
                    overrides=[column("resource", link=FINDING)],
                ),
            ],
        ),
        Row(
            "Over time",
            [
                over_time(
                    "Compliance by account over time",
                    "A gap is a time without an agent: nobody looked.",
                    [Query(ratio("account"), "{{account}}")],
                    unit="percentunit",
                    defaults={"max": 1},
                ),
                over_time(
                    "Compliance by rule over time",
                    "The mean of the accounts.",
                    [
                        Query(
                            "avg by (rule) (rule_account:trailkeeper_compliance:ratio{"
                            f'{JOB}, account=~"$account", rule=~"$rule"}})',
                            "{{rule}}",
                        )
                    ],
                    unit="percentunit",
                    defaults={"max": 1},
                ),
                over_time(
                    "Failing by severity, all accounts",
                    "Follows the job alone, not account, region and rule.",
                    [
                        Query(
                            f"sum by (severity) (severity:trailkeeper_failing:sum{{{JOB}}})",
                            "{{severity}}",
                        )
                    ],
                    stacked=True,
                ),
                over_time(
                    "Findings by status",
                    "What changes between fail and unknown is blindness, not repair.",
                    [
                        Query(
                            f"sum by (status) ({judged('pass|fail|unknown|waived')})", "{{status}}"
                        )
                    ],
                    stacked=True,
                ),
            ],
        ),
        Row(
            "Targets",
            [
                table(
                    "Accounts and regions",
                    "How the last sweep found them.",
                    [
                        ("readable", NEWEST % "readable"),
                        ("complete", NEWEST % "complete"),
                        ("resources", NEWEST % "resources"),
                        ("last read, ago", f"time() - {NEWEST % 'last_success_timestamp_seconds'}"),
                    ],
                    ["account", "region"],
                    overrides=[
                        column("readable", steps=ZERO_IS_BAD),
                        column("complete", steps=ZERO_IS_BAD),
                        column("last read, ago", unit="s"),
                        column("account", link="${agent_url}/targets"),
                    ],
                )
            ],
        ),
    ],
)
