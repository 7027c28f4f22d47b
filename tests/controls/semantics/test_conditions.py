"""Condition operators: one row for each rule of IAM, unknown where IAM leaves it open."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controls.model import Unknown
from controls.semantics.conditions import Known, clause_holds, conditions_hold
from controls.semantics.policy import Clause
from controls.semantics.truth import Truth

ARN = "arn:aws:redshift:eu-west-1:111122223333:cluster:prod"

KNOWN: dict[str, Known] = {
    "k": ("Value",),
    "arn": (ARN,),
    "yes": ("true",),
    "n": ("12",),
    "gone": (None,),
    "either": (None, "Value"),
}


def context(key: str) -> Known:
    """A request of which we know a few keys."""
    return KNOWN.get(key, Unknown(f"{key} is not known"))


def held(truth: Truth) -> bool | None:
    """True, False, or None for unknown."""
    return None if isinstance(truth, Unknown) else truth


# fmt: off
ROWS: list[tuple[str, str, tuple[str, ...], bool | None]] = [
    ("StringEquals", "k", ("Value",), True),
    ("StringEquals", "K", ("Value",), True),             # keys have no case
    ("StringEquals", "k", ("value",), False),            # values have
    ("StringEquals", "k", ("x", "Value"), True),         # OR
    ("StringEquals", "k", ("Val*",), False),             # no wildcards
    ("StringEquals", "gone", ("Value",), False),
    ("StringEquals", "either", ("Value",), None),
    ("StringEquals", "either", ("x",), False),
    ("StringEquals", "other", ("Value",), None),
    ("StringEqualsIfExists", "gone", ("x",), True),
    ("StringEqualsIfExists", "k", ("x",), False),
    ("StringNotEquals", "k", ("x",), True),
    ("StringNotEquals", "k", ("x", "Value"), False),     # NOR
    ("StringNotEquals", "gone", ("Value",), True),       # negation matches absence
    ("StringNotEquals", "either", ("Value",), None),
    ("StringNotEquals", "either", ("x",), True),
    ("StringNotEqualsIfExists", "gone", ("x",), True),
    ("StringEqualsIgnoreCase", "k", ("vALUE",), True),
    ("StringEqualsIgnoreCase", "k", ("v*",), False),
    ("StringNotEqualsIgnoreCase", "k", ("vALUE",), False),
    ("StringLike", "k", ("V?l*",), True),
    ("StringLike", "k", ("v*",), False),
    ("StringLike", "gone", ("*",), False),
    ("StringLike", "k", ("${aws:username}",), None),
    ("StringLike", "k", ("x${aws:username}",), False),   # could never match
    ("StringLike", "k", ("${aws:username}", "V*"), True),
    ("StringEquals", "k", ("${aws:username}",), None),
    ("StringNotLike", "k", ("V*",), False),
    ("StringNotLike", "k", ("${aws:username}",), None),
    ("StringNotLike", "gone", ("V*",), True),
    ("ArnEquals", "arn", (ARN,), True),
    ("ArnEquals", "arn", ("arn:aws:redshift:*:*:cluster:p*",), True),
    ("ArnLike", "arn", ("arn:aws:redshift:*:111122223333:*",), True),
    ("ArnLike", "arn", ("arn:aws:redshift:*:cluster:prod",), False),  # a star stays in its part
    ("ArnLike", "arn", ("arn:aws:*:prod",), None),
    ("ArnLike", "arn", ("arn:aws:s3:::x",), False),
    ("ArnLike", "arn", ("arn:*:*:*:cluster:prod:*",), False),
    ("ArnLike", "k", ("Value",), None),
    ("ArnNotEquals", "arn", (ARN,), False),
    ("ArnNotLike", "gone", (ARN,), True),
    ("Bool", "yes", ("TRUE",), True),
    ("Bool", "yes", ("false",), False),
    ("Bool", "yes", ("maybe",), None),
    ("Bool", "gone", ("false",), False),
    ("BoolIfExists", "gone", ("false",), True),
    ("Null", "gone", ("true",), True),
    ("Null", "gone", ("false",), False),
    ("Null", "k", ("true",), False),
    ("Null", "k", ("False",), True),
    ("Null", "k", ("true", "false"), True),
    ("Null", "either", ("true",), None),
    ("Null", "k", ("x",), None),
    ("NullIfExists", "gone", ("true",), None),
    ("ForAnyValue:Null", "gone", ("true",), None),
    ("NumericEquals", "n", ("12.0",), True),
    ("NumericNotEquals", "n", ("12",), False),
    ("NumericLessThan", "n", ("12",), False),
    ("NumericLessThanEquals", "n", ("12",), True),
    ("NumericGreaterThan", "n", ("9",), True),           # as numbers, not as text
    ("NumericGreaterThanEquals", "n", ("12",), True),
    ("NumericLessThan", "k", ("12",), None),
    ("NumericLessThan", "gone", ("12",), False),
    ("IpAddress", "gone", ("10.0.0.0/8",), False),
    ("NotIpAddress", "gone", ("10.0.0.0/8",), True),
    ("IpAddress", "k", ("10.0.0.0/8",), None),
    ("DateLessThan", "gone", ("2026-01-01",), False),
    ("DateLessThan", "k", ("2026-01-01",), None),
    ("BinaryEquals", "k", ("eA==",), None),
    ("ForAnyValue:StringEquals", "k", ("Value",), True),
    ("ForAnyValue:StringEquals", "k", ("x",), False),
    ("ForAnyValue:StringEquals", "gone", ("x",), False),
    ("ForAnyValue:StringNotEquals", "gone", ("x",), None),
    ("ForAnyValue:StringEqualsIfExists", "gone", ("x",), None),
    ("ForAllValues:StringEquals", "gone", ("x",), True),
    ("ForAllValues:StringEquals", "k", ("x",), False),
    ("ForAllValues:StringNotEquals", "k", ("x",), True),
    ("ForSomeValues:StringEquals", "gone", ("x",), None),
    ("stringequals", "gone", ("x",), None),
    ("StringEqualsIfExistsIfExists", "gone", ("x",), None),
    ("Invented", "gone", ("x",), None),
]
# fmt: on


@pytest.mark.parametrize(
    ("operator", "key", "values", "expected"),
    [pytest.param(*row, id=f"{row[0]} {row[1]} {' '.join(row[2])}") for row in ROWS],
)
def test_a_clause_holds_as_iam_says(
    operator: str, key: str, values: tuple[str, ...], expected: bool | None
) -> None:
    """The table of operators."""
    clause = Clause(operator, key, values, variables=True)
    assert held(clause_holds(clause, context)) is expected


def test_clauses_are_joined_by_and() -> None:
    """A false clause decides beside an unknown one; an unknown one decides beside a true one."""
    true = Clause("Bool", "yes", ("true",), variables=True)
    false = Clause("Bool", "yes", ("false",), variables=True)
    open_ = Clause("Bool", "other", ("true",), variables=True)
    assert held(conditions_hold([], context)) is True
    assert held(conditions_hold([true, true], context)) is True
    assert held(conditions_hold([open_, false], context)) is False
    assert held(conditions_hold([true, open_], context)) is None


OPERATORS = ["StringEquals", "StringLike", "ArnLike", "Bool", "NumericLessThan", "Null"]
NEGATED = {
    "StringEquals": "StringNotEquals",
    "StringLike": "StringNotLike",
    "ArnLike": "ArnNotLike",
}


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(OPERATORS + list(NEGATED.values())),
    st.sampled_from([None, "Value", ARN, "true", "12"]),
    st.sampled_from([None, "Value", ARN, "true", "12"]),
    st.sampled_from(["Value", "V*", ARN, "true", "12", "${aws:username}"]),
)
def test_not_knowing_which_never_decides_more_than_knowing(
    operator: str, one: str | None, other: str | None, expected: str
) -> None:
    """An answer over two alternatives is the answer over each of them."""
    clause = Clause(operator, "key", (expected,), variables=True)
    answer = held(clause_holds(clause, lambda _: (one, other)))
    for alternative in (one, other):
        if answer is not None:
            assert held(clause_holds(clause, lambda _, a=alternative: (a,))) is answer  # type: ignore[misc]


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(NEGATED)), st.text(alphabet="ab*?", max_size=4))
def test_a_negated_operator_is_the_opposite_for_a_key_that_is_there(
    operator: str, expected: str
) -> None:
    """StringNotLike is not StringLike, and so on."""
    plain = held(
        clause_holds(Clause(operator, "k", (expected,), variables=True), lambda _: ("ab",))
    )
    turned = held(
        clause_holds(Clause(NEGATED[operator], "k", (expected,), variables=True), lambda _: ("ab",))
    )
    assert turned is (None if plain is None else not plain)
