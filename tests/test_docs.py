"""The documents say what the product does."""

from __future__ import annotations

import re
from pathlib import Path

from agent.catalogue import markdown
from agent.cli import build_parser
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
