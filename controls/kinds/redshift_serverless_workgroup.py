"""Redshift Serverless workgroups: where the user activity parameter lives."""

from __future__ import annotations

from collections.abc import Iterable

from controls.kinds.kind import Fact, Item, Kind
from controls.model import Answer, Reader, Ref, Said, Unknown
from controls.semantics.parameters import USER_ACTIVITY

NAME = "redshift_serverless_workgroup"


def list_workgroups(aws: Reader) -> Iterable[Item]:
    """Every workgroup of the target."""
    for workgroup in aws.pages("redshift-serverless", "ListWorkgroups", "workgroups"):
        name, arn = str(workgroup["workgroupName"]), str(workgroup.get("workgroupArn", ""))
        ref = Ref(NAME, aws.account, aws.region, name, arn, aws.account)
        yield Item(ref, workgroup, source="redshift-serverless:ListWorkgroups")


def namespace(aws: Reader, workgroup: Item) -> Answer[str]:
    """The namespace the workgroup serves."""
    name = workgroup.data.get("namespaceName")
    return str(name) if name else Unknown("ListWorkgroups shows no namespaceName")


def user_activity_logging(aws: Reader, workgroup: Item) -> Answer[bool]:
    """Whether enable_user_activity_logging is true among the workgroup's configParameters.

    What Serverless does where the parameter is not listed is not documented: unknown.
    """
    for parameter in workgroup.data.get("configParameters") or ():
        if parameter.get("parameterKey") == USER_ACTIVITY:
            value = str(parameter.get("parameterValue", "")).strip().lower()
            if value in ("true", "false"):
                return Said(value == "true", f"{USER_ACTIVITY} is {value} in configParameters")
            return Unknown(f"{USER_ACTIVITY} is {value!r} in configParameters")
    return Unknown(
        f"configParameters does not list {USER_ACTIVITY}, and its default on Serverless is not "
        "documented: set it to true"
    )


REDSHIFT_SERVERLESS_WORKGROUP = Kind(
    NAME,
    "A Redshift Serverless workgroup.",
    facts=(Fact(namespace), Fact(user_activity_logging)),
    lists=list_workgroups,
    needs=("redshift-serverless:ListWorkgroups",),
    optional=True,
)
