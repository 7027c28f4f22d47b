"""Redshift Serverless: all log exports of a namespace, user activity logging of a workgroup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from controls.change import Call, Change, Cost, Document, Fix, Held, Json, Planned, Right, Task
from controls.model import AwsError, Reader, Ref
from controls.semantics.log_keys import LOG_TYPES
from controls.semantics.parameters import USER_ACTIVITY

_GONE = ("ResourceNotFoundException",)


def export_all_logs(aws: Reader, task: Task) -> Planned:
    """Export connectionlog, userlog and useractivitylog of a namespace to CloudWatch."""
    ref = task.ref
    answer = aws.call("redshift-serverless", "GetNamespace", absent=_GONE, namespaceName=ref.name)
    namespace = answer.get("namespace")
    if not namespace:
        return Held(f"namespace {ref.name} does not exist (any more)")
    exports = [str(each) for each in namespace.get("logExports") or ()]
    missing = [log for log in LOG_TYPES if log not in exports]
    if not missing:
        same = _exports(ref, exports, exports)
        return Right(f"namespace {ref.name} exports all three logs", documents=(same,))
    published = namespace.get("s3TablePublishStatus") or {}
    if published.get("enabledAll") or published.get("s3Tables"):
        return Held(
            f"namespace {ref.name} publishes its audit records to S3 Tables: what exporting to "
            "CloudWatch beside that does is not documented"
        )
    if waits := _not_available("namespace", ref, namespace):
        return waits
    tags = _tags(aws, str(namespace.get("namespaceArn") or ""), f"namespace {ref.name}")
    if isinstance(tags, Held):
        return tags
    return _exporting(ref, exports, missing, tags)


def _exporting(
    ref: Ref, exports: Sequence[str], missing: Sequence[str], tags: Mapping[str, str]
) -> Change:
    lost = f"{', '.join(missing)} of namespace {ref.name} would no longer be exported"
    return Change(
        "export_all_logs",
        ref,
        f"export {', '.join(missing)} of namespace {ref.name} to CloudWatch Logs",
        # The list is taken to be a full replacement: what is exported now stays in it.
        calls=(_export(ref, [*exports, *missing]),),
        documents=(_exports(ref, [*exports], [*exports, *missing]),),
        undo=(_export(ref, [*exports]),) if exports else (),
        no_undo=""
        if exports
        else "nothing was exported, and whether an empty list puts that back is not documented",
        undo_costs={Cost.WEAKENS: lost} if exports else {},
        tags=tags,
    )


def enable_serverless_activity(aws: Reader, task: Task) -> Planned:
    """Set enable_user_activity_logging among a workgroup's parameters."""
    ref = task.ref
    answer = aws.call("redshift-serverless", "GetWorkgroup", absent=_GONE, workgroupName=ref.name)
    workgroup = answer.get("workgroup")
    if not workgroup:
        return Held(f"workgroup {ref.name} does not exist (any more)")
    listed = [_plain(each) for each in workgroup.get("configParameters") or ()]
    named = [each["parameterValue"] for each in listed if each["parameterKey"] == USER_ACTIVITY]
    if named and all(value.strip().lower() == "true" for value in named):
        same = _parameters(ref, listed, listed)
        return Right(f"workgroup {ref.name} sets {USER_ACTIVITY} to true", documents=(same,))
    if len(named) > 1:
        return Held(f"workgroup {ref.name} lists {USER_ACTIVITY} more than once: set it by hand")
    if waits := _not_available("workgroup", ref, workgroup):
        return waits
    tags = _tags(aws, str(workgroup.get("workgroupArn") or ""), f"workgroup {ref.name}")
    if isinstance(tags, Held):
        return tags
    return _set_activity(ref, listed, bool(named), tags)


