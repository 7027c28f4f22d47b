"""Reads what an AWS request asks for, and writes errors in the form its protocol demands."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs, unquote
from xml.sax.saxutils import escape

from agent.sandbox.accounts import ACCOUNTS
from agent.sandbox.s3_operations import bucket_and_key, operation_of

_SCOPE = re.compile(r"Credential=([^/]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
_BOTO_NAMES = {"monitoring": "cloudwatch"}
_QUERY_SERVICES = {"redshift", "iam", "sts", "sns", "cloudformation", "elasticloadbalancing"}
_REQUEST_ID = "7a1c5a3e-5f0e-4a52-9f6d-0b5f0d1f7c11"

Environ = dict[str, Any]


class Protocol(StrEnum):
    """How a service says things on the wire."""

    QUERY = "query"
    EC2 = "ec2"
    S3 = "rest-xml"
    JSON = "json"
    CBOR = "rpc-v2-cbor"


@dataclass(frozen=True, slots=True)
class Asked:
    """One AWS request, named as boto3 names it. `text` is its path, query and small body."""

    account: str
    access_key: str
    region: str
    service: str
    operation: str
    protocol: Protocol
    method: str
    bucket: str
    text: str
    form: dict[str, list[str]]
    query_mode: bool = False

    @property
    def json_words(self) -> bool:
        """Whether errors have JSON's names; a service that once spoke query keeps query's."""
        return self.protocol is Protocol.JSON and not self.query_mode


def read(environ: Environ) -> Asked:
    """The request in an environ whose body is kept readable for the application behind."""
    match = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    access_key, region, signing = match.groups() if match else ("", "us-east-1", "s3")
    body = _body(environ)
    path = unquote(environ.get("PATH_INFO", "/"))
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    service = _service(signing, path)
    protocol = _protocol(service, environ)
    text = body[:65536].decode("utf-8", "replace")
    form = parse_qs(text) if protocol in (Protocol.QUERY, Protocol.EC2) else {}
    bucket = bucket_and_key(path)[0] if service == "s3" else ""
    return Asked(
        account=ACCOUNTS.of_key(access_key),
        access_key=access_key,
        region=region,
        service=service,
        operation=_operation(service, protocol, environ, path, query, form),
        protocol=protocol,
        method=environ["REQUEST_METHOD"],
        bucket=bucket,
        text=f"{path}?{unquote(environ.get('QUERY_STRING', ''))} {unquote(text)}",
        form=form,
        query_mode="HTTP_X_AMZN_QUERY_MODE" in environ,
    )


def _body(environ: Environ) -> bytes:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body: bytes = environ["wsgi.input"].read(length) if length else b""
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _service(signing: str, path: str) -> str:
    if signing == "s3" and path.startswith("/v20180820/"):
        return "s3control"
    return _BOTO_NAMES.get(signing, signing)


def _protocol(service: str, environ: Environ) -> Protocol:
    if "HTTP_SMITHY_PROTOCOL" in environ:
        return Protocol.CBOR
    if service in ("s3", "s3control"):
        return Protocol.S3
    if service == "ec2":
        return Protocol.EC2
    form = environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")
    return Protocol.QUERY if form or service in _QUERY_SERVICES else Protocol.JSON


def _operation(
    service: str,
    protocol: Protocol,
    environ: Environ,
    path: str,
    query: dict[str, list[str]],
    form: dict[str, list[str]],
) -> str:
    if service in ("s3", "s3control"):
        return operation_of(environ["REQUEST_METHOD"], path, query)
    if protocol in (Protocol.QUERY, Protocol.EC2):
        return form.get("Action", query.get("Action", [""]))[0]
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return str(target).rpartition(".")[2]
    last = path.rstrip("/").rpartition("/")[2]
    return last[:1].upper() + last[1:]


# ---------------------------------------------------------------- errors


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole HTTP reply."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def error(
    asked: Asked, code: str, message: str, status: int, *extra: tuple[str, str], detail: str = ""
) -> Reply:
    """An error as `asked`'s service writes it, so that botocore finds `code` in it.

    `extra` are further headers; `detail` is XML to stand inside an S3 error.
    """
    headers = (("x-amzn-RequestId", _REQUEST_ID), *extra)
    if asked.query_mode:
        headers = (*headers, ("x-amzn-query-error", f"{code};Sender"))
    if asked.method == "HEAD":
        return Reply(status, (*headers, ("Content-Type", "application/xml")), b"")
    match asked.protocol:
        case Protocol.JSON:
            return Reply(
                status,
                (
                    *headers,
                    ("x-amzn-ErrorType", code),
                    ("Content-Type", "application/x-amz-json-1.1"),
                ),
                json.dumps({"__type": code, "message": message}).encode(),
            )
        case Protocol.CBOR:
            return Reply(
                status,
                (
                    *headers,
                    ("smithy-protocol", "rpc-v2-cbor"),
                    ("Content-Type", "application/cbor"),
                ),
                b"\xa2" + b"".join(map(_cbor, ("__type", code, "message", message))),
            )
        case _:
            return Reply(
                status,
                (*headers, ("Content-Type", "text/xml")),
                _xml(asked.protocol, code, message, detail).encode(),
            )


def _xml(protocol: Protocol, code: str, message: str, detail: str) -> str:
    inner = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    match protocol:
        case Protocol.S3:
            said = (
                f"<Error>{inner}{detail}<RequestId>{_REQUEST_ID}</RequestId>"
                "<HostId>sandbox</HostId></Error>"
            )
        case Protocol.EC2:
            said = (
                f"<Response><Errors><Error>{inner}</Error></Errors>"
                f"<RequestID>{_REQUEST_ID}</RequestID></Response>"
            )
        case _:
            said = (
                f"<ErrorResponse><Error><Type>Sender</Type>{inner}</Error>"
                f"<RequestId>{_REQUEST_ID}</RequestId></ErrorResponse>"
            )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{said}'


def _cbor(text: str) -> bytes:
    """A CBOR text string (RFC 8949, major type 3)."""
    data = text.encode()
    if len(data) < 24:
        return bytes([0x60 + len(data)]) + data
    return b"\x79" + len(data).to_bytes(2, "big") + data
