"""Settings: one YAML file, then the environment, strict, and every problem at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError

from agent.config_agent import (
    FRESHNESS_RULES,
    HttpSetting,
    IntervalSetting,
    MetricsSetting,
    StoreSetting,
)
from agent.config_contradictions import contradictions
from agent.config_remediation import RemediationSetting
from agent.config_report import ReportSetting, anchor
from agent.config_values import (
    Account,
    BucketName,
    Days,
    ExternalId,
    Params,
    RegionName,
    Regions,
    RoleArn,
    Seconds,
    Tag,
    Text,
)
from agent.yaml_file import Source, Where, Written, check, overlay, parse, read, several, shown
from controls.kinds.kind import LogBucket
from controls.params import BUILT_IN_CLASSES, Assignment, Override, Retention, RetentionClass
from controls.written import Document, Problem

PREFIX = "TRAILKEEPER_"

NO_SETTING = re.compile(r"DEBUG|SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?")
"""What is not for us: a switch of the command line, and what Kubernetes sets in every pod beside a
Service named `trailkeeper`."""


class Target(Written):
    """An account to look at: the credentials at hand, or a role to take on."""

    role: RoleArn | None = None
    external_id: ExternalId | None = None
    name: Text | None = None
    regions: Regions | None = None
    remediation_role: RoleArn | None = None
    """The role that changes things there, apart from the one that reads."""


class LogBucketSetting(Written):
    """A bucket that holds audit logs, and the account and region it is in."""

    bucket: BucketName
    account: Account
    region: RegionName
    prefixes: tuple[Text, ...] = ()
    """Former key prefixes: their logs are judged too, though no cluster names them any more."""
    dedicated: bool = False
    """It holds audit logs and nothing else: what concerns the whole bucket may be changed."""
    legal_hold: bool = False
    """Nothing in it may be deleted, whatever is consented to."""


class OverrideSetting(Written):
    """Parameters of a rule for some resources."""

    rule: Text
    params: Params
    account: Account | None = None
    region: Text | None = None
    tag: Tag | None = None
    resource: Text | None = None


class ClassSetting(Written):
    """How long logs of a retention class are kept, in days."""

    min_days: Days
    max_days: Days

    @model_validator(mode="after")
    def _can_be_met(self) -> ClassSetting:
        if self.min_days > self.max_days:
            message = f"asks for min_days {self.min_days}, more than max_days {self.max_days}"
            several([((), message)])
        return self


class AssignSetting(Written):
    """A retention class for the logs of an account, of tagged clusters or at a location."""

    name: Text = Field(alias="class")
    account: Account | None = None
    tag: Tag | None = None
    location: Text | None = None


class RetentionSetting(Written):
    """Retention classes beside the built-in ones, the default, and who has which."""

    classes: dict[str, ClassSetting] = Field(default_factory=dict)
    default: Text = "six-months"
    assign: tuple[AssignSetting, ...] = ()


class CallTimeouts(Written):
    """How long one call to AWS may take."""

    connect_seconds: Seconds = 5.0
    read_seconds: Seconds = 20.0


def _target(value: object) -> object:
    """`current`, or a role: a target that names none must not silently be the one at hand."""
    if isinstance(value, dict) and "role" not in value:
        raise PydanticCustomError("role", "needs a role, or current for the credentials at hand")
    return Target() if value == "current" else value


def _targets(value: object) -> object:
    """`current` alone is a list of one."""
    return (Target(),) if value == "current" else value


Targets = Annotated[
    tuple[Annotated[Target, BeforeValidator(_target)], ...],
    Field(min_length=1),
    BeforeValidator(_targets),
]


class Settings(Written):
    """All that can be configured. The defaults alone must work."""

    targets: Targets = (Target(),)
    regions: Regions | None = None
    """None: the region of the credentials at hand."""
    log_buckets: tuple[LogBucketSetting, ...] = ()
    rules: tuple[Path, ...] = ()
    packs: tuple[Text, ...] = ("redshift-audit",)
    params: dict[str, Params] = Field(default_factory=dict)
    overrides: tuple[OverrideSetting, ...] = ()
    retention: RetentionSetting = RetentionSetting()
    waivers: Path | None = None
    workers: Annotated[int, Field(strict=True, ge=1, le=256)] = 16
    call_timeouts: CallTimeouts = CallTimeouts()
    target_deadline_seconds: Seconds = 300.0
    intervals: IntervalSetting = IntervalSetting()
    freshness_rules: tuple[Text, ...] = FRESHNESS_RULES
    state_directory: Path | None = None
    """None: $STATE_DIRECTORY, else `trailkeeper` where the user's state is kept."""
    store: StoreSetting = StoreSetting()
    http: HttpSetting = HttpSetting()
    metrics: MetricsSetting = MetricsSetting()
    remediation: RemediationSetting = RemediationSetting()
    report: ReportSetting = ReportSetting()

    _written: Source = PrivateAttr(default_factory=lambda: _nowhere("the configuration"))

    def all_overrides(self) -> tuple[Override, ...]:
        """`params` and `overrides` as the engine takes them, each with its place."""
        for_all = [
            Override(
                rule,
                params,
                at=self._written.place(("params", rule), of_key=True),
                param_at=self._places(params, ("params", rule)),
            )
            for rule, params in self.params.items()
        ]
        scoped = [
            Override(
                **dict(item),
                at=self._written.place(("overrides", index)),
                param_at=self._places(item.params, ("overrides", index, "params")),
            )
            for index, item in enumerate(self.overrides)
        ]
        return (*for_all, *scoped)

    def _places(self, params: Mapping[str, Any], below: Where) -> dict[str, str]:
        """Where each parameter was written, a variable of the environment among them."""
        return {name: self._written.place((*below, name), of_key=True) for name in params}

    def retention_policy(self) -> Retention:
        """The retention classes and their assignment as the engine takes them."""
        own = {
            name: RetentionClass(
                name,
                item.min_days,
                item.max_days,
                at=self._written.place(("retention", "classes", name), of_key=True),
            )
            for name, item in self.retention.classes.items()
        }
        assign = tuple(
            Assignment(item.name, item.account, item.tag, item.location)
            for item in self.retention.assign
        )
        return Retention({**BUILT_IN_CLASSES, **own}, self.retention.default, assign)

    def known_log_buckets(self) -> tuple[LogBucket, ...]:
        """The log buckets as the kinds take them."""
        return tuple(
            LogBucket(one.bucket, one.account, one.region, one.prefixes) for one in self.log_buckets
        )

    def report_place(self) -> str:
        """`bucket/prefix` where monthly reports are kept; empty where that is no bucket."""
        place = self.report.destination or ""
        return place.removeprefix("s3://") if place.startswith("s3://") else ""

    def dedicated_buckets(self) -> frozenset[str]:
        """The buckets that hold audit logs and nothing else."""
        return frozenset(one.bucket for one in self.log_buckets if one.dedicated)

    def held_buckets(self) -> frozenset[str]:
        """The buckets on legal hold."""
        return frozenset(one.bucket for one in self.log_buckets if one.legal_hold)


