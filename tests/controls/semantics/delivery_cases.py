"""Bucket policies, and whether each lets Redshift deliver the logs of cluster prod."""

from __future__ import annotations

import json
from typing import Any

from controls.semantics.delivery import Writer

BUCKET = "trail"
PREFIX = "logs"
WRITER = Writer("111122223333", "eu-west-1", "prod", "aws")
BAHRAIN = Writer("111122223333", "me-south-1", "prod", "aws")
GOV = Writer("111122223333", "us-gov-west-1", "prod", "aws-us-gov")
CHINA = Writer("111122223333", "cn-north-1", "prod", "aws-cn")
ISO_B = Writer("111122223333", "us-isob-east-1", "prod", "aws-iso-b")
EUROPE = Writer("111122223333", "eusc-de-east-1", "prod", "aws-eusc")
MEMBER = Writer("111122223333", "eu-west-1", "prod", "aws", organization="o-ours")

SERVICE = {"Service": "redshift.amazonaws.com"}
BOTH = ["arn:aws:s3:::trail", "arn:aws:s3:::trail/*"]
FOLDER = "arn:aws:s3:::trail/logs/AWSLogs/111122223333/redshift/eu-west-1"
OURS = "arn:aws:redshift:eu-west-1:111122223333:cluster:prod"
OTHER = "arn:aws:redshift:eu-west-1:111122223333:cluster:other"
OLD_ACCOUNT = "arn:aws:iam::210876761215:user/logs"
ALL_LOGS = ["s3:GetBucketAcl", "s3:PutObject"]


def policy(*statements: dict[str, Any], version: str | None = "2012-10-17") -> str:
    """A policy as text."""
    head = {"Version": version} if version else {}
    return json.dumps({**head, "Statement": list(statements)})


def allow(sid: str = "Deliver", **elements: Any) -> dict[str, Any]:
    """An Allow that is right for WRITER but for the elements given; None takes one away."""
    right = {"Principal": SERVICE, "Action": ALL_LOGS, "Resource": BOTH}
    made = {"Sid": sid, "Effect": "Allow", **right, **elements}
    return {name: value for name, value in made.items() if value is not None}


def deny(sid: str = "Fence", **elements: Any) -> dict[str, Any]:
    """A Deny of everything to everyone, but for the elements given; None takes one away."""
    wide = {"Principal": "*", "Action": "s3:*", "Resource": BOTH}
    made = {"Sid": sid, "Effect": "Deny", **wide, **elements}
    return {name: value for name, value in made.items() if value is not None}


def only_if(operator: str, key: str, value: Any) -> dict[str, Any]:
    """A Condition element of one clause."""
    return {"Condition": {operator: {key: value}}}


def unless_only(**operators: dict[str, Any]) -> dict[str, Any]:
    """A Condition element of several clauses."""
    return {"Condition": operators}


def legacy(action: str, resource: str) -> dict[str, Any]:
    """One half of the policy that AWS's pages showed before 2022."""
    return allow("Old", Principal={"AWS": OLD_ACCOUNT}, Action=action, Resource=resource)


SSE = "s3:x-amz-server-side-encryption"
ARNS_OF_CHINA = ["arn:aws-cn:s3:::trail", "arn:aws-cn:s3:::trail/*"]
ARNS_OF_GOV = ["arn:aws-us-gov:s3:::trail", "arn:aws-us-gov:s3:::trail/*"]
ARNS_OF_ISO = ["arn:aws-iso-b:s3:::trail", "arn:aws-iso-b:s3:::trail/*"]
ARNS_OF_EUROPE = ["arn:aws-eusc:s3:::trail", "arn:aws-eusc:s3:::trail/*"]

Case = tuple[str, Writer, str | None, bool | None, str]
"""(sentence, writer, policy, verdict with None for unknown, words of the reason)."""

