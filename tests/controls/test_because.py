"""How values, facts and conditions are put into a sentence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from controls.because import MAX_ITEMS, MAX_TEXT, fact_text, unknown_texts, value_text, why_unknown
from tests.controls.toys import absent, known, unknown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(True, "true", id="true"),
        pytest.param(False, "false", id="false"),
        pytest.param(0, "0", id="zero"),
        pytest.param(180, "180", id="number"),
        pytest.param(0.5, "0.5", id="fraction"),
        pytest.param("", "''", id="an empty text is visible"),
        pytest.param("it's", "'it's'", id="text"),
        pytest.param("x" * 300, f"'{'x' * MAX_TEXT}…'", id="a long text is cut"),
        pytest.param(datetime(2026, 1, 31, 8, tzinfo=UTC), "2026-01-31T08:00:00Z", id="time"),
        pytest.param(
            datetime(2026, 1, 31, 8, 0, 0, 5, tzinfo=timezone(timedelta(hours=2))),
            "2026-01-31T06:00:00Z",
            id="a time elsewhere is told in UTC",
        ),
        pytest.param([], "[]", id="an empty list"),
        pytest.param(["a", "b"], "['a', 'b']", id="list"),
        pytest.param(
            [str(n) for n in range(12)],
            "['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', … and 2 more]",
            id="a long list is cut",
        ),
        pytest.param({"b": "1", "a": "2"}, "{a: '2', b: '1'}", id="map, in order"),
    ],
)
def test_a_value_for_a_person(value, text):
    assert value_text(value) == text


@pytest.mark.parametrize(
    ("reading", "text"),
    [
        pytest.param(known(False), "lit is false", id="known"),
        pytest.param(known(False, "no lamp."), "lit is false: no lamp", id="known, and why"),
        pytest.param(absent(), "lit has no value", id="absent"),
        pytest.param(absent("no lamp"), "lit has no value: no lamp", id="absent, and why"),
        pytest.param(unknown("denied"), "lit is unknown: denied", id="unknown"),
    ],
)
def test_a_fact_is_told_with_its_reason(reading, text):
    assert fact_text("lit", reading) == text


@pytest.mark.parametrize(
    ("readings", "texts"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param({"a": unknown("dark")}, ["a is unknown: dark"], id="one"),
        pytest.param(
            {"a": unknown("dark."), "b": unknown("dark")},
            ["a and b are unknown: dark"],
            id="the same reason is said once",
        ),
        pytest.param(
            {"a": unknown("dark"), "b": unknown("denied"), "c": unknown("dark")},
            ["a and c are unknown: dark", "b is unknown: denied"],
            id="each reason in the order of its first fact",
        ),
        pytest.param(
            {"a": unknown("dark"), "b": unknown("dark"), "c": unknown("dark")},
            ["a, b and c are unknown: dark"],
            id="three",
        ),
        pytest.param(
            {"a": known(True, "dark"), "b": absent("dark"), "c": unknown("dark")},
            ["c is unknown: dark"],
            id="what is known is not told",
        ),
        pytest.param({"a": unknown(""), "b": unknown("")}, ["a and b are unknown"], id="no reason"),
    ],
)
def test_facts_that_are_unknown_for_one_reason_are_told_together(readings, texts):
    assert unknown_texts(readings) == texts


def test_reasons_are_joined_into_one_sentence():
    assert why_unknown(("a is denied.", "b timed out ")) == "a is denied; b timed out"


def test_the_limits_are_those_of_the_examples_above():
    assert (MAX_ITEMS, MAX_TEXT) == (10, 200)
