"""A bucket policy as text that goes back as it came: only the statements of our own are changed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from controls.change import Json
from controls.model import CannotTellError
from controls.semantics.policy import parse_policy

LIMIT = 20_480
"""Bytes of a bucket policy (S3 User Guide, add-bucket-policy: 20 KB).

S3 counts a normalised form that is not documented; we count what we send, which has no blanks.
"""

VERSION = "2012-10-17"
"""Of a policy that we begin; one that is there keeps its own, or none."""

_DELETED = re.compile(r"(AIDA|AROA)[A-Z0-9]{8,}")


def read_policy(text: str) -> dict[str, Any]:
    """The policy as JSON, if writing it again gives what was read.

    Raises:
        CannotTellError: not a policy, a key twice, or a number that would come out otherwise.
    """
    parse_policy(text)
    document: dict[str, Any] = json.loads(
        text, parse_float=_float, parse_int=_int, parse_constant=_unlike
    )
    return document


def write_policy(document: Mapping[str, Any]) -> str:
    """The policy as it is sent. Raises CannotTellError for text that is no Unicode."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise CannotTellError("it holds half a character, which cannot be sent") from error
    return text


def statements(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The statements; a single one need not stand in a list."""
    listed = document["Statement"]
    return list(listed) if isinstance(listed, list) else [listed]


def find(document: Mapping[str, Any] | None, sid: str) -> dict[str, Any] | None:
    """The statement of that Sid. Raises CannotTellError where several bear it."""
    found = [one for one in statements(document) if one.get("Sid") == sid] if document else []
    if len(found) > 1:
        raise CannotTellError(f"{len(found)} statements have the Sid {sid}")
    return found[0] if found else None


def with_statement(document: Mapping[str, Any] | None, ours: Mapping[str, Json]) -> dict[str, Any]:
    """The policy with our statement: in the place of the one of its Sid, else behind all others."""
    if document is None:
        return {"Version": VERSION, "Statement": [dict(ours)]}
    listed = statements(document)
    sids = [one.get("Sid") for one in listed]
    if ours["Sid"] in sids:
        listed[sids.index(ours["Sid"])] = dict(ours)
    else:
        listed.append(dict(ours))
    return {**document, "Statement": listed}


def deleted_principals(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(statement, unique id) of principals that were deleted in IAM.

    S3 shows their unique ids in place of their ARNs, and refuses a policy with such an id as
    MalformedPolicy (S3 User Guide, s3-bucket-user-policy-specifying-principal-intro).
    """
    for statement in parse_policy(document):
        for name in statement.principals.of("AWS") if statement.principals else ():
            if _DELETED.fullmatch(name):
                yield statement.name, name


def _float(text: str) -> float:
    return float(text) if repr(float(text)) == text else _unlike(text)


def _int(text: str) -> int:
    return int(text) if str(int(text)) == text else int(_unlike(text))


def _unlike(text: str) -> float:
    raise CannotTellError(f"it holds the number {text}, which would be written otherwise")
