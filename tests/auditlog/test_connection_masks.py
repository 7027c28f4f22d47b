"""The connection log's fast way, with strays masked: what it makes is what the grammar makes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.auditlog import connection_line
from agent.auditlog.connection import MASKABLE, decode
from agent.auditlog.connection_line import LAYOUTS, MASK, Row, parse
from agent.auditlog.line_files import MAX_LINE, Bad, LineError, Lines, minute_ms
from tests.auditlog.line_samples import item, line

Told = tuple[list[tuple[int, Row]], list[Bad]]


def told(lines: Lines, layout: int = 0) -> Told:
    """What a block comes to: records by their numbers, and bad lines."""
    decoded = decode(lines, item(), layout)
    rows: list[Row] = decoded.table.to_pylist() if decoded.table else []
    numbered = [(int(row.pop("ordinal") or 0), row) for row in rows]
    for _, row in numbered:
        assert row.pop("object_id") == item().object_id
    return numbered, decoded.bad


def expected(lines: Lines, layout: int = 0) -> Told:
    """The same by the grammar alone, line by line."""
    plain = [is_plain(text, layout) for text in lines.texts]
    counts = [text.count("|") + 1 for text, each in zip(lines.texts, plain, strict=True) if each]
    usual = max(((counts.count(count), count) for count in counts), default=(0, layout))[1]
    rows: list[tuple[int, Row]] = []
    worse = []
    for index, text in enumerate(lines.texts):
        is_flagged = index in lines.flagged
        around = text.count("|") + 1 if plain[index] else usual
        try:
            rows.append((lines.first + index, parse(text, around, is_flagged=is_flagged)))
        except LineError as error:
            if text.strip():
                worse.append(Bad(lines.first + index, error.reason, text, is_flagged))
    return rows, worse


def is_plain(text: str, layout: int) -> bool:
    """Whether a line is whole as it is, taking every `|` for a separator."""
    count = text.count("|") + 1
    try:
        row = parse(text, count)
    except LineError:
        return False
    return count in (*LAYOUTS, layout) and not row["is_repaired"]


_NAME = st.text("|ab 0\u00fc", max_size=9)
_STRAYS = st.dictionaries(st.sampled_from(["c16", "c17", "c18", "c19"]), _NAME, min_size=1)
_WORSE = st.one_of(
    st.text(f"|x {MASK}\r\ufeff", max_size=30),
    st.sampled_from([
        line(c2="Thu, 01 Oct 2026 24:20:30:456"), line(c2="|"), line(c4="a|b"), line(c9="1x"),
        line(c1="session", c16="a|b"), line(16, c12="|"), line(c20="x", c16="a|b|c"),
        line(21, c16="|" * MAX_LINE), line(16, c16="\U0001f600" * (MAX_LINE // 4)),
        line(16, c16="x |" * MASKABLE), f"\ufeff{line()}", line(c7=MASK), line(16, c16="a\r|b"),
    ]),
)  # fmt: skip


@st.composite
def _blocks(draw: st.DrawFn) -> Lines:
    """Lines of one layout or two, with strays, and worse."""
    layouts = draw(st.lists(st.integers(15, 22), min_size=1, max_size=2))
    texts = [line(layouts[0])] * draw(st.integers(0, 3))
    for strays in draw(st.lists(_STRAYS, max_size=4)):
        layout = draw(st.sampled_from(layouts))
        texts.append(
            line(layout, **{c: name for c, name in strays.items() if int(c[1:]) <= layout})
        )
    texts += draw(st.lists(_WORSE, max_size=2))
    flagged = draw(st.frozensets(st.integers(0, len(texts))))
    return Lines(draw(st.integers(1, 99)), draw(st.permutations(texts)) or [""], flagged)


@settings(max_examples=150)
@given(_blocks(), st.sampled_from([0, 15, 16, 17, 19, 21, 22]))
def test_a_block_comes_to_what_its_lines_come_to(lines: Lines, layout: int) -> None:
    assert told(lines, layout) == expected(lines, layout)


@pytest.mark.parametrize("layout", [16, 17, 19, 20, 21, 22])
@pytest.mark.parametrize("name", ["a |b", "a|b", "| |x", "x|y |z |z"])
def test_strays_do_not_leave_the_fast_way(
    layout: int, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = Lines(7, [line(layout), line(layout, c16=name), line(layout)], frozenset({1}))
    should = expected(lines, layout)
    monkeypatch.setattr(connection_line, "parse", None)

    assert told(lines, layout) == should
    assert [row["has_bad_bytes"] for _, row in should[0]] == [False, True, False]


@pytest.mark.parametrize(
    ("texts", "layout"),
    [
        pytest.param([line(), line(c16="a |b"), line(c16=f"x{MASK}y")], 0,
                     id="a line with the stand-in keeps it"),
        pytest.param([line(16, c1="?")] * 3 + [line(19), line(19, c16="a |b")], 0,
                     id="strays are judged by the layout of good lines, not of bad ones"),
        pytest.param([line(16), line(16), line(17)], 17,
                     id="a layout that no release has is whole where the lines before have it"),
        pytest.param([f"\ufeff{line()}", line()], 0, id="a byte order mark is not passed over"),
        pytest.param([line(c16="a\rb"), line(c16="a\r |b"), line()], 0,
                     id="a carriage return ends no line"),
        pytest.param([line(c16='"a'), line(c17='b"'), line(c16="\\"), line(c16="NULL")], 0,
                     id="neither quotes nor escapes nor words for nothing"),
        pytest.param([line(c16="\U0001f600" * (MAX_LINE // 4)), line()], 0,
                     id="a long line is told by its bytes"),
        pytest.param([line(), "x", "", "|", line()], 0, id="short lines are no records"),
    ],
)  # fmt: skip
def test_a_block_with_traps_comes_to_what_its_lines_come_to(texts: list[str], layout: int) -> None:
    assert told(Lines(1, texts), layout) == expected(Lines(1, texts), layout)


def test_records_with_strays_alone_tell_no_layout() -> None:
    assert decode(Lines(1, [line(c16="a|b")]), item(), 0).layout == 0
    assert decode(Lines(1, [line(c16="a|b")]), item(), 16).layout == 16


@pytest.mark.parametrize(
    ("changed", "cached"),
    [
        ({"c16": "a |b" * MASKABLE}, connection_line.masked),
        ({"c2": "x" * 99}, minute_ms),
        ({"c3": "::ffff:" + "1" * 99}, connection_line.unmapped),
    ],
    ids=["long names with strays", "long times", "long addresses"],
)
def test_what_is_long_is_not_remembered(changed: dict[str, str], cached: Any) -> None:
    decode(Lines(1, [line()]), item(), 0)
    before = cached.cache_info().misses
    decode(Lines(1, [line(), line(**changed)]), item(), 0)

    assert cached.cache_info().misses == before


def test_a_block_of_many_lines_is_read_whole() -> None:
    lines = Lines(1, [line()] * 12_000)  # more than 1 MiB, what is read at once unless told
    decoded = decode(lines, item(), 0)

    assert decoded.table is not None
    assert decoded.table["ordinal"].to_pylist() == list(range(1, 12_001))