def _set_activity(
    ref: Ref, listed: list[dict[str, str]], is_listed: bool, tags: dict[str, str]
) -> Change:
    """Every parameter is sent as it was read: whether a list replaces or adds is not documented."""
    wanted = [each for each in listed if each["parameterKey"] != USER_ACTIVITY]
    place = next((i for i, each in enumerate(listed) if each["parameterKey"] == USER_ACTIVITY), -1)
    ours = {"parameterKey": USER_ACTIVITY, "parameterValue": "true"}
    wanted.insert(place if is_listed else len(wanted), ours)
    return Change(
        "enable_serverless_activity",
        ref,
        f"set {USER_ACTIVITY} to true among the parameters of workgroup {ref.name}",
        calls=(_configure(ref, wanted),),
        documents=(_parameters(ref, listed, wanted),),
        undo=(_configure(ref, listed),) if is_listed else (),
        no_undo=""
        if is_listed
        else "the parameter was not listed, and whether leaving it out of the list again takes it "
        "away is not documented",
        undo_costs={Cost.WEAKENS: f"queries of workgroup {ref.name} would no longer be logged"}
        if is_listed
        else {},
        costs={
            Cost.INTERRUPTS: f"workgroup {ref.name} is MODIFYING until the parameters are changed; "
            "whether connections and running queries outlast that is not documented"
        },
        tags=tags,
    )


def _not_available(kind: str, ref: Ref, described: Mapping[str, Any]) -> Held | None:
    status = described.get("status")
    if status == "AVAILABLE":
        return None
    shown = status or "in no status that AWS shows"
    return Held(f"{kind} {ref.name} is {shown}: AWS takes changes when it is AVAILABLE", later=True)


def _tags(aws: Reader, arn: str, what: str) -> dict[str, str] | Held:
    try:
        answer = aws.call("redshift-serverless", "ListTagsForResource", resourceArn=arn)
    except AwsError as error:
        if not error.denied:
            raise
        return Held(
            f"whether CloudFormation or Terraform owns {what} cannot be told: {error}; allow it, "
            "for its tags say so"
        )
    return {tag["key"]: tag.get("value", "") for tag in answer.get("tags") or () if "key" in tag}


def _plain(parameter: Mapping[str, Any]) -> dict[str, str]:
    return {
        "parameterKey": str(parameter.get("parameterKey") or ""),
        "parameterValue": str(parameter.get("parameterValue") or ""),
    }


def _export(ref: Ref, exports: list[str]) -> Call:
    """Alone in its request: AWS changes one setting of a namespace at a time."""
    return _call(ref, "UpdateNamespace", namespaceName=ref.name, logExports=exports)


def _configure(ref: Ref, parameters: list[dict[str, str]]) -> Call:
    return _call(ref, "UpdateWorkgroup", workgroupName=ref.name, configParameters=parameters)


def _call(ref: Ref, operation: str, **params: Json) -> Call:
    return Call("redshift-serverless", operation, params, ref.account, ref.region)


def _exports(ref: Ref, before: list[str], after: list[str]) -> Document:
    return Document(f"log exports of namespace {ref.name}", sorted(before), sorted(after))


def _parameters(ref: Ref, before: list[dict[str, str]], after: list[dict[str, str]]) -> Document:
    """By name: the order in which AWS lists them says nothing."""
    first, then = (
        dict(sorted((each["parameterKey"], each["parameterValue"]) for each in listed))
        for listed in (before, after)
    )
    return Document(f"parameters of workgroup {ref.name}", first, then)


FIXES = (
    Fix(
        export_all_logs,
        "redshift_serverless_namespace",
        reads=("redshift-serverless:GetNamespace", "redshift-serverless:ListTagsForResource"),
        writes=("redshift-serverless:UpdateNamespace",),
    ),
    Fix(
        enable_serverless_activity,
        "redshift_serverless_workgroup",
        reads=("redshift-serverless:GetWorkgroup", "redshift-serverless:ListTagsForResource"),
        writes=("redshift-serverless:UpdateWorkgroup",),
    ),
)
