"""Which parameters a rule is judged with on one resource: default, retention class, overrides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from fnmatch import fnmatchcase

from controls.bounds import outside
from controls.model import Resource, Value
from controls.near import near
from controls.rule import Rule

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

    `tag` is (key, value) of the resource, or of all that write to it; serverless namespaces are
    never matched by it, for ListNamespaces tells no tags. `resource` is a case-sensitive glob on
    the resource's name. `at` says where it was written, `param_at` where each parameter was;
    they take no part in equality.
    """

    rule: str
    params: Mapping[str, Value]
    account: str | None = None
    region: str | None = None
    tag: tuple[str, str] | None = None
    resource: str | None = None
    at: str = field(default="", compare=False)
    param_at: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def scope(self) -> str:
        """For which resources it is: `tag env=prod and region eu-west-1`, or `all`."""
        scopes = (
            f"resource {self.resource}" if self.resource is not None else "",
            f"tag {'='.join(self.tag)}" if self.tag is not None else "",
            f"region {self.region}" if self.region is not None else "",
            f"account {self.account}" if self.account is not None else "",
        )
        return " and ".join(scope for scope in scopes if scope) or "all"


@dataclass(frozen=True, slots=True)
class RetentionClass:
    """How long logs are kept: at least `min_days`, at most `max_days`.

    `at` says where it was written and takes no part in equality.
    """

    name: str
    min_days: int
    max_days: int
    at: str = field(default="", compare=False)

    @property
    def days(self) -> Mapping[str, int]:
        """What it asks for, by the parameter that takes it."""
        return {"min_days": self.min_days, "max_days": self.max_days}

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
    """What is asked of one place, by those that write to it, cannot all be had."""

    reason: str


def resolve(
    rule: str,
    defaults: Mapping[str, Value],
    resource: Resource,
    overrides: Iterable[Override] = (),
    retention: Retention | None = None,
) -> Mapping[str, Value] | Disagreement:
    """The rule's parameters for this resource.

    The rule's default gives way to overrides: by nothing, account, region, tag, resource, the
    later the stronger. Of equally strong overrides the one written last holds. `min_days` and
    `max_days` of a location or log group come from its retention class and from nowhere else:
    they travel together.

    Returns a Disagreement if the writers of a place are not of one retention class, or if an
    override is for a tag that only some of them have.
    """
    chosen = _overridden(rule, resource, overrides)
    if isinstance(chosen, Disagreement):
        return chosen
    days = days_of(resource.ref.kind, defaults)
    if not days:
        return {**defaults, **chosen}
    wanted = retention_class(resource, retention or Retention())
    if isinstance(wanted, Disagreement):
        return wanted
    return {**defaults, **chosen, **{name: wanted.days[name] for name in days}}


def days_of(kind: str, params: Iterable[str]) -> list[str]:
    """Which of the parameters of a rule on this kind come from a retention class."""
    return [name for name in params if kind in RETENTION_KINDS and name in RETENTION_PARAMS]


def retention_class(resource: Resource, retention: Retention) -> RetentionClass | Disagreement:
    """The one class that all who write to this place have, or who asks for what."""
    demands: dict[str, str] = {}
    for tags in writers_of(resource):
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
    overrides: Iterable[Override], rules: Mapping[str, Rule], retention: Retention | None = None
) -> tuple[str, ...]:
    """What is wrong with the overrides and retention classes, given the rules by their ids.

    A rule or parameter that does not exist, a value of another type than the default's or
    outside the rule's bounds, days that only a retention class may set, and a class in use that
    asks for days outside a rule's bounds.
    """
    found: list[str] = []
    for override in overrides:
        rule = rules.get(override.rule)
        if rule is None:
            at = f"{override.at}: " if override.at else ""
            found.append(f"{at}no rule {override.rule!r}{near(override.rule, rules)}")
            continue
        for name, value in override.params.items():
            place = override.param_at.get(name, override.at)
            if wrong := _param_problem(rule, name, value):
                found.append(f"{place}: {wrong}" if place else wrong)
    return (*found, *_class_problems(rules.values(), retention or Retention()))


