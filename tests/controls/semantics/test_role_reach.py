"""How far roles reach into S3: cases from documents, and laws that hold for any of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controls.model import Said, Unknown
from controls.semantics.role_reach import PolicyDocument, RoleReach, role_reach
from tests.controls.semantics.role_cases import (
    CASES,
    LOG_OBJECTS,
    LOGS,
    OWN,
    REDSHIFT_DEFAULT,
    WHEN_OURS,
    WRITES,
    YES,
    Case,
    allow,
    deny,
    inline,
)

Verdicts = tuple[bool | None, bool | None, bool | None]


def reach_of(
    *policies: PolicyDocument,
    boundary: PolicyDocument | None = None,
    logs: tuple[str, ...] = (LOGS,),
) -> RoleReach:
    """The answer for a role in the partition aws."""
    return role_reach(policies, boundary=boundary, log_buckets=logs, partition="aws")


def verdicts(reach: RoleReach) -> Verdicts:
    """The three answers, None for unknown."""
    full, every, log = (
        answer.value if isinstance(answer, Said) else None
        for answer in (reach.full_s3, reach.writes_every_bucket, reach.writes_log_bucket)
    )
    return full, every, log


def reasons(reach: RoleReach) -> str:
    """All three reasons."""
    answers = (reach.full_s3, reach.writes_every_bucket, reach.writes_log_bucket)
    return " | ".join(a.reason for a in answers if isinstance(a, Said | Unknown))


@pytest.mark.parametrize("case", [pytest.param(case, id=case.sentence) for case in CASES])
def test_a_role_is_judged_by_its_documents(case: Case) -> None:
    """The table of roles."""
    reach = reach_of(*case.policies, boundary=case.boundary)
    assert verdicts(reach) == case.reach, reasons(reach)
    assert case.words in reasons(reach)
    assert "\ue000" not in reasons(reach)


def test_the_name_of_a_policy_decides_nothing() -> None:
    """AmazonS3FullAccess that allows nothing, and a harmless name that allows all."""
    nothing = PolicyDocument("AmazonS3FullAccess", inline(allow("ec2:*")).document, "aws-managed")
    everything = PolicyDocument("ReadOnly", inline(allow()).document, "customer-managed")
    assert verdicts(reach_of(nothing)) == (False, False, False)
    assert verdicts(reach_of(everything)) == YES


def test_documents_may_come_as_text() -> None:
    """As an IAM answer that nobody decoded."""
    text = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*",'
    text += ' "Resource": "*"}}'
    assert verdicts(reach_of(PolicyDocument("p", text, "inline"))) == YES


def test_any_of_several_log_buckets_counts() -> None:
    """The reason names the bucket that is within reach."""
    reach = reach_of(inline(allow("s3:PutObject", LOG_OBJECTS)), logs=("elsewhere", LOGS))
    assert verdicts(reach) == (False, False, True)
    assert "audit-logs" in reasons(reach)


def test_without_log_buckets_none_is_within_reach() -> None:
    """An account whose clusters log to CloudWatch."""
    reach = reach_of(inline(allow()), logs=())
    assert verdicts(reach) == (True, True, False)


def test_the_default_policy_reaches_a_bucket_called_redshift_as_a_whole() -> None:
    """Its name pattern matches the bucket itself, so bucket actions count too."""
    acl = inline(allow("s3:PutBucketAcl", "arn:aws:s3:::*redshift*"))
    assert verdicts(reach_of(acl, logs=("redshift-logs",)))[2] is True
    assert verdicts(reach_of(acl, logs=("audit-logs",)))[2] is False
    assert verdicts(reach_of(REDSHIFT_DEFAULT, logs=("redshift-logs",)))[2] is True


ACTIONS = st.sampled_from(["s3:*", "*", "s3:Put*", WRITES, "s3:GetObject", "iam:*"])
RESOURCES = st.sampled_from(
    ["*", LOG_OBJECTS, OWN, "arn:aws:s3:::*", "arn:aws:s3:::*/x*", "arn:aws:s3:::${aws:userid}/*"]
)


@st.composite
def statements(draw: st.DrawFn, effects: tuple[str, ...] = ("Allow", "Deny")) -> dict[str, Any]:
    """Any statement out of what the model tells apart."""
    make = allow if draw(st.sampled_from(effects)) == "Allow" else deny
    made = make(draw(ACTIONS), draw(RESOURCES))
    if draw(st.booleans()):
        made["NotAction"] = made.pop("Action")
    if draw(st.booleans()):
        made["NotResource"] = made.pop("Resource")
    return made | ({"Condition": WHEN_OURS} if draw(st.booleans()) else {})


LISTS = st.lists(statements(), max_size=4)
LAWS = settings(max_examples=50, deadline=None)
RANK = {False: 0, None: 1, True: 2}


def at_most(less: Verdicts, more: Verdicts) -> bool:
    """Whether no answer is nearer to yes than the other's."""
    return all(RANK[a] <= RANK[b] for a, b in zip(less, more, strict=True))


@LAWS
@given(LISTS, statements(effects=("Allow",)))
def test_a_further_allow_never_lessens_the_reach(
    listed: list[dict[str, Any]], more: dict[str, Any]
) -> None:
    """Nothing that was within reach is hidden by allowing more."""
    assert at_most(verdicts(reach_of(inline(*listed))), verdicts(reach_of(inline(*listed, more))))