# fmt: off
PRINCIPALS: list[Case] = [
    ("the documented policy admits", WRITER, policy(allow()), True, "every key"),
    ("a single statement need not be a list", WRITER,
     json.dumps({"Statement": allow()}), True, "every key"),
    ("two statements may share the work", WRITER,
     policy(allow("A", Action="s3:GetBucketAcl", Resource=BOTH[0]),
            allow("B", Action="s3:PutObject", Resource=BOTH[1])), True, ""),
    ("a list of services may hold Redshift", WRITER,
     policy(allow(Principal={"Service": ["cloudtrail.amazonaws.com", "redshift.amazonaws.com"]})),
     True, ""),
    ("another service is not Redshift", WRITER,
     policy(allow(Principal={"Service": "cloudtrail.amazonaws.com"})), False,
     "add an Allow for redshift.amazonaws.com"),
    ("everyone includes Redshift", WRITER, policy(allow(Principal="*")), True, ""),
    ("AWS star in an Allow is no sure pass", WRITER,
     policy(allow(Principal={"AWS": "*"})), None, "is not sure"),
    ("no policy admits nobody", WRITER, None, False, "has no policy"),
    ("an empty policy admits nobody", WRITER, policy(), False, "add an Allow"),
    ("the account of before 2022 no longer delivers", WRITER,
     policy(legacy("s3:PutObject", BOTH[1]), legacy("s3:GetBucketAcl", BOTH[0])), False,
     "before 2022"),
    ("old account and new principal side by side admit", WRITER,
     policy(legacy("s3:*", BOTH[1]), allow()), True, ""),
    ("a canonical user is not Redshift", WRITER,
     policy(allow(Principal={"CanonicalUser": "79a59d"})), False, "nobody that delivers"),
    ("an opt-in region needs its own principal", BAHRAIN, policy(allow()), False,
     "as redshift.me-south-1.amazonaws.com: name that principal"),
    ("an opt-in region's own principal admits", BAHRAIN,
     policy(allow(Principal={"Service": "redshift.me-south-1.amazonaws.com"})), True, ""),
    ("another opt-in region's principal does not", BAHRAIN,
     policy(allow(Principal={"Service": "redshift.af-south-1.amazonaws.com"})), False,
     "in me-south-1 Redshift delivers as"),
    ("a region that we never heard of counts as opt-in",
     Writer("111122223333", "xx-new-9", "prod", "aws"),
     policy(allow(Principal={"Service": "redshift.xx-new-9.amazonaws.com"})), True, ""),
    ("a regional principal in a default region is not documented", WRITER,
     policy(allow(Principal={"Service": "redshift.eu-west-1.amazonaws.com"})), None,
     "AWS documents redshift.amazonaws.com"),
    ("a service wildcard is not documented", WRITER,
     policy(allow(Principal={"Service": "*"})), None, "not documented"),
    ("GovCloud uses the plain principal", GOV,
     policy(allow(Resource=ARNS_OF_GOV)), True, ""),
    ("ARNs of the wrong partition match nothing", GOV, policy(allow()), False, "only on"),
    ("China's principal cannot be told", CHINA,
     policy(allow(Resource=ARNS_OF_CHINA)), None, "aws-cn is not known"),
    ("China's other suffix cannot be told either", CHINA,
     policy(allow(Resource=ARNS_OF_CHINA,
                  Principal={"Service": "redshift.amazonaws.com.cn"})), None, "not known"),
    ("in China everyone is still everyone", CHINA,
     policy(allow(Resource=ARNS_OF_CHINA, Principal="*")), True, ""),
    ("in China another service is still another service", CHINA,
     policy(allow(Resource=ARNS_OF_CHINA, Principal={"Service": "s3.amazonaws.com"})),
     False, ""),
    ("an isolated partition may deliver by an account", ISO_B,
     policy(allow(Resource=ARNS_OF_ISO, Principal={"AWS": "702190854255"})), None, "aws-iso-b"),
    ("the European partition's principal cannot be told", EUROPE,
     policy(allow(Resource=ARNS_OF_EUROPE)), None, "aws-eusc"),
    ("NotPrincipal with Allow is never a pass", WRITER,
     policy(allow(Principal=None, NotPrincipal={"AWS": "arn:aws:iam::1:root"})), None,
     "not supported"),
    ("Deny with NotPrincipal denies whom it does not name", WRITER,
     policy(allow(), deny(Principal=None, NotPrincipal={"AWS": "arn:aws:iam::1:role/x"})),
     False, "NotPrincipal denies all but"),
    ("Deny with NotPrincipal spares whom it names", WRITER,
     policy(allow(), deny(Principal=None, NotPrincipal=SERVICE)), True, ""),
    ("Deny with a NotPrincipal of everyone denies nobody", WRITER,
     policy(allow(), deny(Principal=None, NotPrincipal="*")), True, ""),
    ("a Deny for a role is not for Redshift", WRITER,
     policy(allow(), deny(Principal={"AWS": "arn:aws:iam::111122223333:role/x"})), True, ""),
    ("a Deny for AWS star counts for services", WRITER,
     policy(allow(), deny(Principal={"AWS": "*"})), False, "statement Fence"),
]

