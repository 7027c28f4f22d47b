"""Where logs are read from and reports go: a folder, or a bucket, by one role."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from agent.auditlog.exports import source_at
from agent.auditlog.objects import Source
from agent.aws.access import AccountAccess
from agent.aws.door import Aws
from agent.aws.files import put_file
from agent.aws.hands import REPORT_WRITER
from agent.aws.objects import BucketAccess, BucketDoor
from agent.config_report import ReportSetting
from agent.report.model import Document
from agent.report.outputs.folder import Tables, before_of, place_of, put_in_place
from agent.report.outputs.publish import parse_url, publish
from agent.stop import WRONG_USE, StopError
from controls.model import AwsError

LARGEST_BEFORE = 256 * 1024 * 1024
"""Bytes of last month's JSON that are read at most: what is larger is none of ours."""


class Place(Protocol):
    """Where reports go."""

    def check(self) -> None:
        """Whether it can be written, as far as can be told. Raises StopError."""
        ...

    def before(self, document: Document) -> bytes:
        """The JSON of the same cluster's month before; empty where there is none."""
        ...

    def put(self, document: Document, run: Mapping[str, Any], tables: Tables) -> str:
        """Write the report; returns where it lies. Raises StopError."""
        ...


def source_of(place: str, setting: ReportSetting) -> Source:
    """What holds logs at a folder or `s3://bucket/prefix/`. Raises StopError."""
    return source_at(place, _access("", setting) if place.startswith("s3://") else None)


def output_of(place: str, setting: ReportSetting, work: Path) -> Place:
    """A folder or bucket that reports go to; `work` holds one until it is in the bucket."""
    if not place.startswith("s3://"):
        return FolderPlace(Path(place))
    return BucketPlace(*parse_url(place), setting, work)


def upload(setting: ReportSetting, bucket: str, key: str, file: Path) -> None:
    """Put one file into a bucket. Raises AwsError, OSError."""
    aws = _writer()
    access = AccountAccess("", role_arn=_role(setting), external_id=setting.external_id)
    put_file(aws, access, aws.default_region(None) or "us-east-1", bucket, key, file)


@cache
def _writer() -> Aws:
    """One door for all files: it keeps its connections and credentials."""
    return Aws(hand=REPORT_WRITER)


def _role(setting: ReportSetting) -> str | None:
    return None if setting.role == "current" else setting.role


def _access(bucket: str, setting: ReportSetting) -> BucketAccess:
    return BucketAccess(bucket, role_arn=_role(setting), external_id=setting.external_id)


@dataclass(frozen=True, slots=True)
class FolderPlace:
    """A folder; it is made where it is missing."""

    folder: Path

    def check(self) -> None:
        """See `Place.check`."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass
        except OSError as error:
            raise self._refused(error) from error

    def before(self, document: Document) -> bytes:
        """See `Place.before`."""
        try:
            with (self.folder / before_of(document)).open("rb") as file:
                content = file.read(LARGEST_BEFORE + 1)
        except OSError:
            return b""
        return content if len(content) <= LARGEST_BEFORE else b""

    def put(self, document: Document, run: Mapping[str, Any], tables: Tables) -> str:
        """See `Place.put`."""
        try:
            return str(put_in_place(document, self.folder, run, tables) / "report.html")
        except OSError as error:
            raise self._refused(error) from error

    def _refused(self, error: OSError) -> StopError:
        message = f"cannot write {self.folder}: {error.strerror or error}; choose another --output"
        return StopError(WRONG_USE, message)


@dataclass(frozen=True, slots=True)
class BucketPlace:
    """A prefix of a bucket."""

    bucket: str
    prefix: str
    setting: ReportSetting
    work: Path

    def check(self) -> None:
        """See `Place.check`: nothing is known before something is written."""

    def before(self, document: Document) -> bytes:
        """See `Place.before`; who may not read there compares with nothing."""
        door = BucketDoor(_access(self.bucket, self.setting))
        try:
            with door.open(f"{self.prefix}{before_of(document)}") as body:
                content = _read(body)
        except (AwsError, OSError):
            return b""
        finally:
            door.close()
        return content if len(content) <= LARGEST_BEFORE else b""

    def put(self, document: Document, run: Mapping[str, Any], tables: Tables) -> str:
        """See `Place.put`."""
        below = f"{self.prefix}{place_of(document)}/"
        try:
            with tempfile.TemporaryDirectory(dir=self.work, prefix=".out-") as folder:
                made = put_in_place(document, Path(folder), run, tables)
                publish(made, below, lambda key, file: upload(self.setting, self.bucket, key, file))
        except (AwsError, OSError) as error:
            message = f"cannot write s3://{self.bucket}/{below}: {error}; choose another --output"
            raise StopError(WRONG_USE, message) from error
        return f"s3://{self.bucket}/{below}report.html"


def _read(body: Any) -> bytes:
    parts, left = [], LARGEST_BEFORE + 1
    while left > 0 and (part := body.read(min(left, 1 << 20))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
