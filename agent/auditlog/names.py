"""Which files are audit logs, by their names, and what is said of those that are not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date

from agent.auditlog.objects import LogObject, Refused, Writer
from controls.semantics.log_keys import LogKey, parse_key

_UNDERSCORE = re.compile(r"T(\d\d)_(\d\d)(?:\.gz)?\Z", re.ASCII)
"""Copies on file systems without colons (aws/redshift-test-drive reads both forms)."""
_UNPACKED = re.compile(r"_\d{4}-\d\d-\d\dT\d\d[:_]\d\d\Z", re.ASCII)
_PLAIN = re.compile(r"[A-Za-z0-9-]+\Z", re.ASCII)
_SEEMS_LOG = re.compile(r"_redshift_.*_(?:connectionlog|userlog|useractivitylog)(?:_|\.|\Z)")


def parse_name(key: str) -> LogKey | None:
    """The parts of a log file's name, or None: as `parse_key`, but also of copies.

    A copy may have `_` for the colon in its stamp, and may be unpacked (no `.gz`). Account, region
    and cluster are letters, digits and dashes: they become names of folders.
    """
    name = key.rsplit("/", 1)[-1]
    if _UNPACKED.search(name):
        name += ".gz"
    found = parse_key(_UNDERSCORE.sub(r"T\1:\2.gz", name.removesuffix(".gz")))
    found = found or parse_key(name)
    if found is None:
        return None
    parts = (found.account, found.region, found.cluster)
    return found if all(_PLAIN.match(part) for part in parts) else None


def is_missed(key: str) -> bool:
    """Whether a name that cannot be read is nevertheless that of an audit log."""
    return _SEEMS_LOG.search(key.rsplit("/", 1)[-1]) is not None


def foreign(key: str) -> Refused:
    """Why a file with this name is not taken."""
    if is_missed(key):
        return Refused(key, "seems to be an audit log, but its name is not as Redshift writes it")
    return Refused(key, "no audit log by its name", counts=False)


def writer_of(found: LogKey) -> Writer:
    """The cluster that wrote it."""
    return Writer(found.account, found.region, found.cluster)


def wanted(
    first: date, last: date, clusters: Sequence[str], types: Iterable[str]
) -> Callable[[LogObject], bool]:
    """Whether an object is stamped in these days, and of these clusters and logs, if any."""
    of_clusters, of_types = frozenset(clusters), frozenset(types)

    def is_wanted(item: LogObject) -> bool:
        return (
            first <= item.stamp.date() <= last
            and (not of_clusters or item.writer.cluster in of_clusters)
            and (not of_types or item.log_type in of_types)
        )

    return is_wanted
