"""Which parameters a rule is judged with on one resource: default, retention class, overrides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase

from controls.model import Resource, Value
from controls.near import near

RETENTION_KINDS = frozenset({"s3_log_location", "cloudwatch_log_group"})
"""The kinds whose `min_days` and `max_days` come from a retention class."""

RETENTION_PARAMS = ("min_days", "max_days")

_TYPE_NAMES: Mapping[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "a list of texts",
    dict: "a mapping",
    datetime: "a time",
}


@dataclass(frozen=True, slots=True)
class Override:
    """Parameters of one rule, for all resources or for those that every named scope matches.

    `tag` is (key, value), `resource` a case-sensitive glob on the resource's name. `at` says
    where it was written and takes no part in equality.
    """

    rule: str
    params: Mapping[str, Value]
    account: str | None = None
    region: str | None = None
    tag: tuple[str, str] | None = None
    resource: str | None = None
    at: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class RetentionClass:
    """How long logs are kept: at least `min_days`, at most `max_days`."""

    name: str
    min_days: int
    max_days: int

    def __str__(self) -> str:
        return f"{self.name} ({self.min_days} to {self.max_days} days)"


SIX_MONTHS = RetentionClass("six-months", 180, 180)
PCI = RetentionClass("pci", 365, 400)
BUILT_IN_CLASSES: Mapping[str, RetentionClass] = {c.name: c for c in (SIX_MONTHS, PCI)}


@dataclass(frozen=True, slots=True)
class Assignment:
    """Gives a retention class to the logs that every named scope matches.

    `tag` is (key, value) of the cluster that writes, `account` the one it writes from,
    `location` a case-sensitive glob on `bucket/prefix` or the log group's name.
    """

    retention_class: str
    account: str | None = None
    tag: tuple[str, str] | None = None
    location: str | None = None

    def __str__(self) -> str:
        scopes = (
            f"location {self.location}" if self.location is not None else "",
            f"tag {'='.join(self.tag)}" if self.tag is not None else "",
            f"account {self.account}" if self.account is not None else "",
        )
        return " and ".join(scope for scope in scopes if scope)


@dataclass(frozen=True, slots=True)
class Retention:
    """The retention classes there are, and who has which. Names are checked when read."""

    classes: Mapping[str, RetentionClass] = field(default_factory=lambda: BUILT_IN_CLASSES)
    default: str = SIX_MONTHS.name
    assign: tuple[Assignment, ...] = ()


@dataclass(frozen=True, slots=True)
class Disagreement:
    """The logs at one place are asked to be kept in ways that cannot both be had."""

    reason: str


def resolve(
    rule: str,
    defaults: Mapping[str, Value],
    resource: Resource,
    overrides: Iterable[Override] = (),
    retention: Retention | None = None,
) -> Mapping[str, Value] | Disagreement:
    """The rule's parameters for this resource.

    The rule's default gives way to the retention class (`min_days` and `max_days` of a
    location or log group), and that to overrides: by nothing, account, region, tag, resource,
    the later the stronger. Of equally strong overrides the one written last holds.

    Returns a Disagreement if a parameter comes from the classes of several writers and these
    are not one and the same class.
    """
    chosen = _overridden(rule, resource, overrides)
    open_days = [name for name in RETENTION_PARAMS if name in defaults and name not in chosen]
    if not open_days or resource.ref.kind not in RETENTION_KINDS:
        return {**defaults, **chosen}
    wanted = retention_class(resource, retention or Retention())
    if isinstance(wanted, Disagreement):
        return wanted
    days: dict[str, Value] = {"min_days": wanted.min_days, "max_days": wanted.max_days}
    return {**defaults, **{name: days[name] for name in open_days}, **chosen}


def retention_class(resource: Resource, retention: Retention) -> RetentionClass | Disagreement:
    """The one class that all who write to this place have, or who asks for what."""
    writers = resource.writer_tags or (resource.tags,)
    demands: dict[str, str] = {}
    for tags in writers:
        for name, asked_by in _demands(resource, tags, retention):
            demands.setdefault(name, asked_by)
    if len(demands) == 1:
        return retention.classes[next(iter(demands))]
    said = "; ".join(
        f"{asked_by} asks for {retention.classes[name]}" for name, asked_by in demands.items()
    )
    return Disagreement(
        f"what is written to {resource.ref.name} has more than one retention class: {said}. "
        "Let logs of different classes go to different prefixes or log groups, or assign one "
        "class to this location in the configuration"
    )


def problems(
    overrides: Iterable[Override], declared: Mapping[str, Mapping[str, Value]]
) -> tuple[str, ...]:
    """What is wrong with the overrides, given each rule's parameters and their defaults.

    A rule or parameter that does not exist, or a value of another type than the default's.
    """
    found: list[str] = []
    for override in overrides:
        at = f"{override.at}: " if override.at else ""
        params = declared.get(override.rule)
        if params is None:
            found.append(f"{at}no rule {override.rule!r}{near(override.rule, declared)}")
            continue
        for name, value in override.params.items():
            if name not in params:
                found.append(
                    f"{at}rule {override.rule} has no parameter {name!r}{near(name, params)}"
                )
            elif not _same_type(value, params[name]):
                found.append(
                    f"{at}parameter {name} of rule {override.rule} is {_type_name(params[name])}, "
                    f"not {_type_name(value)} ({value!r})"
                )
    return tuple(found)


def _overridden(rule: str, resource: Resource, overrides: Iterable[Override]) -> dict[str, Value]:
    """What the overrides that match say, the strongest of each parameter."""
    matching = [o for o in overrides if o.rule == rule and _applies(o, resource)]
    chosen: dict[str, Value] = {}
    for override in sorted(matching, key=_strength):  # stable: the later of equals stays later
        chosen.update(override.params)
    return chosen


def _applies(override: Override, resource: Resource) -> bool:
    """Whether every scope that the override names holds for the resource."""
    ref = resource.ref
    return (
        override.account in (None, ref.account)
        and override.region in (None, ref.region)
        and (override.tag is None or _tagged(resource.tags, override.tag))
        and (override.resource is None or fnmatchcase(ref.name, override.resource))
    )


def _strength(override: Override) -> tuple[bool, bool, bool, bool]:
    """Orders overrides: resource beats tag beats region beats account."""
    return (
        override.resource is not None,
        override.tag is not None,
        override.region is not None,
        override.account is not None,
    )


def _demands(
    resource: Resource, tags: Mapping[str, str], retention: Retention
) -> list[tuple[str, str]]:
    """The classes of one writer with who asks for them; more than one if equals disagree."""
    matching = [a for a in retention.assign if _assigned(a, resource, tags)]
    if not matching:
        return [(retention.default, "the default")]
    strongest = max(_assignment_strength(a) for a in matching)
    return [(a.retention_class, str(a)) for a in matching if _assignment_strength(a) == strongest]


def _assigned(assignment: Assignment, resource: Resource, tags: Mapping[str, str]) -> bool:
    location = assignment.location
    return (
        assignment.account in (None, resource.ref.account)
        and (assignment.tag is None or _tagged(tags, assignment.tag))
        and (location is None or fnmatchcase(resource.ref.name, location))
    )


def _assignment_strength(assignment: Assignment) -> tuple[bool, bool, bool]:
    """Orders assignments: location beats tag beats account."""
    return (
        assignment.location is not None,
        assignment.tag is not None,
        assignment.account is not None,
    )


def _tagged(tags: Mapping[str, str], tag: tuple[str, str]) -> bool:
    key, value = tag
    return tags.get(key) == value


def _same_type(value: Value, default: Value) -> bool:
    """Whether a value may stand in for the default: a whole number may for a fraction."""
    if isinstance(default, float):
        return isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(default, list):
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return type(value) is type(default)


def _type_name(value: object) -> str:
    if isinstance(value, list) and not all(isinstance(item, str) for item in value):
        return "a list of other things than texts"
    return _TYPE_NAMES.get(type(value), type(value).__name__)
