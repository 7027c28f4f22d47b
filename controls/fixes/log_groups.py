"""How long CloudWatch keeps audit logs: the retention of a log group, set to a value AWS takes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from controls.change import Call, Change, Cost, Document, Fix, Held, Json, Planned, Right, Task
from controls.model import AwsError, CannotTellError, Reader, Ref, Value
from controls.semantics.log_keys import LOG_TYPES

KIND = "cloudwatch_log_group"

RETENTIONS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827),
    *(2192, 2557, 2922, 3288, 3653),
)
"""Days that PutRetentionPolicy takes (API reference)."""

_AUDIT_LOG = re.compile(rf"/aws/redshift/(cluster/)?[a-z0-9-]+/({'|'.join(LOG_TYPES)})", re.ASCII)

Group = Mapping[str, Any]
"""As DescribeLogGroups gives it."""


def set_log_retention(aws: Reader, task: Task) -> Planned:
    """Set the log group's retention to a value that AWS takes, within the rule's bounds."""
    least, most = _bound(task.params, "min_days"), _bound(task.params, "max_days")
    if least is None and most is None:
        return Held("neither min_days nor max_days is given: how long to keep logs is not known")
    wanted = _wanted(least, most)
    if isinstance(wanted, Held):
        return wanted
    group = _group(aws, task.ref.name)
    if group is None:
        return _absent(task.ref, wanted, most)
    if held := _not_ours_to_set(task.ref, group):
        return held
    days = _days(group)
    if _is_right(days, least, most):
        said = f"events expire after {days} days" if days else "events never expire"
        now = _document(task.ref, days, days)
        return Right(f"log group {task.ref.name}: {said}", documents=(now,))
    tags = _tags(aws, group)
    return tags if isinstance(tags, Held) else _change(task, group, (days, wanted), tags)


def _bound(params: Mapping[str, Value], name: str) -> int | None:
    value = params.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise CannotTellError(f"{name} is {value!r}, which is no number of days")
    return value


def _wanted(least: int | None, most: int | None) -> int | Held:
    """The longest that may be; where only the least is told, the shortest that is enough."""
    fitting = [
        days
        for days in RETENTIONS
        if (least is None or days >= least) and (most is None or days <= most)
    ]
    if not fitting:
        bounds = f"from {least or 1} to {most or 'any'} days"
        return Held(f"CloudWatch Logs takes no retention {bounds}, only {_listed()}")
    return fitting[0] if most is None else fitting[-1]


def _listed() -> str:
    return ", ".join(map(str, RETENTIONS))


def _is_right(days: int | None, least: int | None, most: int | None) -> bool:
    """As the rules judge: what never expires is kept long enough, and not deleted in time."""
    if days is None:
        return most is None
    return (least is None or days >= least) and (most is None or days <= most)


def _group(aws: Reader, name: str) -> Group | None:
    """By its whole name as a prefix: a search by pattern leaves the retention out."""
    groups = aws.pages("logs", "DescribeLogGroups", "logGroups", logGroupNamePrefix=name)
    return next((group for group in groups if group.get("logGroupName") == name), None)


def _days(group: Group) -> int | None:
    days = group.get("retentionInDays")
    if days is None:
        return None
    if int(days) < 1:
        raise CannotTellError(f"retentionInDays is {days}, which CloudWatch Logs does not document")
    return int(days)


def _not_ours_to_set(ref: Ref, group: Group) -> Held | None:
    """Where PutRetentionPolicy would change nothing (API reference)."""
    if group.get("logGroupClass") == "DELIVERY":
        return Held(
            f"log group {ref.name} is of the class DELIVERY, which keeps one day whatever is set"
        )
    if policy := group.get("retentionPolicyName"):
        return Held(
            f"the account-level retention policy {policy} decides for log group {ref.name}, and "
            "overrides what would be set there: change that policy"
        )
    return None


def _tags(aws: Reader, group: Group) -> dict[str, str] | Held:
    arn = str(group.get("logGroupArn") or str(group.get("arn") or "").removesuffix(":*"))
    try:
        answer = aws.call("logs", "ListTagsForResource", resourceArn=arn)
    except AwsError as error:
        if not error.denied:
            raise
        return Held(
            f"whether CloudFormation or Terraform owns log group {group.get('logGroupName')} "
            f"cannot be told: {error}; allow it, for the group's tags say so"
        )
    return {str(key): str(value) for key, value in (answer.get("tags") or {}).items()}


# ---------------------------------------------------------------- changes


def _change(
    task: Task, group: Group, change: tuple[int | None, int], tags: Mapping[str, str]
) -> Change:
    ref, (days, wanted) = task.ref, change
    shorter = days is None or wanted < days
    undo = _retain(ref, days) if days else _call(ref, "DeleteRetentionPolicy")
    return Change(
        "set_log_retention",
        ref,
        f"keep the events of log group {ref.name} for {wanted} days instead of "
        f"{f'{days} days' if days else 'for ever'}",
        calls=(_retain(ref, wanted),),
        documents=(_document(ref, days, wanted),),
        undo=(undo,),
        undo_costs={} if shorter else {Cost.DESTROYS: _destroyed(ref, group, days or 0, task.now)},
        costs={Cost.DESTROYS: _destroyed(ref, group, wanted, task.now)} if shorter else {},
        tags=tags,
    )


def _destroyed(ref: Ref, group: Group, days: int, now: datetime) -> str:
    """What goes, as far as AWS tells: it counts bytes of the whole group, not by age."""
    stored = group.get("storedBytes")
    created = group.get("creationTime")
    size = "of unknown size" if stored is None else f"{int(stored):,} bytes in all"
    since = ""
    if created is not None:
        born = datetime.fromtimestamp(int(created) / 1000, tz=UTC)
        since = f", created {born:%Y-%m-%d} ({max((now - born).days, 0)} days ago)"
    return (
        f"CloudWatch Logs deletes every event of log group {ref.name} that is older than {days} "
        f"days, within about 72 hours and for good, and from then on each as it grows so old; the "
        f"group is {size}{since}"
    )


def _absent(ref: Ref, wanted: int, most: int | None) -> Change | Right | Held:
    """Redshift uses a group that is there, and else makes one that never forgets."""
    nothing = Document(_what(ref), None, None)
    if most is None:
        return Right(f"log group {ref.name} does not exist yet", documents=(nothing,))
    if not _AUDIT_LOG.fullmatch(ref.name):
        return Held(f"log group {ref.name} does not exist, and is not named as Redshift names its")
    return Change(
        "set_log_retention",
        ref,
        f"create log group {ref.name}, which Redshift would create without retention, and keep its "
        f"events for {wanted} days",
        calls=(_call(ref, "CreateLogGroup"), _retain(ref, wanted)),
        documents=(Document(_what(ref), None, {"retentionInDays": wanted}),),
        no_undo="the log group stays: deleting it would delete what Redshift has written by then",
    )


def _retain(ref: Ref, days: int) -> Call:
    return _call(ref, "PutRetentionPolicy", retentionInDays=days)


def _call(ref: Ref, operation: str, **params: Json) -> Call:
    return Call("logs", operation, {"logGroupName": ref.name, **params}, ref.account, ref.region)


def _document(ref: Ref, before: int | None, after: int | None) -> Document:
    return Document(_what(ref), {"retentionInDays": before}, {"retentionInDays": after})


def _what(ref: Ref) -> str:
    return f"retention of log group {ref.name}"


FIXES = (
    Fix(
        set_log_retention,
        KIND,
        reads=("logs:DescribeLogGroups", "logs:ListTagsForResource"),
        writes=("logs:CreateLogGroup", "logs:DeleteRetentionPolicy", "logs:PutRetentionPolicy"),
    ),
)
