"""Bucket policies in the sandbox: refused as S3 refuses them, else kept to the letter."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox_server import REGION, Sandbox, code_of

ACCOUNT = "111122223333"
ARN = "arn:aws:s3:::logs"
READ = {
    "Sid": "Read",
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "Action": "s3:GetObject",
    "Resource": f"{ARN}/*",
}


def policy(*statements: dict[str, Any]) -> str:
    """A policy with blanks."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, indent=4)


def put(sandbox: Sandbox, text: str) -> None:
    """Puts it on bucket logs."""
    sandbox.client("s3").put_bucket_policy(Bucket="logs", Policy=text)


@pytest.fixture(autouse=True)
def logs(sandbox: Sandbox) -> None:
    """Bucket logs, as AWS makes it."""
    sandbox.plant([{"do": "bucket", "account": ACCOUNT, "name": "logs", "region": REGION}])


def test_a_policy_is_kept_to_the_letter(sandbox: Sandbox) -> None:
    text = policy(READ, {**READ, "Sid": "", "Effect": "Deny", "Principal": "*"})

    put(sandbox, text)

    assert sandbox.client("s3").get_bucket_policy(Bucket="logs")["Policy"] == text


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("no JSON", "MalformedPolicy", id="no JSON"),
        pytest.param("{}", "MalformedPolicy", id="no statements"),
        pytest.param(policy(READ, READ), "MalformedPolicy", id="a Sid twice"),
        pytest.param(
            policy({k: v for k, v in READ.items() if k != "Principal"}),
            "MalformedPolicy",
            id="no principal",
        ),
        pytest.param(
            policy({**READ, "Principal": {"AWS": ["AROA27HJSWAHEPTTLIWSO"]}}),
            "MalformedPolicy",
            id="a role that was deleted",
        ),
        pytest.param(
            policy({**READ, "Resource": "arn:aws:s3:::other/*"}),
            "MalformedPolicy",
            id="another bucket",
        ),
        pytest.param(
            policy({**READ, "Resource": [f"{ARN}/{'x' * 30}{n}/*" for n in range(500)]}),
            "PolicyTooLarge",
            id="over 20 KB",
        ),
        pytest.param(policy({**READ, "Principal": "*"}), "AccessDenied", id="public"),
    ],
)
def test_a_bad_policy_is_refused_and_the_old_one_stays(
    sandbox: Sandbox, text: str, code: str
) -> None:
    put(sandbox, policy(READ))

    with pytest.raises(ClientError) as refused:
        put(sandbox, text)

    assert code == code_of(refused)
    status = refused.value.response["ResponseMetadata"]["HTTPStatusCode"]
    assert status == (403 if code == "AccessDenied" else 400)
    assert sandbox.client("s3").get_bucket_policy(Bucket="logs")["Policy"] == policy(READ)


@pytest.mark.parametrize("where", ["bucket", "account", "nowhere"])
def test_a_public_policy_is_refused_where_it_is_blocked(sandbox: Sandbox, where: str) -> None:
    block = True if where == "bucket" else None
    sandbox.plant(
        [
            {"do": "bucket", "account": ACCOUNT, "name": "logs", "public_access_block": block},
            {
                "do": "account_public_access_block",
                "account": ACCOUNT,
                "block": {"BlockPublicPolicy": where == "account"},
            },
        ]
    )
    text = policy({**READ, "Principal": "*"})

    if where == "nowhere":
        put(sandbox, text)
        status = sandbox.client("s3").get_bucket_policy_status(Bucket="logs")
        assert status["PolicyStatus"] == {"IsPublic": True}
    else:
        with pytest.raises(ClientError):
            put(sandbox, text)


def test_blanks_do_not_count_towards_the_limit(sandbox: Sandbox) -> None:
    resources = [f"{ARN}/{'x' * 30}{n}/*" for n in range(300)]
    text = json.dumps({"Statement": [{**READ, "Resource": resources}]}, indent=60)
    assert len(text) > 20_480

    put(sandbox, text)