@LAWS
@given(LISTS, statements(effects=("Deny",)))
def test_a_further_deny_never_widens_the_reach(
    listed: list[dict[str, Any]], more: dict[str, Any]
) -> None:
    """Denying more cannot reach further."""
    assert at_most(verdicts(reach_of(inline(*listed, more))), verdicts(reach_of(inline(*listed))))


@LAWS
@given(LISTS, LISTS)
def test_a_boundary_never_widens_the_reach(
    listed: list[dict[str, Any]], limits: list[dict[str, Any]]
) -> None:
    """A boundary grants nothing."""
    bounded = reach_of(inline(*listed), boundary=inline(*limits, name="limit"))
    assert at_most(verdicts(bounded), verdicts(reach_of(inline(*listed))))


@LAWS
@given(LISTS, st.randoms(), st.integers(0, 4))
def test_neither_order_nor_which_policy_matters(
    listed: list[dict[str, Any]], random: Any, cut: int
) -> None:
    """A role's policies are one set of statements."""
    shuffled = random.sample(listed, len(listed))
    split = (inline(*shuffled[:cut]), inline(*shuffled[cut:], name="rest"))
    assert verdicts(reach_of(*split)) == verdicts(reach_of(inline(*listed)))


ROLE_ARN = "arn:aws:iam::111122223333:role/service-role/unload"
ATTACHED = "arn:aws:iam::111122223333:policy/loads"


@pytest.mark.parametrize(
    ("policies", "changes"),
    [
        pytest.param([inline(allow("iam:*", "*"))], True, id="all of IAM"),
        pytest.param([inline(allow("*", "*"))], True, id="everything"),
        pytest.param([inline(allow("iam:PutRolePolicy", ROLE_ARN))], True, id="itself by its ARN"),
        pytest.param(
            [inline(allow("iam:attachrolepolicy", "arn:aws:iam::*:role/service-role/*"))],
            True,
            id="itself by a wildcard, in another case",
        ),
        pytest.param(
            [inline(allow("iam:PutRolePolicy", "arn:aws:iam::111122223333:role/other"))],
            False,
            id="another role alone",
        ),
        pytest.param([inline(allow("iam:GetRole", "*"))], False, id="only reads"),
        pytest.param(
            [inline(allow("iam:*", "*")), inline(deny("iam:*", "*"))], False, id="denied again"
        ),
        pytest.param(
            [
                PolicyDocument(
                    "loads", {"Version": "2012-10-17", "Statement": []}, "customer-managed"
                ),
                inline(allow("iam:CreatePolicyVersion", ATTACHED)),
            ],
            True,
            id="through a policy of the customer's that is attached to it",
        ),
        pytest.param(
            [inline(allow("iam:DeleteRolePolicy", "*")), inline(deny("s3:*", LOGS))],
            True,
            id="lifts its own denial",
        ),
        pytest.param(
            [inline(allow("iam:DeleteRolePolicy", "*"))],
            False,
            id="takes policies away where none denies",
        ),
        pytest.param(
            [inline(allow("iam:CreatePolicyVersion", ATTACHED))],
            False,
            id="a policy that is not attached to it",
        ),
    ],
)
def test_a_role_that_may_change_itself_may_do_anything(
    policies: list[PolicyDocument], changes: bool
) -> None:
    reach = role_reach(
        policies, boundary=None, log_buckets=(LOGS,), partition="aws", role_arn=ROLE_ARN
    )
    assert isinstance(reach.changes_itself, Said)
    assert reach.changes_itself.value is changes


def test_a_role_that_may_rewrite_its_boundary_changes_itself() -> None:
    everything = {"Version": "2012-10-17", "Statement": [allow("*", "*")]}
    reach = role_reach(
        [inline(allow("iam:CreatePolicyVersion", ATTACHED))],
        boundary=PolicyDocument("loads", everything, "customer-managed"),
        log_buckets=(LOGS,),
        partition="aws",
        role_arn=ROLE_ARN,
    )
    assert isinstance(reach.changes_itself, Said)
    assert reach.changes_itself.value is True


def test_opening_every_bucket_of_the_account_is_a_write_on_every_bucket() -> None:
    reach = reach_of(inline(allow("s3:PutAccountPublicAccessBlock", "*")))
    assert reach.writes_every_bucket == Said(
        True, "s3:PutAccountPublicAccessBlock is allowed: it opens every bucket of the account"
    )


def test_many_buckets_are_answered_as_each_alone() -> None:
    """Buckets that every statement treats alike are judged once; that must not change a verdict."""
    buckets = ("lake", "logs", "redshift-logs", "zoo")
    roles = [
        [inline(allow("s3:PutObject", f"arn:aws:s3:::{pattern}/*"))]
        for pattern in ("*", "logs", "*redshift*", "zoo?", "l*", "none")
    ]
    for policies in roles:
        alone = [reach_of(*policies, logs=(one,)).writes_log_bucket for one in buckets]
        together = reach_of(*policies, logs=buckets).writes_log_bucket
        assert isinstance(together, Said)
        assert together.value is any(isinstance(one, Said) and one.value for one in alone)
