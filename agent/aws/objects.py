"""The objects of one bucket, through the door: listed, and streamed. For the monthly report."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from agent.aws.access import AccountAccess, partition_of
from agent.aws.door import Aws
from agent.aws.errors import again
from agent.aws.hands import REPORT_READER
from agent.aws.reader import SweepReader
from agent.aws.settings import AwsSettings
from controls.model import AwsError

Item = Mapping[str, Any]

PIECE = 64 << 10
"""Bytes asked of a body at a time: so much at most is lost before the place where it breaks off."""


@dataclass(frozen=True, slots=True)
class BucketAccess:
    """A bucket and the way in; picklable, so that every process opens a door of its own.

    region: of the bucket; empty: that of the environment. owner: the account known to own it, sent
    along with every call; empty: not known. role_arn: assumed first, if named.
    """

    bucket: str
    region: str = ""
    owner: str = ""
    role_arn: str | None = None
    external_id: str | None = None
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class Folder:
    """One level of keys: the folders in it, each with its closing slash, and its objects."""

    folders: tuple[str, ...]
    objects: tuple[Item, ...]


class Body(io.RawIOBase):
    """The bytes of an object as they arrive.

    Reading raises ConnectionError when they break off: short of the length promised counts.
    """

    def __init__(self, stream: Any) -> None:
        super().__init__()
        self._stream = stream

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Fill the buffer as far as bytes have come; 0 at the end."""
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - `--help` must not pay
        from urllib3.exceptions import HTTPError  # noqa: PLC0415

        try:
            chunk: bytes = self._stream.read(min(len(buffer), PIECE))
        except (BotoCoreError, HTTPError, OSError) as error:
            told = " ".join(str(error).split())[:200]
            raise ConnectionError(f"the transfer broke off: {told}") from error
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        """Let go of the connection."""
        if not self.closed:
            self._stream.close()
        super().close()


class BucketDoor:
    """One process's way to one bucket. Constructing it makes no call."""

    def __init__(self, access: BucketAccess, settings: AwsSettings | None = None) -> None:
        self._access = access
        self._aws = Aws(settings, hand=REPORT_READER)
        self._account = AccountAccess(
            "", role_arn=access.role_arn, external_id=access.external_id, profile=access.profile
        )

    def folder(self, prefix: str) -> Folder:
        """What lies directly under a prefix. Raises AwsError."""
        reader = self._reader()
        asked = {"Bucket": self._access.bucket, "Prefix": prefix, "Delimiter": "/"}
        # The second walk takes the pages that the first one got: the sweep remembers them.
        folders = reader.pages("s3", "ListObjectsV2", "CommonPrefixes", **asked)
        objects = reader.pages("s3", "ListObjectsV2", "Contents", **asked)
        return Folder(tuple(str(one["Prefix"]) for one in folders), objects)

    def below(self, prefix: str) -> tuple[Item, ...]:
        """Every object whose key begins so. Raises AwsError."""
        asked = {"Bucket": self._access.bucket, "Prefix": prefix}
        return self._reader().pages("s3", "ListObjectsV2", "Contents", **asked)

    def open(self, key: str, etag: str = "") -> Body:
        """An object's body; the caller closes it. Opening is tried again as any call is.

        etag: only if the object still has it. Raises AwsError: PreconditionFailed where it has not.
        """
        params = {"Bucket": self._access.bucket, "Key": key}
        params |= {"IfMatch": f'"{etag}"'} if etag else {}
        params |= {"ExpectedBucketOwner": self._access.owner} if self._access.owner else {}
        reader = self._reader()
        answer = reader.sweep.once(reader, "s3", "GetObject", params).answer
        if isinstance(answer, AwsError):
            raise again(answer)
        return Body(answer["Body"])

    def close(self) -> None:
        """Close connections that are not in use."""
        self._aws.close()

    def _reader(self) -> SweepReader:
        """Of a sweep of its own: a listing of today is not answered from yesterday's."""
        sweep = self._aws.sweep(self._aws.utc(), [self._account])
        reader = sweep.reader(self._account.account, self._region)
        return SweepReader(
            sweep, reader.access, reader.region, reader.deadline, owner=self._access.owner
        )

    @cached_property
    def _region(self) -> str:
        """Where calls go first. To ask for it costs as much as to read a small object."""
        named = self._access.region or self._aws.default_region(self._access.profile)
        partition = partition_of("", self._access.role_arn)
        others = {"aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
        return named or others.get(partition, "us-east-1")
