"""Findings: pass, fail, unknown, not applicable; and that an unknown never passes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controls.condition import environment
from controls.evaluate import MAX_REMEMBERED, evaluate
from controls.model import Coverage, Gap, Ref, Severity, State, Status, TargetStatus
from controls.params import Disagreement
from controls.rule import Rule, bind, judge
from tests.controls.toys import (
    NOW,
    TYPES,
    absent,
    box,
    known,
    parsed,
    rule_text,
    snapshot,
    unknown,
)


def rule(must, *, where=None, params=None, name="box-locked"):
    """A rule over toy boxes whose examples do not matter."""
    params = params or {}
    env = environment("toy_box", TYPES, {key: type(value) for key, value in params.items()})
    musts = tuple(env.compile(each) for each in ([must] if isinstance(must, str) else must))
    made = replace(parsed(rule_text(name=name), f"{name}.yaml"), must=musts, params=params)
    made = replace(made, where=env.compile(where) if where else None)
    return replace(made, types={fact: TYPES[fact] for fact in made.reads})


def only(*args, **kwargs):
    (finding,) = evaluate(*args, **kwargs)
    return finding


@pytest.mark.parametrize(
    ("made", "facts", "status", "because"),
    [
        pytest.param(
            rule("locked"), {"locked": True}, Status.PASS, "`locked` holds", id="it holds"
        ),
        pytest.param(
            rule(["locked", "painted"]),
            {"locked": True, "painted": True},
            Status.PASS,
            "`locked` and `painted` hold",
            id="all hold",
        ),
        pytest.param(
            rule("locked && emptied_after_days <= 7"),
            {
                "locked": known(False, "the key is lost."),
                "emptied_after_days": absent("nobody empties it"),
            },
            Status.FAIL,
            "must `locked && emptied_after_days <= 7`; locked is false: the key is lost",
            id="only the operand that is false is explained",
        ),
        pytest.param(
            rule("emptied_after_days <= params.max", params={"max": 7}),
            {"emptied_after_days": known(30, "says the lid")},
            Status.FAIL,
            "must `emptied_after_days <= params.max`; emptied_after_days is 30: says the lid; "
            "params.max is 7",
            id="with the parameter it was held to",
        ),
        pytest.param(
            rule(["locked", "painted", "weight < 3.0"]),
            {"locked": False, "painted": True, "weight": 4.5},
            Status.FAIL,
            "must `locked` and must `weight < 3.0`; locked is false; weight is 4.5",
            id="every failing condition",
        ),
        pytest.param(
            rule("locked || painted"),
            {"locked": False, "painted": False},
            Status.FAIL,
            "must `locked || painted`; locked is false; painted is false",
            id="all that a disjunction reads",
        ),
        pytest.param(
            rule(["locked", "painted"]),
            {"locked": False, "painted": unknown("denied")},
            Status.FAIL,
            "must `locked`; locked is false",
            id="a failure outweighs an unknown",
        ),
        pytest.param(
            rule("locked", where="painted"),
            {"locked": False, "painted": known(False, "bare wood")},
            Status.NOT_APPLICABLE,
            "does not apply: where `painted`; painted is false: bare wood",
            id="where is false",
        ),
        pytest.param(
            rule("locked", where="painted"),
            {"locked": True, "painted": unknown("s3:GetPaint denied")},
            Status.UNKNOWN,
            "painted is unknown: s3:GetPaint denied",
            id="where is unknown though must holds",
        ),
        pytest.param(
            rule("locked", where="painted"),
            {"locked": False, "painted": unknown("s3:GetPaint denied")},
            Status.UNKNOWN,
            "painted is unknown: s3:GetPaint denied",
            id="where is unknown though must does not hold",
        ),
        pytest.param(
            rule("locked && painted && weight < 3.0"),
            {"locked": unknown("dark"), "painted": True, "weight": unknown("no scales")},
            Status.UNKNOWN,
            "locked is unknown: dark; weight is unknown: no scales",
            id="all reasons, not the leftmost only",
        ),
        pytest.param(
            rule("locked && painted && weight < 3.0"),
            {"locked": unknown("dark."), "painted": unknown("no eyes"), "weight": unknown("dark")},
            Status.UNKNOWN,
            "locked and weight are unknown: dark; painted is unknown: no eyes",

            id="a reason that facts share is said once",
        ),
        pytest.param(
            rule("locked"), {}, Status.UNKNOWN,
            "locked is unknown: locked was not collected", id="not collected",
        ),
        pytest.param(
            rule("locked"), {"locked": "true"}, Status.UNKNOWN,
            "locked is unknown: what was read is 'true', not true or false", id="of another type",
        ),
        pytest.param(
            rule("emptied_after_days <= 7"), {"emptied_after_days": True}, Status.UNKNOWN,
            "emptied_after_days is unknown: what was read is true, not a whole number",
            id="true is not one",
        ),
        pytest.param(
            rule("locked"), {"locked": replace(known(True), value=None)}, Status.UNKNOWN,
            "locked is unknown: what was read is null, not true or false", id="known, but null",
        ),
        pytest.param(
            rule("locked"), {"locked": replace(unknown("denied"), value=True)}, Status.UNKNOWN,
            "locked is unknown: denied", id="an unknown that carries a value",
        ),
    ],
)  # fmt: skip
def test_a_finding_and_because(made, facts, status, because):
    finding = only([made], snapshot(box(**facts)))

    assert (finding.status, finding.because) == (status, because)
    assert finding.rule_error is False


@pytest.mark.parametrize(
    ("made", "facts", "because"),
    [
        pytest.param(
            rule("emptied_after_days <= 7"),
            {"emptied_after_days": absent("nobody empties it")},
            "the rule does not say what an absent `emptied_after_days` means in "
            "`emptied_after_days <= 7`",
            id="undecided on an absent fact",
        ),
        pytest.param(
            rule("size(toys) / (size(label) - 1) > 0"),
            {"toys": ["bear"], "label": "a"},
            "`size(toys) / (size(label) - 1) > 0` cannot be computed: divide by zero",
            id="an error when it runs",
        ),
        pytest.param(
            rule(["emptied_after_days <= 7", "locked"]),
            {"emptied_after_days": absent(), "locked": unknown("dark")},
            "locked is unknown: dark; the rule does not say what an absent `emptied_after_days` "
            "means in `emptied_after_days <= 7`",
            id="beside a condition that could not be seen",
        ),
    ],
)
def test_a_mistake_in_the_rule_is_unknown_and_told_apart(made, facts, because):
    finding = only([made], snapshot(box(**facts)))

    assert (finding.status, finding.rule_error) == (Status.UNKNOWN, True)
    assert finding.because == because


def test_absence_beside_blindness_in_one_condition_is_blindness():
    made = rule("locked && emptied_after_days <= 7")

    finding = only([made], snapshot(box(locked=unknown("dark"), emptied_after_days=absent())))

    assert (finding.rule_error, finding.reasons) == (False, ("locked is unknown: dark",))


def test_a_finding_carries_what_it_was_judged_on():
    made = rule("locked && weight < params.max", where="painted", params={"max": 3.5})
    resource = box(locked=True, painted=True, weight=1.5, label="not read")

    finding = only([made], snapshot(resource))

    assert (finding.rule, finding.title, finding.severity) == (
        "box-locked", "Boxes are locked", Severity.HIGH,
    )  # fmt: skip
    assert finding.ref == resource.ref
    assert finding.facts == {name: resource.facts[name] for name in ("locked", "painted", "weight")}
    assert finding.params == {"max": 3.5}
    assert (finding.tags, finding.remedy) == ({"team": "play"}, "Lock it.")


def test_now_is_when_the_snapshot_was_taken():
    made = rule("now - closed_at <= hours(1)")
    closed = box(closed_at=NOW - timedelta(minutes=30))

    early = only([made], snapshot(closed))
    late = only([made], replace(snapshot(closed), taken_at=NOW + timedelta(hours=2)))

    assert (early.status, late.status) == (Status.PASS, Status.FAIL)


def test_findings_come_in_order_of_rules_then_of_ids():
    rules = [rule("locked", name="z"), rule("painted", name="a")]
    resources = [box(name, locked=True, painted=True) for name in ("c", "a", "b")]
    gaps = (Gap("toy_box", "111122223333", "eu-west-1", "denied"),)

    findings = evaluate(rules, snapshot(*resources, gaps=gaps))

    assert [(each.rule, each.ref.name) for each in findings] == [
        (made, name) for made in ("z", "a") for name in ("*", "a", "b", "c")
    ]
    assert findings == evaluate(rules, snapshot(*reversed(resources), gaps=gaps))


def test_a_kind_that_could_not_be_listed_is_unknown_once_per_rule_and_target():
    gaps = (
        Gap("toy_box", "111122223333", "eu-west-1", "ListBoxes denied."),
        Gap("toy_box", "111122223333", "eu-west-1", "ListLids denied"),
        Gap("toy_box", "111122223333", "eu-west-1", "ListBoxes denied."),
        Gap("toy_box", "444455556666", "eu-west-1", "timeout"),
        Gap("toy_shelf", "111122223333", "eu-west-1", "another kind"),
    )

    one, two = evaluate([rule("locked", where="painted")], snapshot(gaps=gaps))

    assert one.ref == Ref("toy_box", "111122223333", "eu-west-1", "*")
    assert one.status is Status.UNKNOWN
    assert one.reasons == ("ListBoxes denied.", "ListLids denied")
    assert one.because == "toy_box could not be listed: ListBoxes denied; ListLids denied"
    assert (two.ref.account, two.reasons) == ("444455556666", ("timeout",))


PLACES = tuple(
    TargetStatus("111122223333", region, Coverage.COMPLETE, None, 0)
    for region in ("eu-west-1", "us-east-1")
)


def test_a_kind_that_nobody_looked_for_is_unknown_in_every_target():
    seen = snapshot(targets=PLACES, collected=["toy_shelf"])

    findings = evaluate([rule("locked", where="painted")], seen)

    assert [(each.ref.region, each.ref.name, each.status) for each in findings] == [
        ("eu-west-1", "*", Status.UNKNOWN),
        ("us-east-1", "*", Status.UNKNOWN),
    ]
    why = "the snapshot holds no toy_box: take it with the rules it is to be judged by"
    assert {(each.because, each.reasons) for each in findings} == {(why, (why,))}


def test_a_kind_that_was_looked_for_and_is_not_there_is_no_finding():
    assert evaluate([rule("locked")], snapshot(targets=PLACES)) == ()


@pytest.mark.parametrize(
    ("made", "facts", "status", "because"),
    [
        pytest.param(
            rule("weight < params.max", params={"max": 3.0}), {"weight": 1.0},
            Status.FAIL, "two classes", id="the disagreement is the finding",
        ),
        pytest.param(
            rule("weight < params.max", where="painted", params={"max": 3.0}),
            {"weight": 1.0, "painted": True},
            Status.FAIL, "two classes", id="where the rule applies",
        ),
        pytest.param(
            rule("weight < params.max", where="painted", params={"max": 3.0}),
            {"weight": 9.0, "painted": False},
            Status.NOT_APPLICABLE, "does not apply: where `painted`; painted is false",
            id="not where it does not",
        ),
        pytest.param(
            rule("weight < params.max", where="painted", params={"max": 3.0}),
            {"weight": 9.0, "painted": unknown("dark")},
            Status.UNKNOWN, "painted is unknown: dark; weight", id="nor where that is unknown",
        ),
        pytest.param(
            rule("locked", where="weight < params.max", params={"max": 3.0}),
            {"weight": 9.0, "locked": True},
            Status.FAIL, "two classes", id="where may not rest on what is in dispute",
        ),
    ],
)  # fmt: skip
def test_parameters_that_disagree_fail_the_rule(made, facts, status, because):
    facts = {**facts, **({"weight": unknown("no scales")} if "weight" in because else {})}

    finding = only([made], snapshot(box(**facts)), lambda *_: Disagreement("two classes"))

    assert finding.status is status
    assert finding.because.startswith(because)


def test_parameters_are_asked_for_by_rule_and_resource():
    made = rule("weight < params.max", params={"max": 3.0})
    boxes = (box("heavy", weight=5.0), box("red", weight=5.0))

    findings = evaluate(
        [made],
        snapshot(*boxes),
        lambda of, each: {**of.params, **({"max": 9.0} if each.ref.name == "heavy" else {})},
    )

    assert [each.status for each in findings] == [Status.PASS, Status.FAIL]
    assert [each.params for each in findings] == [{"max": 9.0}, {"max": 3.0}]


def test_a_parameter_that_is_not_given_is_never_a_pass():
    made = rule("weight < params.max || !locked", params={"max": 3.0})

    finding = only([made], snapshot(box(weight=1.0, locked=True)), lambda *_: {})

    assert (finding.status, finding.rule_error) == (Status.UNKNOWN, True)


def test_equal_values_are_decided_alike_and_lists_and_maps_among_them():
    made = rule("size(toys) > 1 && 'lid' in stickers")
    full = {"toys": ["a", "b"], "stickers": {"lid": "x"}}
    boxes = [box(f"{n}", **(full if n % 2 else {**full, "toys": ["a"]})) for n in range(6)]

    findings = evaluate([made], snapshot(*boxes))

    assert [each.status for each in findings] == [Status.FAIL, Status.PASS] * 3


# ------------------------------------------------------------------ unknown never passes

BOOLS = {"locked": (True, False), "painted": (True, False)}
INTS = {"emptied_after_days": (0, 3, 7)}
DOMAINS: dict[str, tuple[object, ...]] = {**BOOLS, **INTS}

leaves = st.sampled_from(
    (
        *("locked", "painted", "true", "false", "locked == painted"),
        *("emptied_after_days <= 3", "emptied_after_days == 7", "emptied_after_days > params.max"),
        "6 / emptied_after_days > 1",
    )
)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        inner.map(lambda a: f"!({a})"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]}) && ({p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]}) || ({p[1]})"),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]}) ? ({p[1]}) : ({p[2]})"),
        inner.map(lambda a: f"['a', 'b'].all(x, x == 'c' || ({a}))"),
    ),
    max_leaves=5,
)


def verdict(made: Rule, facts: dict[str, object]) -> Status:
    return judge(made, bind(facts, made.params, NOW)).status


@settings(max_examples=300, deadline=None)
@given(
    where=st.none() | conditions,
    must=st.lists(conditions, min_size=1, max_size=2),
    seen=st.dictionaries(st.sampled_from(sorted(DOMAINS)), st.integers(0, 2)),
)
def test_a_verdict_given_without_a_fact_holds_whatever_the_fact_is(where, must, seen):
    """Pass, fail or not applicable on some facts: the same for each completion, by brute force."""
    made = rule(must, where=where, params={"max": 3})
    facts = {name: DOMAINS[name][index % len(DOMAINS[name])] for name, index in seen.items()}
    missing = [name for name in DOMAINS if name not in facts]

    given_ = verdict(made, facts)

    if given_ is not Status.UNKNOWN:
        for values in product(*(DOMAINS[name] for name in missing)):
            assert verdict(made, {**facts, **dict(zip(missing, values, strict=True))}) is given_


@settings(max_examples=100, deadline=None)
@given(where=st.none() | conditions, must=conditions, days=st.sampled_from((0, 3, 7, None)))
def test_the_engine_says_what_the_verdict_says(where, must, days):
    """Remembering answers and narrowing the reason change no status."""
    made = rule(must, where=where, params={"max": 3})
    read = {"locked": True, "painted": False, "emptied_after_days": days}
    shown = {name: absent() if value is None else value for name, value in read.items()}

    one, two = evaluate([made], snapshot(box("a", **shown), box("b", **shown)))

    assert one.status is two.status is verdict(made, read)
    assert one.because == two.because != ""


@settings(max_examples=100, deadline=None)
@given(where=st.none() | conditions, must=conditions)
def test_a_rule_fed_only_unknowns_passes_only_if_it_reads_nothing_it_needs(where, must):
    made = rule(must, where=where, params={"max": 3})
    blind = box(**{name: unknown("denied") for name in DOMAINS})

    finding = only([made], snapshot(blind))

    if finding.status is Status.UNKNOWN:
        assert finding.reasons
        assert all(finding.facts[name].state is State.UNKNOWN for name in finding.facts)
    else:
        everything = product(*DOMAINS.values())
        statuses = {verdict(made, dict(zip(DOMAINS, each, strict=True))) for each in everything}
        assert statuses == {finding.status}


def test_more_values_than_are_remembered_are_judged_right():
    boxes = [box(f"{n:04}", weight=float(n)) for n in range(MAX_REMEMBERED + 100)]

    findings = evaluate([rule("weight < 1050.0")], snapshot(*boxes, *boxes))

    assert [each.status is Status.PASS for each in findings] == [
        float(each.ref.name) < 1050.0 for each in findings
    ]
