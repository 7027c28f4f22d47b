"""Findings for programs: the JSON contract, some lines at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from agent.formats.as_json import state_lines
from controls.history import State, Tracked

AT_ONCE = 100
"""Lines in one piece of the stream: sent one by one, they would take longer on their way."""


def document(state: State, findings: Sequence[Tracked], version: str) -> Iterator[str]:
    """What is known now, with the findings that were asked for."""
    lines = state_lines(state, version, findings)
    while piece := "".join(islice(lines, AT_ONCE)):
        yield piece
