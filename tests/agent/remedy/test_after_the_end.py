"""What was under way when the process ended, and what somebody wants undone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agent.remedy.acting import act
from agent.remedy.recovery import recover
from agent.remedy.undoing import undo, why_not
from agent.store.records import StoreError
from controls.change import Cost, Held
from controls.remedy import Entry, Outcome, Policy, change_from_json, change_to_json
from tests.agent.remedy.toy import RULE, WANTED, World, blind, kinds, set_doc
from tests.fakes import NOW

O = Outcome  # noqa: E741 - tables read better so
LONG_AGO = NOW - timedelta(hours=2)


def left_open(world: World, *, done: int = 0, began: Any = LONG_AGO) -> Entry:
    """The entry that a process left behind, as it comes back from the store."""
    change = world.step().change
    assert change is not None
    entry = Entry("left", RULE, change_from_json(change_to_json(change)), began, done=done)
    world.journal[entry.id] = entry
    return entry


# ---------------------------------------------------------------- recovery


@pytest.mark.parametrize(
    ("done", "happens", "outcome", "says"),
    [
        pytest.param(0, set_doc(), O.REFUSED, "before its first call", id="nothing took effect"),
        pytest.param(0, set_doc(**WANTED), O.APPLIED, "found so", id="all took effect"),
        pytest.param(0, set_doc(a=1), O.PARTIAL, "middle", id="the first took effect"),
        pytest.param(1, set_doc(), O.PARTIAL, "middle", id="the first was changed back"),
        pytest.param(
            0, lambda w: setattr(w, "plan_raises", blind()), None, "cannot be seen", id="blind"
        ),
        pytest.param(
            0, lambda w: setattr(w, "plan_holds", Held("it reboots")), None, "", id="it reboots"
        ),
    ],
)
def test_what_was_left_open_is_closed_by_looking(
    done: int, happens: Callable[[World], object], outcome: Outcome | None, says: str
) -> None:
    world = World()
    left_open(world, done=done)
    happens(world)

    closed = recover(list(world.journal.values()), world.hands())

    assert world.entry.outcome is outcome
    assert world.made == []
    assert len(closed) == (outcome is not None)
    assert says in world.entry.why or outcome is None


def test_a_call_that_may_still_be_on_its_way_is_waited_for() -> None:
    """Killed a moment ago: that nothing reads so yet proves nothing."""
    world = World(at={20.0: set_doc(**WANTED)})
    left_open(world, began=NOW - timedelta(seconds=5))

    recover(list(world.journal.values()), world.hands())

    assert world.entry.outcome is O.APPLIED


@pytest.mark.parametrize("began", [LONG_AGO, NOW + timedelta(days=300)])
def test_it_waits_no_longer_than_a_change_may_take(began: Any) -> None:
    world = World()
    left_open(world, began=began)

    recover(list(world.journal.values()), world.hands())

    assert world.seconds <= 60
    assert world.entry.outcome is O.REFUSED


def test_a_fix_that_this_version_lacks_is_left_to_a_person() -> None:
    world = World()
    entry = left_open(world)
    world.journal["left"] = replace(entry, change=replace(entry.change, fix="of_old"))

    recover(list(world.journal.values()), world.hands())

    assert world.entry.outcome is O.PARTIAL
    assert "no fix of_old" in world.entry.why


def test_where_the_journal_cannot_be_written_recovery_says_so() -> None:
    world = World(fails_puts=frozenset({0}))
    left_open(world)

    with pytest.raises(StoreError):
        recover(list(world.journal.values()), world.hands())


# ---------------------------------------------------------------- undo


def applied(**members: Any) -> tuple[World, Entry]:
    """A world in which the change was made, and its entry."""
    world = World(**members)
    result = act(world.step(), world.hands())
    assert result.entry is not None
    world.happened.clear()
    world.calls = 0
    return world, result.entry


def test_undo_puts_back_what_was_there() -> None:
    world, entry = applied(doc={"a": 0, "b": 7, "c": "theirs"})

    assert why_not(entry, world.hands()) == ""
    undoing = undo(entry, world.hands())

    assert undoing.outcome is O.UNDONE
    assert world.doc == {"a": 0, "b": 7, "c": "theirs"}
    assert world.journal[entry.id].undone_by == undoing.id
    assert world.journal[undoing.id].undoes == entry.id
    assert kinds(world.happened).startswith("jcjc")


@pytest.mark.parametrize(
    ("happens", "says"),
    [
        pytest.param(set_doc(a=0), "changed it since", id="somebody changed it back"),
        pytest.param(set_doc(c=1), "doc was changed by somebody since", id="another member"),
        pytest.param(lambda w: setattr(w, "plan_raises", blind()), "cannot be seen", id="blind"),
        pytest.param(lambda w: setattr(w, "killed_at", 0), "kill switch", id="kill switch"),
        pytest.param(lambda w: setattr(w, "closed", "no role"), "no role", id="no role"),
    ],
)
def test_undo_keeps_its_hands_off(happens: Callable[[World], object], says: str) -> None:
    world, entry = applied()
    happens(world)

    assert says in why_not(entry, world.hands())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"outcome": O.REFUSED}, "nothing was changed: it is refused", id="refused"),
        pytest.param({"outcome": None}, "under way", id="open"),
        pytest.param({"undone_by": "e-2"}, "undone already, by e-2", id="undone"),
        pytest.param({"undoes": "e-0"}, "the undoing of e-0", id="an undoing"),
    ],
)
def test_what_cannot_be_undone_says_why(changes: dict[str, Any], says: str) -> None:
    world, entry = applied()

    assert says in why_not(replace(entry, **changes), world.hands())


def test_no_undo_is_no_undo() -> None:
    world, entry = applied(no_undo="the logs are gone")

    assert why_not(entry, world.hands()) == "the logs are gone"


def test_undoing_that_weakens_needs_its_consent() -> None:
    world, entry = applied()
    change = replace(entry.change, undo_costs={Cost.WEAKENS: "less logging"})

    assert "less logging" in why_not(replace(entry, change=change), world.hands())


@pytest.mark.parametrize(
    ("answers", "outcome", "doc"),
    [
        pytest.param(["denied"], O.REFUSED, WANTED, id="refused"),
        pytest.param(["ok", "denied"], O.PARTIAL, {"a": 0, "b": 1}, id="half"),
        pytest.param(["ok", "timeout, done"], O.UNDONE, {"a": 0, "b": 0}, id="timed out, done"),
        pytest.param(["timeout, not done"], O.INEFFECTIVE, WANTED, id="timed out, not done"),
        pytest.param(["busy", "ok", "ok"], O.UNDONE, {"a": 0, "b": 0}, id="busy for a while"),
    ],
)
def test_undoing_ends_as_it_is_seen(
    answers: list[str], outcome: Outcome, doc: dict[str, int]
) -> None:
    world, entry = applied()
    world.answers = answers

    undoing = undo(entry, world.hands())

    assert (undoing.outcome, world.doc) == (outcome, doc)
    assert world.journal[undoing.id].outcome is outcome
    assert bool(world.journal[entry.id].undone_by) == (outcome is O.UNDONE)


def test_undo_does_not_replace_what_somebody_wrote_while_aws_was_busy() -> None:
    world, entry = applied()
    world.answers, world.at = ["busy"], {world.seconds + 0.5: set_doc(c="theirs")}

    undoing = undo(entry, world.hands())

    assert undoing.outcome is O.HELD
    assert world.doc == {**WANTED, "c": "theirs"}


def test_the_kill_switch_stops_an_undo_between_its_calls() -> None:
    world, entry = applied()
    world.killed_at = world.questions + 1

    undoing = undo(entry, world.hands())

    assert (undoing.outcome, world.doc) == (O.PARTIAL, {"a": 0, "b": 1})


@pytest.mark.parametrize(
    ("happens", "outcome"),
    [
        pytest.param(set_doc(a=0, b=0), O.UNDONE, id="all was put back"),
        pytest.param(set_doc(a=0), O.PARTIAL, id="half was put back"),
        pytest.param(set_doc(), O.PARTIAL, id="nothing was put back"),
    ],
)
def test_an_undo_that_was_cut_short_is_closed_by_looking(
    happens: Callable[[World], object], outcome: Outcome
) -> None:
    world, entry = applied()
    world.ends_at_wait = world.waits + 1
    world.answers = ["timeout, not done"]
    left = undo(entry, world.hands())
    assert (left.outcome, world.journal[left.id].outcome) == (None, None)
    happens(world)
    world.ends_at_wait, world.seconds = None, world.seconds + 600

    recover([left], world.hands())

    assert world.journal[left.id].outcome is outcome
    assert bool(world.journal[entry.id].undone_by) == (outcome is O.UNDONE)


def test_undone_by_name_it_is_not_made_again_by_itself() -> None:
    world, entry = applied()
    undo(entry, world.hands())
    world.seconds += 2 * 86_400
    world.policy = Policy(fixes=frozenset({"set_both"}))

    again = act(world.step(), world.hands())

    assert again.outcome is O.HELD
    assert "it was undone at" in again.why
