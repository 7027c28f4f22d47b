"""How the CEL adapter behaves: pinned, for `cel-expr-python` is young."""

from __future__ import annotations

from collections import UserString
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType

import pytest

from controls.condition import (
    MAX_LENGTH,
    ConditionError,
    Fault,
    Undecided,
    accepts,
    check_value,
    environment,
)
from tests.controls.toys import TYPES

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ENV = environment("toy_box", TYPES, {"max_days": int, "names": list[str], "share": float})
UNDECIDED = "undecided"


def judge(source, **bound):
    answer = ENV.compile(source).judge(
        {name.replace("params_", "params."): value for name, value in bound.items()}
    )
    return UNDECIDED if isinstance(answer, Undecided) else answer


@pytest.mark.parametrize(
    ("source", "bound", "expected"),
    [
        # what is unbound is absorbed exactly where the other side decides, on either side
        pytest.param("locked", {}, UNDECIDED, id="an unbound name is undecided"),
        pytest.param("!locked", {}, UNDECIDED, id="so is its negation"),
        pytest.param("locked && painted", {"locked": False}, False, id="false && unbound"),
        pytest.param("painted && locked", {"locked": False}, False, id="unbound && false"),
        pytest.param("locked && painted", {"locked": True}, UNDECIDED, id="true && unbound"),
        pytest.param("painted && locked", {"locked": True}, UNDECIDED, id="unbound && true"),
        pytest.param("locked || painted", {"locked": True}, True, id="true || unbound"),
        pytest.param("painted || locked", {"locked": True}, True, id="unbound || true"),
        pytest.param("locked || painted", {"locked": False}, UNDECIDED, id="false || unbound"),
        pytest.param("painted || locked", {"locked": False}, UNDECIDED, id="unbound || false"),
        pytest.param("locked == locked", {}, UNDECIDED, id="unbound is not equal to itself"),
        pytest.param("locked || !locked", {}, UNDECIDED, id="excluded middle is not assumed"),
        pytest.param("locked ? true : true", {}, UNDECIDED, id="a test unbound"),
        pytest.param("locked ? true : painted", {"locked": True}, True, id="a branch not taken"),
        pytest.param("locked ? painted : true", {"locked": True}, UNDECIDED, id="a branch taken"),
        pytest.param("label in ['a', 'b']", {}, UNDECIDED, id="unbound in a list"),
        pytest.param("['a'].exists(x, x == label)", {}, UNDECIDED, id="exists over unbound"),
        pytest.param(
            "['a', 'b'].exists(x, x == 'b' || x == label)", {}, True, id="exists decided by one"
        ),
        pytest.param("['a', 'b'].all(x, x == 'b' && x == label)", {}, False, id="all, decided"),
        pytest.param("[].all(x, x == label)", {}, True, id="all over nothing"),
        pytest.param(
            "locked && 1 / (size(toys)) == 1",
            {"locked": False, "toys": []},
            False,
            id="false && an error",
        ),
        pytest.param(
            "locked && 1 / (size(toys)) == 1",
            {"locked": True, "toys": []},
            UNDECIDED,
            id="true && an error",
        ),
        # numbers and texts
        pytest.param("emptied_after_days <= 7", {"emptied_after_days": 7}, True, id="<= int"),
        pytest.param(
            "emptied_after_days < 7.5", {"emptied_after_days": 7}, None, id="int < double"
        ),
        pytest.param("weight < 7.5", {"weight": 7.0}, True, id="< double"),
        pytest.param("weight < 7.5", {"weight": 7}, True, id="a whole number for a double"),
        pytest.param(
            "weight < double(emptied_after_days)",
            {"weight": 1.5, "emptied_after_days": 2},
            True,
            id="double(int)",
        ),
        pytest.param("emptied_after_days % 2 == 1", {"emptied_after_days": 7}, True, id="modulo"),
        pytest.param(
            "emptied_after_days * emptied_after_days > 0",
            {"emptied_after_days": 2**62},
            UNDECIDED,
            id="overflow is an error, not a wrap",
        ),
        pytest.param(
            "label == 'a' || label.startsWith('b')", {"label": "bc"}, True, id="startsWith"
        ),
        pytest.param(
            "label.endsWith('c') && label.contains('b')", {"label": "bc"}, True, id="ends"
        ),
        pytest.param("label.matches('^b.$')", {"label": "bc"}, True, id="matches"),
        pytest.param("label.matches('b')", {"label": "abc"}, True, id="matches finds anywhere"),
        pytest.param("label == 'B'", {"label": "b"}, False, id="texts differ in case"),
        pytest.param("size(label) == 2", {"label": "ä😀"}, True, id="size counts characters"),
        pytest.param("label == r'a\\b'", {"label": "a\\b"}, True, id="a raw text"),
        # lists and maps
        pytest.param("label in toys", {"label": "a", "toys": ["a"]}, True, id="in a list"),
        pytest.param("'b' in toys", {"toys": ["a"]}, False, id="not in a list"),
        pytest.param("toys.all(toy, toy in ['a', 'b'])", {"toys": ["a", "b"]}, True, id="all"),
        pytest.param("toys.exists_one(toy, toy == 'a')", {"toys": ["a", "a"]}, False, id="one"),
        pytest.param(
            "toys.filter(toy, toy != 'a') == ['b']", {"toys": ["a", "b"]}, True, id="filter"
        ),
        pytest.param("toys.map(toy, toy + '!') == ['a!']", {"toys": ["a"]}, True, id="map"),
        pytest.param("toys == []", {"toys": []}, True, id="an empty list"),
        pytest.param("size(toys) > 0 && toys[0] == 'a'", {"toys": []}, False, id="a guarded index"),
        pytest.param(
            "'lid' in stickers && stickers['lid'] == 'x'",
            {"stickers": {}},
            False,
            id="a guarded key, missing",
        ),
        pytest.param(
            "stickers['lid'] == 'x' && 'lid' in stickers",
            {"stickers": {}},
            False,
            id="guarded from the right",
        ),
        pytest.param(
            "has(stickers.lid) && stickers.lid == 'x'", {"stickers": {"lid": "x"}}, True, id="has"
        ),
        pytest.param("has(stickers.lid)", {}, UNDECIDED, id="has of an unbound map is undecided"),
        pytest.param(
            "!has(stickers.lid) || stickers.lid == 'x'",
            {"stickers": {}},
            True,
            id="guarded by its negation",
        ),
        pytest.param(
            "has(stickers.lid) ? stickers.lid == 'x' : false",
            {"stickers": {}},
            False,
            id="guarded by a test",
        ),
        pytest.param(
            "stickers.all(place, stickers[place] != '')",
            {"stickers": {"lid": "x"}},
            True,
            id="a key that a macro gives",
        ),
        # times
        pytest.param(
            "now - closed_at <= hours(24)",
            {"now": NOW, "closed_at": NOW - timedelta(hours=24)},
            True,
            id="hours",
        ),
        pytest.param(
            "now - closed_at > days(params.max_days)",
            {"now": NOW, "closed_at": NOW - timedelta(days=3), "params_max_days": 2},
            True,
            id="days of a parameter",
        ),
        pytest.param(
            "closed_at == timestamp('2026-03-01T00:00:00Z')",
            {"closed_at": datetime(2026, 3, 1, 2, tzinfo=timezone(timedelta(hours=2)))},
            True,
            id="an instant, whatever its zone",
        ),
        pytest.param(
            "closed_at.getHours() == 0",
            {"closed_at": datetime(2026, 3, 1, 2, tzinfo=timezone(timedelta(hours=2)))},
            True,
            id="parts of a time are UTC",
        ),
        pytest.param("duration('36h') == hours(36)", {}, True, id="durations are equal by length"),
        pytest.param("closed_at < now", {"now": NOW}, UNDECIDED, id="a time unbound"),
        pytest.param(
            "days(emptied_after_days) > hours(1)",
            {"emptied_after_days": 10**12},
            UNDECIDED,
            id="a duration out of range is an error",
        ),
        # parameters
        pytest.param(
            "label in params.names", {"label": "a", "params_names": ["a"]}, True, id="list"
        ),
        pytest.param(
            "weight <= params.share", {"weight": 0.5, "params_share": 0.5}, True, id="float"
        ),
        pytest.param("params.max_days < 3", {}, UNDECIDED, id="a parameter unbound"),
        # what raises inside is undecided too
        pytest.param(
            "toys.all(a, toys.all(b, a + b != ''))",
            {"toys": ["a"] * 200},
            UNDECIDED,
            id="the iteration budget",
        ),
        pytest.param("label == ''", {"label": "\ud800"}, UNDECIDED, id="no UTF-8"),
        pytest.param("locked", {"locked": None}, UNDECIDED, id="None"),
        pytest.param("'a' in toys", {"toys": ("a",)}, UNDECIDED, id="a tuple"),
        pytest.param("locked", {"locked": "true"}, UNDECIDED, id="a text for a bool"),
        pytest.param(
            "// why\nlocked && // because\n painted",
            {"locked": True, "painted": True},
            True,
            id="comments and lines",
        ),
    ],
)
def test_a_condition_is_true_false_or_undecided(source, bound, expected):
    if expected is None:
        with pytest.raises(ConditionError):
            ENV.compile(source)
    else:
        assert (
            judge(source, **bound) is expected
            if expected != UNDECIDED
            else judge(source, **bound) == UNDECIDED
        )


