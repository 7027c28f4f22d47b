"""The page: one file that needs nothing else, and that nothing in the logs can break out of."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.auditlog.objects import ObjectResult, ObjectStatus
from agent.report.model import Chart, Column, ColumnKind, Completeness, Query, Row
from agent.report.outputs import page as module
from agent.report.outputs.page import page
from agent.report.outputs.text import folder_of, in_line, in_one_run, seen
from agent.report.redact import redacted
from tests.report.documents import HOSTILE, SECRET, WRITER, document, evidence, item


@cache
def shown() -> str:
    return page(redacted(document()))


def table_of(columns: tuple[Column, ...], rows: Sequence[Row], *charts: Chart) -> str:
    """The page of a report whose only question has these rows."""
    made = document()
    query = Query("asked", "What was asked", "SELECT 1", columns, ("x",))
    section = replace(made.sections[0].section, queries=(query,), charts=charts)
    only = replace(made.sections[0], section=section, answers={"asked": rows}, beyond={})
    return page(replace(made, sections=(only,), findings=()))


class Seen(HTMLParser):
    """What a browser would make of it: elements, attributes, ids, links."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: dict[str, int] = {}
        self.attributes: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self.attributes += [(name, value or "") for name, value in attrs]


def test_nothing_of_the_logs_becomes_an_element_or_an_attribute() -> None:
    found = Seen(shown())

    assert not {"script", "img", "i", "b", "iframe", "link", "object"} & set(found.tags)
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    assert not [name for name, _ in found.attributes if name in ("src", "style", "srcset")]


def test_the_page_refers_to_nothing_outside_itself() -> None:
    links = [value for name, value in Seen(shown()).attributes if name == "href"]

    assert links
    assert {link[0] for link in links} == {"#"}
    assert "url(" not in shown()
    assert "@import" not in shown()


def test_every_link_leads_somewhere_and_every_anchor_is_one() -> None:
    found = Seen(shown()).attributes
    ids = [value for name, value in found if name == "id"]

    assert {value[1:] for name, value in found if name == "href"} <= set(ids)
    assert len(ids) == len(set(ids))


def test_the_policy_allows_this_style_alone() -> None:
    style = re.search(r"<style>(.*?)</style>", shown(), re.DOTALL)
    policy = next(
        value for name, value in Seen(shown()).attributes if value.startswith("default-src")
    )

    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'")


def test_every_hostile_name_is_shown_so_that_it_can_be_seen() -> None:
    text = html.unescape(shown())

    for name in HOSTILE:
        assert in_line(name[:100]) in text
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\ud800-\udfff]", text
    )


def test_a_long_name_is_cut_and_its_length_said() -> None:
    assert "(3,000 characters)" in shown()
    assert "x" * 500 not in shown()


def test_literals_are_on_no_page_unless_they_are_asked_for() -> None:
    assert SECRET not in shown()
    assert SECRET in page(document())


@pytest.mark.parametrize("verdict", list(Completeness))
def test_the_verdict_stands_first(verdict: Completeness) -> None:
    text = page(document(verdict))

    assert module.VERDICTS[str(verdict)] in text[text.index("<main") : text.index('id="headlines"')]


def test_a_table_with_lines_beneath_shows_25_rows_and_says_the_rest() -> None:
    assert "25 of 93 rows; 81 in csv/failures-by_user.csv, 12 beyond its limit" in shown()


def test_a_table_of_rows_alone_shows_fifty() -> None:
    rows = [{"user_name": f"user {number}"} for number in range(81)]
    text = table_of((Column("user_name", "User"),), rows)

    assert "50 of 81 rows; 81 in csv/failures-asked.csv" in text
    assert "user 49<" in text
    assert "user 50<" not in text


def test_the_appendix_has_the_objects_of_the_rows_that_are_shown() -> None:
    made = document()
    answered = made.sections[0]
    rows = [{**answered.answers["by_user"][0], "evidence": evidence(n, 1)} for n in range(30)]
    only = replace(answered, answers={"by_user": rows}, beyond={})
    text = page(replace(made, sections=(only,)))

    assert 'id="o25"' in text
    assert 'id="o26"' not in text


def test_a_query_without_rows_says_so() -> None:
    assert "<strong>Nothing.</strong> None this month." in shown()


def test_a_section_that_broke_says_why_and_is_named_beside_the_verdict() -> None:
    assert "Could not be answered.</strong> ConversionError: could not read ?" in shown()
    assert "1 of 3 sections could not be answered" in shown()


def test_evidence_leads_to_the_object_in_the_appendix() -> None:
    assert '<a class="source" href="#o2"' in shown()
    assert '<tr id="o2">' in shown()


def test_headlines_stand_beside_those_of_the_month_before() -> None:
    assert "+20 %, from 100,000" in shown()
    bare = page(replace(document(), before={}))
    assert "no report of the month before is at hand" in bare


