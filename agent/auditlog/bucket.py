"""Logs in an S3 bucket, in the folders that Redshift delivers to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import BinaryIO, cast

from agent.auditlog.local import Everything, Stored, log_object
from agent.auditlog.names import foreign, wanted
from agent.auditlog.objects import Listing, LogObject, Refused
from agent.aws.objects import BucketAccess, BucketDoor, Folder, Item
from agent.stop import StopError
from controls.model import AwsError
from controls.semantics.log_keys import normalise_prefix

DEPTH = 4
LOOKS = 200
"""How far below a prefix without AWSLogs/ one is looked for: levels, and listings."""

_IN_LOGS = re.compile(r"(.*?(?:^|(?<=/))AWSLogs/)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class BucketSource:
    """`s3://bucket/prefix/`: the prefix that logs are written to, or any folder below it."""

    access: BucketAccess
    prefix: str = ""

    @property
    def name(self) -> str:
        """As S3 addresses are written."""
        return f"s3://{self.access.bucket}/{normalise_prefix(self.prefix)}"

    def list(
        self, first: date, last: date, *, clusters: Sequence[str] = (), types: Iterable[str] = ()
    ) -> Listing:
        """See `agent.auditlog.objects.Source.list`. Only these days' folders are listed."""
        search = _Search(_door(self.access))
        items: dict[str, Item] = {}
        for folder in _day_folders(search, normalise_prefix(self.prefix), first, last, clusters):
            items.update((str(item["Key"]), item) for item in search.below(folder))
        items.update((str(item["Key"]), item) for item in search.loose)
        search.stop_if_blind(self.name)
        is_wanted = wanted(first, last, clusters, types)
        objects = []
        for key in sorted(items):
            item = log_object(stored(items[key]))
            if item is None:
                search.refused.append(foreign(key))
            elif is_wanted(item):
                objects.append(item)
        return Listing(tuple(objects), tuple(sorted(search.refused, key=lambda one: one.key)))

    def has_logs(self) -> bool:
        """Whether there is an AWSLogs/ folder, or an object named as a log. Raises StopError."""
        search = _Search(_door(self.access))
        found = bool(_bases(search, normalise_prefix(self.prefix)))
        search.stop_if_blind(self.name)
        return found or any(log_object(stored(item)) is not None for item in search.loose)

    def every(self) -> Everything:
        """Every object below the prefix, sorted by key. Raises StopError if there is no listing."""
        search = _Search(_door(self.access))
        found = [stored(item) for item in search.below(normalise_prefix(self.prefix))]
        search.stop_if_blind(self.name)
        return sorted(found, key=lambda one: one.key), search.refused

    @contextmanager
    def open(self, item: LogObject) -> Iterator[BinaryIO]:
        """See `agent.auditlog.objects.Source.open`; only the object that was listed."""
        with self.open_key(item.key, item.etag) as stream:
            yield stream

    @contextmanager
    def open_key(self, key: str, etag: str = "") -> Iterator[BinaryIO]:
        """The bytes of that key. Raises AwsError; reading them raises ConnectionError."""
        body = _door(self.access).open(key, etag)
        with closing(body):
            yield cast("BinaryIO", body)


@cache
def _door(access: BucketAccess) -> BucketDoor:
    """One a process: it keeps its connections and credentials."""
    return BucketDoor(access)


def stored(item: Item) -> Stored:
    """One entry of ListObjectsV2."""
    etag = str(item.get("ETag", "")).strip('"')
    return Stored(str(item["Key"]), int(item["Size"]), etag, item["LastModified"])


def reason_of(error: AwsError) -> str:
    """Why an object or listing could not be had, for a person."""
    if error.code == "InvalidObjectState":
        return "archived: restore it from Glacier first"
    if error.code == "PreconditionFailed":
        return "changed since it was listed"
    if error.code in ("NoSuchKey", "404"):
        return "gone since it was listed"
    return str(error)


