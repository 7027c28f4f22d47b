"""Stock moto still shows each gap that the extension fills; when one closes, its patch may go."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from agent.sandbox.extension import patch

PROBES = '''
import os
os.environ |= {
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
    "AWS_DEFAULT_REGION": "us-east-1",
}
import json
import botocore.session
from moto import mock_aws
session = botocore.session.Session()
gaps = {}

def client(service):
    return session.create_client(service, region_name="us-east-1")

def fails(call):
    try:
        call()
    except BaseException:
        return True
    return False

def shows(name, probe):
    """True while the gap is there."""
    gaps[name] = bool(probe())

with mock_aws():
    r, s3, logs, sts = client("redshift"), client("s3"), client("logs"), client("sts")
    def cluster(name):
        r.create_cluster(ClusterIdentifier=name, NodeType="ra3.xlplus", MasterUsername="u",
                         MasterUserPassword="Passw0rd1", Tags=[{"Key": "k", "Value": name}])
    for number in range(25):
        cluster(f"c{number}")
    group = "ParameterGroupName"
    r.create_cluster_parameter_group(
        ParameterGroupName="pg", ParameterGroupFamily="redshift-1.0", Description="d")
    [one] = r.describe_clusters(ClusterIdentifier="c1")["Clusters"]
    said = r.describe_logging_status(ClusterIdentifier="c1")
    shows("redshift pages", lambda: len(r.describe_clusters(MaxRecords=20)["Clusters"]) == 25)
    shows("redshift tag values", lambda: len(r.describe_clusters(TagValues=["c1"])["Clusters"]) > 1)
    shows("redshift parameter status", lambda: not one["ClusterParameterGroups"][0].get(
        "ClusterParameterStatusList"))
    shows("redshift namespace arn", lambda: "ClusterNamespaceArn" not in one)
    shows("redshift family 2.0", lambda: fails(
        lambda: r.describe_cluster_parameters(ParameterGroupName="default.redshift-2.0")))
    shows("redshift source filter", lambda: r.describe_cluster_parameters(
        ParameterGroupName="pg", Source="user")["Parameters"])
    shows("redshift group twice", lambda: not fails(lambda: r.create_cluster_parameter_group(
        ParameterGroupName="pg", ParameterGroupFamily="redshift-1.0", Description="d")))
    shows("redshift modify group", lambda: fails(lambda: r.modify_cluster_parameter_group(
        ParameterGroupName="pg", Parameters=[])))
    shows("redshift reboot", lambda: fails(lambda: r.reboot_cluster(ClusterIdentifier="c1")))
    shows("redshift events", lambda: fails(r.describe_events))
    shows("redshift logging unset members", lambda: "LastFailureTime" in said)
    shows("redshift logging validation", lambda: not fails(
        lambda: r.enable_logging(ClusterIdentifier="c1", BucketName="none")))
    shows("redshift paused twice", lambda: not fails(
        lambda: [r.pause_cluster(ClusterIdentifier="c2") for _ in range(2)]))
    shows("redshift substring group", lambda: not fails(
        lambda: r.modify_cluster(ClusterIdentifier="c1", ClusterParameterGroupName="xpgx")))
    shows("serverless", lambda: fails(client("redshift-serverless").list_namespaces))
    for name in ("b-one", "b-two", "b-three"):
        s3.create_bucket(Bucket=name)
    shows("s3 encryption", lambda: fails(lambda: s3.get_bucket_encryption(Bucket="b-one")))
    shows("s3 public block", lambda: fails(lambda: s3.get_public_access_block(Bucket="b-one")))
    shows("s3 ownership", lambda: fails(lambda: s3.get_bucket_ownership_controls(Bucket="b-one")))
    shows("s3 list pages", lambda: "ContinuationToken" not in s3.list_buckets(MaxBuckets=1))
    shows("s3 payer", lambda: "Payer" not in s3.get_bucket_request_payment(Bucket="b-one"))
    shows("s3 expected owner", lambda: not fails(lambda: s3.get_bucket_versioning(
        Bucket="b-one", ExpectedBucketOwner="999999999999")))
    rule = {"ID": "x", "Status": "Enabled", "Filter": {"ObjectSizeGreaterThan": 5},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 1, "NewerNoncurrentVersions": 2}}
    s3.put_bucket_lifecycle_configuration(
        Bucket="b-one", LifecycleConfiguration={"Rules": [rule]})
    shows("s3 lifecycle", lambda: s3.get_bucket_lifecycle_configuration(
        Bucket="b-one")["Rules"] != [rule])
    s3.put_bucket_encryption(Bucket="b-one", ServerSideEncryptionConfiguration={"Rules": [{
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
        "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]}}]})
    shows("s3 blocked encryption", lambda: "BlockedEncryptionTypes" not in s3.get_bucket_encryption(
        Bucket="b-one")["ServerSideEncryptionConfiguration"]["Rules"][0])
    logs.create_log_group(logGroupName="/a")
    shows("logs retention", lambda: not fails(
        lambda: logs.put_retention_policy(logGroupName="/a", retentionInDays=401)))
    shows("logs kms", lambda: fails(
        lambda: logs.associate_kms_key(logGroupName="/a", kmsKeyId="arn")))
    shows("logs class", lambda: "logGroupClass" not in logs.describe_log_groups()["logGroups"][0])
    shows("sts any role", lambda: not fails(lambda: sts.assume_role(
        RoleArn="arn:aws:iam::999999999999:role/none", RoleSessionName="session")))
    shows("iam managed policies", lambda: fails(lambda: client("iam").get_policy(
        PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")))
    shows("account regions", lambda: fails(client("account").list_regions))
    shows("ec2 regions", lambda: "af-south-1" in [
        x["RegionName"] for x in client("ec2").describe_regions()["Regions"]])
print(json.dumps(gaps))
'''

GAPS = [
    "redshift pages",
    "redshift tag values",
    "redshift parameter status",
    "redshift namespace arn",
    "redshift family 2.0",
    "redshift source filter",
    "redshift group twice",
    "redshift modify group",
    "redshift reboot",
    "redshift events",
    "redshift logging unset members",
    "redshift logging validation",
    "redshift paused twice",
    "redshift substring group",
    "serverless",
    "s3 encryption",
    "s3 public block",
    "s3 ownership",
    "s3 list pages",
    "s3 payer",
    "s3 expected owner",
    "s3 lifecycle",
    "s3 blocked encryption",
    "logs retention",
    "logs kms",
    "logs class",
    "sts any role",
    "iam managed policies",
    "account regions",
    "ec2 regions",
]


@pytest.fixture(scope="module")
def gaps() -> dict[str, bool]:
    """What stock moto gets wrong, probed in a process without the extension."""
    found: dict[str, bool] = json.loads(_python(PROBES))
    return found


def _python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", GAPS)
def test_stock_moto_still_has_the_gap(gaps: dict[str, bool], name: str) -> None:
    assert gaps[name], f"moto has closed the gap {name!r}: see whether its patch can go"


def test_every_probe_is_asserted(gaps: dict[str, bool]) -> None:
    assert set(GAPS) == set(gaps)


def test_the_extension_fits_this_moto_and_is_put_on_once() -> None:
    code = (
        "import json; from agent.sandbox.extension import install; install();"
        "from agent.sandbox.extension.patch import PATCHES; once = len(PATCHES); install();"
        "print(json.dumps([once, len(PATCHES)]))"
    )

    once, twice = json.loads(_python(code))

    assert once == twice > 30


class Taken:
    """Stands for a class of moto's."""

    there = 1


@pytest.mark.parametrize(
    ("change", "name", "said"),
    [
        pytest.param(patch.replace, "gone", "moto no longer has Taken.gone", id="gone"),
        pytest.param(patch.add, "there", "moto now has Taken.there", id="closed"),
    ],
)
def test_a_patch_notices_that_moto_has_changed(change: Any, name: str, said: str) -> None:
    with pytest.raises(LookupError, match=said):
        change(Taken, name, 1)
