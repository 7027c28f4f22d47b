"""Kind and Fact: what can be listed, what can be read, and what permission it takes."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from controls.model import Absent, Gap, Reader, Ref, Resource


@dataclass(frozen=True, slots=True)
class Item:
    """A listed resource before its facts are read: who it is, and what the listing said."""

    ref: Ref
    data: Mapping[str, Any]
    tags: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    """The calls that `data` comes from, for facts that make no call of their own."""
    read_in: tuple[str, str] | None = None
    """(account, region) to read facts in, where it is not the ref's own."""
    writer_tags: tuple[Mapping[str, str], ...] = ()
    """The tags of each cluster that writes here: they choose the retention class."""


@dataclass(frozen=True, slots=True)
class LogBucket:
    """A log bucket named in the configuration; `prefixes` are those that logs once went to."""

    bucket: str
    account: str
    region: str
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What earlier kinds found, all targets together: the input of a derived kind's list."""

    resources: Mapping[str, tuple[Resource, ...]]
    gaps: tuple[Gap, ...] = ()
    log_buckets: tuple[LogBucket, ...] = ()
    owners: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Bucket name to (account, region) of its owner, where that is known."""
    partition: str = "aws"
    reports: str = ""
    """`bucket/prefix` of the monthly reports; empty: none is configured."""

    def of(self, kind: str) -> tuple[Resource, ...]:
        """The resources of a kind, in a stable order."""
        return self.resources.get(kind, ())


FactFunction = Callable[[Reader, Item], Any]
ListFunction = Callable[[Reader], Iterable[Item]]
DeriveFunction = Callable[[Found], Iterable[Item | Gap]]


@dataclass(frozen=True, slots=True)
class Fact:
    """A function that reads one typed thing about one resource.

    The function's name is the fact's name, its return annotation (`Answer[bool]`, `Maybe[int]`)
    its type, its docstring its entry in the catalogue. `needs` are the operations it may call
    (`s3:GetBucketVersioning`, the API's names); it can call nothing else.
    """

    read: FactFunction
    needs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What rules call it."""
        return self.read.__name__

    @property
    def doc(self) -> str:
        """One line for the catalogue."""
        return " ".join((self.read.__doc__ or "").split())

    @property
    def type(self) -> Any:
        """The Python type of its value: bool, int, float, str, datetime, list[str], dict."""
        return _members(self.read)[0]

    @property
    def may_be_absent(self) -> bool:
        """Whether it may be known to have no value."""
        return Absent in _members(self.read)


@dataclass(frozen=True, slots=True)
class Kind:
    """All that can be seen about one sort of resource.

    A root kind has `lists` (called once per target, with that target's reader). A derived kind
    has `derives`: it is listed from facts of earlier kinds, named in `sources`, without a call.
    """

    name: str
    doc: str
    facts: tuple[Fact, ...]
    lists: ListFunction | None = None
    needs: tuple[str, ...] = ()
    derives: DeriveFunction | None = None
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    optional: bool = False
    """Whether its service is lacking in some regions where Redshift is; there, none is none."""

    def fact(self, name: str) -> Fact:
        """The fact of that name. Raises KeyError."""
        return {fact.name: fact for fact in self.facts}[name]


@cache
def _members(function: FactFunction) -> tuple[Any, ...]:
    """The union members of a fact's return annotation; the value's type comes first."""
    hint = get_type_hints(function)["return"]
    union = get_origin(hint) in (Union, types.UnionType)
    return get_args(hint) if union else (hint,)


FACT_TYPES: tuple[Any, ...] = (bool, int, float, str, datetime, list[str], dict[str, str])
"""The types that a fact may declare."""
