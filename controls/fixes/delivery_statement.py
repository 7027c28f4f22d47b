"""Our statement in a log bucket's policy: one for each account that logs there, and its folders."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controls.change import Json
from controls.model import CannotTellError
from controls.semantics.delivery import Writer
from controls.semantics.log_keys import normalise_prefix
from controls.semantics.partitions import REGIONS_ON_BY_DEFAULT, delivery_principal

DELIVERY_SID = "TrailkeeperDelivery"
"""Followed by the writer's account, and by its region where that has a principal of its own."""

ACTIONS = ("s3:GetBucketAcl", "s3:PutObject")
"""What delivery takes (Redshift Management Guide, db-auditing)."""

_ELEMENTS = {"Sid", "Effect", "Principal", "Action", "Resource"}
_LITERAL = re.compile(r"[ !#%&(-)+->@-~]*", re.ASCII)
"""Printable ASCII without quotes and what a policy takes for patterns and variables (`*?$`)."""


def not_as_we_write_it(sid: str) -> str:
    """What is said of a statement with a Sid of ours that we did not write so."""
    return (
        f"its statement {sid} bears our Sid and is not as we write it: give it another Sid if it "
        "is yours, or take it out, and ours is written anew"
    )


@dataclass(frozen=True, slots=True)
class DeliveryStatement:
    """Lets one principal deliver for one account, under the folders that the statement lists.

    No condition on aws:SourceAccount or aws:SourceArn: AWS's pages no longer show that Redshift
    sends them. The folder names the writer's account, and Redshift delivers nobody's logs into
    another account's folder.
    """

    principal: str
    account: str
    bucket_arn: str
    sid: str

    @classmethod
    def of(cls, writer: Writer, bucket: str) -> DeliveryStatement:
        """The statement that the writer's logs need in the policy of the bucket."""
        own = writer.partition == "aws" and writer.region not in REGIONS_ON_BY_DEFAULT
        return cls(
            delivery_principal(writer.partition, writer.region),
            writer.account,
            f"arn:{writer.partition}:s3:::{bucket}",
            f"{DELIVERY_SID}{writer.account}{writer.region.replace('-', '') if own else ''}",
        )

    def with_prefix(self, found: Mapping[str, Any] | None, prefix: str) -> dict[str, Json]:
        """The statement with this log prefix, which it lacked, and with those it had.

        Raises:
            CannotTellError: `found` has our Sid and is not ours, or the prefix has characters
                that a policy would not take as they are.
        """
        if not _LITERAL.fullmatch(prefix):
            raise CannotTellError(
                f"the log prefix {prefix!r} has characters that mean something else in a policy, "
                "or may not stand in one: log under a plain prefix, or write a statement by hand"
            )
        folders = [] if found is None else self._folders(found)
        if folders is None:
            raise CannotTellError(not_as_we_write_it(self.sid))
        wanted = f"{self.bucket_arn}/{normalise_prefix(prefix)}{self._tail}"
        return self._statement([*folders, wanted])

    @property
    def _tail(self) -> str:
        return f"AWSLogs/{self.account}/*"

    def _statement(self, folders: Sequence[str]) -> dict[str, Json]:
        return {
            "Sid": self.sid,
            "Effect": "Allow",
            "Principal": {"Service": self.principal},
            "Action": list(ACTIONS),
            "Resource": [self.bucket_arn, *folders],
        }

    def _folders(self, found: Mapping[str, Any]) -> list[str] | None:
        """The folders of a statement that is ours; None where it is not as we write it."""
        if set(found) != _ELEMENTS:
            return None
        named = _listed(found["Resource"])
        folders = [arn for arn in named if arn != self.bucket_arn]
        ours = (
            found["Effect"] == "Allow"
            and found["Principal"] in ({"Service": self.principal}, {"Service": [self.principal]})
            and sorted(_listed(found["Action"])) == sorted(ACTIONS)
            and self.bucket_arn in named
            and all(self._is_folder(arn) for arn in folders)
        )
        return folders if ours else None

    def _is_folder(self, arn: str) -> bool:
        head = f"{self.bucket_arn}/"
        if not (arn.startswith(head) and arn.endswith(self._tail)):
            return False
        prefix = arn[len(head) : -len(self._tail)]
        return prefix == normalise_prefix(prefix) and _LITERAL.fullmatch(prefix) is not None


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]
