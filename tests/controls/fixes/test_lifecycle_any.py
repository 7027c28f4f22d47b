"""Whatever lifecycle a bucket has: what a fix leaves alone, what it reaches, and its way back."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from controls.change import Change, Held, Planned, Right
from controls.fixes.lifecycle import abort_uploads, expire_logs, keep_logs
from controls.fixes.lifecycle_merge import own_id
from controls.model import Absent, Said
from controls.semantics import lifecycle
from controls.semantics.lifecycle_rules import Rule, read_rules
from tests.controls.fixes.lifecycle_cases import (
    BUCKET,
    Configuration,
    LogBucket,
    P,
    Q,
    configurations,
    limits,
    task,
    versionings,
    with_prefix_in_filter,
)
from tests.fakes import NOW

STEADY = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.too_slow],
)


def due(bucket: LogBucket, prefix: str = P) -> int | None:
    """Days until the last log is gone; None if some stay."""
    status = bucket.versioning.get("Status", "Off")
    said = lifecycle.due_for_deletion(bucket.configuration, status, prefix, NOW)
    assert isinstance(said, Said | Absent)
    return said.value if isinstance(said, Said) else None


def first(bucket: LogBucket, prefix: str = P) -> int | None:
    """Days until the first log may go; None if all stay."""
    status = bucket.versioning.get("Status", "Off")
    said = lifecycle.first_deletion(bucket.configuration, status, prefix, NOW)
    assert isinstance(said, Said | Absent)
    return said.value if isinstance(said, Said) else None


def theirs(configuration: Configuration, *prefixes: str) -> list[dict[str, Any]]:
    """The rules that are not ours, all in Filter form."""
    ours = {own_id(prefix) for prefix in prefixes}
    return [
        with_prefix_in_filter(rule)
        for rule in configuration.get("Rules", ())
        if rule["ID"] not in ours
    ]


def meant(rules: list[dict[str, Any]]) -> tuple[Rule, ...]:
    """The rules as they are read for judging."""
    return read_rules({"Rules": rules})


def carry_out(bucket: LogBucket, planned: Planned) -> None:
    """Makes the calls, and holds every change to what all fixes owe."""
    if not isinstance(planned, Change):
        return
    before = copy.deepcopy(bucket.configuration)
    assert json.loads(json.dumps([dict(call.params) for call in planned.calls]))
    bucket.make(*planned.calls)
    after = bucket.configuration
    assert theirs(before, P) == theirs(after, P)
    assert meant(list(before.get("Rules", ()))) == meant(theirs(before, ""))
    size = "TransitionDefaultMinimumObjectSize"
    assert after.get(size) == (before.get(size) if before else "all_storage_classes_128K")
    undone = LogBucket(copy.deepcopy(after), bucket.versioning)
    undone.make(*planned.undo)
    assert undone.configuration == before
    [document] = planned.documents
    assert json.dumps(document.before) != json.dumps(document.after)


@STEADY
@given(configurations(), versionings, limits())
def test_after_expiring_all_logs_are_due_in_time_and_none_goes_earlier_than_before(
    configuration: Configuration, versioning: dict[str, str], wanted: dict[str, int]
) -> None:
    """What the fix promises, for any configuration: else it is held, and writes nothing."""
    bucket = LogBucket(configuration, versioning)
    was = first(bucket)
    planned = expire_logs(bucket.aws, task(wanted))
    event(type(planned).__name__)
    carry_out(bucket, planned)

    if isinstance(planned, Held):
        assert planned.why
        return
    gone = due(bucket)
    assert gone is not None
    assert gone <= wanted["max_days"]
    if isinstance(planned, Change):
        goes = first(bucket)
        assert goes is not None
        assert goes >= min(
            wanted.get("min_days", wanted["max_days"]), 10**9 if was is None else was
        )
        assert planned.costs
    assert isinstance(expire_logs(bucket.aws, task(wanted)), Right)


@STEADY
@given(configurations(), limits())
def test_without_versions_nothing_of_others_stands_in_the_way_of_expiring(
    configuration: Configuration, wanted: dict[str, int]
) -> None:
    """The hold is for what cannot be had, not for what is laborious."""
    planned = expire_logs(LogBucket(configuration).aws, task(wanted))

    assert not isinstance(planned, Held)


@STEADY
@given(configurations(), versionings, limits(), st.integers(1, 400), st.data())
def test_after_keeping_nothing_goes_too_early_and_nothing_sooner_than_it_did(
    configuration: Configuration,
    versioning: dict[str, str],
    earlier: dict[str, int],
    least: int,
    data: st.DataObject,
) -> None:
    """Our rule was made for other days; now they are to be kept for at least `least`."""
    bucket = LogBucket(configuration, versioning)
    carry_out(bucket, expire_logs(bucket.aws, task(earlier)))
    most = data.draw(st.sampled_from([None, least, least + 30]))
    wanted = {"min_days": least} | ({} if most is None else {"max_days": most})
    was, gone = first(bucket), due(bucket)
    planned = keep_logs(bucket.aws, task(wanted))
    event(type(planned).__name__)
    carry_out(bucket, planned)

    if isinstance(planned, Held):
        return
    now = first(bucket)
    assert now is None or now >= least
    if isinstance(planned, Change):
        assert was is not None
        assert now is not None
        assert now > was
        last = due(bucket)
        assert gone is None or (last is not None and last <= max(most or least, gone))
        assert not planned.costs
    assert isinstance(keep_logs(bucket.aws, task(wanted)), Right)


@STEADY
@given(configurations(), versionings, st.integers(1, 365))
def test_after_aborting_uploads_all_are_aborted_and_no_log_goes_otherwise(
    configuration: Configuration, versioning: dict[str, str], within: int
) -> None:
    """The fix of one rule does nothing for or against the others."""
    bucket = LogBucket(configuration, versioning)
    before = due(bucket), first(bucket)
    planned = abort_uploads(bucket.aws, task({"abort_within_days": within}))
    carry_out(bucket, planned)

    assert not isinstance(planned, Held)
    aborted = lifecycle.uploads_aborted(bucket.configuration, P)
    assert isinstance(aborted, Said)
    assert aborted.value <= within
    assert before == (due(bucket), first(bucket))
    assert isinstance(abort_uploads(bucket.aws, task({"abort_within_days": within})), Right)


@STEADY
@given(configurations(), versionings, limits(), limits(), st.integers(1, 365))
def test_two_places_of_one_bucket_do_not_undo_each_other(
    configuration: Configuration,
    versioning: dict[str, str],
    one: dict[str, int],
    other: dict[str, int],
    within: int,
) -> None:
    """Each is planned after the other was made, and each is right in the end."""
    bucket = LogBucket(configuration, versioning)
    tasks = [task(one), task(other, f"{BUCKET}/test/")]
    planned = [expire_logs(bucket.aws, tasks[0])]
    bucket.make(*getattr(planned[0], "calls", ()))
    aborted = abort_uploads(bucket.aws, task({"abort_within_days": within}))
    bucket.make(*getattr(aborted, "calls", ()))
    planned.append(expire_logs(bucket.aws, tasks[1]))
    bucket.make(*getattr(planned[1], "calls", ()))

    assert theirs(configuration) == theirs(bucket.configuration, P, Q)
    assert isinstance(abort_uploads(bucket.aws, task({"abort_within_days": within})), Right)
    for was, asked in zip(planned, tasks, strict=True):
        again = expire_logs(bucket.aws, asked)
        assert type(again) is (Held if isinstance(was, Held) else Right)
