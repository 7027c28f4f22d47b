"""Two doors to AWS: one reads, afresh each time, one makes the calls of changes and no others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.aws.access import AccountAccess
from agent.aws.door import Aws
from agent.aws.reader import SweepReader
from controls.change import Call
from controls.kinds.kind import LogBucket
from controls.model import CannotTellError

SECONDS = 120.0
"""How long all that is asked for one plan may take."""

CALL_SECONDS = 30.0
"""How long a call may wait for its turn: what it replaces was read just before."""


@dataclass(frozen=True, slots=True)
class Doors:
    """`readers` and `writers` say how each account is reached, to look and to change."""

    read: Aws
    write: Aws
    readers: Sequence[AccountAccess]
    writers: Sequence[AccountAccess]
    log_buckets: Sequence[LogBucket]

    def reader(self, account: str, region: str) -> SweepReader:
        """A reader that remembers nothing. Raises CannotTellError: not among the targets."""
        now, until = self.read.utc(), self.read.deadline(SECONDS)
        sweep = self.read.sweep(now, self.readers, self.log_buckets, deadline=until)
        return sweep.reader(account, region)

    def closed(self, account: str) -> str:
        """Why nothing may be changed in that account; empty where it may."""
        if any(access.account == account for access in self.writers):
            return ""
        return (
            f"nothing may be changed in account {account}: name a role for it under targets "
            "(remediation_role), or under remediation (role) for the credentials at hand"
        )

    def make(self, call: Call) -> None:
        """Make the call, once: a timeout is not tried again, since it may have been carried out.

        Raises:
            AwsError: it was refused, or nothing is known of what came of it.
            CannotTellError: nothing says how that account may be written to.
        """
        if closed := self.closed(call.account):
            raise CannotTellError(closed)
        bucket = str(call.params.get("Bucket", "")) if call.service == "s3" else ""
        owner = [LogBucket(bucket, call.account, call.region)] if bucket else []
        sweep = self.write.sweep(
            self.write.utc(), self.writers, owner, deadline=self.write.deadline(CALL_SECONDS)
        )
        writer = sweep.reader(call.account, call.region)
        # With the owner known, ExpectedBucketOwner keeps the call from a bucket made anew since.
        writer = writer.of_bucket(bucket) if bucket else writer
        writer.call(call.service, call.operation, **call.params)