@pytest.mark.parametrize(
    ("source", "reads", "params", "now"),
    [
        pytest.param("true", set(), set(), False, id="nothing"),
        pytest.param("locked && !(weight > 1.0)", {"locked", "weight"}, set(), False, id="facts"),
        pytest.param(
            "now - closed_at > days(params.max_days)", {"closed_at"}, {"max_days"}, True, id="all"
        ),
        pytest.param("toys.exists(toy, toy == label)", {"toys", "label"}, set(), False, id="macro"),
        pytest.param("has(stickers.lid)", {"stickers"}, set(), False, id="has"),
        pytest.param("'label' in toys", {"toys"}, set(), False, id="a text is no name"),
        pytest.param("type(weight) == double", {"weight"}, set(), False, id="a type is no fact"),
    ],
)
def test_what_a_condition_reads_comes_from_its_checked_tree(source, reads, params, now):
    condition = ENV.compile(source)

    assert (condition.reads, condition.reads_params, condition.reads_now) == (reads, params, now)


@pytest.mark.parametrize(
    ("source", "faults"),
    [
        pytest.param(
            "lockd", [(1, 1, "toy_box has no fact 'lockd'; did you mean 'locked'?")], id="fact"
        ),
        pytest.param(
            "True", [(1, 1, "toy_box has no fact 'True'; did you mean 'true'?")], id="True"
        ),
        pytest.param("zzzzzz", [(1, 1, "toy_box has no fact 'zzzzzz'")], id="nothing comes near"),
        pytest.param(
            "locked &&\n  weight < params.shar",
            [(2, 12, "the rule has no parameter 'shar'; did you mean 'share'?")],
            id="parameter",
        ),
        pytest.param(
            "size(params) > 0", [(1, 6, "parameters are written params.<name>")], id="params"
        ),
        pytest.param(
            "label.startWith('a')",
            [(1, 7, "no function 'startWith'; did you mean 'startsWith'?")],
            id="method",
        ),
        pytest.param(
            "lockd && paintd",
            [
                (1, 1, "toy_box has no fact 'lockd'; did you mean 'locked'?"),
                (1, 10, "toy_box has no fact 'paintd'; did you mean 'painted'?"),
            ],
            id="two at once",
        ),
        pytest.param(
            "weight", [(1, 1, "a condition is true or false, this is of type double")], id="no bool"
        ),
        pytest.param(
            "locked == 'true'", [(1, 8, "`==` does not go with bool and string")], id="types"
        ),
        pytest.param(
            "closed_at > 3", [(1, 11, "`>` does not go with Timestamp and int")], id="time"
        ),
        pytest.param("locked and painted", [(1, 8, "CEL writes `&&`, not 'and'")], id="and"),
        pytest.param("locked or painted", [(1, 8, "CEL writes `||`, not 'or'")], id="or"),
        pytest.param("label = 'a'", [(1, 7, "CEL writes `==`, not '= '")], id="one equals sign"),
        pytest.param(
            "locked && ", [(1, 11, "the condition ends where a value is expected")], id="cut"
        ),
        pytest.param(
            "(locked", [(1, 8, "the condition ends where a value is expected")], id="open"
        ),
        pytest.param("locked)", [(1, 7, "this is not CEL: extraneous input ')'")], id="closed"),
        pytest.param(" \n ", [(1, 1, "the condition is empty")], id="empty"),
        pytest.param(
            "label == '\ud800'",
            [(1, 1, "the condition holds characters that are no text")],
            id="no UTF-8",
        ),
        pytest.param(
            "(" * 40 + "locked" + ")" * 40,
            [(1, 1, "the condition cannot be read: it is nested too deep")],
            id="deep",
        ),
        pytest.param(
            "+".join("1" * 500) + " > 3",
            [(1, 1, "the condition cannot be read: it is nested too deep")],
            id="a long sum",
        ),
        pytest.param(
            "locked || " * 250 + "locked",
            [(1, 1, f"the condition is longer than {MAX_LENGTH} characters: make a fact of it")],
            id="long",
        ),
        pytest.param(
            "dyn(label) == 3", [(1, 4, "dyn() takes the types away: compare like types")], id="dyn"
        ),
        pytest.param(
            "emptied_after_days / 0 == 1", [(1, 1, "this divides by zero")], id="division"
        ),
        pytest.param(
            "toys.all(label, label != '')",
            [(1, 9, "the loop variable 'label' is also the name of a fact: rename it")],
            id="shadow",
        ),
        pytest.param(
            "toys.all(now, true)",
            [(1, 9, "the loop variable 'now' is also the name of a fact: rename it")],
            id="shadow now",
        ),
        # literals that CEL would only refuse when it runs
        pytest.param(
            "now - closed_at > duration('90d')",
            [
                (
                    1,
                    28,
                    (
                        "duration does not take '90d': String to Duration conversion failed; "
                        "days are written days(90)"
                    ),
                )
            ],
            id="days in a duration",
        ),
        pytest.param(
            "closed_at < timestamp('2026')",
            [(1, 23, "timestamp does not take '2026': String to Timestamp conversion failed")],
            id="ts",
        ),
        pytest.param(
            "label.matches('[')",
            [(1, 15, "matches does not take '[': invalid regular expression: missing ]: [")],
            id="regex",
        ),
        pytest.param(
            "locked || now - closed_at > days(999999999999)",
            [(1, 34, "days does not take 999999999999: Python int too large to convert to C int")],
            id="a duration out of range",
        ),
    ],
)
def test_a_condition_that_cannot_be_used_says_where_and_why(source, faults):
    with pytest.raises(ConditionError) as caught:
        ENV.compile(source)

    assert [(each.line, each.column, each.message) for each in caught.value.faults] == faults


