"""Numbers and label values as Prometheus writes them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.metrics.text import Quoted, number


@pytest.mark.parametrize(
    ("value", "written"),
    [
        pytest.param(0, "0", id="zero"),
        pytest.param(True, "1", id="a truth is 1"),
        pytest.param(-2.0, "-2", id="whole and negative"),
        pytest.param(999_999, "999999", id="the greatest that is written out"),
        pytest.param(1_000_000, "1e+06", id="a million"),
        pytest.param(1_763_841_519, "1.763841519e+09", id="a time in whole seconds"),
        pytest.param(1_763_841_519.25, "1.76384151925e+09", id="a time with a fraction"),
        pytest.param(0.5, "0.5", id="a fraction"),
        pytest.param(0.0001, "0.0001", id="the least that is written out"),
        pytest.param(-0.00001, "-1e-05", id="less, and negative"),
        pytest.param(1e300, "1e+300", id="three digits of exponent"),
    ],
)
def test_numbers_are_written_as_go_writes_them(value: float, written: str) -> None:
    assert number(value) == written


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_reads_back_as_itself(value: float) -> None:
    assert float(number(value)) == value


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        number(value)


@pytest.mark.parametrize(
    ("raw", "escaped"),
    [
        pytest.param('a"b', r"a\"b", id="quote"),
        pytest.param("a\\b", r"a\\b", id="backslash"),
        pytest.param("a\nb", r"a\nb", id="newline"),
        pytest.param("a\\nb", r"a\\nb", id="backslash and n"),
        pytest.param("\udc80", r"\\udc80", id="half of a surrogate pair"),
        pytest.param("<script>é\u2028\r\0", "<script>é\u2028\r\0", id="all else as it is"),
    ],
)
def test_label_values_are_escaped(raw: str, escaped: str) -> None:
    assert Quoted()[raw] == escaped
