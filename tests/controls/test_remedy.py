"""A change and its journal entry: their JSON loses nothing, and what is damaged is no change."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given

from controls.change import Change, Document
from controls.remedy import MADE, Limits, Outcome, Policy, change_from_json, change_to_json
from tests.controls.changes import CHANGES, PLACE, RULE, change, entry


@given(CHANGES)
def test_json_loses_nothing_of_a_change(one: Change) -> None:
    assert change_from_json(json.loads(json.dumps(change_to_json(one)))) == one


def test_every_field_of_a_change_is_in_its_json() -> None:
    written = change_to_json(change())
    fields = {"resource" if name == "ref" else name for name in Change.__dataclass_fields__}

    assert set(written) == fields


def test_absent_and_empty_documents_are_told_apart() -> None:
    one = change(documents=(Document("policy", None, {}), Document("tags", {}, None)))

    assert change_from_json(change_to_json(one)) == one


def _without(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda written: written.pop(name)


def _with(**other: Any) -> Callable[[dict[str, Any]], object]:
    return lambda written: written.update(other)


@pytest.mark.parametrize(
    "harm",
    [
        *(
            pytest.param(_without(name), id=f"no {name}")
            for name in change_to_json(change())
            if name != "affected_tags"
        ),
        pytest.param(_with(costs={"amuses": "much"}), id="a cost that does not exist"),
        pytest.param(_with(costs=["destroys"]), id="costs that say nothing"),
        pytest.param(_with(undo_costs=7), id="undo costs that are a number"),
        pytest.param(_with(calls=[{"service": "s3"}]), id="half a call"),
        pytest.param(_with(calls=7), id="calls that are a number"),
        pytest.param(_with(documents=[["policy", None, {}]]), id="a document that is a list"),
        pytest.param(_with(resource={"kind": "s3_log_bucket"}), id="half a resource"),
        pytest.param(_with(resource=None), id="no resource"),
        pytest.param(_with(tags="env"), id="tags that are a text"),
    ],
)
def test_what_is_damaged_is_no_change(harm: Callable[[dict[str, Any]], object]) -> None:
    written = change_to_json(change())
    harm(written)

    with pytest.raises((KeyError, TypeError, ValueError)):
        change_from_json(written)


@pytest.mark.parametrize("written", [None, 7, "change", [], {}])
def test_what_is_something_else_is_no_change(written: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        change_from_json(written)


def test_an_entry_names_the_finding_it_is_for() -> None:
    assert entry().finding == f"{RULE}:{PLACE.id}"


def test_after_these_outcomes_the_world_may_be_another() -> None:
    """An undoing that is `undone` left what was there before; `counts` of the guard counts it."""
    untouched = {Outcome.ALREADY_RIGHT, Outcome.HELD, Outcome.REFUSED, Outcome.UNDONE}

    assert set(Outcome) - untouched == MADE


def test_the_default_policy_allows_nothing_and_its_limits_are_the_documented_ones() -> None:
    assert Policy().fixes == frozenset()
    assert Policy().consents == ()
    assert Policy().owned_by_code == ("aws:cloudformation:*",)
    limits = Limits()
    assert (limits.per_sweep, limits.per_hour, limits.per_account) == (5, 20, 5)
    assert limits.cool_down_seconds == 3_600
