"""The lifecycle answers equal those of the slow model, and no wrong reading does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from controls.model import Absent, Said, Unknown
from tests.controls.semantics import lifecycle_model as model
from tests.controls.semantics.lifecycle_mutants import MUTANTS, SUBJECT, Reading

Verdict = int | str
"""A number of days, "never" or "unknown"."""

Case = tuple[dict[str, Any], str]
"""A configuration and the bucket's versioning."""


def verdict(answer: Said[int] | Absent | Unknown) -> Verdict:
    """The answer without its reason, which must be there."""
    assert answer.reason
    match answer:
        case Said(days):
            return days
        case Absent():
            return "never"
        case Unknown():
            return "unknown"


def expected_due(configuration: Mapping[str, Any], versioning: str) -> Verdict:
    """What is proven without the rules in doubt; unknown where only they would delete all."""
    clear, hoped = model.without_doubtful(configuration), model.with_doubtful(configuration)
    proven = model.latest(clear, versioning)
    if proven is not None:
        return proven
    return "never" if clear == hoped or model.latest(hoped, versioning) is None else "unknown"


def expected_first(configuration: Mapping[str, Any], versioning: str) -> Verdict:
    """Unknown where a rule in doubt would bring the day forward."""
    clear, feared = model.without_doubtful(configuration), model.with_doubtful(configuration)
    proven = model.earliest(clear, versioning)
    if clear != feared and model.earliest(feared, versioning) != proven:
        return "unknown"
    return "never" if proven is None else proven


def expected_uploads(configuration: Mapping[str, Any], _versioning: str) -> Verdict:
    """As for deletion at the latest; a size filter on uploads is in doubt too."""
    clear = model.without_doubtful(configuration)["Rules"]
    unsized = [rule for rule in clear if "Size" not in str(rule.get("Filter", {}))]
    proven = model.uploads({"Rules": unsized})
    if proven is not None:
        return proven
    possible = [_unsized(rule) for rule in model.with_doubtful(configuration)["Rules"]]
    return "never" if model.uploads({"Rules": possible}) is None else "unknown"


def _unsized(rule: Mapping[str, Any]) -> dict[str, Any]:
    written = rule.get("Filter", {})
    bare = {k: v for k, v in written.get("And", written).items() if "Size" not in k}
    return {**rule, "Filter": {"And": bare}} if "Prefix" not in rule else dict(rule)


EXPECTED = {"due": expected_due, "first": expected_first, "uploads": expected_uploads}


# ---------------------------------------------------------------- what configurations look like

days = st.integers(1, 4)
prefixes = st.sampled_from(["", "l", model.P, model.P, model.P + "a", model.P + "b", "other/"])
bounds = st.sampled_from([0, 1, 2, 998, 999, 1000, 1001])
tags = st.sampled_from([{"Key": key, "Value": value} for key, value in sorted(model.TAGS)])
dates = st.sampled_from([-60, 2, 3, 6]).map(
    lambda day: model.EPOCH + timedelta(days=model.TODAY + day)
)

filters = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"Prefix": prefixes}),
    st.fixed_dictionaries({"Tag": tags}),
    st.fixed_dictionaries({"ObjectSizeGreaterThan": bounds}),
    st.fixed_dictionaries({"ObjectSizeLessThan": bounds}),
    st.fixed_dictionaries({"Prefix": prefixes, "StorageClass": st.just("GLACIER")}),
    st.fixed_dictionaries(
        {
            "And": st.fixed_dictionaries(
                {},
                optional={
                    "Prefix": prefixes,
                    "Tags": st.lists(tags, min_size=1, max_size=2),
                    "ObjectSizeGreaterThan": bounds,
                    "ObjectSizeLessThan": bounds,
                },
            )
        }
    ),
)
scopes = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"Prefix": prefixes}),
    st.fixed_dictionaries({"Filter": filters}),
    st.fixed_dictionaries({"Filter": filters}),
)
expirations = st.one_of(
    st.fixed_dictionaries({"Days": days}),
    st.fixed_dictionaries({"Days": days}),
    st.fixed_dictionaries({"Date": dates}),
    st.just({"ExpiredObjectDeleteMarker": True}),
)
actions = st.fixed_dictionaries(
    {},
    optional={
        "Expiration": expirations,
        "NoncurrentVersionExpiration": st.fixed_dictionaries(
            {"NoncurrentDays": days}, optional={"NewerNoncurrentVersions": st.integers(1, 2)}
        ),
        "AbortIncompleteMultipartUpload": st.fixed_dictionaries({"DaysAfterInitiation": days}),
        "Transitions": st.just([{"Days": 2, "StorageClass": "GLACIER"}]),
    },
)
statuses = st.sampled_from(["Enabled"] * 6 + ["Disabled", "Paused"])
rules = st.builds(
    lambda scope, action, status: {**scope, **action, "Status": status}, scopes, actions, statuses
)


