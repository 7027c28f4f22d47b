"""What Object Lock does to new objects of a bucket: a question that two kinds ask."""

from __future__ import annotations

from controls.model import Reader, Said, Unknown

FOREVER = 10**6
"""Days: more than any lifecycle can ask for."""


def enabled(aws: Reader, bucket: str) -> Said[bool] | Unknown:
    """Whether Object Lock is on. `aws` reads the bucket's owner."""
    configuration = _configuration(aws, bucket)
    match configuration.get("ObjectLockEnabled"):
        case "Enabled":
            return Said(True, "Object Lock is on")
        case None if configuration:
            return Unknown("Object Lock has a rule, but does not say whether it is on")
        case None:
            return Said(False, "Object Lock is off")
        case other:
            return Unknown(f"ObjectLockEnabled is {other!r}, which is not known here")


def object_lock(aws: Reader, bucket: str) -> Said[int] | Unknown:
    """For how many days each new object is locked; 0 where none is."""
    on = enabled(aws, bucket)
    if isinstance(on, Unknown):
        return on
    rule = _configuration(aws, bucket).get("Rule", {}).get("DefaultRetention") or {}
    if not on.value or not rule:
        return Said(0, "no new object is locked")
    days = int(rule.get("Days") or 0) + 365 * int(rule.get("Years") or 0)
    if days <= 0:
        return Said(FOREVER, "Object Lock keeps each new object for a time that is not known here")
    return Said(days, f"Object Lock keeps each new object for {days} days")


def _configuration(aws: Reader, bucket: str) -> dict[str, dict[str, dict[str, int]]]:
    answer = aws.call(
        "s3",
        "GetObjectLockConfiguration",
        absent=("ObjectLockConfigurationNotFoundError",),
        Bucket=bucket,
    )
    return dict(answer.get("ObjectLockConfiguration", {}))
