"""User names into names and kinds of identity."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.auditlog.identity import identity_of


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("bob", ("bob", "local"), id="a plain name is local"),
        pytest.param("IAM:bob", ("bob", "IAM"), id="IAM: is taken off"),
        pytest.param("IAMR:loader", ("loader", "IAMR"), id="IAMR: is taken off"),
        pytest.param("IAM:a:b", ("a:b", "IAM"), id="only the prefix is taken off"),
        pytest.param("iam:bob", ("iam:bob", "federated"), id="the prefix is in capitals"),
        pytest.param("AWSIDC:a@b.c", ("AWSIDC:a@b.c", "federated"), id="a namespace stays"),
        pytest.param("idp:group:bob", ("idp:group:bob", "federated"), id="two colons"),
        pytest.param("IAM:", ("IAM:", "local"), id="a prefix alone is a name"),
        pytest.param(":x", (":x", "local"), id="nothing before the colon is no namespace"),
        pytest.param("", ("", "local"), id="no name"),
    ],
)
def test_a_name_is_split_from_its_kind(name: str, expected: tuple[str, str]) -> None:
    assert identity_of(name) == expected


@given(st.text(min_size=1), st.sampled_from(["IAM", "IAMR"]))
def test_any_prefixed_name_comes_back_whole(name: str, kind: str) -> None:
    assert identity_of(f"{kind}:{name}") == (name, kind)
