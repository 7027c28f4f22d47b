"""The plain bytes of a stored log object, in blocks, whatever its size and its damage."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from isal import igzip_lib

MAX_RECORD = 16 << 20
"""Bytes of the longest record that is held, its header apart: Redshift's longest statement. The
rest of a longer one is left out, and the record flagged as cut."""

MAGIC = b"\x1f\x8b"
STORED_CHUNK = 256 << 10
PLAIN_CHUNK = 64 << 10
"""What one call gunzips: so much at most is lost before a place where the bytes are corrupt."""
_CORRUPT: type[Exception] = igzip_lib.IsalError  # type: ignore[assignment]  # its stub: a value
TRAILER = 8
"""Checksum and length at the end of a gzip member: fed last, so that a wrong one costs no data."""


class DamagedError(Exception):
    """The stored bytes are not what they should be; what precedes the damage has been yielded.

    reason: one phrase for a person.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class Digest:
    """What has passed: filled while an object is streamed. Counts are bytes.

    is_whole: every stored byte has been read, so that `sha256` is that of the object.
    is_gzip: it began as gzip does; None before its first bytes.
    """

    stored: int = 0
    plain: int = 0
    is_whole: bool = False
    is_gzip: bool | None = None
    hashed: hashlib._Hash = field(default_factory=hashlib.sha256)

    @property
    def sha256(self) -> str:
        """Of the stored bytes, hexadecimal; empty before all of them were read."""
        return self.hashed.hexdigest() if self.is_whole else ""


def plain_blocks(stream: BinaryIO, seen: Digest, size: int = 4 << 20) -> Iterator[bytes]:
    """The object's plain bytes in blocks of `size`, the last one shorter.

    All members of a gzip; an object that does not begin as one is passed through. Raises
    DamagedError after everything that could be salvaged, when `seen` knows the whole object; what
    `stream.read` raises is passed on.
    """
    stored = _stored(stream, seen)
    first = _first(stored)
    seen.is_gzip = bool(first) and MAGIC.startswith(first[: len(MAGIC)])
    pieces = _gunzipped(first, stored) if seen.is_gzip else _passed(first, stored)
    held: list[bytes] = []
    length = 0
    damage: DamagedError | None = None
    try:
        for piece in pieces:
            held.append(piece)
            length += len(piece)
            seen.plain += len(piece)
            while length >= size:
                whole = b"".join(held)
                yield whole[:size]
                held = [whole[size:]]
                length -= size
    except DamagedError as error:
        damage = error
    if length:
        yield b"".join(held)
    if damage is not None:
        for _ in stored:
            pass
        raise damage


def _stored(stream: BinaryIO, seen: Digest) -> Iterator[bytes]:
    """The stored bytes, hashed and counted."""
    while chunk := stream.read(STORED_CHUNK):
        seen.hashed.update(chunk)
        seen.stored += len(chunk)
        yield chunk
    seen.is_whole = True


def _first(stored: Iterator[bytes]) -> bytes:
    """As many bytes as tell gzip from text, or all there are."""
    first = b""
    while len(first) < len(MAGIC) and (chunk := next(stored, b"")):
        first += chunk
    return first


def _passed(first: bytes, stored: Iterator[bytes]) -> Iterator[bytes]:
    """A plain-text object as it is."""
    if first:
        yield first
    yield from stored


def _held_back(first: bytes, stored: Iterator[bytes]) -> Iterator[bytes]:
    """The stored bytes, of which the last few come by themselves."""
    held = first
    for chunk in stored:
        whole = held + chunk
        yield whole[:-TRAILER]
        held = whole[-TRAILER:]
    yield held[:-TRAILER]
    yield held[-TRAILER:]


def _gunzipped(first: bytes, stored: Iterator[bytes]) -> Iterator[bytes]:
    """Member after member. Raises DamagedError where the gzip breaks."""
    unzip = _member()
    is_begun = False  # some bytes of this member were fed
    rest = b""  # what follows a member's end
    for chunk in _held_back(first, stored):
        data = rest + chunk
        rest = b""
        while data or (is_begun and not unzip.needs_input):
            if not is_begun:
                data = data.lstrip(b"\0")  # padding between members, as gzip allows
                if len(data) < len(MAGIC):
                    break
                if not data.startswith(MAGIC):
                    raise DamagedError("there are bytes after the end of the gzip")
                is_begun = True
            yield from _unzipped(unzip, data)
            data = b""
            if unzip.eof:
                data, unzip, is_begun = unzip.unused_data, _member(), False
        rest = data
    if is_begun or len(first) < len(MAGIC):
        raise DamagedError("the gzip is truncated")
    if rest.strip(b"\0"):
        raise DamagedError("there are bytes after the end of the gzip")


def _member() -> igzip_lib.IgzipDecompressor:
    return igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)


def _unzipped(unzip: igzip_lib.IgzipDecompressor, data: bytes) -> Iterator[bytes]:
    """What these bytes give, a little at a time. Raises DamagedError where they are corrupt."""
    while True:
        try:
            plain = unzip.decompress(data, PLAIN_CHUNK)
        except _CORRUPT as error:
            raise DamagedError(f"the gzip is corrupt: {error}") from error
        if plain:
            yield plain
        data = b""
        if unzip.eof or unzip.needs_input:
            return
