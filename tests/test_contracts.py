"""The shape of the code: every module is under an import contract, files and functions short."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent.parent
MAY_USE_BOTO3 = {"agent.aws", "agent.sandbox"}
NO_KINDS = {f"controls.kinds.{name}" for name in ("catalog", "kind", "object_lock", "writers")}
FORMATS_MAY_USE = {"agent.formats", "agent.verdict"}

LONG_FUNCTIONS = {
    "bench/estate_redshift.py:_cluster": "one XML document, a line for each of its members",
}
"""Those that may have more than 40 lines, and why."""


def contract(beginning: str) -> dict[str, Any]:
    """The import contract whose name begins so."""
    settings = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (found,) = (each for each in contracts if each["name"].startswith(beginning))
    return dict(found)


def modules(package: str) -> set[str]:
    """The modules and packages that lie directly in a package."""
    inside = HERE.joinpath(*package.split(".")).iterdir()
    return {
        f"{package}.{path.stem}"
        for path in inside
        if (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").is_file()
    }


def test_every_module_of_the_agent_is_kept_from_boto3_unless_it_is_the_door() -> None:
    listed = contract("boto3 has one door")["source_modules"]

    assert set(listed) == modules("agent") - MAY_USE_BOTO3
    assert len(listed) == len(set(listed))


def test_every_module_of_the_agent_is_kept_from_the_formats_unless_they_need_it() -> None:
    assert set(contract("formats")["forbidden_modules"]) == modules("agent") - FORMATS_MAY_USE


def test_every_module_of_controls_has_its_layer() -> None:
    assert set(contract("one way")["layers"]) == modules("controls")


def test_every_kind_is_kept_from_the_others() -> None:
    assert set(contract("kinds")["modules"]) == modules("controls.kinds") - NO_KINDS


def code() -> list[Path]:
    """The Python files that are no tests."""
    return [path for top in ("agent", "controls", "bench") for path in (HERE / top).rglob("*.py")]


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """The functions in a file, each with its lines, the docstring aside."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            told = first if ast.get_docstring(node) is not None else None
            docstring = (told.end_lineno or 0) - told.lineno + 1 if told else 0
            yield node.name, (node.end_lineno or 0) - node.lineno + 1 - docstring


def test_a_file_has_at_most_400_lines() -> None:
    lengths = {path: path.read_text(encoding="utf-8").count("\n") for path in code()}

    assert {str(path.relative_to(HERE)): n for path, n in lengths.items() if n > 400} == {}


def test_a_function_has_at_most_40_lines_but_for_those_with_a_reason() -> None:
    long = {
        f"{path.relative_to(HERE)}:{name}"
        for path in code()
        for name, lines in functions(path)
        if lines > 40
    }

    assert long == set(LONG_FUNCTIONS)
