"""What the store keeps of a finding is the finding: nothing is lost on the way there and back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls.history import LastKnown, Tracked, TrackedTarget
from controls.history_json import (
    DamagedError,
    finding_from_json,
    finding_to_json,
    target_from_json,
    target_to_json,
    tracked_from_json,
    tracked_to_json,
)
from controls.model import (
    Coverage,
    Finding,
    Reading,
    Ref,
    Severity,
    State,
    Status,
    TargetStatus,
    Value,
)
from tests.agent.formats.samples import ADVERSARIAL, TYPICAL
from tests.controls.sweeps import START, cluster

texts = st.text(st.characters(), max_size=8)
times = st.datetimes(
    min_value=datetime(1900, 1, 1),  # noqa: DTZ001 - hypothesis wants the bounds without a zone
    max_value=datetime(2999, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))]),
)
pairs = st.dictionaries(texts, texts, max_size=2)
values: st.SearchStrategy[Value] = st.one_of(
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    texts,
    times,
    st.lists(texts, max_size=2),
    pairs,
)
readings = st.one_of(
    st.builds(Reading, st.just(State.KNOWN), values, texts, texts, times),
    st.builds(
        Reading, st.sampled_from([State.ABSENT, State.UNKNOWN]), st.none(), texts, texts, times
    ),
)
findings = st.builds(
    Finding,
    rule=texts,
    title=texts,
    severity=st.sampled_from(Severity),
    status=st.sampled_from(Status),
    ref=st.builds(Ref, texts, texts, texts, texts, texts, texts),
    because=texts,
    remedy=texts,
    reasons=st.lists(texts, max_size=2).map(tuple),
    facts=st.dictionaries(texts, readings, max_size=2),
    params=st.dictionaries(texts, values, max_size=2),
    maps=st.dictionaries(texts, st.lists(texts, max_size=2).map(tuple), max_size=2),
    tags=pairs,
    waiver=st.none() | pairs,
    rule_error=st.booleans(),
)
tracked = st.builds(
    Tracked,
    findings,
    times,
    times,
    times,
    st.none() | st.builds(LastKnown, st.sampled_from(Status), times),
    st.booleans(),
)
targets = st.builds(
    TrackedTarget,
    st.builds(
        TargetStatus, texts, texts, st.sampled_from(Coverage), st.none() | texts, st.integers(0)
    ),
    times,
    st.none() | times,
)


def through_text(document: dict[str, Any]) -> dict[str, Any]:
    """As a database hands it back."""
    read: dict[str, Any] = json.loads(json.dumps(document, allow_nan=False))
    return read


@given(tracked)
def test_a_finding_that_was_stored_is_the_same(one: Tracked) -> None:
    read = tracked_from_json(through_text(tracked_to_json(one)))

    assert read == one
    assert repr(_types(read.finding)) == repr(_types(one.finding))


@given(targets)
def test_a_target_that_was_stored_is_the_same(one: TrackedTarget) -> None:
    assert target_from_json(through_text(target_to_json(one))) == one


def _types(finding: Finding) -> list[tuple[str, type]]:
    """1 is not 1.0, nor true: a condition is typed."""
    facts = [(name, type(reading.value)) for name, reading in finding.facts.items()]
    return facts + [(name, type(value)) for name, value in finding.params.items()]


@pytest.mark.parametrize("finding", [*TYPICAL.findings, *ADVERSARIAL.findings])
def test_findings_of_any_report_can_be_stored(finding: Finding) -> None:
    read = finding_from_json(through_text(finding_to_json(finding)))

    assert repr(read) == repr(finding)  # NaN is not equal to itself


def test_a_number_that_a_database_wrote_anew_keeps_its_type() -> None:
    reading = Reading(State.KNOWN, 1e22, "", "", START)
    document = finding_to_json(replace(cluster(Status.FAIL), facts={"number": reading}))
    document["facts"]["number"]["value"][1] = 10**22

    value = finding_from_json(document).facts["number"].value

    assert (value, type(value)) == (1e22, float)


def test_keys_of_a_later_version_are_passed_over() -> None:
    one = Tracked(cluster(Status.FAIL), START, START, START)
    document = tracked_to_json(one) | {"later": 1}
    document["finding"]["later"] = 1

    assert tracked_from_json(document) == one


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param({"since": None}, id="a time is null"),
        pytest.param({"since": "2026-11-22T08:00:00"}, id="a time without a zone"),
        pytest.param({"since": "0001-01-01T00:00:00+10:00"}, id="a time before all times"),
        pytest.param({"since": "yesterday"}, id="no time"),
        pytest.param({"finding": []}, id="a list instead of a finding"),
        pytest.param(
            {"finding": finding_to_json(cluster(Status.FAIL)) | {"facts": []}},
            id="a list instead of facts",
        ),
        pytest.param({"finding": {"rule": "r"}}, id="members are missing"),
        pytest.param({"last_known": {"status": "fine", "at": "x"}}, id="no such status"),
    ],
)
def test_what_is_damaged_is_said_to_be(damage: dict[str, Any]) -> None:
    document = tracked_to_json(Tracked(cluster(Status.FAIL), START, START, START))

    with pytest.raises(DamagedError, match="the stored document is damaged"):
        tracked_from_json(document | damage)
