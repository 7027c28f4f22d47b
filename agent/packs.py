"""Rule packs on disk become rules, or problems: shipped packs by name, others by folder."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator

from agent.config_values import Text, as_text
from agent.yaml_file import ConfigProblems, Written, check, parse, read_text
from controls.fixes.catalog import FIXES
from controls.kinds.kind import Kind
from controls.near import near
from controls.rule import Rule
from controls.rule_file import RuleText, parse_rules
from controls.rule_shape import MAX_CHARACTERS
from controls.written import Document, Problem

PACK_FILE = "pack.yaml"
MAX_BYTES = 4 * MAX_CHARACTERS


class _WrittenPack(Written):
    """`pack.yaml`: what a folder of rules is called and is for."""

    name: Text
    version: Annotated[Text, BeforeValidator(as_text)]
    description: Text


@dataclass(frozen=True, slots=True)
class _Folder:
    """One pack: its name and its folder."""

    name: str
    path: Path


def load_packs(
    packs: Sequence[str],
    folders: Sequence[Path],
    kinds: Mapping[str, Kind],
    fixes: Collection[str] = tuple(FIXES),
    *,
    shipped: Path | None = None,
) -> tuple[tuple[Rule, ...], tuple[Problem, ...]]:
    """The rules of the shipped packs named and of every pack in the folders, and all problems.

    A folder is a pack if rule files lie in it; folders in it that hold rule files are packs too.
    What cannot be read is a problem, never an exception and never passed over in silence.
    """
    root = shipped or shipped_packs()
    problems: list[Problem] = []
    found: dict[Path, _Folder] = {}
    known = {folder.name: folder for folder in _packs_in(root, problems)} if packs else {}
    for name in packs:
        if name in known:
            found.setdefault(known[name].path.resolve(), known[name])
        else:
            message = f"there is no shipped pack {name!r}{near(name, known)}"
            problems.append(Problem("packs", 0, 0, message))
    for path in folders:
        for folder in _packs_in(path, problems):
            found.setdefault(folder.path.resolve(), folder)
    texts = [text for folder in found.values() for text in _texts(folder, problems)]
    rules, wrong = parse_rules(texts, kinds, fixes)
    return rules, (*problems, *wrong)


def shipped_packs() -> Path:
    """The folder of the packs that come with Trailkeeper: in the wheel, else in the checkout."""
    here = Path(__file__).resolve().parent
    packaged = here / "_rules"
    return packaged if packaged.is_dir() else here.parent / "rules"


def _packs_in(path: Path, problems: list[Problem]) -> list[_Folder]:
    """The folder itself and those directly in it, as far as rule files lie in them."""
    before = len(problems)
    entries = _listed(path, problems)
    found = [_Folder(path.resolve().name, path)] if _has_rules(entries) else []
    for entry in entries:
        if entry.is_dir():
            inside = _listed(entry, problems)
            if _has_rules(inside):
                found.append(_Folder(entry.name, entry))
            problems.extend(
                Problem(_shown(deep), 0, 0, "a rule lies directly in its pack's folder")
                for folder in inside
                if folder.is_dir()
                for deep in _listed(folder, problems)
                if deep.suffix in (".yaml", ".yml")
            )
    if not found and len(problems) == before:
        problems.append(Problem(_shown(path), 0, 0, "there are no rule files (*.yaml) here"))
    return found


def _has_rules(entries: Sequence[Path]) -> bool:
    return any(entry.suffix in (".yaml", ".yml") for entry in entries)


def _listed(path: Path, problems: list[Problem]) -> list[Path]:
    """What lies in a folder, by name, without what is hidden (a ConfigMap's `..data` among it)."""
    try:
        return sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        message = f"this folder cannot be read: {error.strerror or error}"
        problems.append(Problem(_shown(path), 0, 0, message))
        return []


def _texts(folder: _Folder, problems: list[Problem]) -> Iterator[RuleText]:
    """The rule files of a pack; its `pack.yaml` is checked on the way."""
    for entry in _listed(folder.path, problems):
        if entry.suffix == ".yml":
            message = f"a rule file ends in .yaml: rename it to {entry.stem}.yaml"
            problems.append(Problem(_shown(entry), 0, 0, message))
        elif entry.suffix == ".yaml":
            match _text(entry):
                case Problem() as problem:
                    problems.append(problem)
                case document if entry.name == PACK_FILE:
                    problems.extend(_pack_problems(folder, document))
                case document:
                    yield RuleText(document.path, document.text, folder.name)


def _text(path: Path) -> Document | Problem:
    """The text of a rule file, or why there is none."""
    name = _shown(path)
    try:
        if not path.is_file():  # a pipe would never end; a dangling link has nothing to say
            return Problem(name, 0, 0, "this is no file")
        if path.stat().st_size > MAX_BYTES:
            return Problem(name, 0, 0, f"the file is longer than {MAX_CHARACTERS} characters")
    except OSError as error:
        return Problem(name, 0, 0, f"this file cannot be read: {error.strerror or error}")
    return read_text(path, name)


def _pack_problems(folder: _Folder, document: Document) -> tuple[Problem, ...]:
    source = parse(document)
    try:
        written = check(_WrittenPack, source.value or {}, source)
    except ConfigProblems as error:
        return error.problems
    if written.name != folder.name:
        message = f"the pack is {written.name}, its folder is {folder.name}: they must be the same"
        return (source.problem(("name",), message),)
    return ()


def _shown(path: Path) -> str:
    """The path as a person in this directory would write it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