def _param_problem(rule: Rule, name: str, value: Value) -> str:
    """Why a parameter of the rule may not be set to this value; empty where it may."""
    if name not in rule.params:
        return f"rule {rule.id} has no parameter {name!r}{near(name, rule.params)}"
    default = rule.params[name]
    if days_of(rule.kind, [name]):
        return (
            f"parameter {name} of rule {rule.id} comes from the retention class of the logs: "
            "define a class in retention.classes, and say who has it in retention.assign"
        )
    if not _same_type(value, default):
        return (
            f"parameter {name} of rule {rule.id} is {_type_name(default)}, "
            f"not {_type_name(value)} ({value!r})"
        )
    if broken := outside(value, rule.bounds.get(name, (None, None))):
        return f"parameter {name} of rule {rule.id} is {broken}, not {value!r}"
    return ""


def _class_problems(rules: Iterable[Rule], retention: Retention) -> list[str]:
    """The classes in use that ask for what a rule's bounds do not admit."""
    in_use = dict.fromkeys(
        [retention.default, *(each.retention_class for each in retention.assign)]
    )
    found: list[str] = []
    for rule in rules:
        for name in days_of(rule.kind, rule.bounds):
            for each in (retention.classes[used] for used in in_use):
                if broken := outside(each.days[name], rule.bounds[name]):
                    at = f"{each.at}: " if each.at else ""
                    found.append(
                        f"{at}retention class {each} cannot be had: "
                        f"parameter {name} of rule {rule.id} is {broken}"
                    )
    return found


class Reach(Enum):
    """Whether an override is for a resource: not, for some of its writers only, or wholly."""

    NONE = 0
    SOME = 1
    ALL = 2

    def __bool__(self) -> bool:
        return self is not Reach.NONE


def _overridden(
    rule: str, resource: Resource, overrides: Iterable[Override]
) -> dict[str, Value] | Disagreement:
    """What the overrides that match say, the strongest of each parameter.

    Disagrees where the strongest that bears on a parameter is for some of the writers only.
    """
    mine = [override for override in overrides if override.rule == rule]
    chosen: dict[str, Value] = {}
    disputed: dict[str, Override] = {}
    for override in sorted(mine, key=_strength):  # stable: the later of equals stays later
        reached = reach(override, resource)
        for name, value in override.params.items() if reached else ():
            disputed.pop(name, None)
            if reached is Reach.ALL:
                chosen[name] = value
            else:
                disputed[name] = override
    for name, override in disputed.items():
        return Disagreement(_dispute(name, override, resource))
    return chosen


def reach(override: Override, resource: Resource) -> Reach:
    """How far every scope that the override names holds for the resource."""
    ref = resource.ref
    if not (
        override.account in (None, ref.account)
        and override.region in (None, ref.region)
        and (override.resource is None or fnmatchcase(ref.name, override.resource))
    ):
        return Reach.NONE
    if override.tag is None or _tagged(resource.tags, override.tag):
        return Reach.ALL
    writers = [_tagged(tags, override.tag) for tags in resource.writer_tags]
    if not any(writers):
        return Reach.NONE
    return Reach.ALL if all(writers) else Reach.SOME


def _dispute(name: str, override: Override, resource: Resource) -> str:
    key, value = override.tag or ("", "")
    others = sorted(
        {
            f"{key}={tags[key]}" if key in tags else f"no tag {key}"
            for tags in resource.writer_tags
            if not _tagged(tags, (key, value))
        }
    )
    return (
        f"parameter {name} is overridden for the tag {key}={value}, which some that write to "
        f"{resource.ref.name} have and others do not ({', '.join(others)}). Override it for this "
        "resource by name, or let them write to different places"
    )


def writers_of(resource: Resource) -> tuple[Mapping[str, str], ...]:
    """The tags of each that writes here; a resource without writers is its own."""
    return resource.writer_tags or (resource.tags,)


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
    matching = [a for a in retention.assign if assigned(a, resource, tags)]
    if not matching:
        return [(retention.default, "the default")]
    strongest = max(_assignment_strength(a) for a in matching)
    return [(a.retention_class, str(a)) for a in matching if _assignment_strength(a) == strongest]


def assigned(assignment: Assignment, resource: Resource, tags: Mapping[str, str]) -> bool:
    """Whether the assignment is for what the writer with these tags writes here."""
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
