"""The monthly report in a real browser: no table is cut off, on a screen, a telephone or paper."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from playwright.sync_api import Page

from agent.report.model import Answered, Column, ColumnKind, Row, Value
from agent.report.outputs.page import page as report
from agent.report.sections import SECTIONS
from tests.report.documents import HOSTILE, START_MS, document, evidence

BEYOND = """() => [...document.querySelectorAll("table")].filter(table => {
    const around = table.closest(".scroll");
    return around.scrollWidth > around.clientWidth + 1;
}).map(table => table.caption.innerText)"""

NAMES = ("svc_monitor", "tom@larkfield.example", "2001:db8:20:aaaa::41", "x" * 300, *HOSTILE)
PLAIN = ("svc_monitor", "backup_svc", "10.20.30.40", "prod")


def value(kind: ColumnKind, at: int, names: tuple[str, ...]) -> Value:
    """Something for a cell of this kind."""
    made: dict[ColumnKind, Value] = {
        ColumnKind.TEXT: names[at % len(names)],
        ColumnKind.SQL: "select 1 -- all\n  from " + "t" * 300,
        ColumnKind.TIME: START_MS + at,
        ColumnKind.DAY: f"2026-10-{at % 31 + 1:02d}",
        ColumnKind.EVIDENCE: evidence(at % 20, at),
    }
    return made.get(kind, 99_999)


@cache
def shown(names: tuple[str, ...]) -> str:
    """A report with every table there is."""

    def row(columns: tuple[Column, ...], first: int) -> Row:
        return {one.name: value(one.kind, first + n, names) for n, one in enumerate(columns)}

    sections = tuple(
        Answered(
            one,
            {query.name: [row(query.columns, n) for n in range(9)] for query in one.queries},
            {},
        )
        for one in SECTIONS
    )
    return report(replace(document(), sections=sections))


@pytest.mark.parametrize(
    ("wide", "media", "names"),
    [
        pytest.param(1200, "screen", PLAIN, id="screen"),
        pytest.param(390, "screen", NAMES, id="telephone, hostile names"),
        pytest.param(695, "print", NAMES, id="A4 between its margins, hostile names"),
    ],
)
def test_no_table_is_cut_off(page: Page, wide: int, media: str, names: tuple[str, ...]) -> None:
    page.set_viewport_size({"width": wide, "height": 900})
    page.emulate_media(media="print" if media == "print" else "screen")
    page.set_content(shown(names))

    assert page.evaluate(BEYOND) == []
    assert page.evaluate("document.documentElement.scrollWidth") == wide


def test_no_name_is_broken_in_the_middle_on_a_screen(page: Page) -> None:
    page.set_viewport_size({"width": 1200, "height": 900})
    page.set_content(shown(PLAIN))

    broken = """() => [...document.querySelectorAll("td.text bdi")]
        .filter(one => one.getClientRects().length > 1).map(one => one.textContent)"""
    assert page.evaluate(broken) == []