ACTIONS_AND_RESOURCES: list[Case] = [
    ("GetBucketAcl missing", WRITER, policy(allow(Action="s3:PutObject")), False,
     "s3:GetBucketAcl"),
    ("PutObject missing", WRITER, policy(allow(Action="s3:GetBucketAcl")), False,
     "s3:PutObject"),
    ("the case of actions does not matter", WRITER,
     policy(allow(Action=["S3:getbucketACL", "s3:PUTOBJECT"])), True, ""),
    ("wildcards within actions", WRITER, policy(allow(Action=["s3:*Acl", "s3:Put?bject"])),
     True, ""),
    ("a star for all actions", WRITER, policy(allow(Action="*")), True, ""),
    ("NotAction in an Allow admits what it does not name", WRITER,
     policy(allow(Action=None, NotAction="s3:Delete*")), True, ""),
    ("NotAction in an Allow withholds what it names", WRITER,
     policy(allow(Action=None, NotAction=["s3:Delete*", "s3:Put*"])), False, "s3:PutObject"),
    ("NotAction in a Deny denies what it does not name", WRITER,
     policy(allow(), deny(Action=None, NotAction="s3:GetBucketAcl")), False,
     "statement Fence of the policy of bucket trail denies s3:PutObject"),
    ("NotAction in a Deny spares what it names", WRITER,
     policy(allow(), deny(Action=None, NotAction=ALL_LOGS)), True, ""),
    ("the bucket alone is not its objects", WRITER, policy(allow(Resource=BOTH[0])), False,
     "s3:PutObject only on arn:aws:s3:::trail,"),
    ("objects alone are not the bucket", WRITER, policy(allow(Resource=BOTH[1])), False,
     "s3:GetBucketAcl only on"),
    ("the prefix is enough", WRITER,
     policy(allow(Resource=[BOTH[0], "arn:aws:s3:::trail/logs/*"])), True, ""),
    ("the writer's folder is enough", WRITER,
     policy(allow(Resource=[BOTH[0], "arn:aws:s3:::trail/logs/AWSLogs/111122223333/*"])),
     True, ""),
    ("another account's folder is not", WRITER,
     policy(allow(Resource=[BOTH[0], "arn:aws:s3:::trail/logs/AWSLogs/444455556666/*"])),
     False, "AWSLogs/444455556666"),
    ("the prefix of another day's setup is not", WRITER,
     policy(allow(Resource=[BOTH[0], "arn:aws:s3:::trail/AWSLogs/*"])), False, "only on"),
    ("an inner wildcard can cover every key", WRITER,
     policy(allow(Resource=[BOTH[0], "arn:aws:s3:::trail/*/AWSLogs/*"])), True, ""),
    ("question marks count characters", WRITER,
     policy(allow(Resource=[BOTH[0], "arn:aws:s3:::trail/????/AWSLogs/*"])), True, ""),
    ("one question mark too few", WRITER,
     policy(allow(Resource=[BOTH[0], "arn:aws:s3:::trail/???/AWSLogs/*"])), False, "only on"),
    ("one year only is not every log", WRITER,
     policy(allow(Resource=[BOTH[0], f"{FOLDER}/2026/*"])), False, "/2026/*, not on"),
    ("one log type only is not every log", WRITER,
     policy(allow(Resource=[BOTH[0], f"{FOLDER}/*_connectionlog_*"])), False, "_userlog_"),
    ("three log types cover the documented names, no more", WRITER,
     policy(allow(Resource=[BOTH[0], *(f"{FOLDER}/*_{t}_*" for t in
                                       ("connectionlog", "userlog", "useractivitylog"))])),
     None, "not surely every key"),
    ("gz objects are the documented names, no more", WRITER,
     policy(allow(Resource=[BOTH[0], "arn:aws:s3:::trail/*.gz"])), None, "not surely every key"),
    ("keys are case sensitive", WRITER,
     policy(allow(Resource=[BOTH[0], "arn:aws:s3:::trail/LOGS/*"])), False, "only on"),
    ("two half patterns may cover the whole", WRITER,
     policy(allow(Resource=[BOTH[0], f"{FOLDER}/2*"]), allow("Rest", NotResource=f"{FOLDER}/2*",
            Resource=None)), True, ""),
    ("NotResource in an Allow admits the rest", WRITER,
     policy(allow(Resource=None, NotResource="arn:aws:s3:::trail/private/*")), True, ""),
    ("NotResource in an Allow withholds what it names", WRITER,
     policy(allow(Resource=None, NotResource="arn:aws:s3:::trail/logs/*")), False,
     "what is not arn:aws:s3:::trail/logs/*"),
    ("NotResource in a Deny denies the rest", WRITER,
     policy(allow(), deny(Resource=None, NotResource="arn:aws:s3:::trail/private/*")), False,
     "statement Fence"),
    ("NotResource in a Deny spares what it names", WRITER,
     policy(allow(), deny(Resource=None, NotResource=BOTH)), True, ""),
    ("a Deny elsewhere in the bucket does not matter", WRITER,
     policy(allow(), deny(Resource="arn:aws:s3:::trail/private/*")), True, ""),
    ("a Deny on one log type matters", WRITER,
     policy(allow(), deny(Resource="arn:aws:s3:::trail/*_useractivitylog_*")), False,
     "_useractivitylog_"),
    ("a Deny that no documented key meets leaves a doubt", WRITER,
     policy(allow(), deny(Resource="arn:aws:s3:::trail/*.tmp")), None, "not surely every key"),
    ("a variable in an Allow's resource is not decided", WRITER,
     policy(allow(Resource=[BOTH[0], "arn:aws:s3:::trail/logs/AWSLogs/${aws:SourceAccount}/*"])),
     None, "policy variable"),
    ("a variable elsewhere does not matter", WRITER,
     policy(allow(), deny(Resource="arn:aws:s3:::trail/home/${aws:username}/*")), True, ""),
    ("in the old version a variable is plain text", WRITER,
     policy(allow(Resource=[BOTH[0], "arn:aws:s3:::trail/${x}*"]), version=None), False,
     "${x}"),
    ("an unconditional Deny beats any Allow", WRITER, policy(deny(), allow()), False,
     "statement Fence of the policy of bucket trail denies s3:GetBucketAcl"),
    ("a statement without Sid is named by its position", WRITER,
     policy(allow(), deny(Sid=None)), False, "statement 2 (no Sid)"),
]

