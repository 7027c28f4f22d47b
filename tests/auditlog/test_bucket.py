"""Logs in a bucket, over HTTP against the simulated AWS."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import create_loader

from agent.auditlog import bucket
from agent.auditlog.bucket import BucketSource
from agent.auditlog.exports import source_at
from agent.auditlog.objects import Listing, LogObject, ObjectStatus, Writer
from agent.aws import clients
from agent.aws.objects import BucketAccess, BucketDoor
from agent.stop import StopError
from controls.model import AwsError
from tests.auditlog.standins import item_of, read_whole
from tests.sandbox_server import OTHER_ACCOUNT, Sandbox, sandbox, sandbox_process

__all__ = ["sandbox", "sandbox_process"]

ACCOUNT = "111122223333"
FIRST, LAST = date(2026, 10, 1), date(2026, 10, 3)
START = datetime(2026, 10, 1, tzinfo=UTC)
LOGS = "audit-logs"


@pytest.fixture(scope="module")
def loader() -> Any:
    """AWS's service models, read once for all tests."""
    return create_loader()


@pytest.fixture(autouse=True)
def environment(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, loader: Any) -> Iterator[None]:
    """This process takes the simulated AWS for AWS, with a bucket of logs in it."""
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    monkeypatch.setattr(clients, "create_loader", lambda _: loader)
    sandbox.plant([{"do": "bucket", "account": sandbox.server.account, "name": LOGS}])
    bucket._door.cache_clear()
    yield
    bucket._door.cache_clear()


def logs(prefix: str = "", cluster: str = "c1", days: int = 1, **step: Any) -> dict[str, Any]:
    return {
        "do": "log_objects",
        "bucket": LOGS,
        "prefix": prefix,
        "account": ACCOUNT,
        "region": "eu-west-1",
        "cluster": cluster,
        "start": START,
        "end": START + timedelta(days=days, seconds=-1),
        "types": ["connectionlog"],
        "interval": 720,
        **step,
    }


def put(key: str, body: str = "") -> dict[str, Any]:
    return {"do": "object", "bucket": LOGS, "key": key, "body": body, "modified": START}


def listed(prefix: str = "", **asked: Any) -> Listing:
    return BucketSource(BucketAccess(LOGS), prefix).list(FIRST, LAST, **asked)


def stamps(found: Listing) -> set[tuple[str, str]]:
    return {(one.writer.cluster, f"{one.stamp:%dT%H:%M}") for one in found.objects}


DAY = f"AWSLogs/{ACCOUNT}/redshift/eu-west-1/2026/10/01"
FOUND = {("c1", "01T00:00"), ("c1", "01T12:00")}


@pytest.mark.parametrize(
    ("planted", "asked"),
    [
        pytest.param("", "", id="the bucket"),
        pytest.param("prod/rs", "prod/rs", id="a prefix without its slash"),
        pytest.param("prod/rs", "prod/rs/", id="a prefix"),
        pytest.param("prod/rs", "", id="a bucket with the logs further down"),
        pytest.param("p", "p/AWSLogs/", id="the logs' folder"),
        pytest.param("p", f"p/AWSLogs/{ACCOUNT}/", id="an account"),
        pytest.param("p", f"p/AWSLogs/{ACCOUNT}/redshift", id="the service"),
        pytest.param("p", f"p/AWSLogs/{ACCOUNT}/redshift/eu-west-1/", id="a region"),
        pytest.param("p", f"p/AWSLogs/{ACCOUNT}/redshift/eu-west-1/2026/10/", id="a month"),
        pytest.param("p", f"p/{DAY}/", id="a day"),
    ],
)
def test_logs_are_found_from_any_prefix_above_or_within_them(
    sandbox: Sandbox, planted: str, asked: str
) -> None:
    sandbox.plant([logs(planted)])

    assert stamps(listed(asked)) == FOUND
    assert listed(asked).objects[0].writer == Writer(ACCOUNT, "eu-west-1", "c1")


def test_only_the_days_asked_for_are_listed(sandbox: Sandbox) -> None:
    sandbox.plant([logs(days=20, start=START - timedelta(days=10))])
    sandbox.forget_calls()

    assert {one[:2] for _, one in stamps(listed())} == {"01", "02", "03"}
    # AWSLogs/, the account's regions, three days; the first twice: S3 names the bucket's region.
    assert sandbox.counts() == {"s3:ListObjectsV2": 6}


