"""Whether a month's logs are all there, and the reasons, from what was listed and read. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from agent.auditlog.ends import Ends
from agent.auditlog.names import parse_name
from agent.auditlog.objects import (
    FOLDERS_AFTER,
    Listing,
    ObjectResult,
    ObjectStatus,
    Refused,
    Writer,
)
from agent.report.model import Completeness, Coverage, Gap, Month, Questions

ALWAYS_WRITTEN = ("connectionlog", "useractivitylog")
"""Logs of a cluster in use: an hour without a record asks for a reason. The user log is written
when users change, and only then (Redshift Management Guide, db-auditing)."""
LATE = timedelta(days=1)
SHOWN_GAPS = 5
"""The longest of each log are told one by one; all are in `Coverage.gaps`."""

_LOG = {"connectionlog": "connection", "useractivitylog": "activity", "userlog": "user log"}
_PLACE = re.compile(r"(?:^|/)AWSLogs/(\d{12})/(?:redshift/(?:([a-z0-9-]+)/)?)?")
_BAD = {
    ObjectStatus.UNREADABLE: "could not be read",
    ObjectStatus.DAMAGED: "is damaged, and only part of it could be read",
}


def coverage(
    month: Month,
    listing: Listing,
    results: Sequence[ObjectResult],
    ends: Sequence[Ends],
    hours: Mapping[tuple[str, int], int],
    questions: Questions,
    now: datetime,
) -> Coverage:
    """The evidence of one writer's month, and the verdict.

    results, ends: that writer's. hours: records by (log type, hour since 1970), as the tables have
    them; hours of other months may be among them. now: UTC.
    """
    first, end = _hour(month.start), _hour(month.end)
    inside = {key: n for key, n in hours.items() if first <= key[1] < end and n > 0}
    records = {log: sum(n for key, n in inside.items() if key[0] == log) for log in _LOG}
    known = Known(
        month=month,
        results=tuple(results),
        refused=_of_writer(listing.refused, results),
        ends=tuple(ends),
        records=records,
        gaps=gaps(inside, first, _last_hour(month, now), questions.gap_hours),
        late=_late(results),
        at_least=max(1, questions.gap_hours),
    )
    total = sum(one.records for one in results) + sum(one.records for one in ends)
    total -= _cut_lines(known)
    verdict, because = _judged(known, now)
    return Coverage(
        verdict=verdict,
        because=because,
        objects=known.results,
        refused=known.refused,
        hours=dict(sorted(inside.items())),
        gaps=known.gaps,
        records={log: n for log, n in records.items() if n},
        outside=max(0, total - sum(records.values())),
        orphans=_keys(one.orphans for one in ends),
        cut=_keys(one.cut for one in ends),
        late=known.late,
    )


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one writer's month before it is judged. `records` of the month, by log."""

    month: Month
    results: tuple[ObjectResult, ...]
    refused: tuple[Refused, ...]
    ends: tuple[Ends, ...]
    records: Mapping[str, int]
    gaps: tuple[Gap, ...]
    late: tuple[str, ...]
    at_least: int
    """Hours that make a gap."""


def gaps(
    hours: Mapping[tuple[str, int], int], first: int, end: int, at_least: int
) -> tuple[Gap, ...]:
    """The stretches of so many hours or more in [first, end) without a record, of logs that are
    always written; by log and hour."""
    found = []
    for log in ALWAYS_WRITTEN:
        present = sorted(hour for kind, hour in hours if kind == log and first <= hour < end)
        edges = [first - 1, *present, end]
        for before, after in pairwise(edges):
            if after - before - 1 >= max(1, at_least):
                found.append(Gap(log, before + 1, after - before - 1))
    return tuple(found)


def _judged(known: Known, now: datetime) -> tuple[Completeness, tuple[str, ...]]:
    """The verdict and its sentences, worst first; notes last."""
    unread = [*_unread(known), *_odd(known)]
    wrong = [*unread, *_without(known), *_gap_sentences(known), *_within(known)]
    notes = _notes(known)
    settled = known.month.end + timedelta(days=FOLDERS_AFTER)
    if not any(known.records.values()):
        objects = _counted(len(known.results), "object")
        return Completeness.EMPTY, (
            f"no record of {known.month} in {objects} read",
            *unread,
            *notes,
        )
    if now < settled:
        until = f"{settled:%Y-%m-%d}"
        running = f"the month's last records may arrive until {until} (UTC): this is a first look"
        return Completeness.RUNNING, (running, *wrong, *notes)
    if wrong:
        return Completeness.INCOMPLETE, (*wrong, *notes)
    least = "hour" if known.at_least == 1 else f"{known.at_least:,} hours in a row"
    told = (
        f"{_counted(len(known.results), 'object')} read, none damaged; no {least} without a "
        "connection record, and none without an activity record"
    )
    return Completeness.COMPLETE, (told, *notes)


