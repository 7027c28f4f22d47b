"""What holds over any sequence of sweeps, and over every denied call of a real collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls.evaluate import evaluate
from controls.history import Event, Happening, State
from controls.history_advance import advance, reconcile
from controls.history_unseen import ANYWHERE, AT_THEIR_WRITER, DERIVED
from controls.kinds.kind import LogBucket
from controls.model import Coverage, Finding, Gap, Ref, Report, Status, TargetStatus
from tests.controls.kinds.estate import BUCKET as LOG_BUCKET
from tests.controls.kinds.estate import cluster as real_cluster
from tests.controls.kinds.estate import healthy, pack, swept, to_cloudwatch
from tests.controls.kinds.test_redshift_role import ROLE as ROLE_ARN
from tests.controls.kinds.test_redshift_role import iam
from tests.controls.sweeps import (
    ACCOUNT,
    ARCHIVE,
    BUCKET,
    CLUSTER,
    LOG,
    REGION,
    ROLE,
    as_stored,
    blind,
    cluster,
    judged,
    minute,
    open_in,
    replayed,
)
from tests.fakes import NOW, Prepared, denied

RULES = ("logging-on", "logs-fresh")
PLACES = ((ACCOUNT, REGION), (ARCHIVE, REGION), (ACCOUNT, "us-east-1"))
KINDS = (CLUSTER, LOG, BUCKET, ROLE)


@dataclass(frozen=True, slots=True)
class Swept:
    """One sweep that may have happened."""

    report: Report
    gaps: tuple[Gap, ...]
    judged: tuple[str, ...]


def refs() -> list[Ref]:
    found = []
    for kind in KINDS:
        for account, region in PLACES:
            where = "global" if kind == ROLE else region
            arn = f"arn:aws:s3:::{kind}" if kind == BUCKET else ""
            found.append(Ref(kind, account, where, f"{kind}-1", arn, account))
    return found


findings: st.SearchStrategy[dict[str, Finding]] = st.dictionaries(
    st.tuples(st.sampled_from(RULES), st.sampled_from(refs())), st.sampled_from(Status)
).map(
    lambda drawn: {
        one.id: one for one in (judged(status, ref, rule) for (rule, ref), status in drawn.items())
    }
)
all_gaps = tuple(
    Gap(kind, account, region, "denied") for kind in KINDS for account, region in PLACES
)
targets = st.lists(
    st.tuples(st.sampled_from(PLACES), st.sampled_from(Coverage)),
    unique_by=lambda one: one[0],
).map(lambda drawn: tuple(TargetStatus(*at, how, f"{how}", 3) for at, how in drawn))


@st.composite
def sweeps(draw: st.DrawFn) -> Swept:
    gaps = tuple(draw(st.lists(st.sampled_from(all_gaps), unique=True, max_size=3)))
    rules = draw(st.sampled_from([RULES, RULES[:1], RULES[1:]]))
    brought = draw(findings) | {
        one.id: one for each in gaps for rule in rules if (one := blind(each, rule))
    }
    at = minute(draw(st.integers(-100, 1000)))
    return Swept(Report("0", at, draw(targets), tuple(brought.values())), gaps, rules)


def run(state: State, one: Swept) -> tuple[State, tuple[Event, ...]]:
    return advance(state, one.report, one.gaps, one.judged, RULES)


def states(history: Sequence[Swept]) -> list[tuple[State, tuple[Event, ...]]]:
    """The state before any, and after each."""
    reached: list[tuple[State, tuple[Event, ...]]] = [(State(), ())]
    for one in history:
        reached.append(run(reached[-1][0], one))
    return reached


histories = st.lists(sweeps(), max_size=6)


@given(histories)
def test_replaying_the_events_gives_what_is_open(history: list[Swept]) -> None:
    opened: dict[str, Status] = {}
    for state, events in states(history):
        opened = replayed(events, opened)
        assert opened == open_in(state)


@given(histories)
def test_only_a_pass_resolves(history: list[Swept]) -> None:
    for each, (_, events) in zip(history, states(history)[1:], strict=True):
        passing = {one.id for one in each.report.findings if one.status is Status.PASS}
        resolved = {one.finding for one in events if one.happening is Happening.RESOLVED}
        assert resolved <= passing


@given(histories)
def test_of_a_sweep_that_comes_twice_the_second_tells_nothing_new(history: list[Swept]) -> None:
    for each, (state, _) in zip(history, states(history)[1:], strict=True):
        again, events = run(state, each)
        assert (again, events) == (state, ())


@given(histories, st.sampled_from([RULES, RULES[:1]]))
def test_where_nothing_can_be_listed_no_failure_ends(
    history: list[Swept], judged_now: tuple[str, ...]
) -> None:
    before = states(history)[-1][0]
    unreadable = tuple(
        TargetStatus(*place, Coverage.UNREADABLE, "denied", 0)
        for place in {*PLACES, *before.targets}
    )
    brought = tuple(blind(each, rule) for each in all_gaps for rule in judged_now)
    dark = Swept(Report("0", minute(2000), unreadable, brought), all_gaps, judged_now)

    state, events = run(before, dark)

    assert failing(before) <= failing(state)
    assert Happening.RESOLVED not in {one.happening for one in events}


@given(histories)
def test_times_of_a_finding_stand_in_order(history: list[Swept]) -> None:
    for (before, _), (state, events) in pairwise(states(history)):
        for key, one in state.findings.items():
            assert one.first_seen <= one.since
            assert one.first_seen <= one.seen_at
            assert one.last_known is None or one.last_known.at <= one.since
            if (old := before.findings.get(key)) is not None:
                assert old.first_seen == one.first_seen
                assert old.since <= one.since
                assert old.seen_at <= one.seen_at
        for event in events:
            if (old := before.findings.get(event.finding)) is not None:
                assert event.at >= old.since


@given(histories)
def test_what_an_unknown_was_is_never_an_unknown(history: list[Swept]) -> None:
    for state, _ in states(history):
        for one in state.findings.values():
            unknown = one.finding.status is Status.UNKNOWN
            assert one.last_known is None or (unknown and one.last_known.status != "unknown")


@given(histories, histories)
def test_a_store_that_comes_back_is_joined_without_a_break(
    before: list[Swept], meanwhile: list[Swept]
) -> None:
    stored = as_stored(states(before)[-1][0])
    current = states(meanwhile)[-1][0]

    state, events = reconcile(stored, current)

    assert replayed(events, open_in(stored)) == open_in(state)
    assert set(current.findings) <= set(state.findings)


def failing(state: State) -> set[str]:
    return {key for key, one in state.findings.items() if one.failing}


# ------------------------------------------------- a real collection in which a call is denied

DRIFTED: Mapping[str, Prepared] = (
    healthy(
        [
            real_cluster(
                IamRoles=[{"IamRoleArn": ROLE_ARN, "ApplyStatus": "in-sync"}],
                PubliclyAccessible=True,
            )
        ]
    )
    | iam()
    | {
        "redshift:DescribeClusterParameters": {"Parameters": []},
        "redshift-serverless:ListNamespaces": {"namespaces": [{"namespaceName": "ns"}]},
        "redshift-serverless:ListWorkgroups": {
            "workgroups": [{"workgroupName": "wg", "configParameters": []}]
        },
        "s3:ListObjectsV2": {},
        "s3:GetBucketPolicy": {},
        "s3:GetPublicAccessBlock": {},
        "s3:GetBucketLifecycleConfiguration": {},
        "logs:DescribeLogGroups": {"logGroups": []},
    }
)
ON_CLOUDWATCH = {**DRIFTED, "redshift:DescribeLoggingStatus": to_cloudwatch()}


def looked(
    answers: Mapping[str, Prepared], *, owned: bool = True, before: State | None = None
) -> tuple[State, tuple[Event, ...]]:
    owners = {LOG_BUCKET: (ARCHIVE, REGION)} if owned else {}
    snapshot, _ = swept(answers, owners=owners)
    found = evaluate(pack(), snapshot)
    rules = {rule.id for rule in pack()}
    report = Report("0", NOW, snapshot.targets, found)
    return advance(before or State(), report, snapshot.gaps, rules, rules)


@pytest.mark.parametrize(
    "answers", [pytest.param(DRIFTED, id="S3"), pytest.param(ON_CLOUDWATCH, id="CloudWatch")]
)
@pytest.mark.parametrize("operation", sorted(DRIFTED))
def test_a_denied_call_ends_no_failure(answers: Mapping[str, Prepared], operation: str) -> None:
    before, _ = looked(answers)

    state, events = looked({**answers, operation: denied(operation)}, before=before)

    assert len(failing(before)) >= 4
    assert failing(before) <= failing(state)
    assert {one.happening for one in events} <= {Happening.OPENED, Happening.CHANGED}


def test_a_bucket_whose_owner_is_not_told_now_keeps_its_failures() -> None:
    before, _ = looked(DRIFTED)

    state, _ = looked(DRIFTED, owned=False, before=before)

    assert any(f"{BUCKET}/{ARCHIVE}" in key for key in failing(before))
    assert failing(before) <= failing(state)


def test_kinds_said_to_stand_with_their_writer_do() -> None:
    assert AT_THEIR_WRITER <= DERIVED
    assert {BUCKET, ROLE} == ANYWHERE
    for answers in (DRIFTED, ON_CLOUDWATCH):
        snapshot, _ = swept(answers, log_buckets=[LogBucket("other", ARCHIVE, REGION)])
        stand = {
            (one.ref.account, one.ref.region)
            for one in snapshot.resources
            if one.ref.kind in AT_THEIR_WRITER and not one.ref.name.startswith("other/")
        }
        assert stand == {(ACCOUNT, REGION)}


# ------------------------------------------------------------------------------------ speed


def test_ten_thousand_findings_advance_fast() -> None:
    many = tuple(cluster(list(Status)[number % 5], f"c{number}") for number in range(10_000))
    here = (TargetStatus(ACCOUNT, REGION, Coverage.COMPLETE, None, 10_000),)
    first = Report("0", minute(0), here, many)
    state, _ = advance(State(), first, (), RULES, RULES)
    gap = Gap(CLUSTER, ACCOUNT, REGION, "denied")
    took = {}
    for name, report, gaps in (
        ("the same", replace(first, taken_at=minute(15)), ()),
        ("all hidden", replace(first, taken_at=minute(15), findings=()), (gap,)),
    ):
        began = process_time()
        advance(state, report, gaps, RULES, RULES)
        took[name] = process_time() - began
    assert max(took.values()) < 1.0, took  # 0.1 and 0.2 s alone on a laptop's core
