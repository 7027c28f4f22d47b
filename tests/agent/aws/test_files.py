"""Writing a file to S3: whole, again after a failure, and only with the hand for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.aws.access import AccountAccess
from agent.aws.door import Aws
from agent.aws.files import put_file
from agent.aws.hands import OBSERVER, PLANNER, REPORT_WRITER
from controls.model import AwsError
from tests.sandbox_server import OTHER_ACCOUNT, REGION, Sandbox, sandbox, sandbox_process

__all__ = ["sandbox", "sandbox_process"]

A = "111122223333"
ACCESS = AccountAccess(A, region=REGION)


@pytest.fixture
def aws(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """A door that may write objects, to an estate with one bucket of each of two accounts."""
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    for account, bucket in ((A, "reports"), (OTHER_ACCOUNT, "taken")):
        sandbox.plant(
            [
                {"do": "account", "account": account},
                {"do": "bucket", "account": account, "region": REGION, "name": bucket},
            ]
        )
    door = Aws(hand=REPORT_WRITER)
    yield door
    door.close()


def stored(sandbox: Sandbox, key: str) -> bytes:
    answer = sandbox.client("s3", account=A).get_object(Bucket="reports", Key=key)
    return bytes(answer["Body"].read())


def test_a_file_is_written_byte_for_byte(aws: Aws, sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "one.parquet"
    path.write_bytes(bytes(range(256)) * 10)

    put_file(aws, ACCESS, REGION, "reports", "a/b=c/one.parquet", path)

    assert stored(sandbox, "a/b=c/one.parquet") == path.read_bytes()


def test_after_a_failure_the_second_attempt_sends_all_of_it(
    aws: Aws, sandbox: Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / "one.txt"
    path.write_bytes(b"all of it")
    sandbox.fault({"kind": "error", "service": "s3", "operation": "PutObject", "times": 1})

    put_file(aws, ACCESS, REGION, "reports", "one.txt", path)

    assert stored(sandbox, "one.txt") == b"all of it"


def test_a_bucket_of_another_account_is_not_written(aws: Aws) -> None:
    with pytest.raises(AwsError):
        put_file(aws, ACCESS, REGION, "taken", "one.txt", b"x")


def test_no_other_hand_may_write_an_object() -> None:
    assert not REPORT_WRITER & (OBSERVER | PLANNER)

    with pytest.raises(AwsError, match="not among the operations"):
        put_file(Aws(), AccountAccess(""), REGION, "reports", "one.txt", b"x")