def _unread(known: Known) -> list[str]:
    """Objects and folders of which something is missing."""
    said = []
    blind = [one for one in known.refused if one.counts]
    if blind:
        what = _counted(len(blind), "object or folder", "objects or folders")
        said.append(f"{what} could not be listed or taken: {_some(blind)}")
    for status, how in _BAD.items():
        some = [Refused(r.object.key, r.reason) for r in known.results if r.status is status]
        if len(some) == 1:
            said.append(f"1 object {how}: {_some(some)}")
        elif some:
            many = how.replace("is damaged", "are damaged").replace("of it could", "of them could")
            said.append(f"{len(some)} objects {many}: {_some(some)}")
    return said


def _strange(known: Known) -> list[str]:
    """Objects of text that is no log's. One that is the middle of a long record was joined to it,
    and is no orphan."""
    alone = {key for one in known.ends for key in one.orphans}
    return [
        one.object.key
        for one in known.results
        if one.status is ObjectStatus.READ
        and not one.records
        and one.object.key in alone
        and one.head
        and one.head.text.strip()
    ]


def _odd(known: Known) -> list[str]:
    """Objects that can be read and are not what their names say."""
    said = []
    results = known.results
    hollow = [
        one.object.key
        for one in results
        if one.status is ObjectStatus.EMPTY and not one.object.size and parse_name(one.object.key)
    ]
    if hollow:
        what = _counted(len(hollow), "object has", "objects have")
        said.append(f"{what} not a single byte, not even an empty log's: {_names(hollow)}")
    others = _strange(known)
    if others:
        what = _counted(len(others), "object holds", "objects hold")
        said.append(f"{what} text without one record of the log: {_names(others)}")
    cut = [one for one in results if one.status is ObjectStatus.READ and one.reason]
    said += [f"{_names((one.object.key,))}: {one.reason}" for one in cut[:SHOWN_GAPS]]
    if len(cut) > SHOWN_GAPS:
        said.append(f"and {len(cut) - SHOWN_GAPS:,} more objects like these")
    twice = _named_twice(results)
    if twice:
        said.append(
            "records may be counted twice, for the bytes differ under one name: "
            f"{_names(tuple(twice))}"
        )
    return said


def _named_twice(results: Iterable[ObjectResult]) -> list[str]:
    """The keys whose names are those of another object that counts too (unpacked beside the
    original, or stored anew in a second place): the service gives a name once."""
    by: dict[tuple[str, datetime], set[str]] = {}
    for one in results:
        counts = one.status in (ObjectStatus.READ, ObjectStatus.DAMAGED)
        if counts and parse_name(one.object.key):
            by.setdefault((one.object.log_type, one.object.stamp), set()).add(one.object.key)
    return [key for keys in by.values() if len(keys) > 1 for key in sorted(keys)[1:]]


def _without(known: Known) -> list[str]:
    return [
        f"no {_LOG[log]} record in the whole month: is {log} switched on, and delivered here?"
        for log in ALWAYS_WRITTEN
        if not known.records[log]
    ]


def _gap_sentences(known: Known) -> list[str]:
    """The longest gaps of each log one by one, the rest by number."""
    said: list[tuple[int, str]] = []
    for log in ALWAYS_WRITTEN:
        if not known.records[log]:
            continue  # told of already
        some = sorted(
            (gap for gap in known.gaps if gap.log_type == log),
            key=lambda gap: (-gap.hours, gap.first_hour),
        )
        said += [(gap.hours, _gap_sentence(gap)) for gap in some[:SHOWN_GAPS]]
        rest = some[SHOWN_GAPS:]
        if rest:
            stretches = _counted(len(rest), "shorter stretch", "shorter stretches")
            hours = _counted(sum(gap.hours for gap in rest), "hour")
            said.append((0, f"{stretches} without any {_LOG[log]} record, {hours} in all"))
    return [sentence for _, sentence in sorted(said, key=lambda one: -one[0])]


