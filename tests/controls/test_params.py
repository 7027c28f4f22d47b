"""Parameters by default, retention class and override; and who disagrees with whom."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from controls.model import Ref, Resource, Value
from controls.params import (
    BUILT_IN_CLASSES,
    Assignment,
    Disagreement,
    Override,
    Retention,
    RetentionClass,
    problems,
    resolve,
)

RULE = "audit-logs-expire-in-time"
ACCOUNT, REGION = "111122223333", "eu-west-1"


def resource(
    kind: str = "s3_log_location",
    name: str = "audit-logs/prod/",
    tags: Mapping[str, str] | None = None,
    writers: tuple[Mapping[str, str], ...] = (),
) -> Resource:
    return Resource(Ref(kind, ACCOUNT, REGION, name), {}, tags or {}, writers)


def of(days: int, **scopes: Any) -> Override:
    return Override(RULE, {"max_hours": days}, **scopes)


PROD = {"env": "prod", "team": "payments"}
BY_ACCOUNT = of(1, account=ACCOUNT)
BY_REGION = of(2, region=REGION)
BY_TAG = of(3, tag=("env", "prod"))
BY_NAME = of(4, resource="audit-*")


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        pytest.param([], 9, id="the default where nobody says otherwise"),
        pytest.param([of(5)], 5, id="an override without scope beats the default"),
        pytest.param([BY_ACCOUNT, of(5)], 1, id="account beats no scope, whatever the order"),
        pytest.param([BY_REGION, BY_ACCOUNT], 2, id="region beats account"),
        pytest.param([BY_TAG, BY_REGION, BY_ACCOUNT], 3, id="tag beats region and account"),
        pytest.param([BY_NAME, BY_TAG, BY_REGION], 4, id="resource beats tag"),
        pytest.param(
            [BY_TAG, of(7, account=ACCOUNT, region=REGION)], 3, id="tag beats region with account"
        ),
        pytest.param(
            [of(7, account=ACCOUNT, region=REGION), BY_REGION], 7, id="more of the same beats less"
        ),
        pytest.param([BY_TAG, of(8, tag=("team", "payments"))], 8, id="of equals the last holds"),
        pytest.param([of(7, account="999988887777")], 9, id="another account"),
        pytest.param([of(7, region="eu-west-2")], 9, id="another region"),
        pytest.param([of(7, tag=("env", "dev"))], 9, id="another tag value"),
        pytest.param([of(7, tag=("owner", "prod"))], 9, id="another tag key"),
        pytest.param([of(7, resource="audit")], 9, id="a bare word is the whole name, not a part"),
        pytest.param([of(7, resource="AUDIT-*")], 9, id="a glob minds case"),
        pytest.param(
            [of(7, account=ACCOUNT, tag=("env", "dev"))], 9, id="every named scope must match"
        ),
        pytest.param([Override("other", {"max_hours": 7})], 9, id="another rule"),
    ],
)
def test_the_closest_override_wins(overrides: list[Override], expected: int) -> None:
    params = resolve(RULE, {"max_hours": 9, "grace": 2}, resource(tags=PROD), overrides)

    assert {"max_hours": expected, "grace": 2} == params


def test_each_parameter_is_overridden_by_itself() -> None:
    params = resolve(
        RULE,
        {"a": 0, "b": 0, "c": 0},
        resource(),
        [Override(RULE, {"a": 1, "b": 1}, resource="*"), Override(RULE, {"b": 2, "c": 2})],
    )

    assert params == {"a": 1, "b": 1, "c": 2}


LONG = RetentionClass("long", 700, 800)
CLASSES = {**BUILT_IN_CLASSES, "long": LONG}
DAYS: Mapping[str, Value] = {"min_days": 1, "max_days": 2}
PCI_BY_TAG = Assignment("pci", tag=("team", "payments"))
LONG_BY_ACCOUNT = Assignment("long", account=ACCOUNT)
PAYMENTS = {"team": "payments"}


@pytest.mark.parametrize(
    ("assign", "tags", "expected"),
    [
        pytest.param([], {}, (180, 180), id="six months by default"),
        pytest.param([PCI_BY_TAG], {}, (180, 180), id="a tag that the writer does not have"),
        pytest.param([PCI_BY_TAG], PAYMENTS, (365, 400), id="by the writer's tag"),
        pytest.param([LONG_BY_ACCOUNT], {}, (700, 800), id="by the writer's account"),
        pytest.param([Assignment("long", account="9" * 12)], {}, (180, 180), id="another account"),
        pytest.param([LONG_BY_ACCOUNT, PCI_BY_TAG], PAYMENTS, (365, 400), id="tag beats account"),
        pytest.param(
            [Assignment("long", location="audit-logs/*"), PCI_BY_TAG],
            PAYMENTS,
            (700, 800),
            id="location beats tag",
        ),
        pytest.param(
            [Assignment("long", location="audit")], {}, (180, 180), id="no part of a name"
        ),
        pytest.param(
            [Assignment("pci", location="a*"), Assignment("pci", location="*")],
            {},
            (365, 400),
            id="equals that agree",
        ),
    ],
)
def test_the_days_come_from_the_retention_class(
    assign: list[Assignment], tags: dict[str, str], expected: tuple[int, int]
) -> None:
    retention = Retention(CLASSES, assign=tuple(assign))

    params = resolve(RULE, DAYS, resource(writers=(tags,)), (), retention)

    assert dict(zip(DAYS, expected, strict=True)) == params


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("s3_log_location", 180),
        ("cloudwatch_log_group", 180),
        ("s3_log_bucket", 2),
        ("redshift_cluster", 2),
    ],
)
def test_only_logs_have_a_retention_class(kind: str, expected: int) -> None:
    assert {"max_days": expected} == resolve(RULE, {"max_days": 2}, resource(kind))


def test_a_rule_gets_no_parameter_that_it_does_not_have() -> None:
    assert resolve(RULE, {"max_days": 2, "other": 1}, resource()) == {"max_days": 180, "other": 1}
    assert resolve(RULE, {}, resource()) == {}


def test_an_override_beats_the_retention_class() -> None:
    params = resolve(RULE, {"max_days": 2}, resource(), [Override(RULE, {"max_days": 90})])

    assert params == {"max_days": 90}


def test_a_resource_without_writers_is_its_own_writer() -> None:
    retention = Retention(CLASSES, assign=(PCI_BY_TAG,))

    params = resolve(RULE, {"max_days": 2}, resource(tags=PAYMENTS), (), retention)

    assert params == {"max_days": 400}


def test_writers_with_different_classes_are_named_with_what_they_ask_for() -> None:
    retention = Retention(CLASSES, assign=(PCI_BY_TAG,))

    answer = resolve(RULE, DAYS, resource(writers=(PAYMENTS, {})), (), retention)

    assert isinstance(answer, Disagreement)
    assert "audit-logs/prod/" in answer.reason
    assert "tag team=payments asks for pci (365 to 400 days)" in answer.reason
    assert "the default asks for six-months (180 to 180 days)" in answer.reason


def test_equally_strong_assignments_of_one_writer_disagree_too() -> None:
    assign = (Assignment("pci", location="audit-*"), Assignment("long", location="*"))

    answer = resolve(RULE, DAYS, resource(), (), Retention(CLASSES, assign=assign))

    assert isinstance(answer, Disagreement)
    assert "location audit-* asks for pci" in answer.reason
    assert "location * asks for long" in answer.reason


@pytest.mark.parametrize(
    ("overridden", "disagree"),
    [
        pytest.param({}, True, id="nothing"),
        pytest.param({"max_days": 90}, True, id="one of two"),
        pytest.param({"max_days": 90, "min_days": 30}, False, id="both"),
    ],
)
def test_classes_that_nobody_asks_for_cannot_disagree(
    overridden: dict[str, Value], disagree: bool
) -> None:
    retention = Retention(CLASSES, assign=(PCI_BY_TAG,))

    answer = resolve(
        RULE, DAYS, resource(writers=(PAYMENTS, {})), [Override(RULE, overridden)], retention
    )

    assert disagree == isinstance(answer, Disagreement)


DECLARED: Mapping[str, Mapping[str, Value]] = {
    RULE: {
        "max_days": 180,
        "ratio": 0.5,
        "strict": True,
        "name": "x",
        "ports": ["a"],
        "since": datetime(2026, 1, 1, tzinfo=UTC),
    },
    "other": {},
}


@pytest.mark.parametrize(
    ("rule", "params", "said"),
    [
        pytest.param(RULE, {"max_days": 90}, None, id="a whole number"),
        pytest.param(RULE, {"ratio": 1}, None, id="a whole number for a fraction"),
        pytest.param(RULE, {"strict": False}, None, id="a boolean"),
        pytest.param(RULE, {"ports": ["b"]}, None, id="a list"),
        pytest.param(RULE, {"max_days": "90"}, "is a whole number, not a text ('90')", id="text"),
        pytest.param(RULE, {"max_days": True}, "not true or false", id="true is no number"),
        pytest.param(RULE, {"max_days": 1.5}, "not a number (1.5)", id="a fraction"),
        pytest.param(RULE, {"ratio": True}, "is a number, not true or false", id="true for 0.5"),
        pytest.param(RULE, {"strict": 1}, "is true or false, not a whole number", id="1 for true"),
        pytest.param(RULE, {"ports": "b"}, "is a list of texts, not a text", id="text for a list"),
        pytest.param(RULE, {"ports": [1]}, "not a list of other things", id="list of numbers"),
        pytest.param(RULE, {"since": "x"}, "is a time, not a text", id="text for a time"),
        pytest.param(
            RULE,
            {"max_day": 1},
            f"rule {RULE} has no parameter 'max_day'; did you mean 'max_days'?",
            id="a typo",
        ),
        pytest.param("other", {"x": 1}, "rule other has no parameter 'x'", id="none to have"),
        pytest.param(
            "audit-logs-expire", {}, f"did you mean '{RULE}'?", id="a rule that does not exist"
        ),
    ],
)
def test_an_override_that_cannot_work_is_a_problem(
    rule: str, params: dict[str, Value], said: str | None
) -> None:
    found = problems([Override(rule, params, at="config.yaml:3:5")], DECLARED)

    if said is None:
        assert found == ()
    else:
        assert len(found) == 1
        assert said in found[0]
        assert found[0].startswith("config.yaml:3:5: ")


def test_every_problem_is_reported_at_once() -> None:
    overrides = [Override("no", {}), Override(RULE, {"max_days": "x", "nothing": 1})]

    assert len(problems(overrides, DECLARED)) == 3
