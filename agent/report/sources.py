"""Several places of logs as one source: each object is named by its place too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import BinaryIO

from agent.auditlog.objects import Listing, LogObject, Source


@dataclass(frozen=True, slots=True)
class Several:
    """Sources whose keys may coincide: `2:AWSLogs/…` is of the second one."""

    parts: tuple[Source, ...]

    @property
    def name(self) -> str:
        """Those of its parts."""
        return ", ".join(part.name for part in self.parts)

    def list(
        self, first: date, last: date, *, clusters: Sequence[str] = (), types: Iterable[str] = ()
    ) -> Listing:
        """See `agent.auditlog.objects.Source.list`."""
        wanted = tuple(types)
        found = [part.list(first, last, clusters=clusters, types=wanted) for part in self.parts]
        return Listing(
            tuple(
                replace(item, key=f"{number}:{item.key}")
                for number, listing in enumerate(found, 1)
                for item in listing.objects
            ),
            tuple(
                replace(one, key=f"{number}:{one.key}")
                for number, listing in enumerate(found, 1)
                for one in listing.refused
            ),
        )

    @contextmanager
    def open(self, item: LogObject) -> Iterator[BinaryIO]:
        """See `agent.auditlog.objects.Source.open`."""
        number, _, key = item.key.partition(":")
        with self.parts[int(number) - 1].open(replace(item, key=key)) as stream:
            yield stream


def joined(sources: Sequence[Source]) -> Source:
    """One source of them all; a single one stays as it is."""
    return sources[0] if len(sources) == 1 else Several(tuple(sources))
