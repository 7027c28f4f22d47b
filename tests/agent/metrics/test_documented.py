"""docs/metrics.md lists every metric as the page has it, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from agent.metrics.pages import Pages
from tests.agent.metrics.states import estate, families
from tests.agent.metrics.test_own import busy

DOCUMENT = (Path(__file__).resolve().parents[3] / "docs" / "metrics.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([a-z_]+)` \| (\w+) \| ([^|]*)\| ", re.MULTILINE)


def test_the_table_lists_every_metric_with_its_type_and_labels() -> None:
    pages = Pages(busy(), 100)
    pages.publish(estate(), stale=False)
    shown = {}
    for family in families(pages.page(gzipped=False)):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        shown[name] = (family.type, frozenset(labels))

    rows = ROW.findall(DOCUMENT)
    written = {
        name: (kind, frozenset(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows
    }
    assert written == shown
    assert len(rows) == len(written)


def test_every_metric_that_the_text_names_is_in_a_table() -> None:
    in_tables = {name for name, _, _ in ROW.findall(DOCUMENT)}

    assert set(re.findall(r"trailkeeper_[a-z_]+", DOCUMENT)) - in_tables == set()
