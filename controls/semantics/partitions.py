"""Under which name Redshift's log delivery calls S3: it differs by region and partition."""

from __future__ import annotations

from controls.model import Unknown
from controls.semantics.policy import Principals
from controls.semantics.truth import Truth, negate, some

REGIONS_ON_BY_DEFAULT = frozenset(
    {
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ca-central-1",
        "eu-central-1",
        "eu-north-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
    }
)
"""Regions of the partition `aws` that every account has. AWS opens new ones as opt-in since
2019-03-20, so a region that is not listed here is opt-in."""

CONFIRMED_PARTITIONS = ("aws", "aws-us-gov")
"""Where the service principal's name is documented; elsewhere it cannot be told."""


def delivery_principal(partition: str, region: str) -> str:
    """The service principal that a bucket policy has to name for a cluster of that region.

    Source: Redshift Management Guide, db-auditing. Outside `CONFIRMED_PARTITIONS` it is the
    likely name only.
    """
    if partition == "aws" and region not in REGIONS_ON_BY_DEFAULT:
        return f"redshift.{region}.amazonaws.com"
    return "redshift.amazonaws.com"


def covers_delivery(principals: Principals, partition: str, region: str, *, deny: bool) -> Truth:
    """Whether a statement's Principal or NotPrincipal covers Redshift's log delivery.

    `"*"` and `{"AWS": "*"}` mean everyone (IAM User Guide, reference_policies_elements_principal:
    equivalent). That a service is among those of the second we believe of a Deny only: a pass
    must not rest on it.
    """
    if principals.negated and not deny:
        return Unknown("NotPrincipal with Allow is not supported by AWS (name the principal)")
    if principals.anyone:
        return not principals.negated
    named = some(
        _is_delivery(sort, name, partition, region, deny=deny and not principals.negated)
        for sort, name in principals.names
    )
    return negate(named) if principals.negated else named


def _is_delivery(sort: str, name: str, partition: str, region: str, *, deny: bool) -> Truth:
    """Whether one named principal is Redshift's log delivery."""
    if sort != "Service":
        return sort == "AWS" and _account_is_delivery(name, partition, deny=deny)
    wanted = delivery_principal(partition, region)
    if partition in CONFIRMED_PARTITIONS and name == wanted:
        return True
    if "*" in name:
        return Unknown(f"whether the service principal {name} means Redshift is not documented")
    if partition not in CONFIRMED_PARTITIONS and name.startswith("redshift."):
        return Unknown(f"the name of Redshift's service principal in {partition} is not known")
    if name == f"redshift.{region}.amazonaws.com":
        return Unknown(f"in {region} AWS documents {wanted}, not {name}")
    return False


def _account_is_delivery(name: str, partition: str, *, deny: bool) -> Truth:
    """An account or user: Redshift's own accounts delivered until 2022, and are not used now."""
    if name == "*":
        return deny or Unknown('whether {"AWS": "*"} admits an AWS service is not sure')
    whole = name.isdigit() or name.endswith((":root", ":user/logs"))
    if whole and partition not in CONFIRMED_PARTITIONS:
        return Unknown(f"whether an account delivers Redshift's logs in {partition} is not known")
    return False
