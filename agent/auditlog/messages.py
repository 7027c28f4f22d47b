"""Messages of CloudWatch Logs, out of exported text or JSON, as the lines they once were."""

from __future__ import annotations

import codecs
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from typing import Any, BinaryIO

from controls.semantics.log_keys import LOG_TYPES

BLOCK = 1 << 20
LONGEST = 16 << 20
"""Characters of one JSON document: Firehose hands on 6 MiB at most in one."""
WAITING = 1_000
"""Messages of no known log, held until one comes that can be told."""
STREAMS = 256
"""Streams in one object; more than that is no export of audit logs."""

_STAMP = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z "
_LINE = re.compile(rb"\n" + _STAMP)
_RECORD = re.compile(rb"\n" + _STAMP + rb"(?='\d{4}-)")
"""Of the activity log only what stands before a record: a line of SQL may begin with a time."""
_EDGE = 64
"""Bytes that a stamp and what must follow it fit into."""
_FIRST = re.compile(rb"\s*(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6})\d*)?Z ([^\n]*)")
_BLANK = re.compile(r"\s*")
_ACTIVITY = re.compile(r"'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ UTC \[ db=")


class BrokenExportError(OSError):
    """An export that ends before its time, or is no JSON from some place on."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of a stream; empty: not told. `first`: the time of its first message."""

    log_type: str = ""
    account: str = ""
    cluster: str = ""
    first: datetime | None = None


def streams_in(stream: BinaryIO, told: Told) -> list[Told]:
    """The streams that an object holds messages of, each once; none where there is no message.

    told: by the path. Text holds one; the log is told by the first message's form where the path
    does not. Raises BrokenExportError, and what reading raises.
    """
    blocks = _plain(stream)
    first = next(blocks, b"")
    if not first.lstrip().startswith(b"{"):
        found = _text_stream(first, told)
        return [found] if found else []
    by: dict[tuple[str, str, str], Told] = {}
    try:
        for one, _ in _messages(chain([first], blocks), told):
            if one.log_type:
                by.setdefault((one.account, one.cluster, one.log_type), one)
            if len(by) > STREAMS:
                break
    except BrokenExportError:
        if not by:
            raise
    if len(by) > STREAMS:
        raise BrokenExportError(f"it holds messages of more than {STREAMS} streams")
    return [by[key] for key in sorted(by)]


def plain_text(
    stream: BinaryIO, log_type: str, told: Told, account: str, cluster: str
) -> Iterator[bytes]:
    """The messages of one log and cluster, in pieces. Raises as `streams_in` does."""
    blocks = _plain(stream)
    first = next(blocks, b"")
    if not first.lstrip().startswith(b"{"):
        yield from _unstamped(chain([first], blocks), log_type)
        return
    for one, message in _assigned(_messages(chain([first], blocks), told)):
        stream_of = (one.log_type, one.account, one.cluster or "unknown")
        if stream_of == (log_type, account, cluster):
            yield _bytes(message) if message.endswith("\n") else _bytes(message) + b"\n"


def type_of(message: str) -> str:
    """The log a message is of, by its form; empty: of none.

    Forms: Redshift Management Guide, db-auditing: the user log has 11 columns and begins with a
    number, the connection log has 15 or more and begins with the event.
    """
    if _ACTIVITY.match(message):
        return "useractivitylog"
    columns = message.split("\n", 1)[0].split("|")
    if 9 <= len(columns) <= 13 and columns[0].strip().isdigit():
        return "userlog"
    if len(columns) >= 14 and not columns[0].strip().isdigit():
        return "connectionlog"
    return ""


