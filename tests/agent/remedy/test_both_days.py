"""What a retention fix is told: both sides of the class, whichever rule failed."""

from __future__ import annotations

import pytest

from agent.remedy.retention import unless_hidden, with_both_days
from controls.change import Held
from controls.fixes.lifecycle_days import limits
from controls.model import Finding, Gap, Ref, Resource, Severity, Snapshot, Status, Value
from tests.fakes import NOW

LOGS = Ref("s3_log_location", "111122223333", "eu-west-1", "audit-logs/prod/")
OTHER = Ref("s3_log_location", "111122223333", "eu-west-1", "audit-logs/test/")


def finding(rule: str, ref: Ref, **params: Value) -> Finding:
    return Finding(rule, rule, Severity.HIGH, Status.FAIL, ref, "", params=params)


def test_each_finding_knows_both_days_of_its_own_resource() -> None:
    found = with_both_days(
        [
            finding("expire", LOGS, max_days=400),
            finding("keep", LOGS, min_days=365),
            finding("expire", OTHER, max_days=180),
            finding("uploads", OTHER, abort_within_days=7),
        ]
    )

    assert [dict(one.params) for one in found] == [
        {"min_days": 365, "max_days": 400},
        {"min_days": 365, "max_days": 400},
        {"max_days": 180},
        {"max_days": 180, "abort_within_days": 7},
    ]


def test_with_the_one_rule_alone_the_strictest_that_the_other_could_ask_for_counts() -> None:
    (former, _) = with_both_days(
        [finding("expire", FORMER, max_days=365), finding("expire", AT_THE_TOP, max_days=2557)]
    )

    assert isinstance(limits(former.params, "max_days"), Held)


FORMER = Ref("s3_log_location", "999988887777", "eu-west-1", "audit-logs/AWSLogs/")
AT_THE_TOP = Ref("s3_log_location", "111122223333", "eu-west-1", "audit-logs/")


@pytest.mark.parametrize(
    ("below", "days", "held"),
    [
        pytest.param(AT_THE_TOP, 2555, True, id="a writer's logs below are kept longer"),
        pytest.param(AT_THE_TOP, 90, False, id="they are not"),
        pytest.param(LOGS, 2555, False, id="the writer's are elsewhere in the bucket"),
        pytest.param(
            Ref("s3_log_location", "111122223333", "eu-west-1", "audit-logs-2/"),
            2555,
            False,
            id="they are in another bucket",
        ),
        pytest.param(
            Ref("s3_log_location", "111122223333", "eu-west-1", "*"), 2555, False, id="unseen"
        ),
    ],
)
def test_no_former_prefix_is_expired_before_the_logs_of_a_writer_below_it(
    below: Ref, days: int, held: bool
) -> None:
    found = with_both_days(
        [
            finding("expire", FORMER, max_days=365),
            finding("keep", FORMER, min_days=90),
            finding("keep", below, min_days=days),
        ]
    )

    assert isinstance(limits(found[0].params, "max_days"), Held) == held


@pytest.mark.parametrize(
    ("gaps", "writers", "status"),
    [
        pytest.param((), (), Status.FAIL, id="all is seen"),
        pytest.param((Gap("s3_log_location", "2", "r", "denied"),), (), Status.UNKNOWN, id="not"),
        pytest.param(
            (Gap("s3_log_location", "2", "r", "denied"),), ({},), Status.FAIL, id="it has a writer"
        ),
        pytest.param(
            (Gap("s3_log_location", "2", "r", "tables", "c (S3 Tables)"),),
            (),
            Status.FAIL,
            id="a cluster that is seen",
        ),
        pytest.param(
            (Gap("redshift_role", "2", "r", "denied"),), (), Status.FAIL, id="something else"
        ),
    ],
)
def test_a_place_without_a_writer_is_left_alone_while_some_clusters_cannot_be_seen(
    gaps: tuple[Gap, ...], writers: tuple[dict[str, str], ...], status: Status
) -> None:
    place = Resource(AT_THE_TOP, {}, writer_tags=writers)

    found = unless_hidden(finding("expire", AT_THE_TOP), Snapshot(NOW, (), (place,), gaps))

    assert found.status is status
