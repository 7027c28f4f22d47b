"""Logs as CloudWatch Logs hands them out: export tasks to S3, and messages as JSON.

An export task writes `<prefix>/<task>/<stream>/NNNNNN.gz`, each message behind its ISO time and a
space; what begins without one continues the message before (CloudWatch Logs User Guide, exporting
log data to S3). JSON is one `{"message": …}` after another, or a subscription's `logEvents` as
Firehose delivers them, with or without newlines between. Either becomes the text that Redshift
would have delivered to S3: the messages, a newline after each. One object may hold the messages of
several streams; each of them is then an object of its own, `<key>#<cluster>/<log>`, with the
account before the cluster where there are several.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import BinaryIO, TypeAlias, cast

from agent.auditlog.bucket import BucketSource, reason_of
from agent.auditlog.local import LocalSource, Stored, log_object
from agent.auditlog.messages import Pieces, Told, plain_text, streams_in
from agent.auditlog.names import foreign, wanted
from agent.auditlog.objects import Listing, LogObject, Refused, Source, Writer
from agent.aws.objects import BucketAccess
from controls.model import AwsError
from controls.semantics.log_keys import LOG_TYPES

UNKNOWN = "unknown"

_EXPORTED = re.compile(
    r"(?:^|/)[^/]+/\d{6}\.gz$"
    r"|\.(?:json|jsonl|ndjson)(?:\.gz)?$"
    r"|-\d{4}(?:-\d\d){5}-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:\.gz)?$",
    re.ASCII,
)
"""An export task's file, JSON by name, and what Firehose calls its objects."""
_TYPE = re.compile(rf"(?:^|[/_.-])({'|'.join(LOG_TYPES)})(?=$|[/_.-])")
_CLUSTER = re.compile(
    rf"redshift[/-]cluster[/-]([a-z0-9-]+?)[/-](?:{'|'.join(LOG_TYPES)})(?=[/_.-])"
)
_PART = re.compile(rf"#(?:[A-Za-z0-9-]+/)?[A-Za-z0-9-]+/(?:{'|'.join(LOG_TYPES)})$")


Objects: TypeAlias = list[LogObject]


@dataclass(frozen=True, slots=True)
class ExportSource:
    """A folder or bucket of exports. Account and region, where they are not in the messages."""

    store: LocalSource | BucketSource
    account: str = UNKNOWN
    region: str = UNKNOWN

    @property
    def name(self) -> str:
        """That of the folder or bucket."""
        return self.store.name

    def list(
        self, first: date, last: date, *, clusters: Sequence[str] = (), types: Iterable[str] = ()
    ) -> Listing:
        """See `agent.auditlog.objects.Source.list`.

        An export says when its first message is from, not its last: only those that begin after
        the last day are left out. Each is opened, to see whose messages it holds.
        """
        is_wanted = wanted(date.min, date.max, clusters, types)
        stored, refused = self.store.every()
        objects: list[LogObject] = []
        for one in stored:
            if not is_export(one.key):
                refused.append(foreign(one.key))
                continue
            try:
                objects += filter(is_wanted, self._objects(one, last))
            except AwsError as error:
                refused.append(Refused(one.key, f"cannot be read: {reason_of(error)}"))
            except OSError as error:
                refused.append(Refused(one.key, f"cannot be read: {error.strerror or error}"))
            except LookupError:
                refused.append(Refused(one.key, "holds no message of an audit log"))
        return Listing(tuple(objects), tuple(sorted(refused, key=lambda one: one.key)))

    @contextmanager
    def open(self, item: LogObject) -> Iterator[BinaryIO]:
        """The messages as the text that Redshift writes, not the stored bytes."""
        key = _PART.sub("", item.key)
        told = self._by_path(key)
        etag = item.etag if isinstance(self.store, BucketSource) else ""
        with _opened(self.store, key, etag) as stream:
            text = plain_text(stream, item.log_type, told, item.writer.account, item.writer.cluster)
            yield cast("BinaryIO", Pieces(text))

    def _objects(self, one: Stored, last: date) -> Objects:
        """One object for each stream in it that begins by that day, or may for all that is known.
        Raises LookupError where there is no stream."""
        with _opened(self.store, one.key, "") as stream:
            found = streams_in(stream, self._by_path(one.key))
        if not found:
            raise LookupError(one.key)
        several = len({told.account for told in found}) > 1
        return [
            self._object(one, told, _part(told, several) if len(found) > 1 else "")
            for told in found
            if told.first is None or told.first.date() <= last
        ]

    def _by_path(self, key: str) -> Told:
        """What is known of a key's streams before it is opened."""
        return replace(_by_path(key), account=self.account)

    def _object(self, one: Stored, told: Told, part: str) -> LogObject:
        writer = Writer(told.account, self.region, told.cluster or UNKNOWN)
        key = one.key + part
        stamp = told.first or one.last_modified
        return LogObject(key, told.log_type, writer, stamp, one.size, one.etag, one.last_modified)


def source_at(
    address: str, access: BucketAccess | None = None, *, account: str = "", region: str = ""
) -> Source:
    """The source at `s3://bucket/prefix/` or in a folder: what lies there says which kind.

    access: the way into the bucket, whose name is taken from the address. account, region: of the
    writer, for exports alone. Raises StopError where nothing can be listed.
    """
    if address.startswith("s3://"):
        name, _, prefix = address.removeprefix("s3://").partition("/")
        bucket = BucketSource(replace(access or BucketAccess(name), bucket=name), prefix)
        if bucket.has_logs():
            return bucket
        return _chosen(bucket, account, region)
    return _chosen(LocalSource(Path(address)), account, region)


def is_export(key: str) -> bool:
    """Whether a key is one that exports have."""
    return _EXPORTED.search(key) is not None


def _chosen(store: LocalSource | BucketSource, account: str, region: str) -> Source:
    """Exports where there is at least one and no log that Redshift itself delivered."""
    stored, _ = store.every()
    if any(log_object(one) for one in stored) or not any(is_export(one.key) for one in stored):
        return store
    return ExportSource(store, account or UNKNOWN, region or UNKNOWN)


def _part(told: Told, several: bool) -> str:
    """What a stream is called within its object; `several`: there are several accounts."""
    cluster = told.cluster or UNKNOWN
    return (
        f"#{told.account}/{cluster}/{told.log_type}" if several else f"#{cluster}/{told.log_type}"
    )


def _by_path(key: str) -> Told:
    """What the path says: the log by a group's name in it, the cluster by that or the stream."""
    log_type = _TYPE.search(key)
    group = _CLUSTER.search(key)
    folder = key.rsplit("/", 2)[-2] if key.count("/") else ""
    stream = folder if re.search(r"/\d{6}\.gz$", key, re.ASCII) else ""
    cluster = stream or (group[1] if group else "")
    return Told(log_type[1] if log_type else "", cluster=re.sub(r"[^A-Za-z0-9-]+", "-", cluster))


@contextmanager
def _opened(store: LocalSource | BucketSource, key: str, etag: str) -> Iterator[BinaryIO]:
    if isinstance(store, BucketSource):
        with store.open_key(key, etag) as stream:
            yield stream
    else:
        with store.open_key(key) as stream:
            yield stream