def test_clusters_under_one_prefix_are_kept_apart(sandbox: Sandbox) -> None:
    sandbox.plant([logs(), logs(cluster="c10"), logs(account=OTHER_ACCOUNT)])

    assert {one.writer.cluster for one in listed(clusters=["c1"]).objects} == {"c1"}
    assert {(one.writer.account, one.writer.cluster) for one in listed().objects} == {
        (ACCOUNT, "c1"),
        (ACCOUNT, "c10"),
        (OTHER_ACCOUNT, "c1"),
    }


def test_more_keys_than_a_page_holds_are_all_listed(sandbox: Sandbox) -> None:
    sandbox.plant([logs(interval=1)])

    assert len(listed().objects) == 1440


def test_what_else_lies_there_is_listed_as_anothers(sandbox: Sandbox) -> None:
    sandbox.plant([logs(), put(f"{DAY}/notes.txt"), put(f"AWSLogs/{ACCOUNT}/CloudTrail/x.gz"),
                   put("AWSLogs/o-abc/x.gz")])  # fmt: skip
    found = listed()

    assert stamps(found) == FOUND
    assert [(one.key, one.counts) for one in found.refused] == [
        (f"{DAY}/notes.txt", False),
        ("AWSLogs/o-abc/", False),
    ]


def test_a_bucket_without_logs_is_an_empty_listing(sandbox: Sandbox) -> None:
    sandbox.plant([put("a/b.txt")])

    found = listed()
    assert found.objects == ()
    assert [(one.key, one.counts) for one in found.refused] == [("a/b.txt", False)]


def test_a_day_that_may_not_be_listed_counts_as_missing(sandbox: Sandbox) -> None:
    sandbox.plant([logs(days=2)])
    sandbox.fault({"kind": "deny", "operation": "ListObjectsV2", "resource": "2026/10/02/"})
    found = listed()

    assert stamps(found) == FOUND
    ((key, counts),) = [(one.key, one.counts) for one in found.refused]
    assert (key, counts) == (DAY.replace("10/01", "10/02/"), True)


def test_logs_below_a_prefix_that_may_not_be_listed_itself_are_found(sandbox: Sandbox) -> None:
    """As policies grant it: s3:prefix like `AWSLogs/*`."""
    sandbox.plant([logs("p")])
    sandbox.fault({"kind": "deny", "operation": "ListObjectsV2"})
    sandbox.clear_faults()
    sandbox.fault({"kind": "deny", "operation": "ListObjectsV2", "resource": "prefix=p/&"})

    assert listed("p") == Listing(listed("p/AWSLogs").objects, ())
    assert stamps(listed("p")) == FOUND


def test_where_nothing_may_be_listed_the_command_ends(sandbox: Sandbox) -> None:
    sandbox.fault({"kind": "deny", "operation": "ListObjectsV2"})

    with pytest.raises(StopError, match="s3:ListBucket denied") as stopped:
        listed()
    assert stopped.value.code == 3


def test_a_bucket_that_there_is_not_ends_the_command() -> None:
    with pytest.raises(StopError, match="NoSuchBucket") as stopped:
        BucketSource(BucketAccess("no-such-bucket")).list(FIRST, LAST)
    assert stopped.value.code == 2


def read(source: BucketSource, item: LogObject, curated: Path) -> tuple[str, int, str]:
    found = read_whole(source, item, curated)
    return found.status.value, found.records, found.reason


def test_objects_are_read_each_at_its_own_expense(sandbox: Sandbox, tmp_path: Path) -> None:
    keys = [item_of(hour).key for hour in range(3)]
    sandbox.plant([put(f"{DAY}/{key}", "a\nb\n") for key in keys])
    source = pickle.loads(pickle.dumps(BucketSource(BucketAccess(LOGS))))  # noqa: S301 - as workers get it
    items = source.list(FIRST, LAST).objects
    sandbox.fault({"kind": "deny", "operation": "GetObject", "resource": keys[1]})
    sandbox.client("s3").delete_object(Bucket=LOGS, Key=items[2].key)

    assert [read(source, item, tmp_path) for item in items] == [
        ("read", 2, ""),
        ("unreadable", 0, "s3:GetObject denied"),
        ("unreadable", 0, "gone since it was listed"),
    ]