CONDITIONS: list[Case] = [
    ("TLS-only does not hinder Redshift", WRITER,
     policy(allow(), deny(**only_if("Bool", "aws:SecureTransport", "false"))), True, ""),
    ("TLS-only with a JSON boolean", WRITER,
     policy(allow(), deny(**only_if("Bool", "aws:SecureTransport", False))), True, ""),
    ("TLS below 1.2 is never used", WRITER,
     policy(allow(), deny(**only_if("NumericLessThan", "s3:TlsVersion", 1.2))), True, ""),
    ("TLS 1.3 only cannot be told", WRITER,
     policy(allow(), deny(**only_if("NumericLessThan", "s3:TlsVersion", "1.3"))), None,
     "s3:TlsVersion"),
    ("SourceArn of this cluster", WRITER,
     policy(allow(**only_if("StringEquals", "aws:SourceArn", OURS))), True, ""),
    ("SourceArn of any cluster of the account", WRITER,
     policy(allow(**only_if("ArnLike", "AWS:SOURCEARN",
                            "arn:aws:redshift:*:111122223333:cluster:*"))), True, ""),
    ("SourceArn of another cluster blocks this one", WRITER,
     policy(allow(**only_if("StringEquals", "aws:SourceArn", OTHER))), False,
     "admits only aws:SourceArn arn:aws:redshift:eu-west-1:111122223333:cluster:other"),
    ("SourceArn with a wildcard is literal in StringEquals", WRITER,
     policy(allow(**only_if("StringEquals", "aws:SourceArn", f"{OURS[:-4]}*"))), False,
     "admits only"),
    ("a Deny for all but another cluster", WRITER,
     policy(allow(), deny(**only_if("ArnNotLike", "aws:SourceArn", OTHER))), False,
     "this cluster's is"),
    ("SourceAccount of the writer", WRITER,
     policy(allow(**only_if("StringEquals", "aws:SourceAccount", ["1", "111122223333"]))),
     True, ""),
    ("SourceAccount of somebody else", WRITER,
     policy(allow(**only_if("StringEquals", "aws:SourceAccount", "999988887777"))), False,
     "aws:SourceAccount"),
    ("SourceOrgID of our organization", MEMBER,
     policy(allow(**only_if("StringEquals", "aws:SourceOrgID", "o-ours"))), True, ""),
    ("SourceOrgID of another organization", MEMBER,
     policy(allow(**only_if("StringEquals", "aws:SourceOrgID", "o-theirs"))), False, "o-theirs"),
    ("SourceOrgID without knowing ours", WRITER,
     policy(allow(**only_if("StringEquals", "aws:SourceOrgID", "o-ours"))), None, "SourceOrgID"),
    ("PrincipalOrgID forgets the services", WRITER,
     policy(allow(), deny(**only_if("StringNotEquals", "aws:PrincipalOrgID", "o-ours"))), False,
     "it forgot the exception for AWS services (aws:PrincipalIsAWSService)"),
    ("PrincipalOrgID with IfExists forgets them too", WRITER,
     policy(allow(), deny(**only_if("StringNotEqualsIfExists", "aws:PrincipalOrgID", "o-ours"))),
     False, "aws:PrincipalIsAWSService"),
    ("PrincipalOrgID on the Allow shuts Redshift out", WRITER,
     policy(allow(**only_if("StringEquals", "aws:PrincipalOrgID", "o-ours"))), False,
     "only requests with StringEquals aws:PrincipalOrgID o-ours"),
    ("PrincipalOrgID with the exception for services", WRITER,
     policy(allow(), deny(**unless_only(
         StringNotEqualsIfExists={"aws:PrincipalOrgID": "o-ours"},
         BoolIfExists={"aws:PrincipalIsAWSService": "false"}))), True, ""),
    ("the exception decides before an unknown key", WRITER,
     policy(allow(), deny(**unless_only(
         StringNotEquals={"aws:PrincipalAccount": "111122223333", "made:Up": "x"},
         Bool={"aws:PrincipalIsAWSService": "false"}))), True, ""),
    ("the endpoint policy forgets the services", WRITER,
     policy(allow(), deny("DenyUnlessVpce", **only_if("StringNotEquals", "aws:SourceVpce",
                                                      "vpce-1"))), False,
     "statement DenyUnlessVpce of the policy of bucket trail denies s3:GetBucketAcl"),
    ("the VPC policy by its Null twin forgets them", WRITER,
     policy(allow(), deny(**only_if("Null", "aws:SourceVpc", "true"))), False,
     "it forgot the exception"),
    ("a Deny for one VPC is not for Redshift", WRITER,
     policy(allow(), deny(**only_if("StringEquals", "aws:SourceVpc", "vpc-1"))), True, ""),
    ("a Deny by address cannot be told", WRITER,
     policy(allow(), deny(**only_if("NotIpAddress", "aws:SourceIp", "10.0.0.0/8"))), None,
     "aws:PrincipalIsAWSService"),
    ("PrincipalServiceName names Redshift", WRITER,
     policy(allow(Principal="*", **only_if("StringEquals", "aws:PrincipalServiceName",
                                           "redshift.amazonaws.com"))), True, ""),
    ("PrincipalServiceName in China cannot be told", CHINA,
     policy(allow(Principal="*", Resource=ARNS_OF_CHINA, **only_if(
         "StringEquals", "aws:PrincipalServiceName", "redshift.amazonaws.com"))), None,
     "aws-cn"),
    ("the ACL header on the Allow cannot be told", WRITER,
     policy(allow("Acl", Action="s3:GetBucketAcl"),
            allow("Put", **only_if("StringEquals", "s3:x-amz-acl",
                                   "bucket-owner-full-control"))), None, "s3:x-amz-acl"),
    ("a demand for KMS breaks delivery", WRITER,
     policy(allow(), deny(Action="s3:PutObject", **only_if("StringNotEquals", SSE, "aws:kms"))),
     False, "Redshift delivers with SSE-S3 only"),
    ("a demand for one KMS key breaks delivery", WRITER,
     policy(allow(), deny(Action="s3:PutObject", **only_if(
         "StringNotEquals", f"{SSE}-aws-kms-key-id", "arn:aws:kms:eu-west-1:1:key/k"))),
     False, "SSE-S3 only"),
    ("a Deny of KMS only does not", WRITER,
     policy(allow(), deny(Action="s3:PutObject", **only_if("StringEquals", SSE, "aws:kms"))),
     True, ""),
    ("KMS or no header, with IfExists, lets SSE-S3 down only by header", WRITER,
     policy(allow(), deny(Action="s3:PutObject", **only_if("StringNotEqualsIfExists", SSE,
                                                           ["AES256", "aws:kms"]))),
     None, "does not document"),
    ("a demand for any encryption header cannot be told", WRITER,
     policy(allow(), deny(Action="s3:PutObject", **only_if("Null", SSE, "true"))), None,
     "does not document"),
    ("ForAnyValue over an absent key does not match", WRITER,
     policy(allow(), deny(**only_if("ForAnyValue:StringEquals", "aws:PrincipalOrgPaths", "o/*"))),
     True, ""),
    ("ForAllValues over an absent key matches", WRITER,
     policy(allow(), deny(**only_if("ForAllValues:StringEquals", "aws:PrincipalOrgPaths",
                                    "o/*"))), False, "statement Fence"),
    ("ForAnyValue negated over an absent key is left open", WRITER,
     policy(allow(), deny(**only_if("ForAnyValue:StringNotLike", "aws:PrincipalOrgPaths",
                                    "o/*"))), None, "leaves open"),
    ("an unknown key on the only Allow is no pass", WRITER,
     policy(allow(**only_if("StringEquals", "made:Up", "x"))), None, "made:up"),
    ("an unknown key on one of two Allows does not matter", WRITER,
     policy(allow("Odd", **only_if("StringEquals", "made:Up", "x")), allow()), True, ""),
    ("an unknown key on a Deny is unknown", WRITER,
     policy(allow(), deny(**only_if("StringEquals", "made:Up", "x"))), None,
     "whether statement Fence denies"),
    ("an unknown operator on a Deny is unknown", WRITER,
     policy(allow(), deny(**only_if("StringResembles", "aws:SourceVpc", "x"))), None,
     "StringResembles is not modelled"),
    ("an unknown Deny without any Allow still fails", WRITER,
     policy(deny(**only_if("StringEquals", "made:Up", "x"))), False, "add an Allow"),
    ("a variable in a condition is not decided", WRITER,
     policy(allow(**only_if("StringLike", "aws:SourceArn", "${aws:PrincipalTag/arn}"))), None,
     "policy variable"),
    ("a Deny by date is unknown", WRITER,
     policy(allow(), deny(**only_if("DateGreaterThan", "aws:CurrentTime",
                                    "2027-01-01T00:00:00Z"))), None, "aws:currenttime"),
    ("a region that is not ours", WRITER,
     policy(allow(), deny(**only_if("StringNotEquals", "aws:RequestedRegion", "us-east-1"))),
     False, "statement Fence"),
]

