"""The plain bytes of an object: whole, damaged, of several members, or no gzip at all."""

from __future__ import annotations

import gzip
import hashlib
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.auditlog.blocks import DamagedError, Digest, plain_blocks

TEXT = b"".join(
    b"line %d of a log, %s\n" % (n, hashlib.sha256(b"%d" % n).hexdigest()[:12].encode())
    for n in range(9000)
)
PACKED = gzip.compress(TEXT, mtime=0)


def taken(stored: bytes, size: int = 4 << 20) -> tuple[bytes, str, Digest]:
    """The plain bytes, the reason of the damage, and what was counted."""
    seen, found, reason = Digest(), [], ""
    try:
        found.extend(plain_blocks(io.BytesIO(stored), seen, size))
    except DamagedError as error:
        reason = error.reason
    return b"".join(found), reason, seen


def flipped(stored: bytes, at: int) -> bytes:
    """One byte of it changed."""
    changed = bytearray(stored)
    changed[at] ^= 0x55
    return bytes(changed)


@pytest.mark.parametrize(
    ("stored", "plain"),
    [
        pytest.param(PACKED, TEXT, id="one-member"),
        pytest.param(PACKED + gzip.compress(b"more"), TEXT + b"more", id="two-members"),
        pytest.param(gzip.compress(b"") + PACKED, TEXT, id="an-empty-member-first"),
        pytest.param(PACKED + b"\0" * 40, TEXT, id="padding-behind"),
        pytest.param(TEXT, TEXT, id="plain-text"),
        pytest.param(b"x", b"x", id="one-byte"),
        pytest.param(b"", b"", id="no-byte"),
        pytest.param(gzip.compress(b""), b"", id="a-gzip-of-nothing"),
    ],
)
def test_whatever_is_whole_comes_out_whole(stored: bytes, plain: bytes) -> None:
    found, reason, seen = taken(stored)

    assert (found, reason) == (plain, "")
    assert (seen.stored, seen.plain) == (len(stored), len(plain))
    assert seen.sha256 == hashlib.sha256(stored).hexdigest()


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        pytest.param(PACKED[:-3], "the gzip is truncated", id="in-its-checksum"),
        pytest.param(flipped(PACKED, -6), "the gzip is corrupt", id="a-wrong-checksum"),
        pytest.param(PACKED + b"junk", "there are bytes after the end of the gzip", id="junk"),
        pytest.param(PACKED + PACKED[:12], "the gzip is truncated", id="in-the-second-member"),
    ],
)
def test_damage_behind_the_data_costs_none_of_it(stored: bytes, reason: str) -> None:
    found, told, seen = taken(stored)

    assert found == TEXT
    assert told.startswith(reason)
    assert seen.sha256 == hashlib.sha256(stored).hexdigest()


def test_a_gzip_cut_behind_its_first_byte_is_no_text() -> None:
    assert taken(b"\x1f")[:2] == (b"", "the gzip is truncated")


def test_what_precedes_the_cut_of_a_truncated_gzip_is_salvaged() -> None:
    found, reason, seen = taken(PACKED[: len(PACKED) // 2])

    assert TEXT.startswith(found)
    assert len(found) > len(TEXT) // 3
    assert reason == "the gzip is truncated"
    assert seen.sha256 == hashlib.sha256(PACKED[: len(PACKED) // 2]).hexdigest()


def test_a_corrupt_gzip_is_never_taken_for_whole() -> None:
    found, reason, seen = taken(flipped(PACKED, len(PACKED) // 2))

    assert found != TEXT
    assert reason.startswith("the gzip is corrupt")
    assert seen.is_whole


def test_no_hash_is_told_of_what_was_not_read_to_its_end() -> None:
    seen = Digest()

    next(plain_blocks(io.BytesIO(TEXT * 3), seen, 100))

    assert seen.sha256 == ""


def test_a_stream_that_fails_passes_its_error_on() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(plain_blocks(Broken(), Digest()))


@settings(max_examples=25, deadline=None)
@given(size=st.integers(1, 50_000), text=st.binary(max_size=2000), is_packed=st.booleans())
def test_blocks_have_the_size_asked_for(size: int, text: bytes, is_packed: bool) -> None:
    text = b"x" + text
    found = list(
        plain_blocks(io.BytesIO(gzip.compress(text) if is_packed else text), Digest(), size)
    )

    assert b"".join(found) == text
    assert {len(block) for block in found[:-1]} <= {size}


def test_a_bomb_comes_in_blocks_too() -> None:
    stored = gzip.compress(bytes(30 << 20), 1)

    assert (
        max(len(block) for block in plain_blocks(io.BytesIO(stored), Digest(), 1 << 20)) == 1 << 20
    )