@st.composite
def shared_by_size(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Two rules that meet, overlap or leave a gap between them at a size."""
    small, large = draw(actions), draw(actions)
    above, below = draw(st.sampled_from([(999, 1000), (998, 1000), (999, 999), (1000, 1000)]))
    return [
        {"Filter": {"ObjectSizeGreaterThan": above}, "Status": "Enabled", **large},
        {"Filter": {"ObjectSizeLessThan": below}, "Status": "Enabled", **small},
    ]


@st.composite
def nearly_right(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Rules that between them expire and delete every log, and one more that may not matter."""
    reaching: list[dict[str, Any]] = [{}, {"Prefix": "l"}, {"Filter": {"Prefix": model.P}}]
    whole = st.sampled_from(reaching)
    noncurrent = {"NoncurrentVersionExpiration": {"NoncurrentDays": draw(days)}}
    current = {"Expiration": {"Days": draw(days)}}
    pair = [{"Status": "Enabled", **draw(whole), **action} for action in (current, noncurrent)]
    return draw(st.permutations([*pair, draw(rules)]))


cases: st.SearchStrategy[Case] = st.tuples(
    st.one_of(
        st.lists(rules, min_size=1, max_size=4),
        st.builds(lambda some, more: some + more, shared_by_size(), st.lists(rules, max_size=2)),
        nearly_right(),
    ).map(lambda written: {"Rules": written}),
    st.sampled_from(["Off", "Enabled", "Suspended"]),
)

STEADY = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=250,
    suppress_health_check=[HealthCheck.too_slow],
)
"""The same examples in every run: a red test stays red."""

SEARCH = settings(STEADY, max_examples=1500, phases=[Phase.generate])
"""To find a counterexample; making it small would only cost time."""


# ---------------------------------------------------------------- the properties


@STEADY
@given(cases)
def test_every_log_is_due_when_the_model_has_deleted_the_last(case: Case) -> None:
    """Over keys, sizes, births and null or versioned logs."""
    assert expected_due(*case) == verdict(SUBJECT.due(*case))


@STEADY
@given(cases)
def test_the_first_log_may_go_when_the_model_deletes_the_first(case: Case) -> None:
    """Over tagged logs too."""
    assert expected_first(*case) == verdict(SUBJECT.first(*case))


@STEADY
@given(cases)
def test_uploads_are_aborted_when_the_model_has_aborted_the_last(case: Case) -> None:
    """An upload has a key, and no size, tags or version."""
    assert expected_uploads(*case) == verdict(SUBJECT.uploads(*case))


@STEADY
@given(cases)
def test_no_log_is_due_for_deletion_before_the_first_may_go(case: Case) -> None:
    """The two functions never contradict each other."""
    due, first = verdict(SUBJECT.due(*case)), verdict(SUBJECT.first(*case))
    if isinstance(due, int):
        assert first == "unknown" or (isinstance(first, int) and first <= due)


# ---------------------------------------------------------------- wrong readings


def refutes(case: Case, wrong: Reading) -> bool:
    """Whether the model answers one of the three questions otherwise.

    It is asked only where the wrong reading departs from the subject: it costs most.
    """

    def departs(question: str) -> bool:
        said, right = getattr(wrong, question)(*case), getattr(SUBJECT, question)(*case)
        return verdict(said) != verdict(right) and verdict(said) != EXPECTED[question](*case)

    return any(departs(question) for question in EXPECTED)


@pytest.mark.parametrize("wrong", MUTANTS.values(), ids=MUTANTS.keys())
def test_the_model_refutes_every_wrong_reading(wrong: Reading) -> None:
    """`find` raises NoSuchExample for a reading that no configuration tells from the right one."""
    found = find(cases, lambda case: refutes(case, wrong), settings=SEARCH)

    assert refutes(found, wrong)
