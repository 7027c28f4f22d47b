"""A finding and a target as the text of a row, which changes only when what it says changes.

An estate that stands still must cost next to nothing to keep, though every sweep reads every fact
anew. So what merely says "seen again" is not in the row:

- `seen_at` of a finding is null where it is that of its rule, the newest of all its findings; the
  row `judged` of the table `meta` has the time of each rule. It comes back exactly.
- `seen_at` of a target is null where it is the state's `taken_at`, and `last_success` is
  `"seen_at"` where they are the same.
- `read_at` of a fact is written with the row but is not in its digest: what is restored is when
  the finding was last written, that is, a time at which the fact was so, not the newest one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from controls.history import State, Tracked, TrackedTarget
from controls.history_json import (
    target_from_json,
    target_to_json,
    tracked_from_json,
    tracked_to_json,
)
from controls.json_values import moment

_AS_SEEN = "seen_at"
_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def text_of(value: Any) -> str:
    """JSON in ASCII: the one form in which any text can be stored anywhere."""
    return _JSON.encode(value)


def judged_at(state: State) -> dict[str, datetime]:
    """When each rule was last judged."""
    judged: dict[str, datetime] = {}
    for tracked in state.findings.values():
        rule = tracked.finding.rule
        if rule not in judged or judged[rule] < tracked.seen_at:
            judged[rule] = tracked.seen_at
    return judged


class FindingText:
    """One finding as it would be stored: its digest, and its text if that is asked for."""

    __slots__ = ("_document", "_read_at", "digest")

    def __init__(self, tracked: Tracked, judged: Mapping[str, datetime]) -> None:
        document = tracked_to_json(tracked)
        del document["stale"]  # whatever is restored is stale
        if tracked.seen_at == judged[tracked.finding.rule]:
            document["seen_at"] = None
        facts = document["finding"]["facts"]
        self._read_at = {name: fact.pop("read_at") for name, fact in facts.items()}
        self._document = document
        self.digest = blake2b(text_of(document).encode("ascii"), digest_size=16).hexdigest()

    def text(self) -> str:
        """The document to store."""
        for name, at in self._read_at.items():
            self._document["finding"]["facts"][name]["read_at"] = at
        return text_of(self._document)


def tracked_of(text: str, judged: Mapping[str, str]) -> Tracked:
    """The finding of a row, stale. Raises ValueError or KeyError where it is damaged."""
    document = json.loads(text)
    if document["seen_at"] is None:
        document["seen_at"] = judged[document["finding"]["rule"]]
    return tracked_from_json({**document, "stale": True})


def target_text(tracked: TrackedTarget, taken_at: datetime | None) -> str:
    """The document of a target."""
    document = target_to_json(tracked)
    if tracked.last_success == tracked.seen_at:
        document["last_success"] = _AS_SEEN
    if tracked.seen_at == taken_at:
        document["seen_at"] = None
    return text_of(document)


def target_of(text: str, taken_at: datetime | None) -> TrackedTarget:
    """The target of a row. Raises ValueError or KeyError where it is damaged."""
    document = json.loads(text)
    if document["seen_at"] is None:
        document["seen_at"] = moment(taken_at or datetime.min.replace(tzinfo=UTC))
    as_seen = document["last_success"] == _AS_SEEN
    found = target_from_json({**document, "last_success": None} if as_seen else document)
    return replace(found, last_success=found.seen_at) if as_seen else found
