"""The bench estate's account: identity, regions, roles and their policies, logs and metrics."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from urllib.parse import quote

from bench.answer import (
    REQUEST_ID,
    Answer,
    Handlers,
    always,
    answer,
    chosen,
    from_json,
    query,
    query_error,
)
from bench.estate_redshift import ACCOUNT, REGION, Size, role_name, stamp

STS = "https://sts.amazonaws.com/doc/2011-06-15/"
IAM = "https://iam.amazonaws.com/doc/2010-05-08/"
SHARED_POLICY = "warehouse-shared"


def account(size: Size, now: datetime) -> Handlers:
    """How STS, EC2, Organizations, IAM, CloudWatch and CloudWatch Logs answer."""
    organization = {
        "Id": "o-exampleorgid",
        "Arn": f"arn:aws:organizations::{ACCOUNT}:organization/o-exampleorgid",
        "FeatureSet": "ALL",
        "MasterAccountId": ACCOUNT,
    }
    return {
        ("sts", "GetCallerIdentity"): always(_caller()),
        ("sts", "AssumeRole"): always(_assumed(now)),
        ("ec2", "DescribeRegions"): always(_regions()),
        ("organizations", "DescribeOrganization"): always(
            from_json({"Organization": organization})
        ),
        ("logs", "DescribeLogGroups"): always(from_json({"logGroups": []})),
        ("logs", "DescribeLogStreams"): always(from_json({"logStreams": []})),
        ("cloudwatch", "GetMetricStatistics"): always(_connections(now)),
        **_iam(size, now),
    }


def _caller() -> Answer:
    result = (
        f"<Arn>arn:aws:sts::{ACCOUNT}:assumed-role/trailkeeper/bench</Arn>"
        f"<UserId>AROAEXAMPLE:bench</UserId><Account>{ACCOUNT}</Account>"
    )
    return query(STS, "GetCallerIdentity", result.encode())


def _assumed(now: datetime) -> Answer:
    result = (
        "<Credentials><AccessKeyId>ASIAEXAMPLEEXAMPLE00</AccessKeyId>"
        "<SecretAccessKey>example</SecretAccessKey><SessionToken>example</SessionToken>"
        f"<Expiration>{stamp(now + timedelta(hours=12))}</Expiration></Credentials>"
        "<AssumedRoleUser><AssumedRoleId>AROAEXAMPLE:bench</AssumedRoleId>"
        f"<Arn>arn:aws:sts::{ACCOUNT}:assumed-role/trailkeeper/bench</Arn></AssumedRoleUser>"
    )
    return query(STS, "AssumeRole", result.encode())


def _regions() -> Answer:
    """EC2's own protocol has no result element."""
    return answer(
        '<DescribeRegionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
        f"<requestId>{REQUEST_ID}</requestId><regionInfo><item><regionName>{REGION}</regionName>"
        f"<regionEndpoint>ec2.{REGION}.amazonaws.com</regionEndpoint>"
        "<optInStatus>opt-in-not-required</optInStatus></item></regionInfo>"
        "</DescribeRegionsResponse>".encode()
    )


def _connections(now: datetime) -> Answer:
    points = [
        {"Timestamp": (now - timedelta(hours=hour)).timestamp(), "Maximum": 12.0, "Unit": "Count"}
        for hour in range(24)
    ]
    return from_json({"Label": "DatabaseConnections", "Datapoints": points})


def _iam(size: Size, now: datetime) -> Handlers:
    roles = [role_name(index) for index in range(size.roles)]
    policies = [SHARED_POLICY, *roles]
    by_name = {
        "GetRole": {name: _role(name, now) for name in roles},
        "ListAttachedRolePolicies": {name: _attached(name) for name in roles},
        "ListRolePolicies": {name: _inline_names() for name in roles},
        "GetRolePolicy": {name: _inline(name) for name in roles},
    }
    by_arn = {
        "GetPolicy": {_policy_arn(name): _managed(name, now) for name in policies},
        "GetPolicyVersion": {_policy_arn(name): _version(name, now) for name in policies},
    }
    missing = query_error("NoSuchEntity")
    handlers: Handlers = {}
    for operation, replies in by_name.items():
        handlers["iam", operation] = chosen("RoleName", replies, missing)
    for operation, replies in by_arn.items():
        handlers["iam", operation] = chosen("PolicyArn", replies, missing)
    return handlers


def _policy_arn(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:policy/{name}"


def _document(resource: str) -> str:
    """URL-encoded, as IAM sends documents."""
    statement = {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:ListBucket", "s3:GetBucketLocation"],
        "Resource": [f"arn:aws:s3:::{resource}", f"arn:aws:s3:::{resource}/*"],
    }
    return quote(json.dumps({"Version": "2012-10-17", "Statement": [statement]}), safe="")


def _role(name: str, now: datetime) -> Answer:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "redshift.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    result = (
        f"<Role><Path>/</Path><RoleName>{name}</RoleName><RoleId>AROAEXAMPLE</RoleId>"
        f"<Arn>arn:aws:iam::{ACCOUNT}:role/{name}</Arn><CreateDate>{stamp(now)}</CreateDate>"
        f"<AssumeRolePolicyDocument>{quote(json.dumps(trust), safe='')}"
        "</AssumeRolePolicyDocument></Role>"
    )
    return query(IAM, "GetRole", result.encode())


def _attached(name: str) -> Answer:
    members = "".join(
        f"<member><PolicyName>{policy}</PolicyName><PolicyArn>{_policy_arn(policy)}</PolicyArn>"
        "</member>"
        for policy in (SHARED_POLICY, name)
    )
    result = f"<AttachedPolicies>{members}</AttachedPolicies><IsTruncated>false</IsTruncated>"
    return query(IAM, "ListAttachedRolePolicies", result.encode())


def _inline_names() -> Answer:
    result = b"<PolicyNames><member>staging</member></PolicyNames><IsTruncated>false</IsTruncated>"
    return query(IAM, "ListRolePolicies", result)


def _inline(name: str) -> Answer:
    result = (
        f"<RoleName>{name}</RoleName><PolicyName>staging</PolicyName>"
        f"<PolicyDocument>{_document('staging')}</PolicyDocument>"
    )
    return query(IAM, "GetRolePolicy", result.encode())


def _managed(name: str, now: datetime) -> Answer:
    result = (
        f"<Policy><PolicyName>{name}</PolicyName><PolicyId>ANPAEXAMPLE</PolicyId>"
        f"<Arn>{_policy_arn(name)}</Arn><Path>/</Path><DefaultVersionId>v1</DefaultVersionId>"
        f"<AttachmentCount>1</AttachmentCount><CreateDate>{stamp(now)}</CreateDate></Policy>"
    )
    return query(IAM, "GetPolicy", result.encode())


def _version(name: str, now: datetime) -> Answer:
    result = (
        f"<PolicyVersion><Document>{_document(name)}</Document><VersionId>v1</VersionId>"
        f"<IsDefaultVersion>true</IsDefaultVersion><CreateDate>{stamp(now)}</CreateDate>"
        "</PolicyVersion>"
    )
    return query(IAM, "GetPolicyVersion", result.encode())
