"""What a new expiry deletes of what is there already: objects and bytes, by date folder."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from controls.fixes.lifecycle_place import Place
from controls.model import AwsError

MOST_OBJECTS: Final = 100_000
MOST_LISTINGS: Final = 400
SHOWN_MONTHS: Final = 6

_DATE: Final = re.compile(r"(?:^|/)(\d{4})/(?:(\d\d)/)?(?:(\d\d)/)?$", re.ASCII)


@dataclass
class _Tally:
    """Counted so far. `whole` until something had to be left out."""

    objects: Counter[str] = field(default_factory=Counter)
    size: Counter[str] = field(default_factory=Counter)
    days: list[str] = field(default_factory=list)
    listings: int = 0
    whole: bool = True

    @property
    def full(self) -> bool:
        return self.listings >= MOST_LISTINGS or self.objects.total() >= MOST_OBJECTS

    def add(self, folder: str, day: str, sums: Sequence[tuple[str, int, int]], end: str) -> None:
        """What of a folder is older than `end`."""
        old = [(count, size) for made, count, size in sums if made < end]
        if old:
            self.objects[folder] += sum(count for count, _ in old)
            self.size[folder] += sum(size for _, size in old)
            self.days += [day] if day else []


def losses(place: Place, days: int) -> str:
    """How much of what is there now is older than `days`, as a clause; bounded, never silent.

    Objects by the day they were made, from the oldest date folder on, until 100,000 are counted.
    """
    end = (place.now - timedelta(days=days)).date()
    tally = _Tally()
    try:
        _walk(place, place.prefix, end, tally)
    except AwsError as error:
        return f"how many objects that is today is not known, as they cannot be listed: {error}"
    return _said(tally, days)


def by_day(items: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, int, int], ...]:
    """Day (UTC), number and bytes of listed objects, by the day they were made."""
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for item in items:
        day = f"{item['LastModified']:%Y-%m-%d}"
        counts[day] += 1
        sizes[day] += item.get("Size", 0)
    return tuple((day, count, sizes[day]) for day, count in sorted(counts.items()))


def _walk(place: Place, folder: str, end: date, tally: _Tally) -> None:
    """Goes down to the date folders, oldest first, and lists those that hold something old."""
    if tally.full:
        tally.whole = False
        return
    tally.listings += 1
    s3, bucket = place.owner, place.bucket
    if match := re.search(r"(?:^|/)(\d{4}/\d\d)/\d\d/$", folder, re.ASCII):
        sums = s3.digest(by_day, "s3", "ListObjectsV2", "Contents", Bucket=bucket, Prefix=folder)
        tally.add(match[1], folder[-11:-1], sums, str(end))
        return
    page = s3.call("s3", "ListObjectsV2", Bucket=bucket, Prefix=folder, Delimiter="/")
    tally.whole = tally.whole and not page.get("IsTruncated")
    tally.add("no date folder", "", by_day(page.get("Contents") or ()), str(end))
    for below in sorted(one["Prefix"] for one in page.get("CommonPrefixes") or ()):
        if _may_be_old(below, end):
            _walk(place, below, end, tally)


def _may_be_old(folder: str, end: date) -> bool:
    """Whether the folder's date, as far as it has one, is before the day."""
    match = _DATE.search(folder)
    if match is None:
        return True
    parts = [part for part in match.groups() if part]
    return "-".join(parts) <= f"{end:%Y-%m-%d}"[: 3 * len(parts) + 1]


def _said(tally: _Tally, days: int) -> str:
    total = tally.objects.total()
    least = "" if tally.whole else "at least "
    if not total:
        more = "" if tally.whole else " among those that were looked at"
        return f"0 objects today are older than {days} days{more}"
    months = [
        f"{folder}: {tally.objects[folder]} ({size(tally.size[folder])})"
        for folder in sorted(tally.objects)
    ]
    rest = len(months) - SHOWN_MONTHS
    shown = "; ".join(months[:SHOWN_MONTHS]) + (f"; and {rest} more months" if rest > 0 else "")
    folders = f", in date folders {min(tally.days)} to {max(tally.days)}" if tally.days else ""
    return (
        f"{least}{total} objects of {size(tally.size.total())} today are older than {days} days"
        f"{folders} ({shown})"
    )


def size(octets: int) -> str:
    """`512 bytes`, `1.2 MB` (powers of ten)."""
    if octets < 1000:
        return f"{octets} bytes"
    number, units = octets / 1000, ["kB", "MB", "GB", "TB", "PB"]
    while number >= 999.95 and units[1:]:  # what would be rounded to 1000.0 is one of the next
        number, units = number / 1000, units[1:]
    return f"{number:.1f} {units[0]}"
