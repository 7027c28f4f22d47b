"""Policy documents are parsed strictly; what is not IAM's language is refused, not guessed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from controls.model import CannotTellError, Unknown
from controls.semantics.policy import parse_policy, slices
from controls.semantics.wildcards import SOME, literal

RIGHT: dict[str, Any] = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}


def statement(**elements: Any) -> dict[str, Any]:
    """RIGHT, changed; None takes an element away."""
    return {k: v for k, v in {**RIGHT, **elements}.items() if v is not None}


@pytest.mark.parametrize(
    ("document", "count"),
    [
        pytest.param({"Statement": RIGHT}, 1, id="one statement without a list"),
        pytest.param({"Statement": [RIGHT, RIGHT]}, 2, id="two statements"),
        pytest.param({"Statement": []}, 0, id="none"),
        pytest.param({"Id": "x", "Version": "2008-10-17", "Statement": RIGHT}, 1, id="old version"),
    ],
)
def test_text_and_decoded_document_parse_alike(document: dict[str, Any], count: int) -> None:
    """boto3 decodes IAM policies and hands bucket policies on as text."""
    assert len(parse_policy(document)) == count
    assert parse_policy(json.dumps(document)) == parse_policy(document)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("", "not valid JSON", id="nothing"),
        pytest.param("null", "not a JSON object", id="null"),
        pytest.param('{"Statement": [], "Statement": []}', "'Statement' twice", id="key twice"),
        pytest.param('{"Statement": "x"}', "no list of statements", id="statement is text"),
        pytest.param('{"Statement": ["x"]}', "statement 1 of the policy is not an", id="in list"),
        pytest.param('{"Statement": [], "Extra": 1}', "'Extra'", id="element of the policy"),
    ],
)
def test_a_document_that_is_no_policy_is_refused(text: str, words: str) -> None:
    """As AWS refuses it."""
    with pytest.raises(CannotTellError, match=words):
        parse_policy(text)


@pytest.mark.parametrize(
    ("elements", "words"),
    [
        pytest.param({"Effect": None}, "Effect", id="no effect"),
        pytest.param({"Effect": "deny"}, "Effect", id="effect in lower case"),
        pytest.param({"Sid": 7}, "Sid", id="a number for a Sid"),
        pytest.param({"Action": None}, "Action and NotAction", id="no action"),
        pytest.param({"NotAction": "x"}, "Action and NotAction", id="both actions"),
        pytest.param({"Action": 7}, "Action of statement 1", id="a number for an action"),
        pytest.param({"Action": ["x", 7]}, "Action of statement 1", id="a number in a list"),
        pytest.param({"Resource": []}, "Resource of statement 1", id="an empty list"),
        pytest.param({"NotResource": "x"}, "Resource and NotResource", id="both resources"),
        pytest.param({"Principal": "x"}, "neither '\\*' nor an object", id="principal is a name"),
        pytest.param({"Principal": {"Aws": "*"}}, "'Aws'", id="principal of no type"),
        pytest.param({"Principal": {"AWS": []}}, "AWS principal", id="principal without names"),
        pytest.param({"Principal": "*", "NotPrincipal": "*"}, "both Principal", id="both"),
        pytest.param({"Condition": {"Bool": "x"}}, "object of objects", id="flat condition"),
        pytest.param({"Condition": {"Bool": {"k": None}}}, "no values", id="null value"),
        pytest.param({"Condition": {"Bool": {"k": [[]]}}}, "nested", id="nested values"),
        pytest.param({"action": "x"}, "'action'", id="element in lower case"),
    ],
)
def test_a_statement_that_aws_refuses_is_refused(elements: dict[str, Any], words: str) -> None:
    """One refusal for each guard."""
    with pytest.raises(CannotTellError, match=words):
        parse_policy({"Statement": [statement(**elements)]})


@pytest.mark.parametrize(
    ("elements", "action", "expected"),
    [
        pytest.param({"Action": "S3:Get*"}, "s3:GetObject", True, id="case is ignored"),
        pytest.param({"Action": "s3:G?tObject"}, "s3:GetObject", True, id="inner wildcard"),
        pytest.param({"Action": "s3:*Object"}, "s3:GetObjectAcl", False, id="star at the front"),
        pytest.param({"Action": "s3-object-lambda:*"}, "s3:GetObject", False, id="other service"),
        pytest.param({"Action": "*:GetObject"}, "s3:GetObject", True, id="any service"),
        pytest.param(
            {"Action": None, "NotAction": ["s3:Put*", "iam:*"]}, "s3:PutObject", False, id="named"
        ),
        pytest.param(
            {"Action": None, "NotAction": ["s3:Put*", "iam:*"]}, "s3:GetObject", True, id="the rest"
        ),
    ],
)
def test_a_statement_names_actions(elements: dict[str, Any], action: str, expected: bool) -> None:
    """Action and NotAction, with wildcards, in any case."""
    (parsed,) = parse_policy({"Statement": [statement(**elements)]})
    assert parsed.names_action(action) is expected


def test_resources_are_sliced_by_what_the_statements_say_of_them() -> None:
    """Every combination once, each with an example of its own."""
    parsed = parse_policy(
        {
            "Version": "2012-10-17",
            "Statement": [
                statement(Resource="arn:aws:s3:::b/a*"),
                statement(Resource=None, NotResource="arn:aws:s3:::b/a*"),
                statement(Resource="arn:aws:s3:::b/a${aws:username}"),
            ],
        }
    )
    by_example = {s.example: s.named for s in slices(literal("arn:aws:s3:::b/") + SOME, parsed)}
    assert set(by_example) == {"arn:aws:s3:::b/a", "arn:aws:s3:::b/x"}
    first = by_example["arn:aws:s3:::b/a"]
    assert first[:2] == (True, False)
    assert isinstance(first[2], Unknown)
    assert by_example["arn:aws:s3:::b/x"] == (False, True, False)


def test_json_booleans_and_numbers_are_read_as_text() -> None:
    """`false` and 1.2 stand for "false" and "1.2"."""
    condition = {"Bool": {"k": False}, "NumericLessThan": {"n": [1.2, 3]}}
    (parsed,) = parse_policy({"Statement": statement(Condition=condition)})
    assert [clause.values for clause in parsed.clauses] == [("false",), ("1.2", "3")]
    assert [str(clause) for clause in parsed.clauses] == [
        "Bool k false",
        "NumericLessThan n [1.2, 3]",
    ]
