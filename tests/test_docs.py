"""The documents say what the product does."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from agent.catalogue import markdown
from agent.cli import build_parser
from agent.config import Settings
from agent.waivers import load_waivers
from controls.kinds.catalog import KINDS
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
    known = {text for action in build_parser()._actions for text in action.option_strings}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README))

    assert named - known == set()


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