def load_settings(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """The settings of the file, if there is one, with those of the environment over them.

    `TRAILKEEPER_RETENTION__DEFAULT=pci` sets `retention.default`; values are YAML; an empty
    variable counts as not set. Paths in the file are relative to it.

    Raises:
        ConfigProblems: every problem, each a line with file, line and column or the variable.
    """
    source = read(path) if path is not None else _nowhere("the environment")
    if source.value is None:
        source.value = {}
    if path is not None and isinstance(source.value, dict):
        _anchor(source.value, path.parent)
    overlay(source, _from_environment(environ, source))
    settings = check(Settings, source.value, source, contradictions(source.value))
    settings._written = source
    return settings


def _nowhere(name: str) -> Source:
    """What stands in no file."""
    return Source(Document(name, ""))


def _from_environment(environ: Mapping[str, str], source: Source) -> dict[Where, Source]:
    """The variables that are ours, by the setting they are for; others are problems of `source`."""
    found: dict[Where, Source] = {}
    for name in sorted(environ):
        rest = name.removeprefix(PREFIX)
        if rest == name or not environ[name].strip() or NO_SETTING.fullmatch(rest):
            continue
        where = tuple(part.lower() for part in rest.split("__"))
        if where[0] in Settings.model_fields:
            found[where] = parse(Document(name, environ[name]))
        else:
            source.problems.append(Problem(name, 0, 0, f"no such setting as {shown(where)}"))
    return found


PATHS: Mapping[str, tuple[str, ...]] = {
    "": ("waivers", "state_directory"),
    "store": ("url_file",),
    "http": ("tls_certificate", "tls_key", "token_file"),
    "remediation": ("kill_switch",),
}
"""The settings that are paths, by the mapping they stand in."""


def _anchor(value: dict[str, Any], folder: Path) -> None:
    """Make the paths in the file relative to the file's own folder."""
    for group, names in PATHS.items():
        there = value.get(group) if group else value
        if isinstance(there, dict):
            for name in names:
                if isinstance(there.get(name), str):
                    there[name] = folder / Path(there[name]).expanduser()
    anchor(value.get("report"), folder)
    if isinstance(value.get("rules"), list):
        value["rules"] = [
            folder / Path(item).expanduser() if isinstance(item, str) else item
            for item in value["rules"]
        ]
