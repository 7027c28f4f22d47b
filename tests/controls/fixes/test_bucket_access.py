"""The public access block of a log bucket, and what is said of those who are shut out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls.change import Change, Cost, Held, Right
from controls.fixes.bucket_access import FIXES
from controls.model import AwsError, CannotTellError
from controls.semantics.access_block import SWITCHES
from tests.controls.fixes.bucket_world import ALL_ON, BUCKET, Bucket, changed
from tests.fakes import denied

(BLOCK,) = FIXES
GROUP = "http://acs.amazonaws.com/groups/global/"


def off(*switches: str) -> dict[str, bool]:
    """All four switches, all on but these."""
    return {**ALL_ON, **dict.fromkeys(switches, False)}


def restored(own: Mapping[str, bool] | None) -> Mapping[str, bool] | None:
    """What undo puts back: a switch that S3 did not show was off."""
    return None if own is None else {**off(*SWITCHES), **own}


def grant(group: str, permission: str) -> dict[str, Any]:
    """One grant of an ACL to a group."""
    return {"Grantee": {"Type": "Group", "URI": GROUP + group}, "Permission": permission}


def interrupted(bucket: Bucket) -> str:
    """What the plan says it interrupts."""
    costs = changed(bucket.plan(BLOCK)).costs
    assert set(costs) <= {Cost.INTERRUPTS}
    return costs.get(Cost.INTERRUPTS, "")


@pytest.mark.parametrize(
    ("own", "undo"),
    [
        pytest.param(None, "DeletePublicAccessBlock", id="none before"),
        pytest.param(off(*SWITCHES), "PutPublicAccessBlock", id="all off before"),
        pytest.param(off("BlockPublicPolicy"), "PutPublicAccessBlock", id="one off before"),
        pytest.param({}, "PutPublicAccessBlock", id="an empty one before"),
    ],
)
def test_all_four_switches_come_on_and_undo_puts_back_those_that_were(
    own: Mapping[str, bool] | None, undo: str
) -> None:
    bucket = Bucket(block=own, tags={"team": "data"})

    change = changed(bucket.plan(BLOCK))
    bucket.make(change.calls)

    assert bucket.block == ALL_ON
    assert isinstance(bucket.plan(BLOCK), Right)
    assert (change.bucket_wide, change.tags) == (BUCKET, {"team": "data"})
    assert (change.documents[0].before, change.documents[0].after) == (own, ALL_ON)
    assert [call.operation for call in change.undo] == [undo]
    bucket.make(change.undo)
    assert bucket.block == restored(own)


@pytest.mark.parametrize(
    ("own", "account"),
    [
        pytest.param(ALL_ON, None, id="by the bucket"),
        pytest.param(None, ALL_ON, id="by the account"),
        pytest.param(off("BlockPublicAcls"), {"BlockPublicAcls": True}, id="together"),
    ],
)
def test_nothing_is_done_where_all_is_blocked(
    own: Mapping[str, bool] | None, account: Mapping[str, bool] | None
) -> None:
    assert isinstance(Bucket(block=own, account_block=account).plan(BLOCK), Right)


def test_a_private_bucket_without_acls_loses_nobody() -> None:
    assert interrupted(Bucket(policy="{}")) == ""


def test_a_public_policy_shuts_out_the_public_and_other_accounts() -> None:
    said = interrupted(Bucket(policy="{}", public=True))

    assert "the public and other accounts alike" in said
    assert "when it is put again" in said


@pytest.mark.parametrize(
    ("own", "account", "words"),
    [
        pytest.param(
            off("BlockPublicPolicy"), None, "when it is put again", id="the policy only for new"
        ),
        pytest.param(off("RestrictPublicBuckets"), None, "loses what it grants", id="in use"),
        pytest.param(
            off("RestrictPublicBuckets", "BlockPublicAcls"),
            {"RestrictPublicBuckets": True},
            "",
            id="what the account restricts is no news",
        ),
    ],
)
def test_only_what_comes_on_is_said(
    own: Mapping[str, bool], account: Mapping[str, bool] | None, words: str
) -> None:
    said = interrupted(Bucket(policy="{}", public=True, block=own, account_block=account))

    assert words in said
    assert bool(words) is bool(said)
    assert ("when it is put again" in said) is (not own["BlockPublicPolicy"])
    restricted = own["RestrictPublicBuckets"] or bool(account)
    assert ("loses what it grants" in said) is (not restricted)


@pytest.mark.parametrize("ownership", ["ObjectWriter", "BucketOwnerPreferred", None])
def test_public_acls_that_are_in_force_are_named(ownership: str | None) -> None:
    grants = (
        grant("AllUsers", "READ"),
        grant("AuthenticatedUsers", "WRITE"),
        {"Grantee": {"Type": "CanonicalUser", "ID": "x"}, "Permission": "FULL_CONTROL"},
        {"Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/s3/LogDelivery"}},
    )

    said = interrupted(Bucket(ownership=ownership, grants=grants))

    assert "grants READ to AllUsers" in said
    assert "grants WRITE to AuthenticatedUsers" in said
    assert "LogDelivery" not in said
    assert said.count("grants") == 2
    assert "objects of bucket trail with a public ACL of their own" in said
    assert "uploads to bucket trail that ask for a public ACL are refused" in said


def test_acls_that_are_disabled_grant_nothing_and_cost_nothing() -> None:
    assert interrupted(Bucket(grants=(grant("AllUsers", "READ"),))) == ""


def test_acls_ignored_already_are_no_news() -> None:
    bucket = Bucket(
        ownership=None, grants=(grant("AllUsers", "READ"),), block=off("BlockPublicAcls")
    )

    assert interrupted(bucket) == "uploads to bucket trail that ask for a public ACL are refused"


def test_a_switch_that_is_not_known_here_is_not_overwritten() -> None:
    planned = Bucket(block={**off("BlockPublicAcls"), "BlockOrgAccess": True}).plan(BLOCK)

    assert isinstance(planned, Held)
    assert "BlockOrgAccess" in planned.why


def test_tags_that_may_not_be_read_hide_the_owner() -> None:
    refused = {"s3:GetBucketTagging": denied("s3:GetBucketTagging")}

    assert isinstance(Bucket(refused=refused).plan(BLOCK), Held)


@pytest.mark.parametrize(
    "operation",
    [
        "s3:GetPublicAccessBlock",
        "s3control:GetPublicAccessBlock",
        "s3:GetBucketPolicyStatus",
        "s3:GetBucketOwnershipControls",
        "s3:GetBucketAcl",
    ],
)
def test_who_would_be_shut_out_must_be_seen(operation: str) -> None:
    bucket = Bucket(ownership=None, refused={operation: denied(operation)})
    if operation == "s3:GetBucketOwnershipControls":
        bucket.ownership = "BucketOwnerEnforced"

    with pytest.raises(AwsError):
        bucket.plan(BLOCK)


def test_a_policy_of_unknown_status_is_not_taken_for_private() -> None:
    with pytest.raises(CannotTellError):
        Bucket(policy="{}", public=None).plan(BLOCK)


ANY_BLOCK = st.none() | st.dictionaries(st.sampled_from(SWITCHES), st.booleans())


@given(ANY_BLOCK, ANY_BLOCK)
def test_whatever_was_on_stays_on_and_undo_restores(
    own: dict[str, bool] | None, account: dict[str, bool] | None
) -> None:
    bucket = Bucket(block=own, account_block=account)
    planned = bucket.plan(BLOCK)
    if isinstance(planned, Change):
        bucket.make(planned.calls)
        assert bucket.block == ALL_ON
        assert isinstance(bucket.plan(BLOCK), Right)
        bucket.make(planned.undo)
        assert bucket.block == restored(own)
    else:
        assert all((own or {}).get(s) or (account or {}).get(s) for s in SWITCHES)
