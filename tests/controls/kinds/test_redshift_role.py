"""Roles of clusters and namespaces: each judged once, from every policy that it has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from agent.collect import Target
from controls.kinds.kind import LogBucket
from tests.controls.kinds.estate import BUCKET, cluster, healthy, judged, swept, verdicts
from tests.fakes import ACCOUNT, ARCHIVE, REGION, Prepared, denied, failing

LEAST, EXISTS = "redshift-role-least-privilege", "redshift-role-exists"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/service-role/unload"


def document(action: Any, resource: Any = "*", effect: str = "Allow") -> dict[str, Any]:
    statement = {"Effect": effect, "Action": action, "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement]}


def iam(
    *,
    inline: Mapping[str, Any] | None = None,
    attached: Mapping[str, Any] | None = None,
    boundary: str = "",
    role: Prepared | None = None,
) -> dict[str, Prepared]:
    """IAM's answers for one role: documents by policy name (inline) or ARN (attached)."""
    own, managed = inline or {}, attached or {}
    found: dict[str, Any] = {"RoleName": "unload", "Arn": ROLE}
    if boundary:
        found["PermissionsBoundary"] = {"PermissionsBoundaryArn": boundary}
    listed = [arn for arn in managed if arn != boundary]
    return {
        "iam:GetRole": role or {"Role": found},
        "iam:ListAttachedRolePolicies": {"AttachedPolicies": [{"PolicyArn": a} for a in listed]},
        "iam:ListRolePolicies": {"PolicyNames": list(own)},
        "iam:GetRolePolicy": lambda params: {"PolicyDocument": own[params["PolicyName"]]},
        "iam:GetPolicy": lambda params: {"Policy": {"DefaultVersionId": f"v{len(listed)}"}},
        "iam:GetPolicyVersion": lambda params: {
            "PolicyVersion": {"Document": managed[params["PolicyArn"]]}
        },
    }


def estate(changes: Mapping[str, Prepared], *arns: str) -> dict[str, Prepared]:
    roles = [{"IamRoleArn": arn, "ApplyStatus": "in-sync"} for arn in arns or (ROLE,)]
    return healthy([cluster(IamRoles=roles)]) | iam() | changes


OWN_BUCKET = document(["s3:PutObject", "s3:GetObject"], "arn:aws:s3:::exports/*")
LOG_BUCKET = document("s3:DeleteObject", f"arn:aws:s3:::{BUCKET}/*")
FULL = "arn:aws:iam::aws:policy/AmazonS3FullAccess"
LIMIT = f"arn:aws:iam::{ACCOUNT}:policy/limit"


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        pytest.param(iam(), "pass", id="no policies"),
        pytest.param(iam(inline={"unload": OWN_BUCKET}), "pass", id="a bucket of its own"),
        pytest.param(iam(inline={"unload": LOG_BUCKET}), "fail", id="deletes logs, inline"),
        pytest.param(
            iam(inline={"a": OWN_BUCKET, "b": LOG_BUCKET}), "fail", id="deletes logs, by the second"
        ),
        pytest.param(
            iam(attached={FULL: document("s3:*")}), "fail", id="full access, by a managed"
        ),
        pytest.param(
            iam(attached={LIMIT[:-1]: document("s3:Put*")}), "fail", id="writes every bucket"
        ),
        pytest.param(
            iam(attached={FULL: document("s3:*"), LIMIT: OWN_BUCKET}, boundary=LIMIT),
            "pass",
            id="full access within a boundary of its own bucket",
        ),
        pytest.param(
            iam(attached={FULL: document("s3:*"), LIMIT: document("s3:*")}, boundary=LIMIT),
            "fail",
            id="a boundary that bounds nothing",
        ),
        pytest.param(iam(attached={FULL: "{"}), "unknown", id="a document that is no JSON"),
        pytest.param(
            iam() | {"iam:ListAttachedRolePolicies": denied("iam:ListAttachedRolePolicies")},
            "unknown",
            id="attached policies are denied",
        ),
        pytest.param(
            iam() | {"iam:ListRolePolicies": denied("iam:ListRolePolicies")},
            "unknown",
            id="inline policies are denied",
        ),
        pytest.param(
            iam(inline={"a": OWN_BUCKET}) | {"iam:GetRolePolicy": denied("iam:GetRolePolicy")},
            "unknown",
            id="an inline document is denied",
        ),
        pytest.param(
            iam(attached={FULL: OWN_BUCKET}) | {"iam:GetPolicy": failing("NoSuchEntity")},
            "unknown",
            id="an attached policy went away between two calls",
        ),
        pytest.param(
            iam(attached={FULL: OWN_BUCKET})
            | {"iam:GetPolicyVersion": denied("iam:GetPolicyVersion")},
            "unknown",
            id="a managed document is denied",
        ),
        pytest.param(iam(role=denied("iam:GetRole")), "unknown", id="the role is denied"),
        pytest.param(iam(role=failing("NoSuchEntity")), "not_applicable", id="the role is gone"),
    ],
)
def test_a_role_is_judged_by_all_that_its_policies_say(
    changes: dict[str, Prepared], verdict: str
) -> None:
    assert verdicts(estate(changes), LEAST) == {"unload": verdict}


