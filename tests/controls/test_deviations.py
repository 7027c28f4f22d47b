"""Whatever is judged otherwise than the rules say stands in the report, once, in one line."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from controls.deviations import deviations
from controls.model import Resource
from controls.params import (
    BUILT_IN_CLASSES,
    SIX_MONTHS,
    Assignment,
    Override,
    Retention,
    RetentionClass,
)
from controls.rule import Rule
from tests.controls.test_params import ACCOUNT, REGION, RULE, declared, resource

FRESH = declared("fresh", params={"hours": 24, "grace": 2})
EXPIRE = declared(RULE, "s3_log_location", params={"max_days": 180})
CLUSTER = resource("redshift_cluster", "orders", {"env": "prod"})
LOGS = resource(writers=({"env": "prod"}, {}))
SEEN = (CLUSTER, LOGS)
SHORT = RetentionClass("short", 10, 20)
CLASSES = {**BUILT_IN_CLASSES, "short": SHORT}


@pytest.mark.parametrize(
    ("override", "lines"),
    [
        pytest.param(
            Override("fresh", {"hours": 12}),
            ("fresh: hours 12 instead of 24, for all",),
            id="for all",
        ),
        pytest.param(
            Override("fresh", {"hours": 12, "grace": 1}, account=ACCOUNT, tag=("env", "prod")),
            (
                f"fresh: hours 12 instead of 24, for tag env=prod and account {ACCOUNT}",
                f"fresh: grace 1 instead of 2, for tag env=prod and account {ACCOUNT}",
            ),
            id="two for some",
        ),
        pytest.param(Override("fresh", {"hours": 24}, region=REGION), (), id="what holds anyway"),
        pytest.param(
            Override("fresh", {"hours": 12}, resource="order"),
            ("the override of fresh for resource order matches nothing",),
            id="a name that nothing has",
        ),
        pytest.param(
            Override("fresh", {"hours": 24}, tag=("env", "dev")),
            ("the override of fresh for tag env=dev matches nothing",),
            id="a tag that nothing has, whatever the value",
        ),
        pytest.param(
            Override("fresh", {"hours": 12}, resource="audit-logs/*"),
            ("the override of fresh for resource audit-logs/* matches nothing",),
            id="the name of something of another kind",
        ),
        pytest.param(Override("not-in-use", {"hours": 1}), (), id="a rule that is not judged"),
    ],
)
def test_an_override_in_force_is_told_and_so_is_one_that_does_nothing(
    override: Override, lines: tuple[str, ...]
) -> None:
    assert deviations([FRESH, EXPIRE], SEEN, [override], Retention()) == lines


def test_an_override_by_tag_that_divides_the_writers_is_no_idle_one() -> None:
    rule = declared(RULE, "s3_log_location", params={"hours": 24})

    found = deviations(
        [rule], SEEN, [Override(RULE, {"hours": 12}, tag=("env", "prod"))], Retention()
    )

    assert found == (f"{RULE}: hours 12 instead of 24, for tag env=prod",)


@pytest.mark.parametrize(
    ("rules", "retention", "lines"),
    [
        pytest.param([EXPIRE], Retention(), (), id="six months"),
        pytest.param(
            [EXPIRE],
            Retention(CLASSES, "short"),
            (f"retention class {SHORT} instead of {SIX_MONTHS}, for all",),
            id="another default",
        ),
        pytest.param([FRESH], Retention(CLASSES, "short"), (), id="no rule that asks for days"),
        pytest.param(
            [EXPIRE],
            Retention(CLASSES, assign=(Assignment("short", tag=("env", "prod")),)),
            (f"retention class {SHORT} instead of {SIX_MONTHS}, for tag env=prod",),
            id="one of the writers has the tag",
        ),
        pytest.param(
            [EXPIRE],
            Retention(CLASSES, assign=(Assignment("six-months", location="audit-*"),)),
            (),
            id="six months by name",
        ),
        pytest.param(
            [EXPIRE],
            Retention(CLASSES, assign=(Assignment("six-months", location="orders"),)),
            ("the retention class six-months for location orders matches nothing",),
            id="a location that no logs are at",
        ),
    ],
)
def test_retention_classes_are_told_as_well(
    rules: list[Rule], retention: Retention, lines: tuple[str, ...]
) -> None:
    assert deviations(rules, SEEN, [], retention) == lines


@pytest.mark.parametrize("seen", [(), (LOGS,)])
def test_what_is_for_all_has_no_scope_to_miss(seen: tuple[Resource, ...]) -> None:
    params: Mapping[str, int] = {"hours": 12}

    assert deviations([FRESH], seen, [Override("fresh", params)], Retention()) == (
        "fresh: hours 12 instead of 24, for all",
    )
