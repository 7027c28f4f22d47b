"""Files written to S3: the one thing that the monthly report changes in AWS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agent.aws.access import AccountAccess
from agent.aws.door import Aws


def put_file(
    aws: Aws, access: AccountAccess, region: str, bucket: str, key: str, body: bytes | Path
) -> None:
    """Write one object, whole: a second attempt writes the same bytes again.

    The door must be opened with the hand REPORT_WRITER; `region` is the bucket's. Where the
    account is known the bucket must be its own: a name may have passed to somebody else. A file
    is held in memory meanwhile.

    Raises:
        AwsError: it was not written.
        OSError: the file cannot be read.
    """
    # Bytes, not the open file: an attempt leaves a file at its end, and the next would send none.
    content = body.read_bytes() if isinstance(body, Path) else body
    params: dict[str, Any] = {"Bucket": bucket, "Key": key, "Body": content}
    if access.account:
        params["ExpectedBucketOwner"] = access.account
    aws.once(access, region, "s3:PutObject", params)