UNREADABLE: list[Case] = [
    ("no JSON", WRITER, "{not json", None, "not valid JSON"),
    ("a JSON list", WRITER, "[]", None, "not a JSON object"),
    ("nested without end", WRITER, "[" * 100_000, None, "not valid JSON"),
    ("a key twice", WRITER,
     policy(allow()).replace('"Effect": "Allow"', '"Effect": "Deny", "Effect": "Allow"'), None,
     "'Effect' twice"),
    ("an element that IAM does not know", WRITER, policy(allow(Actions="s3:*")), None,
     "'Actions'"),
    ("a version that IAM does not know", WRITER, policy(allow(), version="2027-01-01"), None,
     "2027-01-01"),
    ("no effect", WRITER, policy(allow(Effect="allow")), None, "Effect"),
    ("no statements", WRITER, '{"Version": "2012-10-17"}', None, "no list of statements"),
    ("no principal", WRITER, policy(allow(Principal=None)), None, "names no principal"),
    ("action and its opposite", WRITER, policy(allow(NotAction="s3:GetObject")), None,
     "one of Action and NotAction"),
    ("no resource", WRITER, policy(allow(Resource=None)), None, "Resource"),
    ("an empty list of actions", WRITER, policy(allow(Action=[])), None, "Action"),
    ("a condition that is a list", WRITER, policy(allow(Condition=["x"])), None, "condition"),
    ("a condition without values", WRITER,
     policy(allow(**only_if("StringEquals", "aws:SourceArn", []))), None, "no values"),
    ("patterns that nobody can follow", WRITER,
     policy(allow(Resource=BOTH),
            *(deny(Resource=f"arn:aws:s3:::trail/*x{i}*y{i}*", Sid=f"S{i}") for i in range(30))),
     None, "too intricate"),
]
# fmt: on

CASES = PRINCIPALS + ACTIONS_AND_RESOURCES + CONDITIONS + UNREADABLE