@pytest.mark.parametrize(
    "source",
    [
        "stickers['lid'] == 'x'",
        "stickers.lid == 'x'",
        "has(stickers.lid) || stickers.lid == 'x'",
        "!has(stickers.lid) && stickers.lid == 'x'",
        "has(stickers.lid) ? true : stickers.lid == 'x'",
        "has(stickers.lip) && stickers.lid == 'x'",
        "label in stickers && stickers['lid'] == 'x'",
        "toys.all(toy, stickers[toy] == 'x')",
        "toys.all(t, t in stickers && toys.all(t, stickers[t] == 'x'))",
        "toys[0] == 'a'",
        "size(toys) > 0 && toys[1] == 'a'",
        "size(toys) >= 1 && toys[1] == 'a'",
        "size(toys) != 3 && toys[0] == 'a'",
        "size(toys) > 3 && toys[-1] == 'a'",
        "size(label) > 0 && toys[0] == 'a'",
        "1 < size(toys) || toys[0] == 'a'",
    ],
)
def test_a_key_or_index_that_may_be_missing_is_refused(source):
    with pytest.raises(ConditionError, match="may be missing"):
        ENV.compile(source)


@pytest.mark.parametrize(
    "source",
    [
        "locked && (painted && 'lid' in stickers) && stickers.lid == 'x'",
        "label in stickers && stickers[label] == 'x'",
        "toys.all(toy, toy in stickers && stickers[toy] == 'x')",
        "stickers.exists(place, stickers[place] == 'x')",
        "size(toys) > 1 && toys[1] == 'a'",
        "toys.size() >= 2 && toys[1] == 'a'",
        "size(toys) == 2 && toys[1] == 'a'",
        "size(toys) != 0 && toys[0] == 'a'",
        "size(toys) == 0 || toys[0] == 'a'",
        "1 < size(toys) && toys[1] == 'a'",
        "2 <= size(toys) && toys[1] == 'a'",
        "!(!has(stickers.lid) || locked) && stickers.lid == 'x'",
    ],
)
def test_a_guarded_key_or_index_is_accepted(source):
    ENV.compile(source)


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        pytest.param("locked", [], id="no conjunction"),
        pytest.param("locked && painted", ["locked", "painted"], id="two"),
        pytest.param(
            "locked && (painted || locked) && weight > 1.0",
            ["locked", "(painted || locked)", "weight > 1.0"],
            id="three",
        ),
        pytest.param("(locked && painted)", [], id="in brackets"),
        pytest.param("locked && painted || locked", [], id="below an or"),
        pytest.param("locked ? painted && locked : locked", [], id="below a test"),
        pytest.param(
            "label == 'a && b' && locked", ["label == 'a && b'", "locked"], id="in a text"
        ),
        pytest.param(
            'label == "it\'s && " && locked', ['label == "it\'s && "', "locked"], id="quotes"
        ),
        pytest.param(
            "label == '''a' && b''' && locked", ["label == '''a' && b'''", "locked"], id="triple"
        ),
        pytest.param(
            "toys.all(t, t != '' && t != 'a') && locked",
            ["toys.all(t, t != '' && t != 'a')", "locked"],
            id="in a macro",
        ),
        pytest.param(
            "size(toys) > 0 && toys[0] == 'a'",
            ["size(toys) > 0", "toys[0] == 'a'"],
            id="a guard and what it guards",
        ),
        pytest.param("locked && // && weight\n painted", [], id="a comment: not cut"),
    ],
)
def test_the_operands_of_a_conjunction_are_conditions_of_their_own(source, parts):
    assert [part.source for part in ENV.compile(source).parts] == parts