def test_evidence_of_an_object_nobody_knows_breaks_nothing() -> None:
    assert "record 17" in page(replace(document(), objects={})).replace("&nbsp;", " ")


def test_every_table_has_a_caption_and_every_head_a_scope() -> None:
    found = Seen(shown())

    assert found.tags["table"] == found.tags["caption"]
    assert found.tags["th"] == sum(1 for name, value in found.attributes if name == "scope")


def test_an_appendix_of_many_objects_has_those_alone_that_matter() -> None:
    made = document()
    objects = made.coverage.objects
    text = html.unescape(page(redacted(made)))
    rows = re.findall(r'<tr id="o(\d+)">', text)
    shown_keys = set(re.findall(r'<td><bdi class="key-text">([^\n]*?)</bdi><span', text))
    left_out = [one for one in objects if seen(one.object.key) not in shown_keys]

    assert len(objects) > module.OBJECTS
    assert "2" in rows  # evidence leads there
    assert left_out
    assert all(one.status == "read" and not one.bad for one in left_out)
    assert f"{len(objects) - len(left_out)} of {len(objects)} objects" in text
    assert "manifest.json has every object, with its hashes" in text

    late = replace(made.coverage, late=(left_out[0].object.key,))
    assert left_out[0].object.key in html.unescape(page(replace(made, coverage=late)))


def test_an_appendix_of_few_objects_has_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OBJECTS", 1000)
    text = page(redacted(document()))

    assert text.count('class="key-text"') >= len(document().coverage.objects)
    assert "Every object; manifest.json has the same for machines" in text


def test_paper_has_the_beginning_of_a_long_table_and_says_so() -> None:
    columns = (Column("user_name", "User"),)
    text = table_of(columns, [{"user_name": "x"}] * (module.PAPER + 1))

    assert "on paper the first 20; the rest in csv/failures-asked.csv" in text
    assert text.count("on paper") == text.count(' long"') == 1
    assert "on paper" not in table_of(columns, [{"user_name": "x"}] * module.PAPER)


@pytest.mark.parametrize(
    ("cluster", "folder"),
    [
        pytest.param("dwh-1", "111122223333_eu-west-1_dwh-1", id="as it is"),
        pytest.param("../../etc", "111122223333_eu-west-1_-..-etc_", id="no way out"),
        pytest.param("..", "111122223333_eu-west-1_-_", id="nothing left"),
        pytest.param("a\x00b/c_d", "111122223333_eu-west-1_a-b-c-d_", id="other characters"),
    ],
)
def test_a_cluster_has_a_folder_of_its_own_whatever_its_name(cluster: str, folder: str) -> None:
    found = folder_of(replace(WRITER, cluster=cluster))

    assert found.startswith(folder)
    assert "/" not in found
    assert not folder.endswith("_") or found != folder


def test_what_cannot_be_seen_is_written_as_an_escape() -> None:
    assert seen("a\x00b\u202ec\nd") == "a\\x00b\\u202ec\nd"


def test_what_a_heat_map_draws_is_no_table_besides() -> None:
    made = document()
    answered = made.sections[0]
    (query, rows) = next((q, answered.answers[q.name]) for q in answered.section.queries)
    assert rows
    day, hour, count = (Column(name, name) for name in ("day", "hour", "count"))
    section = replace(
        answered.section,
        queries=(replace(query, columns=(day, hour, count)),),
        charts=(Chart(query.name, "hours", "day", ("hour", "count"), "By hour"),),
    )
    hours = [{"day": "2026-10-01", "hour": hour, "count": 1} for hour in range(24)]
    drawn = replace(answered, section=section, answers={query.name: hours}, beyond={})
    text = page(replace(made, sections=(drawn,), findings=()))

    assert f"Drawn above; the figures are in csv/{section.id}-{query.name}.csv" in text
    assert "<caption>" + query.title not in text


DAYS = (Column("day", "Day", ColumnKind.DAY), Column("y", "Created", ColumnKind.COUNT))
BY_DAY = Chart("asked", "bars", "day", ("y",), "Created by day")
STACKED = replace(BY_DAY, y=("y", "z"))
MORE = Column("z", "Dropped", ColumnKind.COUNT)


def days(*counts: int) -> list[Row]:
    return [{"day": f"2026-10-{n:02d}", "y": y, "z": y} for n, y in enumerate(counts, 1)]


def test_what_bars_draw_whole_is_no_table_besides() -> None:
    text = table_of(DAYS, days(*range(1, 32)), BY_DAY)

    assert "Drawn above; the figures are in csv/failures-asked.csv" in text
    assert "<caption>What was asked" not in text
    assert "more</text>" not in text


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        pytest.param((0, 3, 0, 1), "2 days without any are left out", id="two"),
        pytest.param((0, 3), "1 day without any is left out", id="one"),
        pytest.param((1, 3), "", id="none"),
    ],
)
def test_days_without_any_are_left_out_of_their_table(counts: tuple[int, ...], said: str) -> None:
    text = table_of((*DAYS, MORE), days(*counts), STACKED)
    table = text[text.index("<caption>What was asked") :]

    assert said in table
    assert ("left out" in text) == bool(said)
    assert " rows; " not in text
    assert table.count('<td class="day"') == sum(1 for one in counts if one)


