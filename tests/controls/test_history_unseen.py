"""What a sweep did not bring is withdrawn only where it was looked for; else it is unknown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controls.history import Happening, LastKnown, State
from controls.model import Coverage, Finding, Gap, Ref, Status
from tests.controls.sweeps import (
    ACCOUNT,
    ARCHIVE,
    BUCKET,
    CLUSTER,
    DENIED,
    HERE,
    LOG,
    READ,
    REGION,
    REGIONS_UNLISTED,
    ROLE,
    THERE,
    UNREADABLE,
    after,
    cluster,
    gap,
    judged,
    minute,
    sweep,
)

FAIL, UNKNOWN, WAIVED = Status.FAIL, Status.UNKNOWN, Status.WAIVED
CHANGED, WITHDRAWN = Happening.CHANGED, Happening.WITHDRAWN
DARK = Coverage.UNREADABLE
DWH = cluster(FAIL).id


def bucket(status: Status, account: str = ARCHIVE, owner: str = ARCHIVE) -> Finding:
    ref = Ref(BUCKET, account, REGION, "audit-logs", "arn:aws:s3:::audit-logs", owner)
    return judged(status, ref)


ROLE_FAILS = judged(
    FAIL, Ref(ROLE, ARCHIVE, "global", "etl", f"arn:aws:iam::{ARCHIVE}:role/etl", ARCHIVE)
)
LOG_FAILS = judged(FAIL, Ref(LOG, ACCOUNT, REGION, "dwh/connectionlog"))
LOCATION_FAILS = judged(FAIL, Ref("s3_log_location", ACCOUNT, REGION, "audit-logs/prod/"))
GROUP_FAILS = judged(FAIL, Ref("cloudwatch_log_group", ACCOUNT, REGION, "/aws/redshift/x"))


@pytest.mark.parametrize(
    ("finding", "seen", "reason"),
    [
        pytest.param(cluster(FAIL), {"gaps": (gap(),)}, DENIED, id="clusters not listed"),
        pytest.param(
            cluster(FAIL),
            {"targets": (UNREADABLE, THERE)},
            "sts:AssumeRole denied",
            id="the target is unreadable",
        ),
        pytest.param(
            cluster(FAIL),
            {"targets": (replace(UNREADABLE, reason=None), THERE)},
            "the target could not be read",
            id="the target is unreadable, it does not say why",
        ),
        pytest.param(
            cluster(FAIL),
            {"targets": (REGIONS_UNLISTED, THERE), "gaps": (gap(region="all"),)},
            "ec2:DescribeRegions denied",
            id="the account's regions could not be listed",
        ),
        pytest.param(
            ROLE_FAILS,
            {"gaps": (gap(ROLE),)},
            f"{ACCOUNT}/{REGION}: {DENIED}",
            id="a role, hidden with the clusters of another account",
        ),
        pytest.param(
            bucket(FAIL),
            {"gaps": (gap(BUCKET),)},
            f"{ACCOUNT}/{REGION}: {DENIED}",
            id="a bucket, hidden with the clusters of another account",
        ),
        pytest.param(
            bucket(FAIL),
            {"targets": (HERE,), "gaps": (gap(BUCKET),)},
            f"{ACCOUNT}/{REGION}: {DENIED}",
            id="a bucket of an account that is no target any more",
        ),
        pytest.param(
            bucket(FAIL),
            {"targets": (HERE, replace(THERE, status=DARK, reason="expired"))},
            "expired",
            id="a bucket whose owner's target is unreadable",
        ),
        pytest.param(LOG_FAILS, {"gaps": (gap(LOG),)}, DENIED, id="a log of hidden clusters"),
        pytest.param(
            LOCATION_FAILS,
            {"targets": (THERE,), "gaps": (gap("s3_log_location", ARCHIVE),)},
            f"{ARCHIVE}/{REGION}: {DENIED}",
            id="a location outside of all targets, where any is hidden",
        ),
    ],
)
def test_what_may_only_be_hidden_becomes_unknown(
    finding: Finding, seen: dict[str, Any], reason: str
) -> None:
    state, events = sweep(after(finding), at=15, **seen)

    one = state.findings[finding.id]
    told = f"{finding.ref.kind} {finding.ref.name} was not seen in this sweep: {reason}"
    assert (one.finding.status, one.finding.reasons) == (UNKNOWN, (told,))
    assert one.finding.because == told
    assert one.finding.facts == READ
    assert (one.last_known, one.failing) == (LastKnown(FAIL, minute(0)), True)
    assert (one.since, one.seen_at, one.stale) == (minute(15), minute(0), False)
    (changed,) = [event for event in events if event.finding == finding.id]
    assert (changed.happening, changed.because) == (CHANGED, told)


@pytest.mark.parametrize(
    ("finding", "seen"),
    [
        pytest.param(cluster(FAIL), {}, id="all was seen"),
        pytest.param(
            cluster(FAIL),
            {"targets": (replace(HERE, status=Coverage.PARTIAL, reason="denied"), THERE)},
            id="something else was not seen",
        ),
        pytest.param(cluster(FAIL), {"gaps": (gap(LOG),)}, id="another kind was not listed"),
        pytest.param(
            cluster(FAIL), {"gaps": (gap(account=ARCHIVE),)}, id="not listed in another account"
        ),
        pytest.param(cluster(FAIL), {"targets": (THERE,)}, id="its target is no longer configured"),
        pytest.param(
            cluster(FAIL),
            {"targets": (THERE,), "gaps": (gap(),)},
            id="its target is no longer configured, whatever gaps say",
        ),
        pytest.param(
            cluster(FAIL),
            {"targets": (replace(UNREADABLE, region="us-east-1"), THERE)},
            id="its target is no longer configured, and another of the account is unreadable",
        ),
        pytest.param(
            cluster(FAIL),
            {"targets": (REGIONS_UNLISTED, HERE, THERE)},
            id="its target was read, though regions could not be listed",
        ),
        *[
            pytest.param(
                finding,
                {"gaps": (gap(finding.ref.kind, ARCHIVE),)},
                id=f"a {finding.ref.kind} stands with its writer, and another is hidden",
            )
            for finding in (LOG_FAILS, LOCATION_FAILS, GROUP_FAILS)
        ],
        pytest.param(
            bucket(FAIL),
            {"gaps": (Gap(BUCKET, ACCOUNT, REGION, "not modelled", "dwh (S3 Tables)"),)},
            id="a gap with a name hides nothing else",
        ),
    ],
)
def test_what_is_not_hidden_is_withdrawn(finding: Finding, seen: dict[str, Any]) -> None:
    state, events = sweep(after(finding), at=15, **seen)

    assert finding.id not in state.findings
    (gone,) = [event for event in events if event.finding == finding.id]
    assert (gone.happening, gone.before, gone.after) == (WITHDRAWN, FAIL, None)


def test_many_reasons_are_not_all_told() -> None:
    gaps = tuple(replace(gap(ROLE, region=f"r-{number}"), reason="no") for number in range(5))

    state, _ = sweep(after(ROLE_FAILS), at=15, gaps=gaps)

    one = state.findings[ROLE_FAILS.id].finding
    assert one.because == (
        f"{ROLE} etl was not seen in this sweep: {ACCOUNT}/r-0: no; {ACCOUNT}/r-1: no; "
        f"{ACCOUNT}/r-2: no; and 2 more"
    )


def test_a_waived_failure_that_is_hidden_shows_no_waiver() -> None:
    waived = replace(cluster(WAIVED), waiver={"why": "w", "by": "b", "until": "2027-01-01"})

    state, _ = sweep(after(waived), at=15, gaps=(gap(),))

    assert state.findings[DWH].finding.waiver is None


def test_a_mistaken_rule_is_not_why_a_finding_is_hidden() -> None:
    state, _ = sweep(after(replace(cluster(UNKNOWN), rule_error=True)), at=15, gaps=(gap(),))

    assert not state.findings[DWH].finding.rule_error


def test_a_failure_without_facts_is_hidden_too() -> None:
    state, _ = sweep(after(replace(cluster(FAIL), facts={})), at=15, gaps=(gap(),))

    assert state.findings[DWH].failing


def test_the_logs_of_a_cluster_share_its_arn_and_are_not_the_same_log() -> None:
    arn = "arn:aws:redshift:eu-west-1:111122223333:cluster:dwh"
    gone = replace(LOG_FAILS, ref=replace(LOG_FAILS.ref, arn=arn))
    other = judged(UNKNOWN, replace(gone.ref, name="dwh/userlog"))

    state, _ = sweep(after(gone, other), other, at=15)

    assert list(state.findings) == [other.id]


def test_a_bucket_whose_owner_cannot_be_told_now_is_the_same_bucket() -> None:
    unowned = bucket(UNKNOWN, ACCOUNT, "")

    state, _ = sweep(after(bucket(FAIL)), unowned, at=15)
    old = state.findings[bucket(FAIL).id]

    assert (old.finding.status, old.failing) == (UNKNOWN, True)
    assert "it is unknown" in old.finding.because

    state, events = sweep(state, bucket(FAIL), at=30)

    assert list(state.findings) == [bucket(FAIL).id]
    assert {(event.finding, event.happening, event.because) for event in events} == {
        (bucket(FAIL).id, CHANGED, "it is fail"),
        (unowned.id, WITHDRAWN, f"{BUCKET} audit-logs is judged as {bucket(FAIL).ref.id} now"),
    }


@pytest.mark.parametrize(
    ("first", "then", "because"),
    [
        pytest.param(
            {"gaps": (gap(),)},
            {},
            f"{CLUSTER} in {ACCOUNT}/{REGION} could be listed again",
            id="clusters are listed again",
        ),
        pytest.param(
            {"gaps": (gap(LOG),)},
            {"gaps": (gap(LOG, ARCHIVE),)},
            f"{LOG} in {ACCOUNT}/{REGION} could be listed again",
            id="listed again here, and not there now",
        ),
        pytest.param(
            {"gaps": (gap(),)},
            {"targets": (THERE,)},
            f"{ACCOUNT}/{REGION} is no longer among the targets",
            id="the target is no longer configured",
        ),
        pytest.param(
            {"gaps": (gap(BUCKET),)},
            {"targets": (THERE,)},
            f"{ACCOUNT}/{REGION} is no longer among the targets",
            id="the target, of a derived kind",
        ),
        pytest.param(
            {"gaps": (gap(region="all"),), "targets": (REGIONS_UNLISTED, THERE)},
            {},
            f"the regions of {ACCOUNT} could be listed again, or are not asked for any more",
            id="regions are listed again",
        ),
        pytest.param(
            {"gaps": (Gap(BUCKET, ACCOUNT, REGION, "not modelled", "dwh (S3 Tables)"),)},
            {"gaps": (gap(BUCKET),)},
            f"{BUCKET} dwh (S3 Tables) was not found any more",
            id="one behind a known resource",
        ),
    ],
)
def test_a_gap_that_closes_is_withdrawn_and_never_held(
    first: dict[str, Any], then: dict[str, Any], because: str
) -> None:
    before, opened = sweep(State(), **first)

    state, events = sweep(before, at=15, **then)

    ids = {event.finding for event in opened}
    assert not ids & set(state.findings)
    gone = [event for event in events if event.finding in ids]
    assert [(one.happening, one.because) for one in gone] == [(WITHDRAWN, because)]