@pytest.mark.parametrize(
    ("role", "verdict"),
    [
        pytest.param({"Role": {"Arn": ROLE}}, "pass", id="there"),
        pytest.param({"Role": {}}, "pass", id="there, though its ARN is not shown"),
        pytest.param(failing("NoSuchEntity"), "fail", id="gone"),
        pytest.param(
            {"Role": {"Arn": f"arn:aws:iam::{ACCOUNT}:role/unload"}},
            "fail",
            id="another role of that name, made since under another path",
        ),
        pytest.param(denied("iam:GetRole"), "unknown", id="denied"),
    ],
)
def test_a_role_exists_where_iam_shows_that_very_role(role: Prepared, verdict: str) -> None:
    assert verdicts(estate(iam(role=role)), EXISTS) == {"unload": verdict}


def test_the_name_of_a_role_is_the_end_of_its_path() -> None:
    _, aws = swept(estate({}))
    assert {each["RoleName"] for each in aws.calls("iam:GetRole")} == {"unload"}


def test_a_role_of_two_clusters_is_judged_once_in_its_own_account() -> None:
    roles = [{"IamRoleArn": ROLE}]
    answers = healthy([cluster("c1", IamRoles=roles), cluster("c2", IamRoles=roles)]) | iam()
    snapshot, _ = swept(answers)
    (role,) = [each for each in snapshot.resources if each.ref.kind == "redshift_role"]
    assert (role.ref.account, role.ref.region, role.ref.arn) == (ACCOUNT, "global", ROLE)


def test_the_roles_of_namespaces_are_judged_too() -> None:
    space = {"namespaceName": "ns", "iamRoles": [f"IamRole(iamRoleArn={ROLE})"]}
    answers = healthy() | iam(inline={"x": LOG_BUCKET})
    answers |= {"redshift-serverless:ListNamespaces": {"namespaces": [space]}}
    assert verdicts(answers, LEAST) == {"unload": "fail"}


def test_a_namespace_whose_roles_cannot_be_read_is_a_gap() -> None:
    space = {"namespaceName": "ns", "iamRoles": ["?"]}
    answers = healthy() | {"redshift-serverless:ListNamespaces": {"namespaces": [space]}}
    assert verdicts(answers, LEAST) == {"*": "unknown"}


def test_a_role_of_an_account_that_is_no_target_is_unknown() -> None:
    foreign = "arn:aws:iam::555566667777:role/theirs"
    assert verdicts(estate({}, foreign), LEAST) == {"theirs": "unknown"}


def test_a_bucket_of_the_configuration_counts_as_one_of_logs() -> None:
    former = document("s3:PutObject", "arn:aws:s3:::former-logs/*")
    answers = estate(iam(inline={"x": former}))
    assert verdicts(answers, LEAST) == {"unload": "pass"}
    configured = [LogBucket("former-logs", ARCHIVE, REGION)]
    assert verdicts(answers, LEAST, log_buckets=configured) == {"unload": "fail"}


STATUS, CLUSTERS = "redshift:DescribeLoggingStatus", "redshift:DescribeClusters"
TWO = [Target(ACCOUNT, REGION), Target(ARCHIVE, REGION)]


@pytest.mark.parametrize(
    ("changes", "policy", "verdict"),
    [
        pytest.param({}, OWN_BUCKET, "pass", id="all log buckets are known"),
        pytest.param(
            {STATUS: denied(STATUS)}, OWN_BUCKET, "unknown", id="where a cluster logs is denied"
        ),
        pytest.param(
            {f"{ARCHIVE}/{CLUSTERS}": denied(CLUSTERS)},
            OWN_BUCKET,
            "unknown",
            id="another account's clusters are denied",
        ),
        pytest.param(
            {f"{ARCHIVE}/{CLUSTERS}": denied(CLUSTERS)},
            LOG_BUCKET,
            "fail",
            id="denied, but a log bucket that is known suffices",
        ),
        pytest.param(
            {f"{ARCHIVE}/{CLUSTERS}": denied(CLUSTERS)},
            document("s3:*"),
            "fail",
            id="denied, but every bucket is one of logs too",
        ),
    ],
)
def test_that_a_role_reaches_no_log_bucket_needs_all_of_them(
    changes: dict[str, Prepared], policy: dict[str, Any], verdict: str
) -> None:
    answers = estate(iam(inline={"x": policy})) | {
        f"{ARCHIVE}/redshift:DescribeClusters": {"Clusters": []}
    }
    found = judged(answers | changes, targets=TWO)
    assert found[LEAST, "unload"].status.value == verdict


def test_of_two_arns_that_differ_in_their_path_neither_stands_in_for_the_other() -> None:
    """IAM's names are unique, so one of them is gone; the living one is judged all the same."""
    stale = f"arn:aws:iam::{ACCOUNT}:role/unload"
    answers = estate(iam(attached={FULL: document("s3:*")}), stale, ROLE)

    assert verdicts(answers, EXISTS) == {"unload": "fail", "service-role/unload": "pass"}
    assert verdicts(answers, LEAST)["service-role/unload"] == "fail"
