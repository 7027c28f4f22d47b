"""A good HTTP status with a body that is not the operation's: never an answer, never "none"."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.session import Session

from agent.aws import errors
from agent.aws.access import AccountAccess
from agent.aws.bodies import refuse_foreign_body
from agent.aws.hands import CREDENTIALS, OBSERVER
from agent.aws.translate import NotFromAwsError, NotUnderstoodError
from controls.model import AwsError, CannotTellError
from controls.semantics.policy import parse_policy
from tests.agent.aws.conftest import BASE, Open
from tests.agent.aws.fake_wire import Reply, identity
from tests.agent.aws.test_wire_failures import HTML, NOW

S3_NS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
BLOCK = "<BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>"
SSE = (
    "<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm>"
    "<KMSMasterKeyID>k</KMSMasterKeyID></ApplyServerSideEncryptionByDefault>"
    "<BucketKeyEnabled>true</BucketKeyEnabled></Rule>"
)
LOCK = (
    "<ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>"
    "<Mode>COMPLIANCE</Mode><Days>1</Days></DefaultRetention></Rule>"
)
RULE = (
    "<Rule><ID>r</ID><Filter><And><Prefix>a/</Prefix><Tag><Key>k</Key><Value>v</Value></Tag>"
    "<Tag><Key>l</Key><Value>v</Value></Tag></And></Filter><Status>Enabled</Status>"
    "<Transition><Days>30</Days><StorageClass>GLACIER</StorageClass></Transition>"
    "<Transition><Days>60</Days><StorageClass>DEEP_ARCHIVE</StorageClass></Transition>"
    "<Expiration><Days>90</Days></Expiration></Rule>"
)


def lifecycle(inner: str) -> str:
    root = "LifecycleConfiguration"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} {S3_NS}>{inner}</{root}>'


S3_GOOD = {
    "s3:GetBucketEncryption": (
        f"<ServerSideEncryptionConfiguration {S3_NS}>{SSE}</ServerSideEncryptionConfiguration>"
    ),
    "s3:GetBucketLifecycleConfiguration": lifecycle(RULE),
    "s3:GetBucketPolicy": ' {"Version": "2012-10-17", "Statement": []}\n',
    "s3:GetBucketVersioning": f"<VersioningConfiguration {S3_NS}/>",
    "s3:GetObjectLockConfiguration": (
        f"<ObjectLockConfiguration {S3_NS}>{LOCK}</ObjectLockConfiguration>"
    ),
    "s3:GetPublicAccessBlock": (
        f"<PublicAccessBlockConfiguration {S3_NS}>{BLOCK}</PublicAccessBlockConfiguration>"
    ),
    "s3:ListBuckets": f"<ListAllMyBucketsResult {S3_NS}><Buckets/></ListAllMyBucketsResult>",
    "s3:ListObjectsV2": f"<ListBucketResult {S3_NS}><Name>b</Name></ListBucketResult>",
    "s3control:GetPublicAccessBlock": (
        f"<PublicAccessBlockConfiguration>{BLOCK}</PublicAccessBlockConfiguration>"
    ),
}
JSON_SERVICES = ("cloudwatch", "logs", "organizations", "redshift-serverless")
BAD = [
    pytest.param("", id="nothing"),
    pytest.param(" \n", id="blanks"),
    pytest.param("<r/>", id="somebody's XML"),
    pytest.param("<Response/>", id="an empty Response"),
    pytest.param(f"<ListPartsResult {S3_NS}/>", id="another operation's root"),
    pytest.param("<!DOCTYPE r [<!ENTITY e 'x'>]><VersioningConfiguration/>", id="a DOCTYPE"),
    pytest.param(HTML, id="HTML"),
    pytest.param("[]", id="a JSON list"),
    pytest.param("null", id="JSON's null"),
    pytest.param('"fine"', id="a JSON string"),
    pytest.param("OK", id="a word"),
]


def good_body(operation: str) -> str:
    """As AWS sends it."""
    service, name = operation.split(":")
    if service in JSON_SERVICES:
        return '{"nextToken": "t"}'
    if operation in S3_GOOD:
        return S3_GOOD[operation]
    return f'<{name}Response xmlns="https://x"><{name}Result/></{name}Response>'


@pytest.fixture(scope="module")
def models(loader: Any) -> Session:
    session = Session()
    session.register_component("data_loader", loader)
    return session


def judge(models: Session, operation: str, body: str | bytes, status: int = 200) -> None:
    service, name = operation.split(":")
    content = body.encode() if isinstance(body, str) else body
    refuse_foreign_body(
        models.get_service_model(service).operation_model(name),
        {"body": content, "status_code": status},
    )


@pytest.mark.parametrize("operation", sorted(OBSERVER | CREDENTIALS))
def test_the_answer_of_aws_is_let_through(models: Session, operation: str) -> None:
    judge(models, operation, good_body(operation))


@pytest.mark.parametrize("operation", sorted(OBSERVER | CREDENTIALS))
@pytest.mark.parametrize("body", BAD)
def test_a_body_of_somebody_else_is_refused(models: Session, operation: str, body: str) -> None:
    if operation == "s3:GetBucketPolicy" and body.strip() and not body.lstrip().startswith("<"):
        # Whatever text it is: reading policies says what is wrong with it, in its own words.
        with pytest.raises(CannotTellError):
            parse_policy(body)
        return
    with pytest.raises(NotFromAwsError, match="HTTP 200 with "):
        judge(models, operation, body)


@pytest.mark.parametrize("operation", sorted(set(S3_GOOD) - {"s3:GetBucketPolicy"}))
@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"\xef\xbb\xbf", id="a byte order mark"),
        pytest.param(b"\n <?xml-stylesheet x?>\n<!-- > -->", id="a comment before it"),
    ],
)
def test_what_xml_allows_before_the_root_is_skipped(
    models: Session, operation: str, head: bytes
) -> None:
    body = S3_GOOD[operation].partition("?>\n")[2] or S3_GOOD[operation]
    judge(models, operation, head.strip() + body.encode())


@pytest.mark.parametrize("operation", sorted(OBSERVER))
def test_an_error_is_botocores_to_read(models: Session, operation: str) -> None:
    judge(models, operation, "<Error><Code>NoSuchBucket</Code></Error>", 404)
    judge(models, operation, "", 503)


@pytest.mark.parametrize("operation", ["s3:GetBucketVersioning", "s3:ListBuckets"])
def test_the_root_of_the_simulated_aws_is_let_through(models: Session, operation: str) -> None:
    judge(models, operation, f"<{operation.partition(':')[2]}Response/>")


@pytest.mark.parametrize(
    "operation",
    [
        "s3:GetBucketEncryption",
        "s3:GetBucketLifecycleConfiguration",
        "s3:GetObjectLockConfiguration",
        "s3:GetPublicAccessBlock",
        "s3control:GetPublicAccessBlock",
    ],
)
def test_an_empty_configuration_is_not_how_aws_says_none(models: Session, operation: str) -> None:
    root = S3_GOOD[operation].rpartition("</")[2].rstrip(">")
    with pytest.raises(NotFromAwsError, match=f"an empty {root}"):
        judge(models, operation, f"<{root} {S3_NS}/>")


@pytest.mark.parametrize(
    ("operation", "body", "said"),
    [
        pytest.param(
            "s3:GetBucketLifecycleConfiguration",
            lifecycle("<Rule><Filter><StorageClassIs>X</StorageClassIs></Filter></Rule>"),
            "the element StorageClassIs",
            id="a narrower filter",
        ),
        pytest.param(
            "s3:GetBucketLifecycleConfiguration",
            lifecycle("<Rule><Filter><And><Owner>me</Owner></And></Filter></Rule>"),
            "the element Owner",
            id="one more term of a conjunction",
        ),
        pytest.param(
            "s3:GetBucketLifecycleConfiguration",
            lifecycle("<Rule><Filter>a/</Filter></Rule>"),
            "text in the element Filter",
            id="a filter that is a text",
        ),
        pytest.param(
            "s3:GetBucketLifecycleConfiguration",
            lifecycle("<Rule><Filter/><Filter><Prefix>a/</Prefix></Filter></Rule>"),
            "more than one element Filter",
            id="two filters",
        ),
        pytest.param(
            "s3:GetBucketLifecycleConfiguration",
            lifecycle("<Rule><Prefix><Like>a*</Like></Prefix></Rule>"),
            "the element Like",
            id="an element inside a text",
        ),
        pytest.param(
            "s3:GetBucketLifecycleConfiguration",
            lifecycle("<Paused>true</Paused>" + RULE),
            "the element Paused",
            id="beside the rules",
        ),
        pytest.param(
            "s3:GetBucketEncryption",
            S3_GOOD["s3:GetBucketEncryption"].replace("<Rule>", "<Rule><Only>a/</Only>"),
            "the element Only",
            id="encryption of a part",
        ),
        pytest.param(
            "s3:GetBucketVersioning",
            f"<VersioningConfiguration {S3_NS}><State>on</State></VersioningConfiguration>",
            "the element State",
            id="versioning by another name",
        ),
        pytest.param(
            "s3:GetObjectLockConfiguration",
            S3_GOOD["s3:GetObjectLockConfiguration"].replace("<Rule>", "<Rule><Only>a/</Only>"),
            "the element Only",
            id="a lock on a part",
        ),
        pytest.param(
            "s3:GetPublicAccessBlock",
            S3_GOOD["s3:GetPublicAccessBlock"].replace("<Ignore", "<Except>x</Except><Ignore"),
            "the element Except",
            id="a block with an exception",
        ),
        pytest.param(
            "s3control:GetPublicAccessBlock",
            S3_GOOD["s3control:GetPublicAccessBlock"].replace("<Ignore", "<Except/><Ignore"),
            "the element Except",
            id="an account's block with an exception",
        ),
    ],
)
def test_what_botocore_would_drop_from_a_configuration_is_refused(
    models: Session, operation: str, body: str, said: str
) -> None:
    with pytest.raises(NotUnderstoodError, match=f"S3 answered with {said}, which this version"):
        judge(models, operation, body)


@pytest.mark.parametrize("name", ["DescribeLoggingStatus", "DescribeClusters"])
def test_a_new_member_elsewhere_breaks_nothing(open_aws: Open, name: str) -> None:
    inner = "<LoggingEnabled>true</LoggingEnabled><Clusters/><NewInAWS><X>1</X></NewInAWS>"
    body = f"<{name}Response><{name}Result>{inner}</{name}Result></{name}Response>"
    aws, _ = open_aws(lambda seen: identity(seen) or Reply(body))
    reader = aws.sweep(NOW, [AccountAccess(BASE)]).reader(BASE, "eu-west-1")
    assert reader.call("redshift", name, ClusterIdentifier="c")


# ---------------------------------------------------------------- through the door


@pytest.mark.parametrize(
    ("name", "body"),
    [
        pytest.param("GetBucketVersioning", "", id="versioning: nothing"),
        pytest.param("GetBucketLifecycleConfiguration", "<Response/>", id="lifecycle: foreign"),
        pytest.param("GetObjectLockConfiguration", "<r/>", id="object lock: foreign"),
        pytest.param("GetBucketEncryption", "", id="encryption: nothing"),
        pytest.param("GetPublicAccessBlock", "<r/>", id="public access: foreign"),
        pytest.param("GetBucketPolicy", "", id="policy: nothing"),
        pytest.param("ListObjectsV2", "<ListBucketResult/>", id="objects: an empty root"),
    ],
)
def test_a_foreign_answer_of_s3_is_tried_again_and_then_unknown(
    open_aws: Open, name: str, body: str
) -> None:
    aws, wire = open_aws(lambda seen: identity(seen) or Reply(body))
    reader = aws.sweep(NOW, [AccountAccess(BASE)]).reader(BASE, "eu-west-1")

    with pytest.raises(AwsError) as caught:
        reader.call("s3", name, Bucket="logs")

    assert (caught.value.code, caught.value.denied) == (errors.UNPARSEABLE, False)
    assert 2 <= wire.count(f"s3:{name}") <= 4


def test_an_element_that_is_not_known_is_named_at_once(open_aws: Open) -> None:
    """Another try brings the same answer; the engineer has to upgrade."""
    body = lifecycle("<Rule><Filter><StorageClassIs>X</StorageClassIs></Filter></Rule>")
    aws, wire = open_aws(lambda seen: identity(seen) or Reply(body))
    reader = aws.sweep(NOW, [AccountAccess(BASE)]).reader(BASE, "eu-west-1")

    with pytest.raises(AwsError, match="StorageClassIs") as caught:
        reader.call("s3", "GetBucketLifecycleConfiguration", Bucket="logs")

    assert (caught.value.code, caught.value.denied) == (errors.UNPARSEABLE, False)
    assert "upgrade botocore and Trailkeeper" in str(caught.value)
    assert wire.count("s3:GetBucketLifecycleConfiguration") == 1
