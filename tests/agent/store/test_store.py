"""The store on both backends: what is written comes back, and only what changed is written."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text

from agent.store.documents import FindingText
from agent.store.opening import open_store
from agent.store.records import Day, StoreError, SweepRecord
from agent.store.store import Store
from controls.history import Event, Happening, State, Tracked
from controls.history_advance import advance
from controls.model import Finding, Gap, Ref, Severity, Status
from tests.agent.store import states
from tests.agent.store.states import QUARTER, START, drifting, finding, swept


@contextmanager
def opened(url: str, *, lock: bool = True) -> Iterator[Store]:
    """The store, closed again."""
    store = open_store(url, lock=lock)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def written_rows(store: Store) -> Iterator[list[tuple[str, int]]]:
    """How many rows each statement took that writes: (the first words of it, rows)."""
    seen: list[tuple[str, int]] = []

    def note(*call: object) -> None:
        statement, parameters, many = str(call[2]), call[3], call[5]
        if statement.startswith(("INSERT", "UPDATE", "DELETE")):
            rows = len(parameters) if many and isinstance(parameters, list) else 1
            seen.append((" ".join(statement.split()[:3]), rows))

    event.listen(store._engine, "before_cursor_execute", note)
    yield seen
    event.remove(store._engine, "before_cursor_execute", note)


def as_restored(state: State) -> State:
    """The state as it has to come back: stale; the times of facts are another test's."""
    return replace(
        state,
        findings={key: _timeless(tracked) for key, tracked in state.findings.items()},
        stale=True,
    )


def _timeless(tracked: Tracked) -> Tracked:
    facts = {name: replace(fact, read_at=START) for name, fact in tracked.finding.facts.items()}
    return replace(tracked, finding=replace(tracked.finding, facts=facts), stale=True)


# ---------------------------------------------------------------- what comes back


def test_what_was_written_comes_back_stale(url: str) -> None:
    state = State()
    with opened(url) as store:
        for number in range(6):
            record, state, events = swept(state, number, drifting(number))
            store.write((record,), state, events)

    with opened(url) as store:
        restored = store.load()

        assert as_restored(restored) == as_restored(state)
        assert restored.stale
        assert all(tracked.stale for tracked in restored.findings.values())
        assert restored.findings.keys() == state.findings.keys()


def test_an_empty_store_gives_an_empty_state(url: str) -> None:
    with opened(url) as store:
        assert store.load() == State(stale=True)
        assert store.events() == ()
        assert store.sweeps() == ()
        assert store.days(START) == ()
        assert store.newest_sweep() == ""


def test_when_a_finding_was_last_seen_comes_back_though_its_row_was_not_written(url: str) -> None:
    with opened(url) as store:
        state = State()
        for number in range(3):
            record, state, events = swept(state, number, [finding(Status.PASS)])
            store.write((record,), state, events)

        (tracked,) = store.load().findings.values()

    assert tracked.since == START
    assert tracked.seen_at == START + 2 * QUARTER
    assert tracked.finding.facts["on"].read_at == START  # as of when the row was written


def test_a_finding_that_is_hidden_keeps_when_it_was_last_seen(url: str) -> None:
    both = [finding(Status.FAIL, "c-1"), finding(Status.FAIL, "c-2")]
    gap = Gap("redshift_cluster", states.ACCOUNT, states.REGION, "denied")
    with opened(url) as store:
        record, state, events = swept(State(), 0, both)
        store.write((record,), state, events)
        for number in (1, 2, 3):
            at = START + number * QUARTER
            seen = states.report(at, [both[1]])
            state, events = advance(state, seen, (gap,), states.RULES, states.RULES)
            store.write((states.sweep(number, at, state),), state, events)

        restored = store.load()

    hidden = restored.findings[both[0].id]
    assert hidden.finding.status is Status.UNKNOWN
    assert hidden.seen_at == START
    assert hidden.last_known == state.findings[both[0].id].last_known
    assert as_restored(restored) == as_restored(state)


def test_a_time_of_any_zone_comes_back_as_the_same_moment_in_utc(url: str) -> None:
    at = datetime(2026, 3, 29, 3, 30, 0, 7, timezone(timedelta(hours=2)))
    record, state, events = swept(State(), 0, [finding(Status.FAIL)], at=at)
    with opened(url) as store:
        store.write((record,), state, events)

        (happened,) = store.events()
        (kept,) = store.sweeps()

    assert happened.at == at
    assert happened.at.tzinfo is UTC
    assert kept == record
    assert kept.started_at.tzinfo is UTC


