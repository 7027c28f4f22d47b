"""Parameters by default, retention class and override; and who disagrees with whom."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from controls.bounds import Bounds
from controls.model import Ref, Resource, Severity, Value
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
from controls.rule import Examples, Rule

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


def test_no_override_beats_the_retention_class() -> None:
    """Days come from the class alone: one of two set by itself would ask for what no class does."""
    overrides = [Override(RULE, {"max_days": 9999, "other": 2}, resource="*")]

    params = resolve(RULE, {"max_days": 2, "other": 1}, resource(), overrides)

    assert params == {"max_days": 180, "other": 2}


def test_days_that_no_class_gives_can_be_overridden() -> None:
    of_bucket = resource("s3_log_bucket", "audit-logs")

    assert resolve(RULE, {"max_days": 2}, of_bucket, [Override(RULE, {"max_days": 9})]) == {
        "max_days": 9
    }


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


@pytest.mark.parametrize("overridden", [{}, {"max_days": 90}, {"max_days": 90, "min_days": 30}])
def test_no_override_settles_a_disagreement_of_classes(overridden: dict[str, Value]) -> None:
    retention = Retention(CLASSES, assign=(PCI_BY_TAG,))

    answer = resolve(
        RULE, DAYS, resource(writers=(PAYMENTS, {})), [Override(RULE, overridden)], retention
    )

    assert isinstance(answer, Disagreement)


# ---------------------------------------------------------------- overrides by the writers' tags

DEV = {"env": "dev"}
STRONGER = of(5, resource="*")
WEAKER = of(5, account=ACCOUNT)


@pytest.mark.parametrize("kind", ["s3_log_location", "cloudwatch_log_group", "s3_log_bucket"])
@pytest.mark.parametrize(
    ("writers", "others", "expected"),
    [
        pytest.param((), [], 9, id="nobody writes"),
        pytest.param((PROD,), [], 3, id="the one who writes has it"),
        pytest.param((PROD, {"env": "prod"}), [], 3, id="all have it"),
        pytest.param((DEV, {}), [], 9, id="nobody has it"),
        pytest.param((PROD, DEV), [], None, id="some have it"),
        pytest.param((PROD, DEV), [WEAKER], None, id="some have it, over a weaker one"),
        pytest.param((PROD, DEV), [STRONGER], 5, id="some have it, under a stronger one"),
        pytest.param((PROD, DEV), [of(8, tag=("x", "y"))], None, id="some, beside one for nobody"),
    ],
)
def test_an_override_by_tag_is_for_what_all_that_write_have(
    kind: str, writers: tuple[Mapping[str, str], ...], others: list[Override], expected: int | None
) -> None:
    answer = resolve(RULE, {"max_hours": 9}, resource(kind, writers=writers), [*others, BY_TAG])

    if expected is None:
        assert isinstance(answer, Disagreement)
    else:
        assert answer == {"max_hours": expected}


def test_writers_that_an_override_by_tag_divides_are_told_by_their_tags() -> None:
    answer = resolve(RULE, {"max_hours": 9}, resource(writers=(PROD, DEV, {})), [BY_TAG])

    assert isinstance(answer, Disagreement)
    assert "max_hours" in answer.reason
    assert "tag env=prod" in answer.reason
    assert "audit-logs/prod/ have and others do not (env=dev, no tag env)" in answer.reason


# ---------------------------------------------------------------- what is wrong when it is read


def declared(name: str = RULE, kind: str = "redshift_cluster", **changes: Any) -> Rule:
    """A rule with the parameters that a test is about."""
    shape: dict[str, Any] = {
        "id": name, "title": "", "why": "", "severity": Severity.LOW, "kind": kind, "where": None,
        "must": (), "params": {}, "remedy": "", "fixes": (), "maps": {}, "false_positives": "",
        "examples": Examples((), ()), "path": "", "pack": "",
    }  # fmt: skip
    return Rule(**{**shape, **changes})


PARAMS: Mapping[str, Value] = {
    "max_days": 180,
    "ratio": 0.5,
    "strict": True,
    "name": "x",
    "ports": ["a"],
    "since": datetime(2026, 1, 1, tzinfo=UTC),
}
BOUNDS: Mapping[str, Bounds] = {"max_days": (1, 365), "ratio": (0.25, None)}
DECLARED = {RULE: declared(params=PARAMS, bounds=BOUNDS), "other": declared("other")}


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
        pytest.param(RULE, {"max_days": 1}, None, id="the least"),
        pytest.param(RULE, {"max_days": 365}, None, id="the most"),
        pytest.param(
            RULE,
            {"max_days": 366},
            f"parameter max_days of rule {RULE} is at most 365, not 366",
            id="more than the most",
        ),
        pytest.param(RULE, {"max_days": -5}, "is at least 1, not -5", id="less than the least"),
        pytest.param(RULE, {"ratio": 0}, "is at least 0.25, not 0", id="a bound of a fraction"),
        pytest.param(RULE, {"ratio": 1e9}, None, id="a side without a bound"),
        pytest.param(RULE, {"ratio": float("nan")}, "is at least 0.25", id="no number at all"),
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


def test_a_problem_stands_where_the_parameter_does() -> None:
    override = Override(RULE, {"max_days": 0}, at="c.yaml:3:5", param_at={"max_days": "PARAMS"})

    assert problems([override], DECLARED)[0].startswith("PARAMS: ")


@pytest.mark.parametrize("name", ["min_days", "max_days"])
@pytest.mark.parametrize(
    ("kind", "refused"),
    [("s3_log_location", True), ("cloudwatch_log_group", True), ("s3_log_bucket", False)],
)
def test_days_that_a_class_gives_cannot_be_set_by_themselves(
    kind: str, refused: bool, name: str
) -> None:
    rules = {RULE: declared(kind=kind, params={name: 180})}

    found = problems([Override(RULE, {name: 200})], rules)

    assert refused == bool(found)
    assert all("retention.classes" in each and "retention.assign" in each for each in found)


FOREVER = RetentionClass("forever", 1, 9999, at="c.yaml:2:3")


@pytest.mark.parametrize(
    ("retention", "wrong"),
    [
        pytest.param(Retention(), False, id="six months"),
        pytest.param(Retention({**CLASSES, "forever": FOREVER}), False, id="one not in use"),
        pytest.param(
            Retention({**CLASSES, "forever": FOREVER}, "forever"), True, id="the default class"
        ),
        pytest.param(
            Retention(
                {**CLASSES, "forever": FOREVER}, assign=(Assignment("forever", location="*"),)
            ),
            True,
            id="an assigned class",
        ),
    ],
)
def test_a_class_cannot_ask_for_what_the_bounds_do_not_admit(
    retention: Retention, wrong: bool
) -> None:
    """Else a class of a thousand years would switch a rule off, as an override would."""
    bounded = declared(
        kind="s3_log_location", params={"max_days": 180}, bounds={"max_days": (1, 3653)}
    )

    found = problems([], {RULE: bounded}, retention)

    expected = (
        "c.yaml:2:3: retention class forever (1 to 9999 days) cannot be had: "
        f"parameter max_days of rule {RULE} is at most 3653"
    )
    assert found == ((expected,) if wrong else ())