def test_an_object_that_was_replaced_since_is_not_taken_for_the_one_listed(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    key = f"{DAY}/{item_of().key}"
    sandbox.plant([put(key, "a\n")])
    (item,) = listed().objects
    sandbox.client("s3").put_object(Bucket=LOGS, Key=key, Body=b"other")

    assert read(BucketSource(BucketAccess(LOGS)), item, tmp_path) == (
        "unreadable",
        0,
        "changed since it was listed",
    )


def test_opening_is_tried_again_while_s3_is_busy(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.plant([put(f"{DAY}/{item_of().key}", "a\n")])
    (item,) = listed().objects
    sandbox.fault({"kind": "throttle", "operation": "GetObject", "times": 1})

    assert read(BucketSource(BucketAccess(LOGS)), item, tmp_path) == ("read", 1, "")


def test_the_known_owner_goes_along_with_every_call(sandbox: Sandbox) -> None:
    sandbox.plant([logs()])
    mine = BucketDoor(BucketAccess(LOGS, owner=sandbox.server.account))
    other = BucketDoor(BucketAccess(LOGS, owner=OTHER_ACCOUNT))

    assert len(mine.below("AWSLogs/")) == 2
    for call in (lambda: other.below("AWSLogs/"), lambda: other.open(f"{DAY}/x")):
        with pytest.raises(AwsError) as refused:
            call()
        assert refused.value.denied


def test_the_reports_hand_reads_logs_and_nothing_else(sandbox: Sandbox) -> None:
    door = BucketDoor(BucketAccess(LOGS))
    with pytest.raises(AwsError, match="not among the operations of this hand"):
        door._reader().call("s3", "ListBuckets")


LINES = b"1\n" * 100_000


class Half(BaseHTTPRequestHandler):
    """Promises all lines and sends the first half, but for the one good answer."""

    good = 0
    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(LINES)))
        self.end_headers()
        self.wfile.write(LINES if self.asked == self.good else LINES[: len(LINES) // 2])
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@pytest.mark.parametrize(
    ("good", "status", "least"),
    [
        pytest.param(3, ObjectStatus.READ, 100_000, id="whole at last"),
        pytest.param(9, ObjectStatus.DAMAGED, 10_000, id="never whole"),
    ],
)
def test_a_body_that_breaks_off_is_read_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, good: int, status: ObjectStatus, least: int
) -> None:
    monkeypatch.setattr(Half, "good", good)
    monkeypatch.setattr(Half, "asked", 0)
    with ThreadingHTTPServer(("127.0.0.1", 0), Half) as server:
        serving = {"target": server.serve_forever, "kwargs": {"poll_interval": 0.01}}
        threading.Thread(**serving, daemon=True).start()  # type: ignore[arg-type]
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{server.server_port}")
        found = read_whole(BucketSource(BucketAccess(LOGS)), item_of(), tmp_path)
        server.shutdown()

    assert (found.status, Half.asked) == (status, 3)
    assert found.records >= least
    assert bool(found.sha256) is (status is ObjectStatus.READ)


def test_exports_in_a_bucket_are_known_by_what_lies_there(sandbox: Sandbox) -> None:
    message = "100|bob||create|0|0|0||7|9|Mon, 05 Oct 2026 07:00:00:123"
    sandbox.plant([put("exp/1/c1/000000.gz", f"2026-10-02T07:00:00.000Z {message}\n"), logs("rs")])
    exports = source_at(f"s3://{LOGS}/exp/")
    (item,) = exports.list(FIRST, LAST).objects

    assert (exports.name, item.log_type) == (f"s3://{LOGS}/exp/", "userlog")
    with exports.open(item) as stream:
        assert stream.read() == f"{message}\n".encode()
    assert source_at(f"s3://{LOGS}/rs") == BucketSource(BucketAccess(LOGS), "rs")


def test_a_role_is_assumed_first_with_its_external_id(sandbox: Sandbox) -> None:
    role = f"arn:aws:iam::{OTHER_ACCOUNT}:role/reads-logs"
    reader = {"do": "account", "account": OTHER_ACCOUNT, "reader": "reads-logs"}
    theirs = {"do": "bucket", "account": OTHER_ACCOUNT, "name": "their-logs"}
    sandbox.plant([reader | {"external_id": "trail"}, theirs])
    sandbox.forget_calls()
    BucketDoor(BucketAccess("their-logs", role_arn=role, external_id="trail")).below("AWSLogs/")
    asked = [(one["account"], f"{one['service']}:{one['operation']}") for one in sandbox.calls()]

    assert asked[0] == (sandbox.server.account, "sts:AssumeRole")
    assert set(asked[1:]) == {(OTHER_ACCOUNT, "s3:ListObjectsV2")}
