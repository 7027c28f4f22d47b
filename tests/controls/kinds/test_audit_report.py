"""Last month's report: whether it lies where it should, told from keys alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from agent.collect import Target, collect
from controls.evaluate import evaluate
from controls.kinds.catalog import KINDS
from controls.model import Finding
from controls.semantics.report_keys import VERDICTS, month_before, verdict_name, verdict_of
from tests.controls.kinds.estate import (
    BUCKET,
    DAY,
    cluster,
    healthy,
    listing,
    pack,
    steady,
    to_s3,
    to_tables,
)
from tests.fakes import ACCOUNT, ARCHIVE, NOW, REGION, FakeAws, FakeWorld, Prepared, denied

REPORTS = "reports"
OCTOBER = f"audits/2026-10/{ACCOUNT}_{REGION}_c1/"
OWNERS = {BUCKET: (ARCHIVE, REGION), REPORTS: (ARCHIVE, REGION)}


def finding(
    *keys: str | dict[str, Any],
    now: datetime = NOW,
    place: str = f"{REPORTS}/audits/",
    **answers: Prepared,
) -> Finding | None:
    """What the rule says of cluster c1, where the bucket of reports holds these keys."""
    stored = [
        one if isinstance(one, dict) else {"Key": one, "LastModified": now - DAY} for one in keys
    ]
    given = healthy() | {"s3:ListObjectsV2": listing([*steady(now=now), *stored])}
    given |= {name.replace("__", ":"): answer for name, answer in answers.items()}
    aws = FakeAws(given, OWNERS, now=now)
    snapshot = collect(
        FakeWorld(aws), [Target(ACCOUNT, REGION)], pack(), KINDS, workers=1, reports=place
    )
    found = [one for one in evaluate(pack(), snapshot) if one.rule == "audit-report-produced"]
    return found[0] if found else None


def made(verdict: str, folder: str = OCTOBER) -> tuple[str, ...]:
    """The keys of a report."""
    return tuple(folder + name for name in ("manifest.json", "report.html", f"verdict-{verdict}"))


@pytest.mark.parametrize(
    ("keys", "status"),
    [
        pytest.param(made("complete"), "pass", id="all logs were there"),
        pytest.param(made("incomplete"), "pass", id="a report that says what is missing is one"),
        pytest.param(made("running"), "fail", id="it was made before the month was over"),
        pytest.param(made("empty"), "fail", id="it found no record at all"),
        pytest.param((), "fail", id="there is none"),
        pytest.param(
            made("complete", OCTOBER.replace("2026-10", "2026-09")), "fail", id="that of September"
        ),
        pytest.param(
            made("complete", OCTOBER.replace("_c1/", "_c10/")), "fail", id="that of cluster c10"
        ),
        pytest.param(made("complete")[1:], "fail", id="half published: the manifest is not there"),
        pytest.param(made("complete")[:2], "fail", id="half published: the verdict is not there"),
        pytest.param(
            [*made("complete")[:2], OCTOBER + "verdict-fine"], "fail", id="no verdict that we know"
        ),
    ],
)
def test_the_verdict_is_that_of_the_keys(keys: tuple[str, ...], status: str) -> None:
    found = finding(*keys)

    assert found is not None
    assert found.status == status
    assert (found.ref.name, found.ref.account) == ("c1", ACCOUNT)


def test_a_report_made_again_has_the_newer_verdict() -> None:
    first = {"Key": OCTOBER + "verdict-running", "LastModified": NOW - 5 * DAY}
    again = {"Key": OCTOBER + "verdict-complete", "LastModified": NOW - DAY}

    found = finding(OCTOBER + "manifest.json", first, again)

    assert found is not None
    assert found.facts["last_report"].value == "complete"
    assert found.facts["last_report"].reason == f"s3://{REPORTS}/{OCTOBER}report.html"


def test_of_two_verdicts_of_one_moment_the_worse_counts() -> None:
    found = finding(OCTOBER + "verdict-complete", *made("incomplete"))

    assert found is not None
    assert found.facts["last_report"].value == "incomplete"


@pytest.mark.parametrize(
    ("day", "status"), [(1, "pass"), (5, "pass"), (6, "fail"), (30, "fail")], ids=str
)
def test_it_is_due_five_days_after_the_month(day: int, status: str) -> None:
    now = NOW.replace(day=day, hour=0)

    found = finding(now=now)

    assert found is not None
    assert found.status == status


@pytest.mark.parametrize(
    ("answers", "status", "why"),
    [
        pytest.param(
            {"redshift__DescribeLoggingStatus": {"LoggingEnabled": False}},
            "not_applicable",
            "exports no audit log",
            id="it logs nothing",
        ),
        pytest.param(
            {"redshift__DescribeLoggingStatus": to_tables()},
            "not_applicable",
            "no report reads",
            id="its logs go to S3 Tables",
        ),
        pytest.param(
            {
                "redshift__DescribeClusters": {
                    "Clusters": [cluster(ClusterCreateTime=NOW - timedelta(days=3))]
                }
            },
            "not_applicable",
            "created after 2026-10",
            id="it is younger than the month",
        ),
        pytest.param(
            {"redshift__DescribeLoggingStatus": denied("redshift:DescribeLoggingStatus")},
            "unknown",
            "denied",
            id="whether it logs could not be read",
        ),
        pytest.param(
            {"s3__ListObjectsV2": denied("s3:ListObjectsV2")},
            "unknown",
            "denied",
            id="the bucket of reports could not be listed",
        ),
    ],
)
def test_what_is_not_expected_or_not_seen_is_no_failure(
    answers: dict[str, Prepared], status: str, why: str
) -> None:
    found = finding(**answers)

    assert found is not None
    assert found.status == status
    assert why in " ".join([*found.reasons, found.because, *map(str, found.facts.values())]).lower()


def test_a_bucket_of_nobody_we_know_is_unknown() -> None:
    found = finding(place="elsewhere/")

    assert found is not None
    assert found.status == "unknown"


def test_where_no_bucket_is_configured_nothing_is_judged() -> None:
    assert finding(place="") is None


def test_without_a_prefix_the_month_comes_first() -> None:
    found = finding(*made("complete", OCTOBER.removeprefix("audits/")), place=REPORTS)

    assert found is not None
    assert found.status == "pass"


def test_it_asks_for_no_object_and_only_below_the_report() -> None:
    given = healthy(logging=to_s3())
    aws = FakeAws(given, OWNERS, now=NOW)

    collect(
        FakeWorld(aws),
        [Target(ACCOUNT, REGION)],
        [rule for rule in pack() if rule.id == "audit-report-produced"],
        KINDS,
        workers=1,
        reports=f"{REPORTS}/audits",
    )

    asked = [one["Prefix"] for one in aws.calls("s3:ListObjectsV2")]
    assert asked == [OCTOBER]
    assert not aws.calls("s3:GetObject")


def test_january_follows_december() -> None:
    assert month_before(NOW.replace(month=1, day=31)) == "2025-12"


def test_a_verdict_comes_back_from_its_name() -> None:
    assert [verdict_of(verdict_name(one)) for one in VERDICTS] == list(VERDICTS)
    assert verdict_of("manifest.json") is None
