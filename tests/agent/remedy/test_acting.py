"""One step carried out in a toy world: every outcome, and every way in which it may go wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agent.remedy.acting import act
from agent.remedy.recovery import recover
from agent.remedy.steps import plan_one
from controls.change import Call, Change, Cost, Held
from controls.model import Finding, Status
from controls.remedy import Consent, Entry, Freeze, Limits, Outcome, Policy
from tests.agent.remedy.toy import (
    RULE,
    WANTED,
    World,
    blind,
    kinds,
    put,
    set_doc,
    stale,
    toy_finding,
    unseeable,
)
from tests.fakes import NOW

O = Outcome  # noqa: E741 - tables read better so
OLD = {"a": 0, "b": 0}
ALLOWED = frozenset({"set_both"})


def world_of(**members: Any) -> World:
    return World(**members)


# ---------------------------------------------------------------- after the calls


@pytest.mark.parametrize(
    ("world", "outcome", "says", "doc", "calls"),
    [
        pytest.param({}, O.APPLIED, "set both to 1", WANTED, "ab", id="all goes well"),
        pytest.param(
            {"awaits": "pending reboot"}, O.AWAITING, "pending reboot", WANTED, "ab", id="a reboot"
        ),
        pytest.param({"answers": ["denied"]}, O.REFUSED, "denied", OLD, "a", id="denied at once"),
        pytest.param({"answers": ["invalid"]}, O.REFUSED, "Invalid", OLD, "a", id="invalid"),
        pytest.param({"answers": ["role"]}, O.REFUSED, "AssumeRole", OLD, "a", id="no role"),
        pytest.param({"answers": ["refused"]}, O.REFUSED, "Refused", OLD, "a", id="our door"),
        pytest.param(
            {"answers": ["ok", "denied"]},
            O.PARTIAL,
            "denied",
            {"a": 1, "b": 0},
            "ab",
            id="denied at the second",
        ),
        pytest.param(
            {"answers": ["ok", "timeout, done"]}, O.APPLIED, "set both", WANTED, "ab", id="done all"
        ),
        pytest.param(
            {"answers": ["5xx, done"], "doc": {"a": 0, "b": 1}},
            O.APPLIED,
            "set both",
            WANTED,
            "a",
            id="a 5xx after it took effect",
        ),
        pytest.param(
            {"answers": ["malformed, done"], "doc": {"a": 0, "b": 1}},
            O.APPLIED,
            "set both",
            WANTED,
            "a",
            id="an answer nobody understands, after it took effect",
        ),
        pytest.param(
            {"answers": ["5xx, not done"]},
            O.INEFFECTIVE,
            "as if nothing was done",
            OLD,
            "a",
            id="a 5xx without effect: it may still come",
        ),
        pytest.param(
            {"answers": ["timeout, done"]},
            O.PARTIAL,
            "Timeout",
            {"a": 1, "b": 0},
            "a",
            id="the first timed out and took effect, the second is for next time",
        ),
        pytest.param(
            {"answers": ["ok", "timeout, not done"]},
            O.PARTIAL,
            "Timeout",
            {"a": 1, "b": 0},
            "ab",
            id="the second timed out without effect",
        ),
        pytest.param(
            {"answers": ["timeout, not done"], "at": {20.0: set_doc(**WANTED)}},
            O.APPLIED,
            "set both",
            WANTED,
            "a",
            id="it timed out and took effect late",
        ),
        pytest.param(
            {"after_call": {1: set_doc(b=0)}},
            O.INEFFECTIVE,
            "set both",
            {"a": 1, "b": 0},
            "ab",
            id="somebody changes it back meanwhile",
        ),
        pytest.param(
            {"sees": stale(20.0, OLD)}, O.APPLIED, "set both", WANTED, "ab", id="stale for a while"
        ),
        pytest.param(
            {"sees": stale(1e9, OLD)},
            O.INEFFECTIVE,
            "still reads as if nothing was done",
            WANTED,
            "ab",
            id="stale to the end",
        ),
        pytest.param(
            {"answers": ["busy", "throttled"]},
            O.APPLIED,
            "set both",
            WANTED,
            "aaab",
            id="busy, then throttled, then done",
        ),
        pytest.param(
            {"answers": ["busy"] * 99}, O.REFUSED, "InvalidClusterState", OLD, None, id="busy ever"
        ),
        pytest.param(
            {"answers": ["throttled"] * 99}, O.REFUSED, "SlowDown", OLD, None, id="throttled ever"
        ),
        pytest.param(
            {"answers": ["ok", *["busy"] * 99]},
            O.PARTIAL,
            "InvalidClusterState",
            {"a": 1, "b": 0},
            None,
            id="busy ever at the second",
        ),
        pytest.param(
            {"answers": ["busy", "ok", "ok"], "at": {0.5: set_doc(c="theirs")}},
            O.HELD,
            "became another",
            {**OLD, "c": "theirs"},
            "a",
            id="busy with somebody's change of the same document",
        ),
        pytest.param(
            {"answers": ["busy"], "at": {0.5: set_doc(**WANTED)}},
            O.HELD,
            "somebody else put it right",
            WANTED,
            "a",
            id="busy, and put right meanwhile",
        ),
        pytest.param(
            {"answers": ["ok", "busy"], "at": {0.5: set_doc(a=0)}},
            O.PARTIAL,
            "became another",
            OLD,
            "ab",
            id="busy at the second, and the first is changed back",
        ),
    ],
)
def test_what_aws_answers_decides_the_outcome(
    world: dict[str, Any], outcome: Outcome, says: str, doc: dict[str, int], calls: str | None
) -> None:
    there = world_of(**world)
    step = there.step()

    result = act(step, there.hands())

    assert (result.outcome, there.entry.outcome) == (outcome, outcome)
    assert says in result.why
    assert there.doc == doc
    assert calls is None or "".join(key for key, _ in there.made) == calls
    assert there.entry.ended_at is not None
    assert there.entry.why == result.why


def test_each_call_is_preceded_by_its_line_in_the_journal() -> None:
    world = World()

    act(world.step(), world.hands())

    assert kinds(world.happened) == "jcjcj"
    done = [what.done for kind, what in world.happened if kind == "put"]
    assert done == [0, 1, 2]


@pytest.mark.parametrize(
    ("happens", "outcome", "says"),
    [
        pytest.param(
            lambda w: setattr(w, "plan_holds", Held("it reboots", later=True)),
            O.AWAITING,
            "it reboots",
            id="it reboots: that takes longer than anybody waits",
        ),
        pytest.param(
            lambda w: setattr(w, "plan_holds", Held("it is gone")),
            O.INEFFECTIVE,
            "it is gone",
            id="the fix would not touch it now",
        ),
        pytest.param(
            lambda w: setattr(w, "plan_raises", blind()),
            O.INEFFECTIVE,
            "it was made, and cannot be seen",
            id="reading is denied from then on",
        ),
        pytest.param(
            lambda w: setattr(w, "plan_raises", KeyError("x")),
            O.INEFFECTIVE,
            "failed inside Trailkeeper",
            id="planning breaks",
        ),
    ],
)
def test_what_cannot_be_proven_is_not_called_applied(
    happens: Callable[[World], object], outcome: Outcome, says: str
) -> None:
    world = World(after_call={1: happens})

    result = act(world.step(), world.hands())

    assert (result.outcome, world.entry.outcome) == (outcome, outcome)
    assert says in result.why


def test_a_look_that_breaks_after_the_calls_leaves_nothing_open() -> None:
    world = World()

    def judge(finding: Finding) -> Finding | None:
        if world.calls:
            raise RuntimeError("broken")
        return finding

    result = act(world.step(), world.hands(judge=judge))

    assert (result.outcome, world.entry.outcome) == (O.APPLIED, O.APPLIED)
    assert world.errors == ["remediation"]


def test_a_call_that_breaks_inside_is_looked_at() -> None:
    world = World()

    def make(call: Call) -> None:
        world.doc = dict(WANTED)
        raise KeyError("Bucket")

    result = act(world.step(), world.hands(make=make))

    assert result.outcome is O.APPLIED
    assert world.errors == ["remediation"]


def test_it_says_where_the_rule_fails_all_the_same() -> None:
    world = World()
    world.verdict = lambda finding: replace(finding, status=Status.FAIL, because="no delivery yet")

    result = act(world.step(), world.hands())

    assert result.outcome is O.APPLIED
    assert result.why == "set both to 1; the rule is fail still: no delivery yet"


# ---------------------------------------------------------------- before the first call


def _status(status: Status) -> Callable[[Finding], Finding | None]:
    return lambda finding: replace(finding, status=status, because="so it is")


COST = {Cost.DESTROYS: "all of it"}
CONSENT = Consent(Cost.DESTROYS, "set_both", "thing", "Ann")


@pytest.mark.parametrize(
    ("changes", "outcome", "says"),
    [
        pytest.param({"verdict": lambda f: None}, O.HELD, "not there any more", id="it vanished"),
        pytest.param({"verdict": _status(Status.UNKNOWN)}, O.HELD, "unknown now", id="unknown"),
        pytest.param({"verdict": _status(Status.WAIVED)}, O.HELD, "waived now", id="waived"),
        pytest.param(
            {"verdict": _status(Status.NOT_APPLICABLE)}, O.HELD, "not_applicable", id="n/a"
        ),
        pytest.param({"verdict": _status(Status.PASS)}, O.ALREADY_RIGHT, "so it", id="passes"),
        pytest.param({"plan_raises": blind()}, O.HELD, "cannot be seen", id="reading is denied"),
        pytest.param({"plan_raises": unseeable()}, O.HELD, "whose it is", id="no owner"),
        pytest.param({"plan_raises": KeyError("x")}, O.HELD, "inside", id="planning breaks"),
        pytest.param({"plan_holds": Held("no")}, O.HELD, "no", id="the fix will not touch it"),
        pytest.param({"policy": Policy()}, O.HELD, "not among the fixes", id="not allowed"),
        pytest.param({"costs": COST}, O.HELD, "destroys", id="it costs more than was planned"),
        pytest.param({"past_fails": True}, O.HELD, "cannot be read", id="the store is down"),
        pytest.param({"closed": "no role"}, O.HELD, "no role", id="nobody may write there"),
        pytest.param({"ends_at_wait": 0}, O.HELD, "is ending", id="the agent ends"),
        pytest.param({"killed_at": 0}, O.HELD, "kill switch", id="the kill switch is on"),
        pytest.param({"killed_at": 1}, O.HELD, "kill switch", id="thrown while it is planned"),
        pytest.param({"fails_puts": frozenset({0})}, O.HELD, "disk is full", id="no journal"),
        pytest.param(
            {"policy": Policy(fixes=ALLOWED, freezes=(Freeze(NOW, NOW.replace(hour=9), "fair"),))},
            O.HELD,
            "fair",
            id="a freeze began",
        ),
        pytest.param(
            {"policy": Policy(fixes=ALLOWED, limits=Limits(per_sweep=0))},
            O.HELD,
            "limit",
            id="a limit is reached",
        ),
    ],
)
def test_what_holds_now_holds_whatever_was_planned(
    changes: dict[str, Any], outcome: Outcome, says: str
) -> None:
    """Each reason came up between the plan and the act; no call is made, no line written."""
    world = World()
    step = world.step()
    for name, value in changes.items():
        setattr(world, name, value)

    result = act(step, world.hands())

    assert result.outcome is outcome
    assert says in result.why
    assert (world.made, world.journal, result.entry) == ([], {}, None)


def test_a_consent_lets_it_cost_what_it_costs() -> None:
    world = World(costs=COST, policy=Policy(fixes=ALLOWED, consents=(CONSENT,)))

    assert act(world.step(), world.hands()).outcome is O.APPLIED


def test_what_it_does_is_planned_anew_on_the_document_as_it_is_now() -> None:
    world = World()
    step = world.step()
    world.doc = {"a": 0, "b": 1, "c": "theirs"}

    act(step, world.hands())

    assert [key for key, _ in world.made] == ["a"]
    assert world.doc == {"a": 1, "b": 1, "c": "theirs"}


@pytest.mark.parametrize(
    ("happens", "outcome"),
    [
        pytest.param(set_doc(), O.APPLIED, id="nothing happened"),
        pytest.param(set_doc(b=1), O.HELD, id="another has done half of it"),
        pytest.param(set_doc(c=1), O.HELD, id="another member is there"),
        pytest.param(lambda w: setattr(w, "no_undo", "gone"), O.HELD, id="no undo any more"),
        pytest.param(lambda w: setattr(w, "costs", COST), O.HELD, id="it costs something now"),
    ],
)
def test_exactly_means_exactly(happens: Callable[[World], object], outcome: Outcome) -> None:
    world = World(policy=Policy(fixes=ALLOWED, consents=(CONSENT,)))
    step = world.step()
    happens(world)

    result = act(step, world.hands(), exactly=True)

    assert result.outcome is outcome
    if outcome is O.HELD:
        assert "moved on" in result.why
        assert world.made == []


@pytest.mark.parametrize(
    ("cost", "now", "outcome"),
    [
        pytest.param(Cost.DESTROYS, "5 objects", O.APPLIED, id="it deletes as much"),
        pytest.param(Cost.DESTROYS, "5000 objects", O.HELD, id="it deletes more by now"),
        pytest.param(Cost.INTERRUPTS, "5000 objects", O.APPLIED, id="it is only said otherwise"),
    ],
)
def test_who_read_what_a_plan_deletes_has_not_agreed_to_more(
    cost: Cost, now: str, outcome: Outcome
) -> None:
    consent = replace(CONSENT, cost=cost)
    world = World(costs={cost: "5 objects"}, policy=Policy(fixes=ALLOWED, consents=(consent,)))
    step = world.step()
    world.costs = {cost: now}

    result = act(step, world.hands(), exactly=True)

    assert result.outcome is outcome
    assert ("moved on" in result.why) == (outcome is O.HELD)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param(
            {"calls": (replace(put("a", 1), operation="DeleteBucketPolicy"),)}, "declare", id="call"
        ),
        pytest.param(
            {"undo": (replace(put("a", 1), operation="DeleteBucketPolicy"),)}, "declare", id="undo"
        ),
        pytest.param({"calls": ()}, "without any call", id="no call"),
        pytest.param({"fix": "another"}, "another", id="in another fix's name"),
        pytest.param({"ref": replace(toy_finding().ref, name="x")}, "x", id="another resource"),
    ],
)
def test_a_fix_that_oversteps_itself_is_held(change: dict[str, Any], says: str) -> None:
    world = World()
    found = toy_finding()
    good = world.step().planned
    assert isinstance(good, Change)
    fix = world.fix()
    wrong = replace(fix, plan=lambda aws, task: replace(good, **change))
    wrong.plan.__name__ = "set_both"

    planned = plan_one(wrong, found, world.hands().planning, NOW)

    assert isinstance(planned, Held)
    assert says in planned.why


def test_a_fix_reads_no_more_than_it_declares() -> None:
    world = World()
    fix = replace(world.fix(), reads=())

    planned = plan_one(fix, toy_finding(), world.hands().planning, NOW)

    assert isinstance(planned, Held)
    assert "Refused" in planned.why


# ---------------------------------------------------------------- the kill switch, and the end


@pytest.mark.parametrize(
    ("asked", "outcome", "doc"),
    [
        pytest.param(2, O.HELD, OLD, id="before the first call"),
        pytest.param(3, O.PARTIAL, {"a": 1, "b": 0}, id="between the calls"),
        pytest.param(4, O.APPLIED, WANTED, id="during verification: it only looks"),
    ],
)
def test_the_kill_switch_stops_it_at_the_next_call(
    asked: int, outcome: Outcome, doc: dict[str, int]
) -> None:
    world = World(killed_at=asked)

    result = act(world.step(), world.hands())

    assert (result.outcome, world.entry.outcome, world.doc) == (outcome, outcome, doc)


def test_the_kill_switch_ends_the_patience_with_a_busy_aws() -> None:
    world = World(killed_at=3, answers=["busy"] * 99)

    result = act(world.step(), world.hands())

    assert result.outcome is O.REFUSED
    assert len(world.made) == 1


def test_whenever_the_agent_ends_what_is_open_is_closed_by_the_next_start() -> None:
    """For each question whether it is to end: no call after it, and the next start closes it."""
    seen = set()
    for point in range(12):
        world = World(ends_at_wait=point, answers=["ok", "ok"], sees=stale(15.0, OLD))
        result = act(world.step(), world.hands())
        seen.add(result.outcome)
        calls = world.calls
        if result.entry is not None and world.entry.outcome is None:
            assert "the agent is ending" in result.why
            world.ends_at_wait, world.seconds = None, 100.0
            recover(list(world.journal.values()), world.hands())
            assert world.entry.outcome is O.APPLIED
        assert world.calls == calls
        if world.journal:
            assert world.entry.outcome is not None
    assert seen == {O.HELD, O.PARTIAL, O.APPLIED}


# ---------------------------------------------------------------- the journal fails


@pytest.mark.parametrize(
    ("fails", "calls", "doc"),
    [
        pytest.param(0, "", OLD, id="before the first call: nothing is made"),
        pytest.param(1, "a", {"a": 1, "b": 0}, id="after the first call: no second one"),
        pytest.param(2, "ab", WANTED, id="at the end"),
    ],
)
def test_where_the_journal_fails_it_goes_no_further(
    fails: int, calls: str, doc: dict[str, int]
) -> None:
    world = World(fails_puts=frozenset({fails}))

    result = act(world.step(), world.hands())

    assert "".join(key for key, _ in world.made) == calls
    assert world.doc == doc
    assert result.outcome is (O.PARTIAL if calls else O.HELD)
    assert "disk is full" in result.why
    assert [entry.outcome for entry in world.journal.values()] == ([None] if calls else [])


# ---------------------------------------------------------------- again


def test_a_second_time_does_nothing() -> None:
    world = World()
    step = world.step()
    act(step, world.hands())

    again = act(step, world.hands())

    assert again.outcome is O.ALREADY_RIGHT
    assert world.calls == 2


def test_what_was_just_changed_is_left_alone_for_a_while() -> None:
    world = World()
    act(world.step(), world.hands())
    world.doc = dict(OLD)
    world.seconds += 60

    again = act(world.step(), world.hands())

    assert again.outcome is O.HELD
    assert "nothing is changed again before" in again.why


def test_what_is_open_in_the_journal_is_not_touched() -> None:
    world = World()
    change = world.step().change
    assert change is not None
    world.journal["open"] = Entry("open", RULE, change, NOW - timedelta(days=1))

    result = act(world.step(), world.hands())

    assert result.outcome is O.HELD
    assert "still open" in result.why
