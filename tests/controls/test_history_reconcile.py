"""The store comes back after the agent had to start without it: both memories become one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controls.history import Happening, LastKnown, State
from controls.history_advance import reconcile
from controls.model import Gap, Status, WaiverNote
from tests.controls.sweeps import (
    ACCOUNT,
    ARCHIVE,
    BUCKET,
    CLUSTER,
    DENIED,
    REGION,
    REGIONS_UNLISTED,
    THERE,
    UNREADABLE,
    after,
    as_stored,
    cluster,
    gap,
    minute,
    open_in,
    replayed,
    sweep,
)

FAIL, UNKNOWN, PASS = Status.FAIL, Status.UNKNOWN, Status.PASS
DWH = cluster(FAIL).id
FRESH = cluster(FAIL, rule="logs-fresh")


def stored(*statuses: Status) -> State:
    """What a sweep an hour before the restart found of the one cluster."""
    return as_stored(after(*(cluster(one) for one in statuses), at=-60))


def test_before_the_first_sweep_all_is_as_it_was_stored() -> None:
    assert reconcile(stored(FAIL), State()) == (stored(FAIL), ())


def test_an_equal_verdict_is_as_old_as_the_store_says() -> None:
    state, events = reconcile(stored(FAIL), after(cluster(FAIL)))

    one = state.findings[DWH]
    assert (one.since, one.first_seen, one.seen_at) == (minute(-60), minute(-60), minute(0))
    assert (one.stale, events) == (False, ())


def test_a_verdict_that_came_and_went_and_came_again_is_no_older_than_that() -> None:
    current, _ = sweep(after(cluster(FAIL)), cluster(PASS), at=15)
    current, _ = sweep(current, cluster(FAIL), at=30)

    state, events = reconcile(stored(FAIL), current)

    one = state.findings[DWH]
    assert (one.since, one.first_seen, events) == (minute(30), minute(-60), ())


@pytest.mark.parametrize(
    ("was", "now", "happening"),
    [
        pytest.param(PASS, FAIL, Happening.OPENED, id="opened"),
        pytest.param(FAIL, UNKNOWN, Happening.CHANGED, id="changed"),
        pytest.param(FAIL, PASS, Happening.RESOLVED, id="repaired"),
        pytest.param(FAIL, Status.NOT_APPLICABLE, Happening.WITHDRAWN, id="withdrawn"),
    ],
)
def test_another_verdict_happened_when_it_was_first_seen(
    was: Status, now: Status, happening: Happening
) -> None:
    current, _ = sweep(after(cluster(now)), cluster(now), at=15)

    state, events = reconcile(stored(was), current)

    one = state.findings[DWH]
    assert (one.since, one.first_seen, one.seen_at) == (minute(0), minute(-60), minute(15))
    assert [(event.happening, event.at) for event in events] == [(happening, minute(0))]


@pytest.mark.parametrize(
    ("current", "last_known"),
    [
        pytest.param(after(cluster(UNKNOWN)), LastKnown(FAIL, minute(-60)), id="only the store"),
        pytest.param(
            sweep(after(cluster(PASS)), cluster(UNKNOWN), at=15)[0],
            LastKnown(PASS, minute(0)),
            id="what was seen since",
        ),
    ],
)
def test_an_unknown_was_what_was_last_known_of_it(current: State, last_known: LastKnown) -> None:
    assert reconcile(stored(FAIL), current)[0].findings[DWH].last_known == last_known


def test_an_unknown_in_both_keeps_what_the_store_knows() -> None:
    before, _ = sweep(after(cluster(FAIL), at=-60), cluster(UNKNOWN), at=-45)

    state, events = reconcile(as_stored(before), after(cluster(UNKNOWN)))

    assert state.findings[DWH].last_known == LastKnown(FAIL, minute(-60))
    assert state.findings[DWH].since == minute(-45)
    assert events == ()


@pytest.mark.parametrize(("now", "count"), [(FAIL, 1), (PASS, 0)])
def test_what_the_store_never_saw_is_new(now: Status, count: int) -> None:
    state, events = reconcile(stored(), after(cluster(now)))

    assert state.findings[DWH].since == minute(0)
    assert [one.happening for one in events] == [Happening.OPENED] * count


def test_what_only_the_store_knows_is_withdrawn_after_a_sweep_of_all() -> None:
    state, events = reconcile(stored(FAIL), after())

    assert not state.findings
    assert [(one.happening, one.at, one.because) for one in events] == [
        (Happening.WITHDRAWN, minute(0), f"{CLUSTER} dwh was not found any more")
    ]


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        pytest.param({"gaps": (gap(),)}, DENIED, id="not listed"),
        pytest.param({"targets": (UNREADABLE,)}, UNREADABLE.reason, id="unreadable"),
        pytest.param(
            {"targets": (REGIONS_UNLISTED,)}, REGIONS_UNLISTED.reason, id="regions not listed"
        ),
    ],
)
def test_what_only_the_store_knows_and_is_hidden_now_is_unknown(
    seen: dict[str, Any], reason: str
) -> None:
    current, _ = sweep(State(), **seen)

    state, events = reconcile(stored(FAIL), current)

    one = state.findings[DWH]
    assert (one.finding.status, one.failing) == (UNKNOWN, True)
    assert reason in one.finding.because
    assert Happening.CHANGED in [event.happening for event in events if event.finding == DWH]


def test_a_gap_with_a_name_hides_nothing_else() -> None:
    named = Gap(CLUSTER, ACCOUNT, REGION, "not modelled", "other (S3 Tables)")

    state, _ = reconcile(stored(FAIL), sweep(State(), gaps=(named,))[0])

    assert DWH not in state.findings


def test_of_a_rule_that_was_not_judged_yet_all_stays_as_stored() -> None:
    current, _ = sweep(State(), FRESH, only=("logs-fresh",))
    gone = cluster(FAIL, "gone", rule="logs-fresh")
    before = as_stored(after(cluster(FAIL), FRESH, gone, at=-60))
    note = WaiverNote("unused", "logging-on", ("*",), "why", "by", "2027-01-01")
    before = replace(before, waiver_notes=(note,), deviations=("a line",))

    state, events = reconcile(before, current)

    assert state.findings[DWH] == before.findings[DWH]
    assert not state.findings[FRESH.id].stale
    assert [(one.finding, one.happening) for one in events] == [(gone.id, Happening.WITHDRAWN)]
    assert (state.stale, state.waiver_notes, state.deviations) == (True, (note,), ("a line",))


def test_targets_are_those_of_now_and_remember_their_last_success() -> None:
    current, _ = sweep(State(), targets=(UNREADABLE,))

    state, _ = reconcile(stored(FAIL), current)

    (one,) = state.targets.values()
    assert (one.status, one.last_success) == (UNREADABLE, minute(-60))


def test_targets_whose_region_could_not_be_listed_are_not_lost() -> None:
    current, _ = sweep(State(), targets=(REGIONS_UNLISTED, THERE))

    state, _ = reconcile(stored(FAIL), current)

    assert set(state.targets) == {(ACCOUNT, "all"), (ACCOUNT, REGION), (ARCHIVE, REGION)}
    assert state.targets[ACCOUNT, REGION].last_success == minute(-60)
    assert state.targets[ACCOUNT, REGION].seen_at == minute(0)


def test_the_events_lead_from_the_stored_state_to_the_joined_one() -> None:
    before, old = sweep(State(), cluster(FAIL), cluster(PASS, "b"), cluster(FAIL, "c"), at=-60)
    current, _ = sweep(State(), cluster(FAIL, "b"), cluster(FAIL, "d"), gaps=(gap(BUCKET),))

    state, events = reconcile(as_stored(before), current)

    assert replayed(events, replayed(old)) == open_in(state)
