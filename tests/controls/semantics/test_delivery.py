"""Does the bucket's policy let Redshift deliver: cases, and laws that hold for any policy."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controls.model import Said
from controls.semantics.delivery import Writer, delivery_admitted
from tests.controls.semantics.delivery_cases import (
    ALL_LOGS,
    BOTH,
    BUCKET,
    CASES,
    FOLDER,
    OTHER,
    OURS,
    PREFIX,
    SERVICE,
    WRITER,
    allow,
    deny,
    policy,
)


def verdict(text: str | None, writer: Writer = WRITER) -> bool | None:
    """True, False, or None for unknown."""
    answer = delivery_admitted(text, bucket=BUCKET, prefix=PREFIX, writer=writer)
    return answer.value if isinstance(answer, Said) else None


@pytest.mark.parametrize(
    ("writer", "text", "expected", "words"), [pytest.param(*c[1:], id=c[0]) for c in CASES]
)
def test_a_policy_gets_the_right_verdict_and_says_why(
    writer: Writer, text: str | None, expected: bool | None, words: str
) -> None:
    """Each case of the table."""
    answer = delivery_admitted(text, bucket=BUCKET, prefix=PREFIX, writer=writer)
    assert (answer.value if isinstance(answer, Said) else None) is expected, answer.reason
    assert words in answer.reason


@pytest.mark.parametrize("prefix", ["logs", "logs/", "logs//"])
def test_the_prefix_is_normalised(prefix: str) -> None:
    """The service hands `logs` back as `logs/`."""
    text = policy(allow(Resource=[BOTH[0], f"{FOLDER}/*"]))
    answer = delivery_admitted(text, bucket=BUCKET, prefix=prefix, writer=WRITER)
    assert isinstance(answer, Said)
    assert answer.value


def test_without_a_prefix_logs_stand_at_the_top() -> None:
    """No S3KeyPrefix: AWSLogs/ is the first folder."""
    text = policy(allow(Resource=[BOTH[0], "arn:aws:s3:::trail/AWSLogs/*"]))
    answer = delivery_admitted(text, bucket=BUCKET, prefix=None, writer=WRITER)
    assert isinstance(answer, Said)
    assert answer.value


@pytest.mark.parametrize(("owner", "expected"), [("999988887777", True), ("1", False)])
def test_the_owner_decides_over_resource_account(owner: str, expected: bool) -> None:
    """aws:ResourceAccount is the account of the bucket, when it is known."""
    condition = {"StringEquals": {"aws:ResourceAccount": "999988887777"}}
    text = policy(allow(Condition=condition))
    answer = delivery_admitted(
        text, bucket=BUCKET, prefix=PREFIX, writer=WRITER, owner_account=owner
    )
    assert isinstance(answer, Said)
    assert answer.value is expected
    assert verdict(text) is None


def test_a_policy_may_come_as_boto3_decodes_it() -> None:
    """A mapping is as good as text."""
    answer = delivery_admitted(
        json.loads(policy(allow())), bucket=BUCKET, prefix=PREFIX, writer=WRITER
    )
    assert isinstance(answer, Said)
    assert answer.value


CLAUSES = st.sampled_from(
    [
        {},
        {"Bool": {"aws:SecureTransport": "false"}},
        {"Bool": {"aws:PrincipalIsAWSService": "true"}},
        {"StringEquals": {"aws:SourceArn": OURS}},
        {"ArnLike": {"aws:SourceArn": [OTHER, "arn:aws:s3:::*"]}},
        {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}},
        {"StringEquals": {"made:Up": "x"}},
        {"Null": {"s3:x-amz-server-side-encryption": "true"}},
        {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
    ]
)
RESOURCES = st.lists(
    st.sampled_from(
        [
            *BOTH,
            "*",
            f"{FOLDER}/*",
            f"{FOLDER}/2*",
            "arn:aws:s3:::trail/*log_*",
            "arn:aws:s3:::trail/*.gz",
            "arn:aws:s3:::trail/logs/${aws:SourceAccount}/*",
            "arn:aws:s3:::other/*",
        ]
    ),
    min_size=1,
    max_size=3,
)


@st.composite
def statements(draw: st.DrawFn, effects: tuple[str, ...] = ("Allow", "Deny")) -> dict[str, Any]:
    """Any statement out of what the model tells apart."""
    made: dict[str, Any] = {"Effect": draw(st.sampled_from(effects))}
    principals: list[Any] = ["*", {"AWS": "*"}, SERVICE, {"AWS": "arn:aws:iam::1:root"}]
    made[draw(st.sampled_from(["Principal", "Principal", "NotPrincipal"]))] = draw(
        st.sampled_from(principals)
    )
    made[draw(st.sampled_from(["Action", "Action", "NotAction"]))] = draw(
        st.sampled_from([ALL_LOGS, "s3:*", "s3:Put*", "*", "s3:GetBucketAcl", "s3:GetObject"])
    )
    made[draw(st.sampled_from(["Resource", "Resource", "NotResource"]))] = draw(RESOURCES)
    condition = draw(CLAUSES)
    return made | ({"Condition": condition} if condition else {})


@st.composite
def policies(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A few statements; often the right one is among them, so that verdicts differ."""
    some = draw(st.lists(statements(), max_size=4))
    return [*some, allow()] if draw(st.booleans()) else some


LAWS = settings(max_examples=60, deadline=None)


@LAWS
@given(policies(), statements(effects=("Deny",)))
def test_a_further_deny_never_makes_a_pass(
    listed: list[dict[str, Any]], more: dict[str, Any]
) -> None:
    """Denying more cannot admit more."""
    if verdict(policy(*listed, more)) is True:
        assert verdict(policy(*listed)) is True


@LAWS
@given(policies(), statements(effects=("Allow",)))
def test_a_further_allow_never_makes_a_failure(
    listed: list[dict[str, Any]], more: dict[str, Any]
) -> None:
    """Allowing more cannot admit less."""
    if verdict(policy(*listed)) is True:
        assert verdict(policy(*listed, more)) is True
    if verdict(policy(*listed, more)) is False:
        assert verdict(policy(*listed)) is False


@LAWS
@given(policies(), st.data())
def test_an_unmodelled_condition_on_an_allow_never_makes_a_pass(
    listed: list[dict[str, Any]], data: st.DataObject
) -> None:
    """A condition that we do not model cannot turn a verdict into a pass."""
    allows = [i for i, s in enumerate(listed) if s["Effect"] == "Allow"]
    if not allows:
        return
    where = data.draw(st.sampled_from(allows))
    old = listed[where]
    odd = {"StringEqualsIfExists": {"made:Up": "x"}}
    changed = {**old, "Condition": {**old.get("Condition", {}), **odd}}
    narrowed = [*listed[:where], changed, *listed[where + 1 :]]
    if verdict(policy(*narrowed)) is True:
        assert verdict(policy(*listed)) is True


@LAWS
@given(policies(), st.randoms())
def test_the_order_of_statements_does_not_matter(listed: list[dict[str, Any]], random: Any) -> None:
    """A policy is a set of statements."""
    shuffled = random.sample(listed, len(listed))
    assert verdict(policy(*shuffled)) is verdict(policy(*listed))


def test_a_deny_of_everything_fails_every_policy_of_the_table() -> None:
    """No readable policy passes beside an unconditional Deny."""
    for name, writer, text, expected, _ in CASES:
        if text is None or expected is None:
            continue
        document = json.loads(text)
        listed = document["Statement"]
        listed = listed if isinstance(listed, list) else [listed]
        fence = deny("Last", Resource="*")
        assert verdict(policy(*listed, fence), writer) is False, name
