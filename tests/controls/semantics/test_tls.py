"""TLS-only: which policies refuse everyone who comes without it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controls.model import Said
from controls.semantics.tls import tls_required
from tests.controls.semantics.delivery_cases import allow, policy

BUCKET, OBJECTS = "arn:aws:s3:::trail", "arn:aws:s3:::trail/*"
PLAIN = {"Bool": {"aws:SecureTransport": "false"}}
ROLE = {"AWS": "arn:aws:iam::111122223333:role/x"}


def deny(**elements: Any) -> dict[str, Any]:
    """The right Deny but for the elements given; None takes one away."""
    right = {"Principal": "*", "Action": "s3:*", "Resource": [BUCKET, OBJECTS], "Condition": PLAIN}
    made = {"Sid": "Tls", "Effect": "Deny", **right, **elements}
    return {name: value for name, value in made.items() if value is not None}


def also(**operators: dict[str, Any]) -> dict[str, Any]:
    """PLAIN and further clauses."""
    return {**PLAIN, **operators}


# fmt: off
CASES: list[tuple[str, str | None, bool | None, str]] = [
    ("the usual statement", policy(deny()), True, "denies all access without TLS"),
    ("beside others", policy(allow(), deny()), True, ""),
    ("AWS star is everyone", policy(deny(Principal={"AWS": "*"})), True, ""),
    ("any action", policy(deny(Action="*")), True, ""),
    ("any resource", policy(deny(Resource="*")), True, ""),
    ("one pattern for bucket and objects", policy(deny(Resource=f"{BUCKET}*")), True, ""),
    ("two statements, one each",
     policy(deny(Sid="A", Resource=BUCKET), deny(Sid="B", Resource=OBJECTS)), True, ""),
    ("two statements that share the actions",
     policy(deny(Sid="A", Action="s3:Get*"), deny(Sid="B", Action=None, NotAction="s3:Get*")),
     True, ""),
    ("NotAction of another service", policy(deny(Action=None, NotAction="iam:*")), True, ""),
    ("NotResource of another bucket",
     policy(deny(Resource=None, NotResource="arn:aws:s3:::other/*")), True, ""),
    ("a JSON boolean", policy(deny(Condition={"Bool": {"aws:SecureTransport": False}})), True, ""),
    ("the key in other letters",
     policy(deny(Condition={"Bool": {"AWS:securetransport": "False"}})), True, ""),
    ("BoolIfExists", policy(deny(Condition={"BoolIfExists": {"aws:SecureTransport": "false"}})),
     True, ""),
    ("as text", policy(deny(Condition={"StringNotEquals": {"aws:SecureTransport": "true"}})),
     True, ""),
    ("no access at all is no access without TLS", policy(deny(Condition=None)), True, ""),
    ("no policy", None, False, "has no policy"),
    ("no statement", policy(), False, "no statement denies access without TLS"),
    ("an Allow over TLS does not deny",
     policy(allow(Condition={"Bool": {"aws:SecureTransport": "true"}})), False, "no statement"),
    ("the condition upside down",
     policy(deny(Condition={"Bool": {"aws:SecureTransport": "true"}})), False, "no statement"),
    ("objects only", policy(deny(Resource=OBJECTS)), False, "but not for the bucket itself"),
    ("bucket only", policy(deny(Resource=BUCKET)), False, "but not for its objects"),
    ("another bucket", policy(deny(Resource="arn:aws:s3:::other*")), False, "some actions or keys"),
    ("another partition", policy(deny(Resource="arn:aws-cn:s3:::trail*")), False, "some actions"),
    ("one folder only", policy(deny(Resource=[BUCKET, "arn:aws:s3:::trail/logs/*"])), False,
     "but not for its objects"),
    ("all but one folder",
     policy(deny(Resource=None, NotResource="arn:aws:s3:::trail/open/*")), False, "objects"),
    ("reading only", policy(deny(Action="s3:Get*")), False, "for some actions"),
    ("a list of actions", policy(deny(Action=["s3:GetObject", "s3:PutObject"])), False,
     "for some actions"),
    ("all but one action", policy(deny(Action=None, NotAction="s3:PutObject")), False,
     "for some actions"),
    ("one role only", policy(deny(Principal=ROLE)), False, "some principals only"),
    ("all but one role", policy(deny(Principal=None, NotPrincipal=ROLE)), False,
     "some principals only"),
    ("NotPrincipal of everyone denies nobody", policy(deny(Principal=None, NotPrincipal="*")),
     False, "some principals only"),
    ("narrowed by organization",
     policy(deny(Condition=also(StringNotEquals={"aws:PrincipalOrgID": "o-1"}))), False,
     "only where StringNotEquals aws:PrincipalOrgID o-1"),
    ("services spared",
     policy(deny(Condition=also(BoolIfExists={"aws:PrincipalIsAWSService": "false"}))), False,
     "only where BoolIfExists"),
    ("narrowed by an operator that we do not know",
     policy(deny(Condition=also(Resembles={"aws:UserAgent": "x"}))), None, "Resembles"),
    ("a TLS version alone",
     policy(deny(Condition={"NumericLessThan": {"s3:TlsVersion": "1.2"}})), False,
     "statement Tls looks at s3:TlsVersion"),
    ("a TLS version that may be absent",
     policy(deny(Condition={"NumericLessThanIfExists": {"s3:TlsVersion": "1.2"}})), None,
     "not documented"),
    ("a TLS version beside the usual statement",
     policy(deny(), deny(Sid="V", Condition={"NumericLessThan": {"s3:TlsVersion": 1.2}})),
     True, ""),
    ("a resource with a variable",
     policy(deny(Resource=[BUCKET, "arn:aws:s3:::trail/${aws:username}*"])), None, "variable"),
    ("not JSON", "x", None, "not valid JSON"),
    ("no principal", policy(deny(Principal=None)), None, "names no principal"),
]
# fmt: on


@pytest.mark.parametrize(
    ("text", "expected", "words"), [pytest.param(*case[1:], id=case[0]) for case in CASES]
)
def test_tls_is_required_or_not_and_why(
    text: str | None, expected: bool | None, words: str
) -> None:
    """The table of policies."""
    answer = tls_required(text, "trail", "aws")
    assert (answer.value if isinstance(answer, Said) else None) is expected, answer.reason
    assert words in answer.reason


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from([case[1] for case in CASES if case[2] is True]),
    st.sampled_from(["aws:SourceVpce", "aws:UserAgent", "made:Up"]),
    st.sampled_from(["StringEquals", "StringNotEqualsIfExists", "Null", "Made"]),
)
def test_a_further_condition_on_every_statement_never_passes(
    text: str, key: str, operator: str
) -> None:
    """TLS-only means for everyone: whatever narrows it ends the pass."""
    document = json.loads(text)
    for statement in document["Statement"]:
        statement["Condition"] = {**statement.get("Condition", {}), operator: {key: "true"}}
    answer = tls_required(json.dumps(document), "trail", "aws")
    assert not (isinstance(answer, Said) and answer.value)