@dataclass(slots=True)
class _Search:
    """One listing under way: what could not be listed, and objects that lie beside the layout."""

    door: BucketDoor
    refused: list[Refused] = field(default_factory=list)
    loose: list[Item] = field(default_factory=list)
    seen: dict[str, Folder] = field(default_factory=dict)
    successes: int = 0
    error: AwsError | None = None

    def folder(self, prefix: str, *, counts: bool = True) -> Folder:
        """One level; empty, and said so, where it cannot be listed."""
        if prefix in self.seen:
            return self.seen[prefix]
        try:
            found = self.seen[prefix] = self.door.folder(prefix)
        except AwsError as error:
            self._failed(prefix, error, counts)
            return Folder((), ())
        self.successes += 1
        return found

    def below(self, prefix: str) -> tuple[Item, ...]:
        """All that begins so; nothing, and said so, where it cannot be listed."""
        try:
            found = self.door.below(prefix)
        except AwsError as error:
            self._failed(prefix, error, counts=True)
            return ()
        self.successes += 1
        return found

    def stop_if_blind(self, name: str) -> None:
        """Raise StopError if not one listing succeeded."""
        if not self.successes and self.error is not None:
            code = 2 if self.error.code == "NoSuchBucket" else 3
            raise StopError(code, f"{name} cannot be listed: {self.error}")

    def _failed(self, prefix: str, error: AwsError, counts: bool) -> None:
        self.error = error
        if counts:
            self.refused.append(Refused(prefix, f"cannot be listed: {reason_of(error)}"))


def _day_folders(
    search: _Search, prefix: str, first: date, last: date, clusters: Sequence[str]
) -> Iterator[str]:
    """What the keys of the wanted days begin with, for every account and region that there is."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    for region in sorted(_regions(search, prefix)):
        for day in days:
            folder = f"{region}{day:%Y/%m/%d}/"
            if not folder.startswith(prefix) and not prefix.startswith(folder):
                continue
            asked = folder if len(folder) >= len(prefix) else prefix
            if clusters and asked == folder:
                account, name = region.split("/")[-4], region.split("/")[-2]
                # As `controls.semantics.log_keys.day_prefix`: no other cluster's name begins so.
                yield from (f"{folder}{account}_redshift_{name}_{one}_" for one in clusters)
            else:
                yield asked


def _regions(search: _Search, prefix: str) -> Iterator[str]:
    """The folders `…AWSLogs/<account>/redshift/<region>/` below the prefix, or above it."""
    for base in _bases(search, prefix):
        within = _IN_LOGS.match(prefix)
        given = [part for part in within[2].split("/") if part] if within else []
        accounts = [f"{base}{given[0]}/"] if given else _accounts(search, base)
        if len(given) > 1 and given[1] != "redshift":
            continue
        for account in accounts:
            if len(given) > 2:
                yield f"{account}redshift/{given[2]}/"
            else:
                found = search.folder(f"{account}redshift/")
                search.loose += found.objects
                yield from found.folders


def _accounts(search: _Search, base: str) -> list[str]:
    """The folders of accounts. Others, as those of an organisation's trails, are another's."""
    found = search.folder(base)
    search.loose += found.objects
    accounts = []
    for folder in found.folders:
        if re.fullmatch(r"\d{12}", folder.removesuffix("/").rsplit("/", 1)[-1], re.ASCII):
            accounts.append(folder)
        else:
            search.refused.append(Refused(folder, "no account's folder", counts=False))
    return accounts


def _bases(search: _Search, prefix: str) -> list[str]:
    """The folders AWSLogs/: the one the prefix lies in, or that directly below it, or deeper ones.

    What lies directly below is asked for first: often nothing else may be listed.
    """
    within = _IN_LOGS.match(prefix)
    if within:
        return [within[1]]
    direct = f"{prefix}AWSLogs/"
    if search.folder(direct, counts=False).folders:
        return [direct]
    bases, level, looks = [], [prefix], 0
    for _ in range(DEPTH):
        below: list[str] = []
        for folder in level:
            looks += 1
            if looks > LOOKS:
                reason = f"not looked into, for {LOOKS} other folders were: name a deeper prefix"
                search.refused.append(Refused(folder, reason))
                continue
            found = search.folder(folder)
            search.loose += found.objects
            named = {one for one in found.folders if f"/{one}".endswith("/AWSLogs/")}
            bases += sorted(named)
            below += [one for one in found.folders if one not in named]
        level = below
    reason = f"more than {DEPTH} folders deep, not looked into: name a deeper prefix"
    search.refused += [Refused(one, reason, counts=False) for one in level]
    return bases
