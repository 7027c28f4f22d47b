"""One log bucket as FakeAws answers for it, which takes the calls of a change."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from controls.change import Call, Change, Destination, Fix, Planned, Task
from controls.model import AwsError, Ref
from tests.fakes import ACCOUNT, ARCHIVE, NOW, REGION, FakeAws, Prepared, failing

BUCKET = "trail"
ARN = f"arn:aws:s3:::{BUCKET}"
ALL_ON = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
)


@dataclass
class Bucket:
    """The bucket `trail` of the archive account, and cluster `prod` of another that logs to it."""

    policy: str | None = None
    block: Mapping[str, Any] | None = None
    account_block: Mapping[str, Any] | None = None
    encryption: Mapping[str, Any] | None = None
    public: bool | None = False
    ownership: str | None = "BucketOwnerEnforced"
    grants: tuple[Mapping[str, Any], ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    prefix: str = "logs/"
    logging: Mapping[str, Any] = field(default_factory=dict)
    refused: Mapping[str, AwsError] = field(default_factory=dict)
    organization: str = "o-ours"
    partition: str = "aws"
    region: str = REGION
    account: str = ACCOUNT
    asked: FakeAws | None = None

    def plan(self, fix: Fix, name: str = BUCKET, destination: Destination | None = None) -> Planned:
        """What the fix plans now; it may call nothing that it does not list."""
        aws = FakeAws(
            self._answers(),
            buckets={BUCKET: (ARCHIVE, self.region)},
            account=self.account,
            region=self.region,
            partition=self.partition,
            needs=fix.reads,
        )
        self.asked = aws
        ref = Ref(fix.kind, self.account, self.region, name)
        return fix.plan(aws, Task(ref, NOW, destination=destination))

    def make(self, calls: tuple[Call, ...]) -> None:
        """Takes the calls, as S3 does in the owner's account."""
        for call in calls:
            params = dict(call.params)
            assert (call.account, call.region) == (ARCHIVE, self.region)
            assert params.pop("Bucket") == BUCKET
            assert params.pop("ExpectedBucketOwner") == ARCHIVE
            value = next(iter(params.values()), None)
            assert len(params) == (0 if call.operation.startswith("Delete") else 1)
            match call.name.removeprefix("s3:Put").removeprefix("s3:Delete"):
                case "BucketPolicy":
                    self.policy = value
                case "PublicAccessBlock":
                    self.block = value
                case "BucketEncryption":
                    self.encryption = value
                case _:
                    raise AssertionError(call.name)

    def _answers(self) -> dict[str, Prepared]:
        logging = {
            "LoggingEnabled": True,
            "LogDestinationType": "s3",
            "BucketName": BUCKET,
            "S3KeyPrefix": self.prefix,
            **self.logging,
        }
        no_block = "NoSuchPublicAccessBlockConfiguration"
        answers: dict[str, Prepared] = {
            "redshift:DescribeLoggingStatus": logging,
            "organizations:DescribeOrganization": {"Organization": {"Id": self.organization}},
            "s3:GetBucketPolicy": _shown("Policy", self.policy, "NoSuchBucketPolicy"),
            "s3:GetBucketPolicyStatus": failing("NoSuchBucketPolicy")
            if self.policy is None
            else {"PolicyStatus": {} if self.public is None else {"IsPublic": self.public}},
            "s3:GetPublicAccessBlock": _shown(
                "PublicAccessBlockConfiguration", self.block, no_block
            ),
            "s3control:GetPublicAccessBlock": self._of_account,
            "s3:GetBucketTagging": failing("NoSuchTagSet")
            if not self.tags
            else {"TagSet": [{"Key": k, "Value": v} for k, v in self.tags.items()]},
            "s3:GetBucketOwnershipControls": _shown(
                "OwnershipControls",
                self.ownership and {"Rules": [{"ObjectOwnership": self.ownership}]},
                "OwnershipControlsNotFoundError",
            ),
            "s3:GetBucketAcl": {"Grants": list(self.grants)},
            "s3:GetBucketEncryption": _shown(
                "ServerSideEncryptionConfiguration",
                self.encryption,
                "ServerSideEncryptionConfigurationNotFoundError",
            ),
        }
        return answers | dict(self.refused)

    def _of_account(self, params: Mapping[str, Any]) -> Mapping[str, Any] | AwsError:
        assert params == {"AccountId": ARCHIVE}, "the block of the owner's account counts"
        if self.account_block is None:
            return failing("NoSuchPublicAccessBlockConfiguration")
        return {"PublicAccessBlockConfiguration": self.account_block}


def _shown(name: str, value: Any, absent: str) -> Mapping[str, Any] | AwsError:
    return failing(absent) if value is None else {name: value}


def changed(planned: Planned) -> Change:
    """The plan, which must be a change that can be stored as JSON and printed."""
    assert isinstance(planned, Change), planned
    for call in (*planned.calls, *planned.undo):
        json.dumps(dict(call.params))
    assert planned.summary
    return planned


Setup = Callable[[], Bucket]
