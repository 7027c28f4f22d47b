"""The page: always whole, whoever publishes meanwhile, and never an error."""

from __future__ import annotations

import gzip
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from structlog.testing import capture_logs

from agent.metrics.own import Own
from agent.metrics.pages import Pages
from controls.history import State
from tests.agent.metrics.states import estate, families, parsed, state, tracked


def page(pages: Pages) -> dict[str, Any]:
    """Read back."""
    return parsed(pages.page(gzipped=False))


def test_before_anything_is_published_the_page_says_so() -> None:
    assert page(Pages(Own(), 10))["trailkeeper_verdicts_stale"] == {(): 1}


def test_verdicts_and_the_agents_own_stand_on_one_page() -> None:
    pages = Pages(Own(), 10)
    pages.publish(estate(), stale=False)

    names = [family.name for family in families(pages.page(gzipped=False))]
    assert {"trailkeeper_findings", "trailkeeper_sweeps"} <= set(names)
    assert page(pages)["trailkeeper_verdicts_stale"] == {(): 0}


def test_the_compressed_page_is_one_stream() -> None:
    pages = Pages(Own(), 10)
    pages.publish(estate(), stale=False)

    whole = gzip.decompress(pages.page(gzipped=True))
    assert set(parsed(whole)) == set(page(pages))


def test_a_resource_that_is_gone_is_gone_from_the_page() -> None:
    pages = Pages(Own(), 10)
    pages.publish(state(tracked("a"), tracked("b")), stale=False)
    pages.publish(state(tracked("b")), stale=False)

    assert b'resource="a"' not in pages.page(gzipped=False)
    assert b'resource="b"' in pages.page(gzipped=False)


def test_what_cannot_be_rendered_leaves_the_page_before_and_is_counted() -> None:
    pages = Pages(Own(), 10)
    pages.publish(estate(), stale=False)
    before = page(pages)
    broken: Any = State({"x": None})  # type: ignore[dict-item] # what a mistake would hand in

    with capture_logs() as logs:
        pages.publish(broken, stale=True)

    after = page(pages)
    assert after["trailkeeper_errors_total"][("part", "metrics"),] == 1
    assert [line["log_level"] for line in logs] == ["error"]
    kept = [name for name in before if name.startswith(("trailkeeper_find", "trailkeeper_verd"))]
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert "trailkeeper_verdicts_taken_timestamp_seconds" in kept


def test_that_the_cap_leaves_resources_out_is_logged_when_it_begins() -> None:
    pages = Pages(Own(), 1)
    with capture_logs() as logs:
        for _ in range(2):
            pages.publish(state(tracked("a"), tracked("b")), stale=False)

    assert [(line["log_level"], line["dropped"]) for line in logs] == [("warning", 2)]


def test_another_cap_holds_from_the_next_sweep_on() -> None:
    pages = Pages(Own(), 0)
    pages.resource_series = 1
    pages.publish(state(tracked("a"), tracked("b")), stale=False)

    assert len(page(pages)["trailkeeper_resource_failing"]) == 1


def test_threads_that_scrape_while_another_publishes_see_whole_pages() -> None:
    pages = Pages(Own(), 1000)
    states = [state(*(tracked(f"{size}-{number}") for number in range(size))) for size in (20, 30)]
    pages.publish(states[0], stale=False)
    over = threading.Event()

    def scrape() -> set[int]:
        sizes = set()
        while not over.is_set():
            for whole in (pages.page(gzipped=False), gzip.decompress(pages.page(gzipped=True))):
                lines = whole.decode().split("\n")
                shown = [line for line in lines if line.startswith("trailkeeper_resource_failing{")]
                sizes.add(len(shown))
                assert len({line.split('resource="')[1].split("-")[0] for line in shown}) == 1
        return sizes

    with ThreadPoolExecutor(4) as threads:
        scrapes = [threads.submit(scrape) for _ in range(4)]
        for turn in range(100):
            pages.publish(states[turn % 2], stale=False)
        over.set()

    assert set.union(*(each.result() for each in scrapes)) <= {20, 30}
