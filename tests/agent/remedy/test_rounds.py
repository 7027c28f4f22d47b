"""One round after the other: what came of each step, the kill switch, who may write where."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from agent.aws.access import AccountAccess
from agent.config import Settings, Target
from agent.config_remediation import RemediationSetting
from agent.remedy.rounds import Surroundings, carry_out, killed_by, writers
from agent.remedy.steps import Step, steps
from agent.stop import StopError
from controls.change import Held, Right
from controls.guard import Circumstances
from controls.model import Severity, Status
from controls.remedy import Limits, Outcome, Policy
from controls.rule import Rule
from tests.agent.remedy.toy import RULE, World, toy_finding
from tests.fakes import ACCOUNT, NOW, REGION

O = Outcome  # noqa: E741 - tables read better so


@dataclass
class Noted:
    """What metrics are told."""

    outcomes: list[tuple[str, str]] = field(default_factory=list)

    def around(self) -> Surroundings:
        nothing: Any = None
        return Surroundings(
            nothing,
            nothing,
            Namespace(),
            nothing,
            lambda seconds: False,
            noted=lambda fix, outcome: self.outcomes.append((fix, outcome)),
        )


# ---------------------------------------------------------------- what is said of each step


@pytest.mark.parametrize(
    ("planned", "held", "outcome", "says"),
    [
        pytest.param(Right("it is so"), (), O.ALREADY_RIGHT, "it is so", id="right"),
        pytest.param(Right("set", "a reboot"), (), O.AWAITING, "a reboot", id="awaiting"),
        pytest.param(Held("not now"), (), O.HELD, "not now", id="held by its fix"),
        pytest.param(None, ("no", "never"), O.HELD, "no; never", id="held by the guard"),
        pytest.param(None, (), O.APPLIED, "set both to 1", id="made"),
    ],
)
def test_every_step_is_told(
    planned: Any, held: tuple[str, ...], outcome: Outcome, says: str
) -> None:
    world, noted = World(), Noted()
    step = replace(world.step(), held=held)
    step = step if planned is None else replace(step, planned=planned)

    (result,) = carry_out([step], world.hands(), noted.around())

    assert (result.outcome, result.why) == (outcome, says)
    assert noted.outcomes == [("set_both", outcome.value)]


def test_a_step_that_breaks_costs_the_others_nothing() -> None:
    world, noted = World(), Noted()
    good = world.step()
    broken = replace(good, fix=replace(good.fix, plan=lambda aws, task: good.planned))

    results = carry_out([broken, good], world.hands(), noted.around())

    assert [result.outcome for result in results] == [O.PARTIAL, O.APPLIED]
    assert "inside Trailkeeper" in results[0].why


def test_the_second_step_on_a_document_is_planned_on_what_the_first_left() -> None:
    """Both were planned to set both members; the second finds nothing left to do."""
    world = World()
    step = world.step()

    results = carry_out([step, step], world.hands(), Noted().around())

    assert [result.outcome for result in results] == [O.APPLIED, O.ALREADY_RIGHT]
    assert world.calls == 2


def test_limits_count_what_this_round_made() -> None:
    world = World(policy=Policy(fixes=frozenset({"set_both"}), limits=Limits(per_sweep=1)))
    step = world.step()
    carry_out([step], world.hands(), Noted().around())
    world.doc = {"a": 0, "b": 0}

    (result,) = carry_out([step], world.hands(), Noted().around())

    assert result.outcome is O.HELD
    assert "the limit of 1 changes for this sweep is reached" in result.why


# ---------------------------------------------------------------- which steps there are


def rule_with(*fixes: str) -> Rule:
    made: Any = Rule.__new__(Rule)
    object.__setattr__(made, "id", RULE)
    object.__setattr__(made, "fixes", fixes)
    rule: Rule = made
    return rule


def planned(world: World, *names: str, **finding: Any) -> tuple[Step, ...]:
    hands = world.hands()
    second = replace(world.fix("turn_on"), plan=lambda aws, task: Held("only at night"))
    second.plan.__name__ = "turn_on"
    fixes = {"set_both": world.fix(), "turn_on": second}
    planning = replace(hands.planning, fixes=fixes)
    return steps([toy_finding(**finding)], [rule_with(*names)], planning, Circumstances(NOW, NOW))


def test_the_second_fix_of_a_rule_is_for_what_the_first_leaves() -> None:
    waiting = World(doc={"a": 1, "b": 1}, awaits="a reboot")

    (step,) = planned(waiting, "set_both", "turn_on")
    assert (step.fix.name, step.planned) == ("turn_on", Held("only at night"))

    (step,) = planned(World(), "set_both", "turn_on")
    assert step.fix.name == "set_both"


def test_where_all_is_right_the_last_says_so() -> None:
    (step,) = planned(World(doc={"a": 1, "b": 1}), "set_both")

    assert isinstance(step.planned, Right)


@pytest.mark.parametrize("status", [one for one in Status if one is not Status.FAIL])
def test_only_what_fails_has_steps(status: Status) -> None:
    assert planned(World(), "set_both", status=status) == ()


def test_where_nobody_may_write_the_plan_says_so_already() -> None:
    (step,) = planned(World(closed="no role there"), "set_both")

    assert step.held == ("no role there",)
    assert step.finding.severity is Severity.HIGH


# ---------------------------------------------------------------- the kill switch


def test_the_kill_switch_is_a_file_or_a_word(tmp_path: Path) -> None:
    file = tmp_path / "stop"

    assert killed_by(None, "") == ""
    assert killed_by(file, "") == ""
    assert killed_by(file, "SIGUSR2") == "SIGUSR2"
    file.touch()
    assert killed_by(file, "") == f"the file {file} is there"


def test_a_kill_switch_that_leads_nowhere_is_thrown_all_the_same(tmp_path: Path) -> None:
    file = tmp_path / "stop"
    file.symlink_to(tmp_path / "nothing")

    assert killed_by(file, "")


@pytest.mark.parametrize("name", ["missing/stop", "x" * 300, "file/stop", "nul\x00"])
def test_a_kill_switch_that_cannot_be_looked_at_counts_as_thrown(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert killed_by(tmp_path / name, "")


# ---------------------------------------------------------------- who may write

OTHER = "444455556666"
HERE = AccountAccess(ACCOUNT, region=REGION)
THERE = AccountAccess(OTHER, f"arn:aws:iam::{OTHER}:role/Reads", region=REGION)


def settings(role: str | None, there: str | None = None) -> Settings:
    targets = (Target(), Target(role=THERE.role_arn, remediation_role=there))
    return Settings(targets=targets, remediation=RemediationSetting(role=role))


def test_nobody_writes_where_no_role_is_named_for_it() -> None:
    assert writers(settings(None), [HERE, THERE]) == ()


def test_each_account_is_written_to_by_the_role_that_is_named_for_it() -> None:
    role = f"arn:aws:iam::{OTHER}:role/Writes"

    found = writers(settings("current", role), [HERE, THERE])

    assert [(one.account, one.role_arn) for one in found] == [(ACCOUNT, None), (OTHER, role)]


def test_a_role_of_another_account_is_refused() -> None:
    """It would change things in an account that nobody meant, or clash with that one's own."""
    with pytest.raises(StopError, match="is of another"):
        writers(settings(f"arn:aws:iam::{OTHER}:role/Writes"), [HERE, THERE])
