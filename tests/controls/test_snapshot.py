"""A snapshot read back is the snapshot that was written, or one clear error."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls.model import (
    Coverage,
    Gap,
    Reading,
    Ref,
    Resource,
    Snapshot,
    State,
    TargetStatus,
    Value,
)
from controls.snapshot import SnapshotError, from_json, to_json

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def one_fact(value: Value) -> Snapshot:
    """A snapshot of one resource with one known fact."""
    return Snapshot(
        NOW,
        (TargetStatus("111122223333", "eu-west-1", Coverage.COMPLETE, None, 1),),
        (
            Resource(
                Ref("redshift_cluster", "111122223333", "eu-west-1", "dwh"),
                {"fact": Reading(State.KNOWN, value, "", "redshift:DescribeClusters", NOW)},
                {"env": "prod"},
            ),
        ),
        collected={"redshift_cluster": ("fact",)},
    )


texts = st.text(st.characters(), max_size=12)
times = st.datetimes(
    min_value=datetime(1900, 1, 1),  # noqa: DTZ001 - hypothesis wants the bounds without a zone
    max_value=datetime(2999, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))]),
)
tags = st.dictionaries(texts, texts, max_size=3)
values: st.SearchStrategy[Value] = st.one_of(
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    texts,
    times,
    st.lists(texts, max_size=3),
    tags,
)
readings = st.one_of(
    st.builds(Reading, st.just(State.KNOWN), values, texts, texts, times),
    st.builds(
        Reading, st.sampled_from([State.ABSENT, State.UNKNOWN]), st.none(), texts, texts, times
    ),
)
resources = st.builds(
    Resource,
    st.builds(Ref, texts, texts, texts, texts, texts, texts),
    st.dictionaries(texts, readings, max_size=4),
    tags,
    st.lists(tags, max_size=2).map(tuple),
)
targets = st.builds(
    TargetStatus, texts, texts, st.sampled_from(Coverage), st.none() | texts, st.integers(0, 99)
)


def counted(snapshot: Snapshot) -> Snapshot:
    """The snapshot with each resource once, and each target saying how many stand in its place."""
    once = {each.ref.id: each for each in snapshot.resources}
    snapshot = replace(snapshot, resources=tuple(once.values()))
    places = [(each.ref.account, each.ref.region) for each in snapshot.resources]
    here = (
        snapshot.targets[0],
        *(replace(snapshot.targets[0], account=a, region=r) for a, r in places[:1]),
        *snapshot.targets[1:],
    )
    return replace(
        snapshot,
        targets=tuple(replace(t, resources=places.count((t.account, t.region))) for t in here),
    )


snapshots = st.builds(
    Snapshot,
    times,
    st.lists(targets, min_size=1, max_size=2).map(tuple),
    st.lists(resources, max_size=3).map(tuple),
    st.lists(st.builds(Gap, texts, texts, texts, texts), max_size=2).map(tuple),
    st.dictionaries(texts, st.lists(texts, max_size=3).map(tuple), max_size=3),
).map(counted)


@given(snapshots)
def test_what_is_read_back_is_what_was_written(snapshot: Snapshot) -> None:
    """Judging is a function of the snapshot, so equal snapshots are judged equally."""
    assert snapshot == from_json(json.loads(json.dumps(to_json(snapshot), allow_nan=False)))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(True, id="true is not 1"),
        pytest.param(1, id="1 is not true"),
        pytest.param(1.0, id="1.0 is not 1"),
        pytest.param("2026-11-22T08:00:00Z", id="a text that looks like a time stays a text"),
        pytest.param(NOW, id="a time stays a time"),
        pytest.param("true", id="a text that looks like a boolean stays a text"),
        pytest.param([], id="no items"),
        pytest.param({}, id="no entries"),
        pytest.param("\ud800\x00\u202e", id="characters that no one should send"),
    ],
)
def test_a_value_keeps_its_type(value: Value) -> None:
    written = json.dumps(to_json(one_fact(value)))

    back = from_json(json.loads(written)).resources[0].facts["fact"].value

    assert (type(value), value) == (type(back), back)


def test_a_whole_number_that_another_tool_made_of_a_fraction_is_read_as_a_fraction() -> None:
    document = to_json(one_fact(1.0))
    document["resources"][0]["facts"]["fact"]["value"] = 1

    back = from_json(document).resources[0].facts["fact"].value

    assert isinstance(back, float)


def test_a_key_of_a_later_version_is_passed_over() -> None:
    document = to_json(one_fact(1)) | {"later": 1}
    document["resources"][0]["later"] = {}

    assert one_fact(1) == from_json(document)


def test_the_document_says_what_it_is() -> None:
    document = to_json(one_fact(NOW))

    assert document["schema"] == "trailkeeper.snapshot/1"
    assert document["taken_at"] == "2026-11-22T08:00:00Z"


def damaged(*path: str | int, to: object = ...) -> dict[str, Any]:
    """A good document with the value at the path replaced, or taken away."""
    document: dict[str, Any] = copy.deepcopy(to_json(one_fact(1)))
    inner: Any = document
    for key in path[:-1]:
        inner = inner[key]
    if to is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = to
    return document


FACT = ("resources", 0, "facts", "fact")


@pytest.mark.parametrize(
    ("document", "said"),
    [
        pytest.param(None, "this is no snapshot", id="null"),
        pytest.param([], "this is no snapshot", id="a list"),
        pytest.param({}, "this is no snapshot", id="an empty object"),
        pytest.param(
            damaged("schema", to="trailkeeper.snapshot/2"),
            "the snapshot's schema is 'trailkeeper.snapshot/2', this version reads",
            id="a later version",
        ),
        pytest.param(
            damaged("schema", to="trailkeeper.findings/1"), "take it again", id="findings instead"
        ),
        pytest.param(damaged("taken_at"), "taken_at: it is missing", id="no time"),
        pytest.param(damaged("taken_at", to="today"), "'today' is no time", id="a bad time"),
        pytest.param(
            damaged("taken_at", to="2026-11-22T08:00:00"), "no time with a zone", id="no zone"
        ),
        pytest.param(
            damaged("taken_at", to="0001-01-01T00:00:00+23:00"),
            "no time with a zone",
            id="a time before time",
        ),
        pytest.param(damaged("gaps"), "gaps: it is missing", id="gaps left out are not no gaps"),
        pytest.param(damaged("targets", to={}), "targets: a list should", id="targets no list"),
        pytest.param(
            damaged("targets", to=[]), "no targets, so nothing was looked at", id="no target"
        ),
        pytest.param(
            damaged("collected"),
            "of an older version, it does not say what was looked for (`collected`): take it again",
            id="an older version, which did not say what was looked for",
        ),
        pytest.param(
            damaged("collected", to=["redshift_cluster"]),
            "collected: an object should stand here, found list",
            id="kinds without their facts",
        ),
        pytest.param(
            damaged("collected", "redshift_cluster", to="fact"),
            "collected.redshift_cluster: a list should stand here, found str",
            id="facts that are a text",
        ),
        pytest.param(
            damaged("resources", to=[]),
            "targets[0].resources: 111122223333/eu-west-1 should have 1, 0 stand in it",
            id="a resource was cut out",
        ),
        pytest.param(
            damaged("counts", "redshift_role", to=1),
            "some are missing, or stand there twice",
            id="a resource of no target's place was cut out",
        ),
        pytest.param(
            damaged("targets", 0, "resources", to=0),
            "targets[0].resources: 111122223333/eu-west-1 should have 0, 1 stand in it",
            id="a resource was put in",
        ),
        pytest.param(
            damaged("resources", 0, "region", to="eu-west-2"),
            "should have 1, 0 stand in it",
            id="a resource was moved elsewhere",
        ),
        pytest.param(
            damaged("targets", 0, "status", to="fine"),
            "targets[0].status: 'fine' is none of complete, partial, unreadable",
            id="an unknown coverage",
        ),
        pytest.param(
            damaged("targets", 0, "resources", to=True),
            "targets[0].resources: a whole number should stand here, found bool",
            id="true for a count",
        ),
        pytest.param(
            damaged("resources", 0, to="x"),
            "resources[0]: an object should stand here, found str",
            id="a resource that is a text",
        ),
        pytest.param(
            damaged("resources", 0, "name", to=None),
            "resources[0].name: a text should stand here, found null",
            id="a name that is null",
        ),
        pytest.param(
            damaged(*FACT, "state", to="seen"), "facts.fact.state: 'seen'", id="an unknown state"
        ),
        pytest.param(damaged(*FACT, "value"), "known needs a value", id="known without a value"),
        pytest.param(
            damaged(*FACT, "state", to="unknown"),
            "unknown cannot have a value",
            id="unknown with a value",
        ),
        pytest.param(damaged(*FACT, "type"), "facts.fact.type: it is missing", id="no type"),
        pytest.param(damaged(*FACT, "type", to="set"), "'set' is none of", id="a type of no kind"),
        pytest.param(
            damaged(*FACT, "type", to="bool"),
            "facts.fact.value: true or false should stand here, found int",
            id="a value of another type than said",
        ),
        pytest.param(
            damaged("resources", 0, "tags", to={"a": 1}),
            "resources[0].tags.a: a text should",
            id="a tag that is a number",
        ),
    ],
)
def test_a_damaged_document_is_one_clear_error(document: object, said: str) -> None:
    with pytest.raises(SnapshotError) as error:
        from_json(document)

    assert said in str(error.value)
    assert "\n" not in str(error.value)
