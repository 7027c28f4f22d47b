"""Whether the body of an answer is the one that AWS's model promises, before botocore reads it.

botocore is lenient: what it does not find is absent, and what it does not know is dropped. Both
would read as "not configured", or make a narrow rule a wide one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

from botocore.model import OperationModel, Shape, StructureShape

from agent.aws.translate import NotFromAwsError, NotUnderstoodError

_ROOTS = {
    "s3:GetBucketAcl": "AccessControlPolicy",
    "s3:GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    "s3:GetBucketTagging": "Tagging",
    "s3:GetBucketVersioning": "VersioningConfiguration",
    "s3:ListBuckets": "ListAllMyBucketsResult",
    "s3:ListObjectsV2": "ListBucketResult",
}
"""Root elements that the service model does not name (Amazon S3 API Reference, response syntax)."""

_CONFIGURATIONS = frozenset(
    {
        "s3:GetBucketEncryption",
        "s3:GetBucketLifecycleConfiguration",
        "s3:GetBucketVersioning",
        "s3:GetObjectLockConfiguration",
        "s3:GetPublicAccessBlock",
        "s3control:GetPublicAccessBlock",
    }
)
"""Small documents in which an element that is not read can turn the meaning round."""

WITHOUT_BODY = frozenset(
    {
        "logs:CreateLogGroup",
        "logs:DeleteRetentionPolicy",
        "logs:PutRetentionPolicy",
        "s3:DeleteBucketEncryption",
        "s3:DeleteBucketLifecycle",
        "s3:DeleteBucketPolicy",
        "s3:DeletePublicAccessBlock",
        "s3:PutBucketEncryption",
        "s3:PutBucketLifecycleConfiguration",
        "s3:PutBucketPolicy",
        "s3:PutObject",
        "s3:PutPublicAccessBlock",
    }
)
"""Writes that AWS answers with nothing but a status (API References, response syntax). An answer to
a question is never without a body: what is cut off must not read as "none"."""

MAY_BE_EMPTY = WITHOUT_BODY | {"s3:GetBucketVersioning"}
"""A bucket that never had versioning answers with an empty root (Amazon S3 API Reference,
GetBucketVersioning). Everywhere else AWS names an absence by an error code or an empty list."""

_FIRST_TAG = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?.*?\?>\s*|<!--.*?-->\s*)*<(?:[\w.-]+:)?([\w.-]+)[\s/>]", re.DOTALL
)
_HEAD = 1024
"""Bytes in which the root element must begin."""


@dataclass(frozen=True, slots=True)
class _Known:
    """The elements that botocore reads inside another, and whether each may come repeatedly."""

    children: Mapping[str, tuple[_Known, bool]]


_KNOWN: dict[str, _Known] = {}
"""Of each configuration, once read from the service model: every client has its own model, and
deriving this per answer costs ten times the comparison."""


def refuse_foreign_body(
    operation_model: OperationModel, response_dict: Mapping[str, Any], **_: Any
) -> None:
    """Raise unless a 2xx answer has the root, or the form, that its operation has.

    A "before-parse" handler of botocore. Well-formedness is botocore's to find, which parses the
    whole body anyway; here is no second parsing but of the small S3 configurations. Raises
    NotFromAwsError, NotUnderstoodError.
    """
    body, status = response_dict.get("body"), int(response_dict["status_code"])
    if not isinstance(body, bytes):
        return
    if _is_html(body):
        raise NotFromAwsError(status, f"HTTP {status} with a page of HTML instead of an answer")
    if status >= 300:
        return
    name = f"{operation_model.service_model.service_name}:{operation_model.name}"
    if not body and name in WITHOUT_BODY:
        return
    match operation_model.service_model.resolved_protocol:
        case "query" | "ec2":
            _refuse_root(body, status, f"{operation_model.name}Response")
        case "rest-xml":
            _refuse_rest_xml(body, status, name, operation_model.output_shape)
        case "json" | "rest-json":
            _refuse_but_object(body, status)
        case _ if not body:
            raise NotFromAwsError(status, f"HTTP {status} with an empty answer")


def _refuse_rest_xml(body: bytes, status: int, name: str, shape: StructureShape) -> None:
    """A payload is the document itself; other roots stand in the table, or are the shape's name.

    Moto, and so the sandbox, has `<GetBucketVersioningResponse>` and the like for the latter.
    """
    member = shape.serialization.get("payload")
    content: Shape = shape.members[member] if member else shape
    if content.type_name != "structure":
        # GetBucketPolicy: the policy and nothing around it. Whether it is one is judged, and told
        # better, by those who read policies.
        if not body.strip() or body.lstrip().startswith(b"<"):
            raise NotFromAwsError(status, f"HTTP {status} with no policy document")
        return
    if member:
        _refuse_root(body, status, content.serialization.get("name", member))
    else:
        operation = name.partition(":")[2]
        _refuse_root(body, status, _ROOTS.get(name, shape.name), f"{operation}Response")
    if name in _CONFIGURATIONS:
        _refuse_unread(body, status, name, content)


def _refuse_root(body: bytes, status: int, *roots: str) -> None:
    first = _FIRST_TAG.match(body[:_HEAD])
    found = first.group(1).decode("ascii", "replace")[:80] if first else ""
    if found not in roots:
        what = f"the element {found}" if found else "a body that is no XML" if body else "nothing"
        raise NotFromAwsError(status, f"HTTP {status} with {what} instead of {roots[0]}")


def _refuse_but_object(body: bytes, status: int) -> None:
    """By its ends: what is wrong between them, botocore or the reader of the document finds."""
    if not (body[:_HEAD].lstrip().startswith(b"{") and body[-_HEAD:].rstrip().endswith(b"}")):
        what = "a body that is no JSON object" if body.strip() else "an empty body"
        raise NotFromAwsError(status, f"HTTP {status} with {what}")


def _refuse_unread(body: bytes, status: int, name: str, shape: Shape) -> None:
    try:
        root = ET.fromstring(body)  # noqa: S314 - a DOCTYPE, and so any entity, was refused above
    except ET.ParseError as error:
        raise NotFromAwsError(status, f"HTTP {status} with XML that breaks off: {error}") from error
    if not len(root) and name not in MAY_BE_EMPTY:
        raise NotFromAwsError(status, f"HTTP {status} with an empty {_tag(root)}")
    known = _KNOWN.get(name) or _KNOWN.setdefault(name, _known(shape))
    for unread in _unread(root, known):
        raise NotUnderstoodError(
            status,
            f"S3 answered with {unread}, which this version does not know: "
            "upgrade botocore and Trailkeeper",
        )


def _unread(node: ET.Element, known: _Known) -> Iterator[str]:
    """What botocore's XML parser would drop below this node, in words."""
    if known.children and (node.text or "").strip():
        yield f"text in the element {_tag(node)}"
    seen = set()
    for child in node:
        tag = _tag(child)
        if tag not in known.children:
            yield f"the element {tag}"
            return
        below, many = known.children[tag]
        if tag in seen and not many:
            yield f"more than one element {tag}"
        seen.add(tag)
        yield from _unread(child, below)


def _known(shape: Shape) -> _Known:
    match shape.type_name:
        case "structure":
            members = _members(shape)
        case "list":
            members = {shape.member.serialization.get("name", "member"): (shape.member, True)}
        case _:
            members = {}
    return _Known({tag: (_known(below), many) for tag, (below, many) in members.items()})


def _members(shape: StructureShape) -> dict[str, tuple[Shape, bool]]:
    """The shape of each element's name, and whether it may come more than once."""
    members = {}
    for name, member in shape.members.items():
        if "location" in member.serialization:
            continue  # a header
        own = member.serialization.get("name", name)
        if member.type_name == "list" and member.serialization.get("flattened"):
            item = member.member
            members[item.serialization.get("name", own)] = (item, True)
        else:
            members[own] = (member, False)
    return members


def _tag(node: ET.Element) -> str:
    return node.tag.rpartition("}")[2][:80]


def _is_html(body: bytes) -> bool:
    head = body[:512].lstrip().lower()
    return head.startswith(b"<") and (b"<html" in head or b"<!doctype html" in head)
