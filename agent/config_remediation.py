"""What may be changed, as a person writes it: fixes, consents, limits, freezes, destinations."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from agent.config_values import (
    Account,
    BucketName,
    RegionName,
    RoleArn,
    Seconds,
    Tag,
    Text,
    shape,
)
from agent.yaml_file import Written, several
from controls.change import Cost, Destination
from controls.remedy import Consent, Freeze, Limits, Policy, Selector

Prefix = Annotated[
    str,
    shape(
        r"([A-Za-z0-9_.:/=+@-]|\{(account|region|cluster)\}){0,200}",
        "letters, digits and _.:/=+@- with {account}, {region} and {cluster} filled in",
    ),
]


def _moment(value: object) -> object:
    """A number would be read as seconds since 1970: a freeze that never holds."""
    if not isinstance(value, str | datetime):
        raise PydanticCustomError("moment", "should be a time such as 2026-12-24T00:00:00Z")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]
Most = Annotated[int, Field(strict=True, ge=0, le=10_000)]


class SelectorSetting(Written):
    """Which findings; all that is named must match."""

    rule: Text | None = None
    account: Account | None = None
    region: RegionName | None = None
    tag: Tag | None = None
    resource: Text | None = None

    @model_validator(mode="after")
    def _names_something(self) -> SelectorSetting:
        if not self.model_fields_set:
            several([((), "names no rule, account, region, tag or resource")])
        return self


class ConsentSetting(Written):
    """Somebody accepts one cost of one fix on one resource."""

    to: Literal["destroys", "interrupts", "weakens"]
    fix: Text
    resource: Text
    by: Text
    account: Account | None = None
    region: RegionName | None = None
    until: date | None = None
    """The last day (UTC) on which it holds."""


class LimitSetting(Written):
    """How much at most."""

    per_sweep: Most = 5
    per_hour: Most = 20
    per_account: Most = 5
    affected: Most = 5
    cool_down_seconds: Seconds = 3_600.0


class FreezeSetting(Written):
    """From when to when nothing is changed."""

    begins: Moment
    ends: Moment
    why: Text

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> FreezeSetting:
        if self.ends <= self.begins:
            several([((), "ends before it begins")])
        return self


class DestinationSetting(Written):
    """Where clusters are to log that do not: S3 with a bucket, or CloudWatch."""

    to: Literal["s3", "cloudwatch"]
    bucket: BucketName | None = None
    prefix: Prefix = ""
    account: Account | None = None
    region: RegionName | None = None

    @model_validator(mode="after")
    def _has_its_bucket(self) -> DestinationSetting:
        if (self.to == "s3") != (self.bucket is not None) or (self.prefix and self.to != "s3"):
            several([((), "to s3 needs a bucket; to cloudwatch takes neither bucket nor prefix")])
        return self


class RemediationSetting(Written):
    """What --remediate may do. The default allows nothing."""

    role: Literal["current"] | RoleArn | None = None
    """Who changes things where the credentials at hand read: a role, or those credentials too."""
    fixes: tuple[Text, ...] = ()
    only: Annotated[tuple[SelectorSetting, ...], Field(min_length=1)] | None = None
    never: tuple[SelectorSetting, ...] = ()
    consents: tuple[ConsentSetting, ...] = ()
    limits: LimitSetting = LimitSetting()
    freezes: tuple[FreezeSetting, ...] = ()
    log_destinations: tuple[DestinationSetting, ...] = ()
    owned_by_code: tuple[Text, ...] = ()
    """Tags, key or key=value, that mark what code owns; CloudFormation's are always among them."""
    kill_switch: Path | None = None
    """While this file is there, nothing is changed."""
    verify_seconds: Seconds = 60.0
    """How long a change may take to read as it should."""

    def policy(self, dedicated: frozenset[str], legal_hold: frozenset[str]) -> Policy:
        """As the guard takes it; the buckets are those of `log_buckets`."""
        return Policy(
            fixes=frozenset(self.fixes),
            only=tuple(_selector(one) for one in self.only or ()),
            never=tuple(_selector(one) for one in self.never),
            consents=tuple(_consent(one) for one in self.consents),
            limits=Limits(**dict(self.limits)),
            freezes=tuple(
                Freeze(one.begins.astimezone(UTC), one.ends.astimezone(UTC), one.why)
                for one in self.freezes
            ),
            dedicated=dedicated,
            legal_hold=legal_hold,
            owned_by_code=(*Policy().owned_by_code, *self.owned_by_code),
        )

    def destination(self, account: str, region: str) -> Destination | None:
        """Where a cluster there is to log: the first entry that is for its account and region."""
        for one in self.log_destinations:
            if one.account in (None, account) and one.region in (None, region):
                return Destination(one.to, one.bucket or "", one.prefix)
        return None


def _selector(written: SelectorSetting) -> Selector:
    return Selector(
        written.rule or "",
        written.account or "",
        written.region or "",
        written.tag,
        written.resource or "",
    )


def _consent(written: ConsentSetting) -> Consent:
    until = written.until
    return Consent(
        Cost(written.to),
        written.fix,
        written.resource,
        written.by,
        datetime.combine(until + timedelta(1), time(), UTC) if until else None,
        written.account or "",
        written.region or "",
    )
