"""A change as data: the calls that would put one thing right, printed and stored before made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

from controls.model import Reader, Ref, Value

Json: TypeAlias = Any
"""What `json.dumps` takes: dicts with text keys, lists, texts, numbers, booleans, None."""


class Cost(StrEnum):
    """What a change may cost. Each needs a consent of its own that names the resource."""

    DESTROYS = "destroys"
    INTERRUPTS = "interrupts"
    WEAKENS = "weakens"


@dataclass(frozen=True, slots=True)
class Call:
    """One writing AWS call by its API name, with JSON parameters, and where it is made."""

    service: str
    operation: str
    params: Mapping[str, Json]
    account: str
    region: str

    @property
    def name(self) -> str:
        """`service:Operation`, as hands and policies name it."""
        return f"{self.service}:{self.operation}"


@dataclass(frozen=True, slots=True)
class Document:
    """A document that the change replaces: as it was read, and as it is to be; None is absent.

    Shown as a diff. Before the first call it is read again and must still be `before`.
    """

    what: str
    before: Json
    after: Json


@dataclass(frozen=True, slots=True)
class Change:
    """What one fix would do to one resource. Describes; the executor alone acts.

    - `calls` in their order. What was done up to a failure stands (`partial`); planning anew goes
      on from there, so every prefix of the calls must leave nothing worse than before.
    - `undo` are the calls that put back what was there, in their order; else `no_undo` says why
      there are none. `undo_costs`: what undoing costs; less logging, encryption or TLS weakens.
    - `costs` has a sentence for each cost: what is destroyed, interrupted or weakened.
    - `affects` names what else the change touches (clusters that share a parameter group).
    - `bucket_wide` is the bucket whose every object is concerned, not only audit logs.
    - `tags` are those of what is written to: infrastructure as code leaves its mark there.
    - `awaits` says what must still happen, and by whom, until the rule passes; usually nothing.
    - `affected_tags` are those of what it affects besides: they may say that it is never changed.
    - `params` are the rule's, noted by the executor: to look again is to plan again with them.
    """

    fix: str
    ref: Ref
    summary: str
    calls: tuple[Call, ...]
    documents: tuple[Document, ...] = ()
    undo: tuple[Call, ...] = ()
    no_undo: str = ""
    undo_costs: Mapping[Cost, str] = field(default_factory=dict)
    costs: Mapping[Cost, str] = field(default_factory=dict)
    affects: tuple[str, ...] = ()
    bucket_wide: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    awaits: str = ""
    params: Mapping[str, Value] = field(default_factory=dict)
    affected_tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Right:
    """There is nothing to do: it is as the fix would leave it. `awaits` as in `Change`.

    `documents` are those that the fix is about as they read now (before and after the same): an
    undo compares them with what the change left, and keeps its hands off what is another since.
    """

    why: str
    awaits: str = ""
    documents: tuple[Document, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """The fix will not touch it, and why; or `later`: it can, once what `why` says has passed."""

    why: str
    later: bool = False


Planned: TypeAlias = Change | Right | Held


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the clusters of an account and region are to log, as configured.

    `kind` is `s3` or `cloudwatch`; `bucket` and `prefix` (a template: {account}, {region},
    {cluster}) are for S3.
    """

    kind: str
    bucket: str = ""
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """What a fix is asked to put right: a resource, the rule's parameters there, and the wishes.

    `now` is UTC. `destination` is set where clusters of that account and region have one.
    """

    ref: Ref
    now: datetime
    params: Mapping[str, Value] = field(default_factory=dict)
    destination: Destination | None = None


Plan: TypeAlias = Callable[[Reader, Task], Planned]


@dataclass(frozen=True, slots=True)
class Fix:
    """A function that plans a change for one kind of resource.

    It reads through the reader it is handed (`reads`, operations by API name, besides which it
    can call nothing), never writes, and raises AwsError or CannotTellError where it cannot see:
    then nothing is done. Planning again after the change gives `Right`: that is its postcondition.
    `writes` are the operations its calls and undo may name.
    """

    plan: Plan
    kind: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    bucket_wide: bool = False

    @property
    def name(self) -> str:
        """What rules and the configuration call it."""
        return self.plan.__name__

    @property
    def doc(self) -> str:
        """One line for the catalogue."""
        return " ".join((self.plan.__doc__ or "").split())
