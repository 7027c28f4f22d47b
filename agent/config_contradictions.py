"""What is wrong with a configuration though each of its values is right by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from agent.yaml_file import Where
from controls.params import BUILT_IN_CLASSES

Problem = tuple[Where, str]


def contradictions(written: object) -> Iterator[Problem]:
    """Problems between values, found in what was written, whatever else is wrong with it.

    Looks at the document before it is checked, so that these are told together with the rest.
    """
    top = _mapping(written)
    yield from _repeated(top, "targets", "role")
    yield from _repeated(top, "log_buckets", "bucket")
    yield from _overrides_for_all(top)
    yield from _retention(_mapping(top.get("retention")))
    yield from _missing_paths(top)
    yield from _foreign_roles(top)


def _foreign_roles(top: Mapping[str, Any]) -> Iterator[Problem]:
    """The role that changes things must be of the account that is read."""
    for index, item in enumerate(_list(top.get("targets"))):
        reads, writes = _mapping(item).get("role"), _mapping(item).get("remediation_role")
        if isinstance(reads, str) and isinstance(writes, str):
            accounts = [role.split(":")[4:5] for role in (reads, writes)]
            if accounts[0] != accounts[1]:
                message = f"is of another account than the role that reads, {reads}"
                yield ("targets", index, "remediation_role"), message


def _repeated(top: Mapping[str, Any], key: str, name: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, item in enumerate(_list(top.get(key))):
        called = item if isinstance(item, str) else _mapping(item).get(name)
        if isinstance(called, str):
            if called in seen:
                yield (key, index), f"is {called} a second time"
            seen.add(called)


def _overrides_for_all(top: Mapping[str, Any]) -> Iterator[Problem]:
    for index, item in enumerate(_list(top.get("overrides"))):
        if isinstance(item, dict) and not item.keys() & {"account", "region", "tag", "resource"}:
            message = "names no account, region, tag or resource; what is for all goes into params"
            yield ("overrides", index), message


def _retention(retention: Mapping[str, Any]) -> Iterator[Problem]:
    classes = _mapping(retention.get("classes"))
    known = {**BUILT_IN_CLASSES, **classes}
    none = f"is no retention class; there are {', '.join(known)}"
    for name in classes.keys() & BUILT_IN_CLASSES.keys():
        message = f"is built in as {BUILT_IN_CLASSES[name]}; choose another name"
        yield ("retention", "classes", name), message
    default = retention.get("default")
    if isinstance(default, str) and default not in known:
        yield ("retention", "default"), f"{default!r} {none}"
    for index, item in enumerate(_list(retention.get("assign"))):
        where: Where = ("retention", "assign", index)
        wanted = _mapping(item).get("class")
        if isinstance(wanted, str) and wanted not in known:
            yield (*where, "class"), f"{wanted!r} {none}"
        if isinstance(item, dict) and not item.keys() & {"account", "tag", "location"}:
            yield where, "names no account, tag or location; what is for all is the default"


def _missing_paths(top: Mapping[str, Any]) -> Iterator[Problem]:
    for index, folder in enumerate(_list(top.get("rules"))):
        if isinstance(folder, str | Path) and not Path(folder).is_dir():
            yield ("rules", index), f"is no folder: {folder}"
    waivers = top.get("waivers")
    if isinstance(waivers, str | Path) and not Path(waivers).is_file():
        yield ("waivers",), f"is no file: {waivers}"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