def test_text_that_no_database_can_hold_keeps_nothing_out_of_the_store(url: str) -> None:
    odd = "a\x00b\ud800 'c' <script> é 日本 %s :x"
    found = replace(finding(Status.FAIL, odd), because=odd, tags={odd: odd})
    record, state, events = swept(State(), 0, [found])
    with opened(url) as store:
        store.write((replace(record, reason=odd),), state, events)
        store.write((states.sweep(1, START + QUARTER),), state, ())

        restored = store.load()
        (happened,) = store.events(resource=found.ref.id)
        sweeps = store.sweeps()

    assert restored.findings[found.id].finding.because == odd
    assert happened.because == odd.replace("\x00", "\ufffd").replace("\ud800", "\ufffd")
    assert [one.id for one in sweeps] == ["sweep-000001", "sweep-000000"]


def test_a_row_that_is_damaged_is_left_out_and_written_anew(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [finding(Status.FAIL, "c-1"), finding(Status.FAIL, "c-2")]
    record, state, events = swept(State(), 0, found)
    with opened(url) as store:
        store.write((record,), state, events)
        with store._engine.begin() as connection:
            broken = "UPDATE findings SET document = '{\"finding\": 1}' WHERE resource = 'c-1'"
            connection.execute(text(broken))

        assert list(store.load().findings) == [found[1].id]
        assert "store_row_damaged" in "".join(capsys.readouterr())

        store.write((states.sweep(1, START + QUARTER),), state, ())
        assert as_restored(store.load()) == as_restored(state)


# ---------------------------------------------------------------- only what changed


def test_a_sweep_that_changed_nothing_writes_a_handful_of_rows(url: str) -> None:
    def found(number: int) -> list[Finding]:
        at = START + number * QUARTER
        return [finding(Status.PASS, f"c-{name}", at=at) for name in range(200)]

    with opened(url) as store:
        state = State()
        for number in range(2):
            record, state, events = swept(state, number, found(number))
            store.write((record,), state, events)
        with written_rows(store) as rows:
            record, state, events = swept(state, 2, found(2))
            store.write((record,), state, events)

    assert sum(count for _, count in rows) <= 8
    assert not [statement for statement, _ in rows if "findings" in statement]


def test_only_the_findings_that_changed_are_written_after_a_restart_too(url: str) -> None:
    found = [finding(Status.PASS, f"c-{name}") for name in range(50)]
    record, state, events = swept(State(), 0, found)
    with opened(url) as store:
        store.write((record,), state, events)

    for load in (True, False):
        with opened(url) as store:
            restored = store.load() if load else state
            found[3] = replace(found[3], because=f"another reason {load}")
            record, state, events = swept(restored, 1 + load, found)
            with written_rows(store) as rows:
                store.write((record,), state, events)

        assert dict(rows)["INSERT INTO findings"] == 1


def test_a_freshness_sweep_looks_at_the_findings_of_its_rules_alone(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[str] = []

    def noted(tracked: Tracked, judged: Mapping[str, datetime]) -> FindingText:
        looked_at.append(tracked.finding.rule)
        return FindingText(tracked, judged)

    monkeypatch.setattr("agent.store.writing.FindingText", noted)
    with opened(url) as store:
        record, state, events = swept(State(), 0, drifting(0))
        store.write((record,), state, events)
        looked_at.clear()
        record, state, events = swept(state, 1, drifting(1), judged=("rule-b",))
        store.write((record,), state, events)

        assert set(looked_at) == {"rule-b"}
        assert as_restored(store.load()) == as_restored(state)


def test_a_finding_that_stays_while_its_rule_goes_on_keeps_its_own_time(url: str) -> None:
    record, state, events = swept(State(), 0, [finding(Status.PASS, n) for n in ("c-1", "c-2")])
    still, other = state.findings.values()
    moved = replace(other, seen_at=START + QUARTER)
    later = replace(state, findings={still.finding.id: still, moved.finding.id: moved})
    with opened(url) as store:
        store.write((record,), state, events)
        store.write((states.sweep(1, START + QUARTER),), later, ())

        assert as_restored(store.load()) == as_restored(later)


def test_a_finding_that_is_gone_leaves_the_findings_and_keeps_its_events(url: str) -> None:
    with opened(url) as store:
        record, state, events = swept(State(), 0, [finding(Status.FAIL)])
        store.write((record,), state, events)
        record, state, events = swept(state, 1, [])
        store.write((record,), state, events)

        assert store.load().findings == {}
        assert [one.happening for one in store.events()] == [
            Happening.WITHDRAWN,
            Happening.OPENED,
        ]


def test_writing_the_same_sweep_twice_changes_nothing(url: str) -> None:
    record, state, events = swept(State(), 0, drifting(0))
    with opened(url) as store:
        store.write((record,), state, events)
        store.write((record,), state, events)

        assert len(store.events()) == len(events)
        assert store.sweeps() == (record,)


def test_sweeps_that_waited_are_written_each_with_its_own_events(url: str) -> None:
    state, records, happened = State(), [], []
    for number in range(4):
        record, state, events = swept(state, number, drifting(number))
        records.append(record)
        happened.append(events)
    every = [one for events in happened for one in events]
    with opened(url) as store:
        store.write(records[:2], state, [*happened[0], *happened[1]])
        store.write(records, state, every)  # two of them are there: a commit's answer was lost

        with store._engine.connect() as connection:
            counted = connection.execute(
                text("SELECT sweep, count(*) FROM events GROUP BY sweep ORDER BY sweep")
            ).all()

    assert [tuple(row) for row in counted] == [
        (record.id, len(events)) for record, events in zip(records, happened, strict=True)
    ]


def test_a_write_that_fails_leaves_nothing_of_itself(url: str) -> None:
    record, state, events = swept(State(), 0, drifting(0))
    with opened(url) as store:
        store.write((record,), state, events)
        record, later, events = swept(state, 1, drifting(1))
        without_zone = replace(events[0], at=datetime(2026, 1, 1))  # noqa: DTZ001 - the mistake
        with pytest.raises(StoreError, match="has no time zone"):
            store.write((record,), later, (*events, without_zone))

        assert len(store.sweeps()) == 1
        assert as_restored(store.load()) == as_restored(state)


# ---------------------------------------------------------------- asking of the past


def test_events_are_told_newest_first_of_one_resource_since_a_time_and_so_many(url: str) -> None:
    state = State()
    with opened(url) as store:
        for number, status in enumerate((Status.FAIL, Status.PASS, Status.FAIL)):
            both = [finding(status, "c-1"), finding(status, "c-2")]
            record, state, events = swept(state, number, both)
            store.write((record,), state, events)
        one = states.ref("c-1").id

        mine = store.events(resource=one)
        later = store.events(since=START + QUARTER)
        few = store.events(limit=3)

    assert [happened.happening.value for happened in mine] == ["opened", "resolved", "opened"]
    assert {happened.ref.id for happened in mine} == {one}
    assert mine[0].at > mine[1].at > mine[2].at
    assert len(later) == 4
    assert len(few) == 3


def test_an_event_comes_back_whole(url: str) -> None:
    whole = Event(
        START,
        Happening.CHANGED,
        "rule-a:x",
        "rule-a",
        Severity.CRITICAL,
        Ref("s3_log_location", "1" * 12, "eu-west-1", "b/p", "arn:aws:s3:::b", "2" * 12),
        Status.FAIL,
        None,
        "it is gone",
    )
    with opened(url) as store:
        store.write((states.sweep(0, START),), State(), (whole,))

        assert store.events() == (whole,)


def day_sweep(
    number: int, at: datetime, fail: int, *, kind: str = "full", outcome: str = "complete"
) -> SweepRecord:
    """A sweep with so many failures."""
    return SweepRecord(f"s-{number}", kind, at, at, outcome, counts={"fail": fail})


def test_a_day_is_the_mean_of_its_full_sweeps_with_a_verdict(url: str) -> None:
    midnight = datetime(2026, 11, 22, tzinfo=UTC)
    last = midnight - timedelta(microseconds=1)
    records = (
        day_sweep(0, midnight - timedelta(days=1, microseconds=1), 50),
        day_sweep(1, midnight - timedelta(days=1), 10),
        day_sweep(2, last, 20, outcome="partial"),
        day_sweep(3, midnight, 1),
        day_sweep(4, midnight, 100, kind="freshness"),
        day_sweep(5, midnight, 100, outcome="failed"),
        day_sweep(6, midnight + timedelta(hours=5), 2),
    )
    none = {"unknown": 0.0, "waived": 0.0, "pass": 0.0, "not_applicable": 0.0}
    with opened(url) as store:
        store.write(records, State(), ())

        told = store.days(last)  # in the middle of a day: the whole day is told

    assert told == (
        Day(midnight.date() - timedelta(days=1), {"fail": 15.0, **none}, 2),
        Day(midnight.date(), {"fail": 1.5, **none}, 2),
    )


# ---------------------------------------------------------------- what is old


def test_pruning_spares_open_findings_and_the_newest_sweep_of_each_kind(url: str) -> None:
    names = {"c-fail": Status.FAIL, "c-pass": Status.PASS, "c-gone": Status.FAIL}
    with opened(url) as store:
        record, state, events = swept(State(), 0, [finding(s, n) for n, s in names.items()])
        store.write((record,), state, events)
        again = {"c-fail": Status.FAIL, "c-pass": Status.FAIL}
        record, state, events = swept(state, 1, [finding(s, n) for n, s in again.items()])
        store.write((record,), state, events)
        healed = [finding(Status.FAIL, "c-fail"), finding(Status.PASS, "c-pass")]
        record, state, events = swept(state, 2, healed)
        store.write((record,), state, events)
        fresh = states.sweep(3, START + 3 * QUARTER, kind="freshness")
        store.write((fresh,), state, ())

        rows = store.prune(START + timedelta(days=400))

        assert {one.ref.name for one in store.events()} == {"c-fail"}
        assert [one.happening for one in store.events()] == [Happening.OPENED]
        assert [one.id for one in store.sweeps()] == ["sweep-000003", "sweep-000002"]
        assert rows == 4 + 2
        assert as_restored(store.load()) == as_restored(state)
        assert store.prune(START + timedelta(days=400)) == 0


def test_pruning_leaves_what_is_not_old(url: str) -> None:
    with opened(url) as store:
        state = State()
        for number, status in enumerate((Status.FAIL, Status.PASS)):
            record, state, events = swept(state, number, [finding(status)])
            store.write((record,), state, events)

        assert store.prune(START) == 0
        assert store.prune(START + QUARTER) == 2  # the opening, the first sweep


# ---------------------------------------------------------------- beside the agent


def test_a_reader_looks_beside_the_agent_and_writes_nothing(url: str) -> None:
    record, state, events = swept(State(), 0, drifting(0))
    with opened(url) as store:
        store.write((record,), state, events)
        with opened(url, lock=False) as beside:
            assert as_restored(beside.load()) == as_restored(state)
            with pytest.raises(StoreError, match="for reading only"):
                beside.write((record,), state, ())


def test_there_is_nothing_to_read_before_the_first_start(url: str) -> None:
    with pytest.raises(StoreError, match="the agent"):
        open_store(url, lock=False)


# ---------------------------------------------------------------- the rule


STEPS = st.lists(st.sampled_from(["sweep", "same", "freshness", "reopen", "load"]), max_size=12)


@given(steps=STEPS, seed=st.integers(0, 1_000))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_written_and_reopened_the_last_state_comes_back(
    steps: list[str], seed: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _replay(f"sqlite:///{Path(folder) / 't.db'}", steps, seed)


def test_so_it_is_on_the_other_backend(postgres: str) -> None:
    _replay(
        postgres,
        ["sweep", "freshness", "reopen", "same", "load", "freshness", "sweep", "reopen"] * 3,
        7,
    )


def _replay(url: str, steps: list[str], seed: int) -> None:
    """Each step, and after it the same state is there; the events lead to its open findings."""
    store, state, number = open_store(url), State(), 0
    try:
        for step in steps:
            if step == "reopen":
                store.close()
                store = open_store(url)
            elif step == "load":
                state = store.load()
            else:
                number += 1
                found = drifting(0 if step == "same" else number, seed)
                judged = states.RULES[:1] if step == "freshness" else states.RULES
                record, state, events = swept(state, number, found, judged=judged)
                store.write((record,), state, events)
            assert as_restored(store.load()) == as_restored(state)
            assert replayed(store) == unsettled(state)
    finally:
        store.close()


def unsettled(state: State) -> dict[str, Status]:
    """What is neither passed nor not applicable."""
    good = {Status.PASS, Status.NOT_APPLICABLE}
    statuses = {key: tracked.finding.status for key, tracked in state.findings.items()}
    return {key: status for key, status in statuses.items() if status not in good}


def replayed(store: Store) -> dict[str, Status]:
    """What the events alone say is unsettled."""
    told: dict[str, Status] = {}
    for happened in reversed(store.events(limit=100_000)):
        told.pop(happened.finding, None)
        if happened.after not in {None, Status.PASS, Status.NOT_APPLICABLE}:
            assert happened.after is not None
            told[happened.finding] = happened.after
    return told
