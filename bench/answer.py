"""HTTP answers as bytes, in the few shapes that AWS's protocols have."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

Params: TypeAlias = Mapping[str, Any]


class Answer(NamedTuple):
    """Head and body; the server puts the date (ending the head) between them."""

    head: bytes
    body: bytes


Handler: TypeAlias = Callable[[Params], Answer]
Handlers: TypeAlias = dict[tuple[str, str], Handler]
"""How each (service, operation) is answered."""

REQUEST_ID = "5b8c3c1e-0000-4000-8000-000000000001"

_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 501: "Not Implemented"}


def answer(body: bytes, *, content_type: str = "text/xml", status: int = 200) -> Answer:
    """A whole answer but for its date."""
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: {content_type}\r\n"
        f"x-amz-request-id: {REQUEST_ID}\r\nx-amzn-RequestId: {REQUEST_ID}\r\n"
        f"Content-Length: {len(body)}\r\n"
    )
    return Answer(head.encode(), body)


def query(namespace: str, operation: str, result: bytes) -> Answer:
    """An answer of the query protocol (Redshift, IAM, STS)."""
    opening = f'<{operation}Response xmlns="{namespace}"><{operation}Result>'
    closing = (
        f"</{operation}Result><ResponseMetadata><RequestId>{REQUEST_ID}</RequestId>"
        f"</ResponseMetadata></{operation}Response>"
    )
    return answer(opening.encode() + result + closing.encode())


def query_error(code: str, status: int = 404) -> Answer:
    """An error of the query protocol."""
    body = (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>"
        f"<Message>There is no such thing here.</Message></Error>"
        f"<RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
    )
    return answer(body.encode(), status=status)


def rest_error(code: str, status: int = 404) -> Answer:
    """An error of the REST-XML protocol (S3)."""
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code>'
        f"<Message>There is no such thing here.</Message>"
        f"<RequestId>{REQUEST_ID}</RequestId></Error>"
    )
    return answer(body.encode(), content_type="application/xml", status=status)


def rest(body: str) -> Answer:
    """An answer of the REST-XML protocol (S3)."""
    document = f'<?xml version="1.0" encoding="UTF-8"?>{body}'
    return answer(document.encode(), content_type="application/xml")


def from_json(document: Mapping[str, Any], status: int = 200) -> Answer:
    """An answer of the JSON protocols."""
    body = json.dumps(document, separators=(",", ":")).encode()
    return answer(body, content_type="application/x-amz-json-1.1", status=status)


def always(reply: Answer) -> Handler:
    """The same answer whatever is asked."""
    return lambda _: reply


def chosen(param: str, replies: Mapping[str, Answer], otherwise: Answer) -> Handler:
    """The answer prepared for the value of one parameter."""
    return lambda params: replies.get(params.get(param, ""), otherwise)
