"""What `/metrics` costs at 100,000 series: rendered once per sweep, copied into every scrape."""

from __future__ import annotations

import argparse
import statistics
import time
from datetime import UTC, datetime

from agent.metrics.own import OPERATIONS, Own
from agent.metrics.pages import Pages
from bench.harness import Row, markdown, within
from controls.history import State, Tracked
from controls.model import Finding, Ref, Severity, Status

RESOURCES = 50_000
"""Each fails: a series in each of the two metrics that name resources."""

RENDER_SECONDS = 1.5
PAGE_MS = 5.0
SCRAPES = 50
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def state() -> State:
    """Failing findings of twenty rules in twenty accounts."""
    severities = tuple(Severity)
    found = {}
    for index in range(RESOURCES):
        account, severity = f"{111122223333 + index % 20}", severities[index % 4]
        ref = Ref("redshift_cluster", account, "eu-west-1", f"cluster-{index:05d}")
        finding = Finding(f"rule-{index // 20 % 20:02d}", "", severity, Status.FAIL, ref, "")
        found[finding.id] = Tracked(finding, NOW, NOW, NOW)
    return State(found, {}, NOW)


def measure() -> list[Row]:
    """Rendering by its CPU, the page by the median of its wall time, plain and compressed."""
    own, known = Own(), state()
    for each in OPERATIONS:
        service, operation = each.split(":")
        for outcome in ("ok", "throttled"):
            own.call(service, operation, outcome, 0.05, "", "")
    pages = Pages(own, RESOURCES)
    cpu = time.process_time()
    pages.publish(known, stale=False)
    cpu = time.process_time() - cpu
    series = 2 * RESOURCES
    what = f"/metrics of {series:,} series"
    assert pages.page(gzipped=False).count(b'resource="') == series
    rendered = within(f"{what}: rendered once per sweep: CPU", cpu, RENDER_SECONDS, "s")
    return [rendered, *(_page(pages, what, gzipped=each) for each in (False, True))]


def _page(pages: Pages, what: str, *, gzipped: bool) -> Row:
    took, size = [], 0
    for _ in range(SCRAPES):
        begun = time.perf_counter()
        size = len(pages.page(gzipped=gzipped))  # not kept, as a page that was sent is not
        took.append((time.perf_counter() - begun) * 1000)
    how = "compressed" if gzipped else "plain"
    note = f"worst of {SCRAPES}: {max(took):.2f} ms, {size:,} bytes"
    return within(f"{what}: page, {how}", statistics.median(took), PAGE_MS, "ms", note)


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser(prog="python -m bench.metrics", description=__doc__).parse_args()
    print(markdown(measure()))


if __name__ == "__main__":
    main()
