"""What a waiver covers, what it never covers, and when it is told of."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from controls.model import Coverage, Finding, Ref, Severity, Status, TargetStatus
from controls.waiver import Waiver, apply, problems

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
RULE = "redshift-user-activity-logged"


def finding(status: Status = Status.FAIL, name: str = "prod-dwh", rule: str = RULE) -> Finding:
    ref = Ref("redshift_cluster", "111122223333", "eu-west-1", name)
    return Finding(rule, "title", Severity.HIGH, status, ref, "because")


def waiver(**changes: Any) -> Waiver:
    given: dict[str, Any] = {
        "rule": RULE,
        "resources": ("prod-*",),
        "why": "migrating",
        "by": "Ada",
        "until": date(2026, 12, 31),
    }
    return Waiver(**(given | changes))


@pytest.mark.parametrize(
    ("changes", "covers"),
    [
        pytest.param({}, True, id="a glob that matches"),
        pytest.param({"resources": ("prod-dwh",)}, True, id="the name itself"),
        pytest.param({"resources": ("x", "prod-dwh")}, True, id="one of several"),
        pytest.param({"resources": ("prod",)}, False, id="a bare word is not a part of a name"),
        pytest.param({"resources": ("dwh",)}, False, id="nor its end"),
        pytest.param({"resources": ("PROD-*",)}, False, id="case matters"),
        pytest.param({"resources": ("",)}, False, id="an empty glob"),
        pytest.param({"resources": ()}, False, id="no glob"),
        pytest.param({"rule": "other"}, False, id="another rule"),
        pytest.param({"account": "111122223333", "region": "eu-west-1"}, True, id="its place"),
        pytest.param({"account": "999988887777"}, False, id="another account"),
        pytest.param({"region": "eu-west-2"}, False, id="another region"),
        pytest.param({"until": date(2026, 11, 22)}, True, id="its last day"),
        pytest.param({"until": date(2026, 11, 21)}, False, id="the day after"),
    ],
)
def test_a_waiver_covers_what_it_names_while_it_lasts(
    changes: dict[str, Any], covers: bool
) -> None:
    (after,), notes = apply([finding()], [waiver(**changes)], NOW)

    assert (Status.WAIVED if covers else Status.FAIL) == after.status
    assert covers == (not notes)


@pytest.mark.parametrize(
    ("now", "covers"),
    [
        pytest.param(datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC), True, id="its last second"),
        pytest.param(datetime(2026, 11, 23, tzinfo=UTC), False, id="midnight UTC"),
        pytest.param(
            datetime(2026, 11, 23, 1, tzinfo=timezone(timedelta(hours=2))),
            True,
            id="tomorrow somewhere else is today in UTC",
        ),
    ],
)
def test_the_last_day_is_a_day_in_utc(now: datetime, covers: bool) -> None:
    (after,), _ = apply([finding()], [waiver(until=date(2026, 11, 22))], now)

    assert covers == (after.status is Status.WAIVED)


def test_a_waived_finding_says_why_by_whom_and_until_when() -> None:
    (after,), _ = apply([finding()], [waiver()], NOW)

    assert after.waiver == {"why": "migrating", "by": "Ada", "until": "2026-12-31"}
    assert after.because == "because"


def test_the_first_waiver_that_matches_is_shown_and_the_second_is_in_use_too() -> None:
    (after,), notes = apply([finding()], [waiver(by="Ada"), waiver(by="Bob")], NOW)

    assert after.waiver is not None
    assert after.waiver["by"] == "Ada"
    assert notes == ()


def test_a_living_waiver_counts_where_an_older_one_has_expired() -> None:
    expired = waiver(until=date(2026, 1, 1), by="Old")

    (after,), notes = apply([finding()], [expired, waiver(by="New")], NOW)

    assert after.waiver is not None
    assert after.waiver["by"] == "New"
    assert [note.state for note in notes] == ["expired"]


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.FAIL])
def test_only_a_failure_is_waived(status: Status) -> None:
    before = finding(status)

    (after,), _ = apply([before], [waiver()], NOW)

    assert before == after


def target(status: Coverage, region: str = "eu-west-1") -> TargetStatus:
    return TargetStatus("111122223333", region, status, None, 0)


@pytest.mark.parametrize(
    ("findings", "targets", "changes", "noted"),
    [
        pytest.param([], [], {}, ["unused"], id="nothing found"),
        pytest.param([finding()], [], {}, [], id="a failure it covers"),
        pytest.param([finding(Status.PASS)], [], {}, ["unused"], id="what it is for passes"),
        pytest.param(
            [finding(Status.NOT_APPLICABLE)], [], {}, ["unused"], id="the rule does not apply"
        ),
        pytest.param([finding(Status.UNKNOWN)], [], {}, [], id="an unknown may be a failure"),
        pytest.param(
            [finding(Status.UNKNOWN, name="dev")], [], {}, ["unused"], id="an unknown elsewhere"
        ),
        pytest.param(
            [finding(Status.UNKNOWN, name="*")], [], {}, [], id="resources that were not listed"
        ),
        pytest.param(
            [finding(Status.UNKNOWN, name="*")],
            [],
            {"region": "us-east-1"},
            ["unused"],
            id="resources that were not listed in another region",
        ),
        pytest.param([], [target(Coverage.COMPLETE)], {}, ["unused"], id="all was read"),
        pytest.param([], [target(Coverage.UNREADABLE)], {}, [], id="its target was not read"),
        pytest.param([], [target(Coverage.PARTIAL)], {}, [], id="its target was read in part"),
        pytest.param(
            [],
            [target(Coverage.UNREADABLE, "us-east-1")],
            {"region": "eu-west-1"},
            ["unused"],
            id="another target was not read",
        ),
        pytest.param(
            [], [], {"until": date(2020, 1, 1)}, ["expired"], id="expired, and not unused as well"
        ),
    ],
)
def test_what_did_nothing_is_told(
    findings: list[Finding],
    targets: list[TargetStatus],
    changes: dict[str, Any],
    noted: list[str],
) -> None:
    _, notes = apply(findings, [waiver(**changes)], NOW, targets)

    assert noted == [note.state for note in notes]


def test_a_note_carries_the_waiver() -> None:
    _, (note,) = apply([], [waiver()], NOW)

    assert (
        note.rule,
        note.resources,
        note.why,
        note.by,
        note.until,
    ) == (RULE, ("prod-*",), "migrating", "Ada", "2026-12-31")


def test_a_waiver_for_a_rule_that_does_not_exist_is_a_problem() -> None:
    waivers = [waiver(), waiver(rule=f"{RULE}d", at="waivers.yaml:2:3"), waiver(rule="zzz")]

    assert problems(waivers, [RULE]) == (
        f"waivers.yaml:2:3: no rule '{RULE}d' to waive; did you mean '{RULE}'?",
        "no rule 'zzz' to waive",
    )