def _gap_sentence(gap: Gap) -> str:
    start = datetime.fromtimestamp(gap.first_hour * 3600, UTC)
    end = start + timedelta(hours=gap.hours)
    until = f"{end:%H:%M}" if end.date() == start.date() else f"{end:%Y-%m-%d %H:%M}"
    return (
        f"{_counted(gap.hours, 'hour')} without any {_LOG[gap.log_type]} record: "
        f"{start:%Y-%m-%d %H:%M} to {until} (a paused cluster, logging switched off, or lost "
        "files: the logs alone cannot tell)"
    )


def _within(known: Known) -> list[str]:
    """Records that are damaged within objects that could be read."""
    said = []
    bad = sum(one.bad for one in known.results)
    # Those at the edges are listed as bad, and told of below.
    bad += max(0, sum(one.bad - len(one.orphans) for one in known.ends) - _cut_lines(known))
    if bad:
        said.append(f"{_counted(bad, 'line')} could not be understood as a record")
    cut = _keys(one.cut for one in known.ends)
    if cut:
        said.append(f"the end of {_counted(len(cut), 'record')} is lost: {_names(cut)}")
    told = {*_first(known), *_strange(known)}
    orphans = [key for key in _keys(one.orphans for one in known.ends) if key not in told]
    if orphans:
        said.append(
            f"the beginning of {_counted(len(orphans), 'record')} is lost: {_names(orphans)}"
        )
    return said


def _cut_lines(known: Known) -> int:
    """Last lines that were counted as records until it showed that their end is lost. A cut record
    of the activity log stays one: what there is of it is in the table."""
    cut = {key for one in known.ends for key in one.cut}
    return sum(
        one.object.key in cut and one.object.log_type != "useractivitylog" for one in known.results
    )


def _notes(known: Known) -> list[str]:
    """What is worth saying, and leaves the month complete."""
    said = []
    if any(key in _first(known) for one in known.ends for key in one.orphans):
        said.append("the first object begins with the end of a record of the month before")
    if known.late:
        what = _counted(len(known.late), "object")
        how = "stored more than a day after the time in the name (late, or copied since)"
        said.append(f"{what} {how}: {_names(known.late)}")
    copies = sum(one.status is ObjectStatus.DUPLICATE for one in known.results)
    if copies:
        said.append(f"{_counted(copies, 'object')} stored twice, counted once")
    return said


def _first(known: Known) -> frozenset[str]:
    """The key of each log's very first object: what it continues may be of the month before."""
    firsts: dict[str, tuple[datetime, str]] = {}
    for one in known.results:
        item = one.object
        this = (item.stamp, item.key)
        firsts[item.log_type] = min(this, firsts.get(item.log_type, this))
    return frozenset(key for _, key in firsts.values())


def _of_writer(refused: Iterable[Refused], results: Sequence[ObjectResult]) -> tuple[Refused, ...]:
    """Without what is certainly another writer's; what may be anybody's counts for everybody."""
    writer = results[0].object.writer if results else None
    return tuple(one for one in refused if writer is None or _may_be_of(one.key, writer))


def _may_be_of(key: str, writer: Writer) -> bool:
    named = parse_name(key)
    if named is not None:
        return Writer(named.account, named.region, named.cluster) == writer
    place = _PLACE.search(key)
    if place is None:
        return True
    return place[1] == writer.account and place[2] in (None, writer.region)


def _late(results: Iterable[ObjectResult]) -> tuple[str, ...]:
    """Only of objects whose name says when they were due."""
    return tuple(
        one.object.key
        for one in results
        if one.object.last_modified - one.object.stamp > LATE and parse_name(one.object.key)
    )


def _last_hour(month: Month, now: datetime) -> int:
    """The end of the hours that can be judged: what is younger than a day may still arrive."""
    return min(_hour(month.end), max(_hour(month.start), _hour(now - LATE)))


def _hour(when: datetime) -> int:
    return int(when.timestamp()) // 3600


def _keys(parts: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(key for part in parts for key in part)


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _names(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - 3:,} more" if len(keys) > 3 else ""
    return ", ".join(key.rsplit("/", 1)[-1] or key for key in keys[:3]) + more


def _some(refused: Sequence[Refused]) -> str:
    more = f" and {len(refused) - 3:,} more" if len(refused) > 3 else ""
    return "; ".join(f"{one.key} ({one.reason})" for one in refused[:3]) + more
