"""From sweep to sweep: what opens, changes, is repaired or goes, and what is only hidden."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controls.history import Happening, LastKnown, State
from controls.history_advance import advance
from controls.model import Coverage, Gap, Severity, Status, WaiverNote
from tests.controls.sweeps import (
    ACCOUNT,
    ARCHIVE,
    CLUSTER,
    HERE,
    REGION,
    REGIONS_UNLISTED,
    THERE,
    UNREADABLE,
    after,
    as_stored,
    cluster,
    gap,
    minute,
    report,
    sweep,
    target,
)

FAIL, UNKNOWN, WAIVED = Status.FAIL, Status.UNKNOWN, Status.WAIVED
PASS, NOT_APPLICABLE = Status.PASS, Status.NOT_APPLICABLE
ALL = (FAIL, UNKNOWN, WAIVED, PASS, NOT_APPLICABLE)
OPENED, CHANGED = Happening.OPENED, Happening.CHANGED
RESOLVED, WITHDRAWN = Happening.RESOLVED, Happening.WITHDRAWN
DWH = cluster(FAIL).id

# ------------------------------------------------------------------------------ what happens

HAPPENS: dict[tuple[Status | None, Status | None], Happening] = {
    **{(None, one): OPENED for one in (FAIL, UNKNOWN, WAIVED)},
    **{(was, one): OPENED for was in (PASS, NOT_APPLICABLE) for one in (FAIL, UNKNOWN, WAIVED)},
    **{
        (was, one): CHANGED
        for was in (FAIL, UNKNOWN, WAIVED)
        for one in (FAIL, UNKNOWN, WAIVED)
        if was is not one
    },
    **{(was, PASS): RESOLVED for was in (FAIL, UNKNOWN, WAIVED)},
    **{(was, NOT_APPLICABLE): WITHDRAWN for was in (FAIL, UNKNOWN, WAIVED)},
    **{(was, None): WITHDRAWN for was in (FAIL, UNKNOWN, WAIVED)},
}


@pytest.mark.parametrize("was", [*ALL, None])
@pytest.mark.parametrize("now", [*ALL, None])
def test_what_happens_between_two_verdicts(was: Status | None, now: Status | None) -> None:
    before = after(*([cluster(was)] if was else []))

    state, events = sweep(before, *([cluster(now)] if now else []), at=15)

    expected = HAPPENS.get((was, now))
    assert [(one.happening, one.before, one.after) for one in events] == (
        [(expected, was, now)] if expected else []
    )
    assert [one.finding.status for one in state.findings.values()] == ([now] if now else [])
    for event in events:
        assert (event.at, event.finding, event.rule) == (minute(15), DWH, "logging-on")
        assert (event.severity, event.ref) == (Severity.HIGH, cluster(FAIL).ref)
        assert event.because == (f"it is {now}" if now else f"{CLUSTER} dwh was not found any more")


def test_since_stands_while_the_verdict_does() -> None:
    state, _ = sweep(after(cluster(FAIL)), cluster(FAIL), at=15)

    one = state.findings[DWH]
    assert (one.since, one.first_seen, one.seen_at) == (minute(0), minute(0), minute(15))


def test_since_is_anew_when_the_verdict_is() -> None:
    state, _ = sweep(after(cluster(FAIL)), cluster(PASS), at=15)

    one = state.findings[DWH]
    assert (one.since, one.first_seen, one.seen_at) == (minute(15), minute(0), minute(15))


def test_what_is_known_is_what_the_last_sweep_brought() -> None:
    newer = replace(cluster(FAIL), severity=Severity.CRITICAL, because="worse", tags={"a": "b"})

    state, events = sweep(after(cluster(FAIL)), newer, at=15)

    assert (state.findings[DWH].finding, events) == (newer, ())


def test_a_waiver_that_ends_shows_the_failure_again() -> None:
    state, events = sweep(after(cluster(WAIVED)), cluster(FAIL), at=15)

    assert [one.happening for one in events] == [CHANGED]
    assert state.findings[DWH].failing


def test_a_rule_that_is_no_longer_in_use_withdraws_what_it_said() -> None:
    before = after(cluster(FAIL), cluster(PASS, rule="logs-fresh"))

    state, events = sweep(before, at=15, in_use=("another",))

    assert [(one.happening, one.because) for one in events] == [
        (WITHDRAWN, "rule logging-on is no longer in use")
    ]
    assert not state.findings


# ----------------------------------------------------------------- unknown keeps what it was


@pytest.mark.parametrize("known", [FAIL, WAIVED, PASS, NOT_APPLICABLE])
@pytest.mark.parametrize(
    "hidden",
    [
        pytest.param({}, id="its facts cannot be read"),
        pytest.param({"gaps": (gap(),)}, id="it cannot be listed"),
    ],
)
def test_an_unknown_keeps_the_last_verdict_through_any_number_of_sweeps(
    known: Status, hidden: dict[str, Any]
) -> None:
    findings = () if hidden else (cluster(UNKNOWN),)
    state, _ = sweep(after(cluster(known)), cluster(known), at=15)

    for at in (30, 45, 60):
        state, _ = sweep(state, *findings, at=at, **hidden)

    one = state.findings[DWH]
    assert one.finding.status is UNKNOWN
    assert one.last_known == LastKnown(known, minute(15))
    assert one.since == minute(30)
    assert one.failing == (known is FAIL)


def test_what_can_be_judged_again_needs_no_last_verdict() -> None:
    state, _ = sweep(after(cluster(FAIL)), cluster(UNKNOWN), at=15)

    state, events = sweep(state, cluster(PASS), at=30)

    assert state.findings[DWH].last_known is None
    assert [(one.happening, one.before) for one in events] == [(RESOLVED, UNKNOWN)]


def test_what_was_never_judged_has_no_last_verdict() -> None:
    state, _ = sweep(after(cluster(UNKNOWN)), gaps=(gap(),), at=15)

    assert state.findings[DWH].last_known is None


# ------------------------------------------------------------------------ sweeps of some rules

FRESH = cluster(FAIL, rule="logs-fresh")
NOTE = WaiverNote("unused", "logging-on", ("*",), "why", "by", "2027-01-01")


def test_a_sweep_of_some_rules_leaves_the_others_as_they_were() -> None:
    before = after(cluster(FAIL), FRESH)

    state, events = sweep(
        before, replace(FRESH, status=PASS), cluster(PASS), at=5, only=("logs-fresh",)
    )

    assert state.findings[DWH] == before.findings[DWH]
    assert [(one.finding, one.happening) for one in events] == [(FRESH.id, RESOLVED)]


def test_waiver_notes_and_deviations_are_those_of_the_last_full_sweep() -> None:
    rules = ("logging-on", "logs-fresh")
    told = replace(report([]), waiver_notes=(NOTE,), deviations=("a line",))
    full, _ = advance(State(), told, (), rules, rules)
    fresh, _ = advance(full, report([], 5), (), ("logs-fresh",), rules)
    again, _ = advance(fresh, report([], 15), (), rules, rules)

    assert (full.waiver_notes, full.deviations) == ((NOTE,), ("a line",))
    assert (fresh.waiver_notes, fresh.deviations) == ((NOTE,), ("a line",))
    assert (again.waiver_notes, again.deviations) == ((), ())


def test_after_a_restart_all_is_stale_until_all_rules_were_judged() -> None:
    restored = as_stored(after(cluster(FAIL), FRESH))

    fresh, _ = sweep(restored, FRESH, at=5, only=("logs-fresh",))
    full, events = sweep(fresh, FRESH, cluster(FAIL), at=15)

    assert (fresh.stale, fresh.findings[DWH].stale, fresh.findings[FRESH.id].stale) == (
        True,
        True,
        False,
    )
    assert (full.stale, full.findings[DWH].stale, events) == (False, False, ())
    assert full.findings[DWH].since == minute(0)


def test_at_the_very_start_a_sweep_of_some_rules_is_not_all() -> None:
    state, _ = sweep(State(), FRESH, only=("logs-fresh",))

    assert state.stale
    assert not sweep(state, FRESH, at=15)[0].stale


# ----------------------------------------------------------------------------------- targets

PARTIAL = target(status=Coverage.PARTIAL, reason="iam:GetRole denied")
DARK = Coverage.UNREADABLE


@pytest.mark.parametrize(
    ("then", "success"),
    [
        pytest.param(HERE, 15, id="read"),
        pytest.param(PARTIAL, 15, id="read in part"),
        pytest.param(UNREADABLE, 0, id="not read"),
        pytest.param(REGIONS_UNLISTED, 0, id="not even its region is listed"),
    ],
)
def test_a_target_remembers_when_it_was_last_read(then: Any, success: int) -> None:
    state, _ = sweep(after(), at=15, targets=(then, THERE))

    one = state.targets[ACCOUNT, REGION]
    assert (one.seen_at, one.last_success) == (minute(15), minute(success))
    assert (one.status.status, one.status.reason) == (then.status, then.reason)


def test_a_target_that_was_never_read_has_no_success() -> None:
    assert sweep(State(), targets=(UNREADABLE,))[0].targets[ACCOUNT, REGION].last_success is None


def test_a_target_that_only_a_sweep_of_some_rules_could_read_has_no_quiet_zero() -> None:
    dark = replace(UNREADABLE, resources=0)
    full, _ = sweep(State(), targets=(dark, THERE))

    state, _ = sweep(full, at=5, targets=(replace(HERE, resources=3), THERE), only=("logs-fresh",))

    one = state.targets[ACCOUNT, REGION].status
    assert (one.status, one.resources) == (Coverage.PARTIAL, 3)


def test_a_target_that_is_no_longer_configured_disappears() -> None:
    assert list(sweep(after(), at=15, targets=(THERE,))[0].targets) == [(ARCHIVE, REGION)]


@pytest.mark.parametrize(
    ("was", "now", "status", "reason"),
    [
        pytest.param(HERE, HERE, Coverage.COMPLETE, None, id="complete"),
        pytest.param(HERE, PARTIAL, Coverage.PARTIAL, PARTIAL.reason, id="worse now"),
        pytest.param(HERE, UNREADABLE, DARK, UNREADABLE.reason, id="unreadable now"),
        pytest.param(
            PARTIAL, HERE, Coverage.PARTIAL, PARTIAL.reason, id="what was denied was not asked for"
        ),
        pytest.param(
            UNREADABLE, HERE, Coverage.PARTIAL, UNREADABLE.reason, id="not yet read wholly again"
        ),
    ],
)
def test_a_sweep_of_some_rules_cannot_make_a_target_complete(
    was: Any, now: Any, status: Coverage, reason: str | None
) -> None:
    before, _ = sweep(State(), targets=(was,))

    state, _ = sweep(before, at=5, targets=(replace(now, resources=1),), only=("logs-fresh",))

    one = state.targets[ACCOUNT, REGION].status
    assert (one.status, one.reason, one.resources) == (status, reason, 7)


# ------------------------------------------------------------------------------------- clock


@pytest.mark.parametrize("gaps", [(), (gap(),)])
def test_a_clock_that_is_put_back_turns_no_finding_back(gaps: tuple[Gap, ...]) -> None:
    found = (cluster(FAIL), cluster(PASS, "gone"), cluster(FAIL, "kept"))
    before, _ = sweep(after(*found), *found, at=60)
    brought = () if gaps else (cluster(UNKNOWN), cluster(FAIL, "kept"))

    state, events = sweep(before, *brought, at=10, gaps=gaps)

    assert state.taken_at == minute(10)
    one = state.findings[DWH]
    assert (one.since, one.first_seen, one.seen_at) == (minute(60), minute(0), minute(60))
    assert one.last_known == LastKnown(FAIL, minute(60))
    assert state.findings[cluster(FAIL, "kept").id].since == minute(60 if gaps else 0)
    old = {event.at for event in events if event.finding in before.findings}
    assert old == {minute(60)}
