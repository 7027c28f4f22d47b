"""Whatever goes wrong, in whatever order: what the journal says of the world is so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.remedy.acting import act
from agent.remedy.recovery import recover
from agent.store.records import StoreError
from controls.model import Status
from controls.remedy import Limits, Outcome, Policy
from tests.agent.remedy.toy import ANSWERS, SURE_NOT, WANTED, World, set_doc, stale

POLICY = Policy(
    fixes=frozenset({"set_both"}), limits=Limits(per_sweep=99, per_hour=99, per_account=99)
)
OLD = {"a": 0, "b": 0}
SOMEBODY = st.builds(
    lambda key, value: set_doc(**{key: value}), st.sampled_from("abc"), st.integers(0, 2)
)
WORLDS = st.fixed_dictionaries(
    {
        "answers": st.lists(st.sampled_from(sorted(ANSWERS)), max_size=8),
        "fails_puts": st.frozensets(st.integers(0, 5), max_size=2),
        "ends_at_wait": st.none() | st.integers(0, 12),
        "killed_at": st.none() | st.integers(0, 8),
        "at": st.dictionaries(st.sampled_from([0.5, 2.0, 9.0, 40.0]), SOMEBODY, max_size=2),
        "after_call": st.dictionaries(st.integers(0, 3), SOMEBODY, max_size=2),
        "sees": st.sampled_from([lambda world: world.doc, stale(8.0, OLD), stale(1e9, OLD)]),
        "awaits": st.sampled_from(["", "a reboot"]),
    }
)


def _world(parts: dict[str, Any]) -> World:
    copied: dict[str, Any] = {
        name: type(value)(value) if isinstance(value, dict | list) else value
        for name, value in parts.items()
    }
    return World(policy=POLICY, **copied)


def _calls_follow_an_open_line(world: World) -> None:
    open_line = ""
    for kind, what in world.happened:
        if kind == "put":
            open_line = what.id if what.outcome is None else ""
        else:
            assert open_line, "a call without an open entry written before it"


def _nothing_is_made_twice_in_doubt(world: World) -> None:
    before: dict[str, str] = {}
    for key, kind in world.made:
        assert before.get(key, "busy") in SURE_NOT, f"{key} was made again after {before[key]}"
        before[key] = kind


def _says_what_is_so(world: World, outcome: Outcome | None) -> None:
    seen = world.sees(world)
    if outcome in (Outcome.APPLIED, Outcome.AWAITING):
        assert all(seen.get(key) == value for key, value in WANTED.items())
    if outcome in (Outcome.HELD, Outcome.REFUSED, Outcome.ALREADY_RIGHT):
        assert not [kind for _, kind in world.made if kind not in SURE_NOT]


@settings(max_examples=400, deadline=None)
@given(WORLDS)
def test_the_journal_says_what_is_so(parts: dict[str, Any]) -> None:
    world = _world(parts)
    step = world.step()
    result = act(step, world.hands())

    _calls_follow_an_open_line(world)
    _nothing_is_made_twice_in_doubt(world)
    _says_what_is_so(world, result.outcome)
    if result.entry is None:
        assert not world.journal
        assert not world.made
    elif _wrote_all(world) and world.ends_at_wait is None:
        assert world.entry.outcome is result.outcome
    if world.journal and world.entry.outcome is not None:
        _says_what_is_so(world, world.entry.outcome)


def _wrote_all(world: World) -> bool:
    return all(number >= world.puts for number in world.fails_puts)


@settings(max_examples=200, deadline=None)
@given(WORLDS)
def test_the_next_start_closes_what_is_open_and_makes_nothing(parts: dict[str, Any]) -> None:
    world = _world(parts)
    act(world.step(), world.hands())
    calls = world.calls
    world.ends_at_wait, world.fails_puts, world.seconds = None, frozenset(), world.seconds + 600
    left = [entry for entry in world.journal.values() if entry.outcome is None]

    recover(left, world.hands())

    assert world.calls == calls
    for entry in world.journal.values():
        assert entry.outcome is not None
        if entry.outcome in (Outcome.APPLIED, Outcome.AWAITING) and left:
            _says_what_is_so(world, entry.outcome)


@settings(max_examples=200, deadline=None)
@given(WORLDS, st.integers(0, 4))
def test_killed_after_any_line_or_call_the_next_start_closes_it(
    parts: dict[str, Any], lives: int
) -> None:
    """The process is gone after so many lines and calls; the entry is closed by a look alone."""
    world = _world({**parts, "fails_puts": frozenset(), "ends_at_wait": None, "at": {}})
    hands = world.hands()

    class Killed(BaseException):
        pass

    def make(call: Any) -> None:
        if len(world.happened) >= lives:
            raise Killed
        world.make(call)

    try:
        act(world.step(), replace(hands, make=make))
    except Killed:
        world.answers.clear()
    calls = world.calls
    world.seconds += 600
    left = [entry for entry in world.journal.values() if entry.outcome is None]
    try:
        recover(left, world.hands())
    except StoreError:
        raise AssertionError("the journal was well") from None

    assert world.calls == calls
    assert all(entry.outcome is not None for entry in world.journal.values())


@settings(max_examples=100, deadline=None)
@given(WORLDS)
def test_after_success_a_second_round_makes_no_call(parts: dict[str, Any]) -> None:
    world = _world({**parts, "ends_at_wait": None, "killed_at": None, "at": {}})
    step = world.step()
    first = act(step, world.hands())
    if first.outcome not in (Outcome.APPLIED, Outcome.AWAITING):
        return
    calls = world.calls
    again = act(step, world.hands())

    assert world.calls == calls
    assert again.outcome in (Outcome.ALREADY_RIGHT, Outcome.AWAITING)


def test_a_verdict_that_was_once_wrong_does_not_bring_back_the_calls() -> None:
    """The rule fails though the fix sees all as it should be: nothing is made for that."""
    world = World(doc=dict(WANTED))
    world.verdict = lambda finding: replace(finding, status=Status.FAIL)

    result = act(world.step(), world.hands())

    assert (result.outcome, world.made) == (Outcome.ALREADY_RIGHT, [])
