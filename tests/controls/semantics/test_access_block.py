"""Block Public Access of bucket and account together, in all 256 combinations and odd ones."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from controls.semantics.access_block import SWITCHES, public_access_blocked

ALL = dict.fromkeys(SWITCHES, True)


def test_every_switch_must_be_on_somewhere() -> None:
    """2^8 configurations: blocked exactly if each of the four is on at one of the two."""
    for bits in itertools.product([False, True], repeat=8):
        bucket = dict(zip(SWITCHES, bits[:4], strict=True))
        account = dict(zip(SWITCHES, bits[4:], strict=True))
        answer = public_access_blocked(bucket, account)
        off = [name for name in SWITCHES if not bucket[name] and not account[name]]
        assert answer.value is (not off)
        assert all(name in answer.reason for name in off)


@pytest.mark.parametrize(
    ("bucket", "account", "expected", "words"),
    [
        pytest.param(None, None, False, "RestrictPublicBuckets are off", id="nothing configured"),
        pytest.param(ALL, None, True, "by the bucket", id="by the bucket alone"),
        pytest.param(None, ALL, True, "by the account", id="by the account alone"),
        pytest.param(ALL, {}, True, "by the bucket", id="an empty account configuration is off"),
        pytest.param({}, {}, False, "are off", id="empty configurations are off"),
        pytest.param(
            {**ALL, "BlockPublicAcls": False},
            {"BlockPublicAcls": True},
            True,
            "together",
            id="the two complete each other",
        ),
        pytest.param(
            {**ALL, "BlockPublicAcls": False}, None, False, "BlockPublicAcls is off", id="one off"
        ),
        pytest.param(
            {**ALL, "BlockPublicAcls": "true"}, None, False, "is off", id="text is not on"
        ),
        pytest.param({**ALL, "BlockPublicAcls": 1}, None, False, "is off", id="a number is not on"),
    ],
)
def test_what_is_not_configured_is_off(
    bucket: dict[str, Any] | None, account: dict[str, Any] | None, expected: bool, words: str
) -> None:
    """Only a boolean true is on."""
    answer = public_access_blocked(bucket, account)
    assert answer.value is expected
    assert words in answer.reason