def test_a_row_of_noughts_stays_where_it_is_about_something() -> None:
    users = (Column("user_name", "User"), *DAYS)
    text = table_of(users, [{"user_name": "eve", "day": "2026-10-01", "y": 0}])

    assert ">eve</bdi>" in text
    assert "left out" not in text


def test_a_month_of_noughts_is_neither_drawn_nor_tabled() -> None:
    text = table_of((*DAYS, MORE), days(0, 0), STACKED)

    assert "<strong>What was asked.</strong> None this month." in text
    assert "Created by day" not in text


def wide(columns: int) -> str:
    names = (
        Column("user_name", "User"),
        *(Column(f"c{n}", f"C{n}", ColumnKind.COUNT) for n in range(columns - 3)),
        Column("first_ms", "First", ColumnKind.TIME),
        Column("last_ms", "Last", ColumnKind.TIME),
    )
    return table_of(names, [{one.name: 1 for one in names}])


def test_first_and_last_stand_beneath_the_row_of_a_wide_table() -> None:
    text = wide(10)

    assert '<div class="time"><span class="name">First</span> 1970-01-01' in text
    assert '<div class="time"><span class="name">Last</span> 1970-01-01' in text
    assert 'scope="col" class="time"' not in text
    assert 'scope="col" class="time">Last<' in wide(9)


def test_a_table_is_narrow_where_it_has_few_columns_and_no_lines_beneath() -> None:
    statements = tuple(Column(f"s{n}", f"S{n}", ColumnKind.SQL) for n in range(6))

    assert '<table class="rows few">' in table_of(DAYS, days(1))
    assert '<table class="rows">' in table_of((*DAYS, *statements), days(1))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("x" * 15, "text"),
        ("several words of which none is long", "text"),
        ("x" * 16, "text name"),
        ("x" * 24, "text name"),
        ("x" * 25, "text broken"),
    ],
)
def test_a_name_says_how_much_room_it_needs(name: str, kind: str) -> None:
    text = table_of((Column("user_name", "User"),), [{"user_name": name}])

    assert f'<td class="{kind}"><bdi>{name}</bdi>' in text


def test_each_cell_of_a_table_that_a_telephone_takes_apart_says_its_column() -> None:
    text = wide(10)

    assert text.count('data-of="C3"') == 1
    assert text.count('data-of="User"') == 1
    assert "data-of" not in table_of(DAYS, days(1)).split('id="objects"')[0].split("<main")[1]


def test_a_duplicate_names_the_file_it_repeats_without_its_folders() -> None:
    made = document()
    key = item(3, "userlog").key
    reason = f"byte for byte the same as {key}"
    twice = ObjectResult(item(43), ObjectStatus.DUPLICATE, reason)
    found = (*made.coverage.objects, twice)
    text = page(replace(made, coverage=replace(made.coverage, objects=found)))

    assert "byte for byte the same as userlog_2026-10-01T03:50.gz" in text
    assert reason not in text


SQL = Column("query_text", "Statement", ColumnKind.SQL)


@pytest.mark.parametrize(
    ("sql", "run"),
    [
        ("\n  select 1,\n\t  2\n", "select 1, ⏎ 2"),
        ("select 1 -- all\ndrop table t", "select 1 -- all ⏎ drop table t"),
        ("select 1 -- all\rdrop table t", "select 1 -- all ⏎ drop table t"),
        ("select 1\r\n\r\n;", "select 1 ⏎ ;"),
        ("a  \t b", "a b"),
        ("a -- ⏎ b", "a -- \\u23ce b"),
        ("a\u202eb\x0bc\u2028d", "a\\u202eb\\x0bc\\u2028d"),
        ("a" + "\n" * 9000 + "drop table t", "a ⏎ drop table t"),
        ("x" * 500, "x" * 400 + "… (500 characters)"),
    ],
)
def test_a_statement_is_written_in_one_run(sql: str, run: str) -> None:
    assert in_one_run(sql) == run
    assert f">{run}</bdi>" in table_of((SQL,), [{"query_text": sql}])


@given(st.text("ab -\t\r\n⏎'", max_size=99))
def test_no_word_of_a_statement_is_lost_and_each_end_of_a_line_is_seen(sql: str) -> None:
    run = in_one_run(sql)
    lines = [line.split() for line in re.split("[\r\n]", sql.replace("⏎", "\\u23ce"))]

    assert [one.split() for one in run.split("⏎") if one] == [line for line in lines if line]
    assert not re.search("[\t\r\n]|  ", run)
