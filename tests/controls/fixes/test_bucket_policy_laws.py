"""For any bucket policy: others' statements stay, ours makes it right, undo restores it."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from controls.change import Change, Fix, Right
from controls.fixes.bucket_policy import FIXES, tls_statement
from controls.model import Said
from controls.semantics.delivery import Writer, delivery_admitted
from controls.semantics.tls import tls_required
from tests.controls.fixes.bucket_world import BUCKET, Bucket
from tests.controls.fixes.policy_cases import (
    ADMIT,
    DELIVERY_SID,
    TLS,
    listed,
    ours,
)
from tests.controls.semantics.delivery_cases import allow, policy
from tests.controls.semantics.test_delivery import statements
from tests.fakes import ACCOUNT, ARCHIVE

LAWS = settings(max_examples=150, deadline=None)


@st.composite
def texts(draw: st.DrawFn) -> str | None:
    """Any policy, ours partly among its statements, written this way or that."""
    if draw(st.integers(0, 9)) == 0:
        return None
    own: list[dict[str, Any]] = [ours("a/"), ours("b/", "logs/"), tls_statement(BUCKET, "aws")]
    some = draw(st.lists(statements(effects=("Allow", "Allow", "Deny")), max_size=4))
    some += draw(st.lists(st.sampled_from(own), max_size=2, unique_by=lambda one: one["Sid"]))
    sids = draw(st.sampled_from([False, True]))
    made = [{"Sid": f"S{i}", **one} if sids else one for i, one in enumerate(some)]
    made = draw(st.permutations(made))
    head = draw(
        st.sampled_from([{}, {"Version": "2012-10-17"}, {"Version": "2008-10-17", "Id": "é"}])
    )
    body: Any = made[0] if len(made) == 1 and draw(st.booleans()) else made
    return json.dumps(
        {**head, "Statement": body},
        indent=draw(st.sampled_from([None, 0, 2])),
        ensure_ascii=draw(st.booleans()),
    )


def is_ours(statement: dict[str, Any], fix: Fix) -> bool:
    return statement.get("Sid") == (DELIVERY_SID if fix is ADMIT else "TrailkeeperTlsOnly")


def holds(text: str | None, fix: Fix) -> bool:
    """Whether the fact that the fix is for is known to be true."""
    found = tls_required(text, BUCKET, "aws") if fix is TLS else delivers(text)
    return isinstance(found, Said) and found.value


def delivers(text: str | None) -> Any:
    writer = Writer(ACCOUNT, "eu-west-1", "prod", "aws", "o-ours")
    return delivery_admitted(
        text, bucket=BUCKET, prefix="logs/", writer=writer, owner_account=ARCHIVE
    )


@LAWS
@given(texts(), st.sampled_from(FIXES))
def test_others_statements_stay_the_fact_is_true_and_undo_restores(
    text: str | None, fix: Fix
) -> None:
    bucket = Bucket(policy=text)
    name = "prod" if fix is ADMIT else BUCKET
    planned = bucket.plan(fix, name)
    event(type(planned).__name__)
    if not isinstance(planned, Change):
        assert isinstance(planned, Right) is holds(text, fix)
        return
    assert not holds(text, fix)

    bucket.make(planned.calls)

    def theirs(policy: str | None) -> list[str]:
        return [json.dumps(one) for one in listed(policy) if not is_ours(one, fix)]

    assert theirs(text) == theirs(bucket.policy)
    assert holds(bucket.policy, fix)
    kept = set(next((s["Resource"] for s in listed(text) if is_ours(s, fix)), ()) or ())
    assert kept <= {r for s in listed(bucket.policy) if is_ours(s, fix) for r in s["Resource"]}
    assert isinstance(bucket.plan(fix, name), Right)
    bucket.make(planned.undo)
    assert bucket.policy == text


@LAWS
@given(texts())
def test_demanding_tls_never_changes_what_is_said_of_delivery(text: str | None) -> None:
    bucket = Bucket(policy=text or policy(allow()))
    before = delivers(bucket.policy)
    planned = bucket.plan(TLS)
    if isinstance(planned, Change):
        bucket.make(planned.calls)

    now = delivers(bucket.policy)
    assert type(before) is type(now)
    assert getattr(before, "value", None) == getattr(now, "value", None)