@pytest.mark.parametrize(
    ("kind", "value", "error"),
    [
        pytest.param(bool, True, None, id="bool"),
        pytest.param(bool, 1, "is 1, not true or false", id="one is not true"),
        pytest.param(bool, None, "is null, not true or false", id="None"),
        pytest.param(int, 3, None, id="int"),
        pytest.param(int, True, "is true, not a whole number", id="true is not one"),
        pytest.param(int, 3.0, "is 3.0, not a whole number", id="a fraction"),
        pytest.param(int, 2**63, "is 9223372036854775808, not a whole number", id="over 64 bits"),
        pytest.param(int, -(2**63), None, id="64 bits"),
        pytest.param(float, 3.5, None, id="float"),
        pytest.param(float, 3, None, id="a whole number for a float"),
        pytest.param(float, True, "is true, not a number", id="true is not a number"),
        pytest.param(float, float("nan"), "is nan, not a number", id="nan"),
        pytest.param(str, "ä", None, id="str"),
        pytest.param(str, "\ud800", r"is '\ud800', not a text", id="half a surrogate pair"),
        pytest.param(str, UserString("a"), "is 'a', not a text", id="text-like"),
        pytest.param(str, b"a", "is b'a', not a text", id="bytes"),
        pytest.param(datetime, NOW, None, id="aware"),
        pytest.param(
            datetime,
            datetime(2026, 3, 1),  # noqa: DTZ001 - the point
            "is the time 2026-03-01T00:00:00, "
            "not a time with its zone, such as 2026-01-31T00:00:00Z",
            id="a naive time",
        ),
        pytest.param(list[str], ["a"], None, id="list"),
        pytest.param(list[str], ["a", 1], "is ['a', 1], not a list of texts", id="a mixed list"),
        pytest.param(list[str], ("a",), "is ('a',), not a list of texts", id="a tuple"),
        pytest.param(dict[str, str], {"a": "b"}, None, id="map"),
        pytest.param(dict[str, str], {"a": 1}, "is {'a': 1}, not a map of texts", id="a mixed map"),
        pytest.param(
            dict[str, str],
            MappingProxyType({}),
            "is mappingproxy({}), not a map of texts",
            id="a map that CEL refuses",
        ),
        pytest.param(str, 10**99, f"is {'1' + '0' * 59}…, not a text", id="a long one is cut"),
    ],
)
def test_a_value_is_checked_against_the_declared_type(kind, value, error):
    assert check_value(kind, value) == error
    assert accepts(kind)(value) is (error is None)


def test_a_condition_prints_on_one_line():
    assert str(ENV.compile("locked\n  && painted\n")) == "locked && painted"


def test_an_error_names_every_fault():
    assert str(ConditionError((Fault(1, 1, "a"), Fault(1, 2, "b")))) == "a; b"
