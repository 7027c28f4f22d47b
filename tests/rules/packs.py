"""The shipped rules, loaded once for all tests that go over them."""

from __future__ import annotations

from functools import cache

from agent.packs import load_packs
from controls.kinds.catalog import KINDS
from controls.rule import Rule


@cache
def shipped_rules() -> tuple[Rule, ...]:
    """The rules of the pack that is on by default."""
    rules, problems = load_packs(["redshift-audit"], [], {kind.name: kind for kind in KINDS})
    assert not problems
    return rules
