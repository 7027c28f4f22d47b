"""Changes and journal entries for tests: ordinary ones, and any at all (hypothesis)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from controls.change import Call, Change, Cost, Document
from controls.model import Finding, Ref, Severity, Status
from controls.remedy import Entry, Outcome

NOW = datetime(2026, 11, 22, 8, 0, 0, 123456, tzinfo=UTC)
ACCOUNT = "111122223333"
ARCHIVE = "999988887777"
REGION = "eu-west-1"
BUCKET = "audit-logs"
RULE = "log-bucket-private"
FIX = "block_public_access"
PLACE = Ref("s3_log_bucket", ACCOUNT, REGION, BUCKET, f"arn:aws:s3:::{BUCKET}", ARCHIVE)


def call(operation: str = "PutPublicAccessBlock", **params: Any) -> Call:
    """A write to the bucket, in the account that owns it."""
    return Call("s3", operation, {"Bucket": BUCKET, **params}, ARCHIVE, REGION)


def change(**other: Any) -> Change:
    """A change without any cost, of a bucket that need not be dedicated."""
    given: dict[str, Any] = {"fix": FIX, "ref": PLACE, "summary": "make it so", "calls": (call(),)}
    return Change(**{**given, **other})


def finding(**other: Any) -> Finding:
    """The failing finding that the change is for."""
    given: dict[str, Any] = {
        "rule": RULE,
        "title": "Title",
        "severity": Severity.HIGH,
        "status": Status.FAIL,
        "ref": PLACE,
        "because": "it is public",
    }
    return Finding(**{**given, **other})


def entry(identity: str = "e-1", ago: timedelta = timedelta(0), **other: Any) -> Entry:
    """A change that was applied so long ago."""
    given: dict[str, Any] = {
        "rule": RULE,
        "change": change(),
        "ended_at": NOW - ago + timedelta(seconds=30),
        "outcome": Outcome.APPLIED,
    }
    if "outcome" in other and other["outcome"] is None:
        given["ended_at"] = None
    return Entry(**{"id": identity, "began_at": NOW - ago, **given, **other})


# ---------------------------------------------------------------- any at all

WORDS = st.text(max_size=12)
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
"""What a column can hold."""

_NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | _NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
CALLS = st.lists(
    st.builds(Call, WORDS, WORDS, st.dictionaries(WORDS, JSON, max_size=3), WORDS, WORDS),
    max_size=3,
).map(tuple)
COSTS = st.dictionaries(st.sampled_from(Cost), WORDS)
CHANGES = st.builds(
    Change,
    fix=WORDS,
    ref=st.builds(Ref, NAMES, NAMES, NAMES, NAMES, NAMES, NAMES),
    summary=WORDS,
    calls=CALLS,
    documents=st.lists(st.builds(Document, WORDS, JSON, JSON), max_size=2).map(tuple),
    undo=CALLS,
    no_undo=WORDS,
    undo_costs=COSTS,
    costs=COSTS,
    affects=st.lists(WORDS, max_size=3).map(tuple),
    bucket_wide=WORDS,
    tags=st.dictionaries(WORDS, WORDS, max_size=3),
    awaits=WORDS,
    params=st.dictionaries(
        WORDS, st.booleans() | _NUMBERS | WORDS | st.lists(WORDS, max_size=2), max_size=3
    ),
    affected_tags=st.lists(st.tuples(WORDS, WORDS), max_size=3).map(tuple),
)
TIMES = st.datetimes(
    datetime(2020, 1, 1),  # noqa: DTZ001 - hypothesis puts the zone to it
    datetime(2040, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
ENTRIES = st.builds(
    Entry,
    id=NAMES,
    rule=NAMES,
    change=CHANGES,
    began_at=TIMES,
    ended_at=st.none() | TIMES,
    outcome=st.none() | st.sampled_from(Outcome),
    why=NAMES,
    done=st.integers(0, 100),
    undoes=NAMES,
    undone_by=NAMES,
)
