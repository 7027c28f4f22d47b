"""The documents say what the product does."""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from agent.catalogue import markdown
from agent.catalogue_fixes import PRICES
from agent.cli import build_parser
from agent.config import Settings
from agent.config_remediation import (
    ConsentSetting,
    DestinationSetting,
    FreezeSetting,
    LimitSetting,
    RemediationSetting,
    SelectorSetting,
)
from agent.waivers import load_waivers
from controls.fixes.catalog import FIXES
from controls.kinds.catalog import KINDS
from controls.remedy import Outcome
from controls.rule_file import RuleText, check_examples, parse_rules
from tests.rules.packs import shipped_rules

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_catalogue_is_the_generated_one() -> None:
    """`make docs` was run after the last change of a rule or fact."""
    assert (ROOT / "docs" / "rules.md").read_text(encoding="utf-8") == markdown(shipped_rules())


def test_the_changelog_names_every_rule() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    assert [rule.id for rule in shipped_rules() if f"`{rule.id}`" not in changelog] == []


def test_every_option_that_the_readme_names_exists() -> None:
    known = set(_options(build_parser()))
    ours = re.sub(r"`python -m [^`]*`", "", README)  # a benchmark has options of its own
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", ours))

    assert named - known == set()


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Every option, those of its commands among them."""
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _options(command)


def test_every_document_that_the_readme_links_exists() -> None:
    links = re.findall(r"\]\(((?:docs|CHANGELOG)[^)]*)\)", README)

    assert [link for link in links if not (ROOT / link).is_file()] == []


def _example(first_words: str) -> str:
    """The YAML block of the README that begins so."""
    blocks = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    (found,) = [block for block in blocks if block.startswith(first_words)]
    return str(found)


def test_the_rule_in_the_readme_loads_and_its_examples_hold() -> None:
    text = RuleText("our-rules/our-clusters-log-to-s3.yaml", _example("id: "), "our-rules")
    rules, problems = parse_rules([text], {kind.name: kind for kind in KINDS})

    assert problems == ()
    assert check_examples(rules[0]) == ()
    assert rules[0].id not in {rule.id for rule in shipped_rules()}


def test_the_configuration_in_the_readme_is_one() -> None:
    written = yaml.safe_load(_example("targets:"))

    assert Settings.model_validate(written).retention.assign[0].name == "pci"


def test_the_waivers_in_the_readme_are_waivers(tmp_path: Path) -> None:
    file = tmp_path / "waivers.yaml"
    file.write_text(_example("- rule: "), encoding="utf-8")
    (waiver,) = load_waivers(file)

    assert waiver.rule in {rule.id for rule in shipped_rules()}


# ---------------------------------------------------------------- remediation

REMEDIATION = (ROOT / "docs" / "remediation.md").read_text(encoding="utf-8")


def test_every_fix_has_its_price_in_the_catalogue() -> None:
    assert set(PRICES) == set(FIXES)


def test_the_catalogue_names_every_cost_that_a_file_of_fixes_states() -> None:
    """`costs` of changes, as the source writes them; those of undoing stand in `undo`."""
    for path in sorted((ROOT / "controls" / "fixes").glob("*.py")):
        named = {name for name in FIXES if FIXES[name].plan.__module__.endswith(f".{path.stem}")}
        if not named:
            continue
        told = {cost.value for name in named for cost in PRICES[name].costs}
        undoing = {
            word
            for name in named
            for word in ("destroys", "interrupts", "weakens")
            if f"({word}" in PRICES[name].undo
        }
        stated = {
            node.attr.lower()
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "Cost"
        }
        assert told | undoing == stated, path.name


def _tests_named(text: str) -> list[tuple[str, str]]:
    return re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", text)


def test_every_test_that_holds_a_promise_exists() -> None:
    named = _tests_named(REMEDIATION)
    missing = [
        f"{path}::{test}"
        for path, test in named
        if test
        not in {
            node.name
            for node in ast.parse((ROOT / path).read_text(encoding="utf-8")).body
            if isinstance(node, ast.FunctionDef)
        }
    ]

    assert len(named) > 40
    assert missing == []


def test_every_promise_names_a_test() -> None:
    """Each row under the heading is one promise and what holds it."""
    promises = REMEDIATION.partition("## How Trailkeeper keeps fixes safe")[2]
    rows = [line for line in promises.splitlines() if line.startswith("- ")]

    assert rows
    items = re.split(r"\n(?=- )", promises.partition("\n- ")[2])
    assert [item for item in items if not _tests_named(item)] == []


@pytest.mark.parametrize("document", ["README.md", "docs/remediation.md", "docs/deploy.md"])
def test_every_configuration_of_remediation_is_one(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    blocks = [
        yaml.safe_load(block)
        for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
        if re.search(r"^remediation:", block, re.MULTILINE)
    ]

    assert blocks
    for block in blocks:
        settings = Settings.model_validate(block).remediation
        assert set(settings.fixes) <= set(FIXES)
        assert {consent.fix for consent in settings.consents} <= set(FIXES)


def test_the_example_of_remediation_has_every_key() -> None:
    (block,) = [
        block
        for block in re.findall(r"```yaml\n(.*?)```", REMEDIATION, re.DOTALL)
        if block.startswith("targets:")
    ]
    written = yaml.safe_load(block)["remediation"]

    assert set(written) == set(RemediationSetting.model_fields) - {"role"}
    assert set(written["limits"]) == set(LimitSetting.model_fields)
    for name, model in (
        ("consents", ConsentSetting),
        ("freezes", FreezeSetting),
        ("log_destinations", DestinationSetting),
        ("never", SelectorSetting),
    ):
        assert {key for item in written[name] for key in item} == set(model.model_fields), name
    assert "`role`" in REMEDIATION


def test_every_outcome_is_explained() -> None:
    assert [one for one in Outcome if f"| `{one.value}` |" not in REMEDIATION] == []
