"""The hand that writes: its calls, what may be empty, and that none is made twice in doubt."""

from __future__ import annotations

import pytest

from agent.aws.access import AccountAccess
from agent.aws.hands import FIXER, OBSERVER, PLANNER
from agent.config import Settings
from agent.remedy.doors import Doors
from agent.sweep import open_aws
from controls.change import Call
from controls.fixes.catalog import FIXES
from controls.model import AwsError, CannotTellError
from tests.sandbox_server import Sandbox, sandbox, sandbox_process

__all__ = ["sandbox", "sandbox_process"]

A, REGION = "111122223333", "eu-west-1"


def test_each_hand_holds_what_its_fixes_need_and_nothing_more() -> None:
    """A fix that is new must be allowed what it reads and writes, here and by its own name."""
    assert frozenset(op for fix in FIXES.values() for op in fix.writes) == FIXER
    assert frozenset(op for fix in FIXES.values() for op in fix.reads) - OBSERVER == (
        PLANNER - OBSERVER
    )
    assert not FIXER & PLANNER


def test_no_hand_turns_logging_off_or_touches_an_object() -> None:
    named = {operation.partition(":")[2] for operation in FIXER | PLANNER}

    assert "DisableLogging" not in named
    assert not {name for name in named if name.endswith(("Object", "Objects", "DeleteBucket"))}


@pytest.fixture
def doors(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Doors:
    """Both doors, as the credentials at hand."""
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    sandbox.plant([{"do": "account", "account": A}])
    settings, access = Settings(), AccountAccess(A, region=REGION)
    read = open_aws(settings, hand=PLANNER)
    write = open_aws(settings, hand=FIXER)
    return Doors(read, write, [access], [access], [])


def group(name: str = "/aws/redshift/cluster/orders/userlog") -> Call:
    return Call("logs", "CreateLogGroup", {"logGroupName": name}, A, REGION)


def test_an_answer_without_a_body_is_one_where_aws_gives_none(
    doors: Doors, sandbox: Sandbox
) -> None:
    doors.make(group())

    assert sandbox.counts()["logs:CreateLogGroup"] == 1


@pytest.mark.parametrize("kind", ["error", "malformed", "throttle"])
def test_a_write_is_made_once_whatever_the_answer(
    doors: Doors, sandbox: Sandbox, kind: str
) -> None:
    """It may have been done; or, after a throttle, what it replaces may be another by now."""
    sandbox.fault({"kind": kind, "service": "logs", "operation": "CreateLogGroup"})

    with pytest.raises(AwsError):
        doors.make(group())

    assert sandbox.counts()["logs:CreateLogGroup"] == 1


def test_an_account_without_a_role_to_write_is_not_written(doors: Doors, sandbox: Sandbox) -> None:
    with pytest.raises(CannotTellError, match="remediation_role"):
        doors.make(Call("logs", "CreateLogGroup", {"logGroupName": "x"}, "444455556666", REGION))

    assert "logs:CreateLogGroup" not in sandbox.counts()


def test_what_is_in_no_list_is_refused_before_the_wire(doors: Doors, sandbox: Sandbox) -> None:
    with pytest.raises(AwsError, match="not among the operations"):
        doors.make(Call("redshift", "DisableLogging", {"ClusterIdentifier": "orders"}, A, REGION))

    assert sandbox.counts() == {}


def test_a_bucket_that_is_another_accounts_now_is_not_written(
    doors: Doors, sandbox: Sandbox
) -> None:
    """ExpectedBucketOwner: somebody deleted the bucket, and somebody else made one of that name."""
    other = "444455556666"
    sandbox.plant(
        [
            {"do": "account", "account": other},
            {"do": "bucket", "account": other, "region": REGION, "name": "audit-logs"},
        ]
    )
    theirs = sandbox.client("s3", account=other)
    before = theirs.get_bucket_encryption(Bucket="audit-logs")["ServerSideEncryptionConfiguration"]
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    wanted = {"Bucket": "audit-logs", "ServerSideEncryptionConfiguration": {"Rules": [rule]}}

    with pytest.raises(AwsError):
        doors.make(Call("s3", "PutBucketEncryption", wanted, A, REGION))

    after = theirs.get_bucket_encryption(Bucket="audit-logs")["ServerSideEncryptionConfiguration"]
    assert after == before
