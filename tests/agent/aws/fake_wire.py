"""A server that speaks just enough of AWS's wire format, over real HTTP, for the door's tests."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

_SCOPE = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")
_S3 = {
    "versioning": "GetBucketVersioning",
    "policy": "GetBucketPolicy",
    "lifecycle": "GetBucketLifecycleConfiguration",
    "encryption": "GetBucketEncryption",
    "object-lock": "GetObjectLockConfiguration",
    "publicAccessBlock": "GetPublicAccessBlock",
    "list-type": "ListObjectsV2",
}


@dataclass(frozen=True)
class Seen:
    """One request as it came in. `key` is the access key that it was signed with."""

    key: str
    region: str
    service: str
    operation: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    path: str

    @property
    def name(self) -> str:
        return f"{self.service}:{self.operation}"


@dataclass(frozen=True)
class Reply:
    """What goes back: `hang` seconds late, or not at all where the connection is cut."""

    body: str | bytes
    status: int = 200
    content_type: str = "text/xml"
    hang: float = 0.0
    cut: bool = False
    date: float | None = None


Answer = Callable[[Seen], Reply]


@dataclass
class Wire:
    """A running fake: where it is, and what it was asked."""

    url: str
    seen: list[Seen] = field(default_factory=list)

    def count(self, name: str) -> int:
        return sum(one.name == name for one in self.seen)


@contextmanager
def fake_wire(answer: Answer) -> Iterator[Wire]:
    """Serve `answer` on 127.0.0.1 until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(answer))
    server.daemon_threads = True
    server.wire = Wire(f"http://127.0.0.1:{server.server_address[1]}")  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.wire  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(answer: Answer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            seen = read(self.path, self.headers, self.rfile.read(length))
            self.server.wire.seen.append(seen)  # type: ignore[attr-defined]
            reply = answer(seen)
            if reply.hang:
                threading.Event().wait(reply.hang)
            if reply.cut:
                self.close_connection = True
                return
            body = reply.body.encode() if isinstance(reply.body, str) else reply.body
            self.send_response_only(reply.status)
            self.send_header("Date", self.date_time_string(reply.date))
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self.do_POST()

        def do_HEAD(self) -> None:
            self.do_POST()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    return Handler


def read(path: str, headers: Message[str, str], body: bytes) -> Seen:
    """Which operation this is, and whose key signed it."""
    scope = _SCOPE.search(headers.get("Authorization") or "")
    key, region, service = scope.groups() if scope else ("", "", "")
    parts = urlsplit(path)
    query = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
    target = headers.get("X-Amz-Target") or ""
    if target:
        operation, params = target.rpartition(".")[2], json.loads(body or b"{}")
    elif service == "s3" and "s3-control" not in path and "/v20180820/" not in path:
        bucket = unquote(parts.path.strip("/")).split("/")[0]
        known = next((_S3[name] for name in query if name in _S3), "HeadBucket")
        operation = known if bucket else "ListBuckets"
        params = {"Bucket": bucket, **query}
    elif "/v20180820/" in path:
        service, operation, params = "s3control", "GetPublicAccessBlock", query
    else:
        params = {k: v[0] for k, v in parse_qs(body.decode()).items()}
        operation = params.pop("Action", "")
    return Seen(key, region, service, operation, params, dict(headers.items()), parts.path)


# ---------------------------------------------------------------- answers in AWS's own form


def query_xml(operation: str, inner: str) -> Reply:
    """A good answer of the query protocol."""
    return Reply(
        f"<{operation}Response><{operation}Result>{inner}</{operation}Result>"
        f"<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{operation}Response>"
    )


def query_error(code: str, status: int = 400, message: str = "said no") -> Reply:
    """An error of the query protocol."""
    return Reply(
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>"
        f"<Message>{message}</Message></Error><RequestId>r</RequestId></ErrorResponse>",
        status,
    )


def s3_error(code: str, status: int) -> Reply:
    """An error of S3."""
    return Reply(f"<Error><Code>{code}</Code><Message>said no</Message></Error>", status)


def account_of(key: str) -> str:
    """The account of a key that `identity` handed out, or of a test's base key."""
    return key[-12:]


def identity(seen: Seen) -> Reply | None:
    """STS: each key belongs to the account that its last twelve digits name."""
    if seen.name == "sts:GetCallerIdentity":
        account = account_of(seen.key)
        return query_xml(
            "GetCallerIdentity",
            f"<Arn>arn:aws:iam::{account}:user/me</Arn><UserId>u</UserId>"
            f"<Account>{account}</Account>",
        )
    if seen.name == "sts:AssumeRole":
        account = seen.params["RoleArn"].split(":")[4]
        return query_xml(
            "AssumeRole",
            f"<Credentials><AccessKeyId>ASIA{account}</AccessKeyId><SecretAccessKey>s"
            "</SecretAccessKey><SessionToken>t</SessionToken>"
            "<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials><AssumedRoleUser>"
            f"<Arn>arn:aws:sts::{account}:assumed-role/audit/trailkeeper</Arn>"
            "<AssumedRoleId>r</AssumedRoleId></AssumedRoleUser>",
        )
    return None


def clusters(*names: str, marker: str = "") -> Reply:
    """DescribeClusters."""
    inner = "".join(
        f"<Cluster><ClusterIdentifier>{name}</ClusterIdentifier></Cluster>" for name in names
    )
    tail = f"<Marker>{marker}</Marker>" if marker else ""
    return query_xml("DescribeClusters", f"<Clusters>{inner}</Clusters>{tail}")


def logging_status(bucket: str) -> Reply:
    """DescribeLoggingStatus: on, to that bucket."""
    return query_xml(
        "DescribeLoggingStatus",
        f"<LoggingEnabled>true</LoggingEnabled><BucketName>{bucket}</BucketName>",
    )


def buckets(**regions: str) -> Reply:
    """ListBuckets: bucket (with _ for -) to its region."""
    inner = "".join(
        f"<Bucket><Name>{name.replace('_', '-')}</Name><BucketRegion>{region}</BucketRegion>"
        "</Bucket>"
        for name, region in regions.items()
    )
    return Reply(f"<ListAllMyBucketsResult><Buckets>{inner}</Buckets></ListAllMyBucketsResult>")


def versioning(status: str = "Enabled") -> Reply:
    """GetBucketVersioning."""
    return Reply(f"<VersioningConfiguration><Status>{status}</Status></VersioningConfiguration>")