class Pieces(io.RawIOBase):
    """A stream of what an iterator yields."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__()
        self._pieces = pieces
        self._left = memoryview(b"")

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """As much of the next piece as fits; 0 at the end."""
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._left = memoryview(piece)
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


def _plain(stream: BinaryIO) -> Iterator[bytes]:
    from agent.auditlog.blocks import DamagedError, Digest, plain_blocks  # noqa: PLC0415 - an extra

    try:
        yield from plain_blocks(stream, Digest(), BLOCK)
    except DamagedError as error:
        raise BrokenExportError(error.reason) from error


def _text_stream(first: bytes, told: Told) -> Told | None:
    found = _FIRST.match(first)
    if found is None:
        return None
    log_type = told.log_type or type_of(found[3].decode("utf-8", "replace"))
    when = datetime.fromisoformat(found[1].decode()).replace(tzinfo=UTC)
    return replace(told, log_type=log_type, first=when) if log_type else None


def _unstamped(blocks: Iterable[bytes], log_type: str) -> Iterator[bytes]:
    """Without the time before each message. A newline stands before what is held, so that the
    pattern finds the beginning of the first line as it finds those of all others."""
    pattern = _RECORD if log_type == "useractivitylog" else _LINE
    held, skip = b"\n", 1
    for block in blocks:
        data = held + block
        # A stamp may go on in the next block: its line is held, if it began just now.
        cut = data.rfind(b"\n", max(0, len(data) - _EDGE))
        cut = len(data) if cut < 0 else cut
        held = data[cut:]
        done = pattern.sub(b"\n", data[:cut])
        if done:
            yield done[skip:]
            skip = 0
    done = pattern.sub(b"\n", held)
    yield done[skip:] if done else b""


def _assigned(messages: Iterable[tuple[Told, str]]) -> Iterator[tuple[Told, str]]:
    """A message whose log cannot be told is of the one that its stream's last message was of, or of
    the first that can be told: there it is listed as bad, and not lost."""
    last: dict[tuple[str, str], str] = {}
    waiting: dict[tuple[str, str], list[tuple[Told, str]]] = {}
    for one, message in messages:
        stream = (one.account, one.cluster)
        if one.log_type:
            last[stream] = one.log_type
            for held, text in waiting.pop(stream, ()):
                yield replace(held, log_type=one.log_type), text
            yield one, message
        elif stream in last:
            yield replace(one, log_type=last[stream]), message
        else:
            waiting.setdefault(stream, []).append((one, message))
            if sum(map(len, waiting.values())) > WAITING:
                raise BrokenExportError("it begins with messages of no audit log")


def _messages(blocks: Iterable[bytes], told: Told) -> Iterator[tuple[Told, str]]:
    """Each message of the JSON documents, with whose it is."""
    for document in _documents(blocks):
        if document.get("messageType") == "CONTROL_MESSAGE":
            continue  # Firehose's own, to try out a subscription
        stream = _stream_of(document, told)
        events = document.get("logEvents", (document,))
        for event in events if isinstance(events, list | tuple) else (events,):
            named = event if isinstance(event, Mapping) else {}
            # What is no message is handed on as it is, to be listed as bad.
            message = named.get("message")
            message = message if isinstance(message, str) else json.dumps(event)
            log_type = stream.log_type or type_of(message)
            yield replace(stream, log_type=log_type, first=_time(named.get("timestamp"))), message


def _stream_of(document: Mapping[str, Any], told: Told) -> Told:
    """What a document says of its stream, else what the path does."""
    group = str(document.get("logGroup") or document.get("log_group") or "")
    stream = str(document.get("logStream") or document.get("log_stream") or "")
    owner = str(document.get("owner") or "")
    last = group.rsplit("/", 1)[-1]
    return Told(
        log_type=last if last in LOG_TYPES else told.log_type,
        account=owner if re.fullmatch(r"\d{12}", owner, re.ASCII) else told.account,
        cluster=re.sub(r"[^A-Za-z0-9-]+", "-", stream)[:128] or told.cluster,
    )


def _documents(blocks: Iterable[bytes]) -> Iterator[Mapping[str, Any]]:
    """JSON objects one after the other, whatever white space is between them."""
    decode = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    decoder = json.JSONDecoder()
    held = ""
    for block in chain(blocks, [None]):
        held += decode.decode(block or b"", final=block is None)
        at = 0
        while True:
            blank = _BLANK.match(held, at)
            at = blank.end() if blank else at
            if at >= len(held):
                break
            try:
                document, at = decoder.raw_decode(held, at)
            except (ValueError, RecursionError) as error:
                if block is None or len(held) - at > LONGEST or isinstance(error, RecursionError):
                    raise BrokenExportError("from some place on it is no JSON") from error
                break
            # What is no object is no event either: handed on as a message, to be listed as bad.
            is_object = isinstance(document, Mapping)
            yield document if is_object else {"message": json.dumps(document)}
        held = held[at:]


def _time(value: Any) -> datetime | None:
    """Of milliseconds since 1970, or ISO text."""
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value / 1000, UTC)
        when = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _bytes(message: str) -> bytes:
    try:
        return message.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return message.encode("utf-8", "backslashreplace")
