"""Every question keeps to the SQL that the three engines read alike: see `agent.report.sql`."""

from __future__ import annotations

import re
from functools import cache

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from agent.auditlog.schema import ACTIVITY
from agent.report.kinds import BY_KIND
from agent.report.model import ColumnKind, Query, Questions, Section
from agent.report.sections import SECTIONS
from tests.report.tables import SHAPES, ask, made

EVERY = [
    pytest.param(section, query, id=f"{section.id}-{query.name}")
    for section in SECTIONS
    for query in section.queries
]
FRAMEWORKS = {"pci-dss-4.0.1", "nist-800-53-r5", "iso-27001-2022", "hipaa", "sox"}
DOCUMENTED = {
    "count", "sum", "min", "max", "minby", "case", "if", "rownumber", "lag", "lead", "regexplike",
    "anonymous", "lower", "substring", "strposition", "length", "coalesce", "dpipe", "window",
    "and", "or", "exists", "cast", "argmin", "replace",
}  # fmt: skip
"""Functions of sqlglot's tree that every engine computes alike."""
OUR_OWN = {"replace_all", "sensitive_like"}
KNOWN = {*SHAPES, *BY_KIND, ACTIVITY}


@cache
def tree(sql: str) -> exp.Expression:
    """The query as Trino reads it."""
    return sqlglot.parse_one(sql, read="trino")


@cache
def empty() -> duckdb.DuckDBPyConnection:
    """Every table, without rows."""
    return made()


def strange(sql: str) -> list[str]:
    """What in a query is not portable."""
    root = tree(sql)
    inner = {cte.alias for cte in root.find_all(exp.CTE)}
    found = [
        said for node in root.walk() if (said := strange_shape(node) or strange_function(node))
    ]
    tables = {table.name for table in root.find_all(exp.Table)} - inner - KNOWN
    return [*found, *(f"table {name}" for name in sorted(tables))]


def strange_shape(node: exp.Expression) -> str:
    """What a part of a query is that engines order, count or convert differently."""
    if isinstance(node, exp.Order) and not isinstance(node.parent, exp.Window):
        return "ORDER BY outside a window"
    if isinstance(node, exp.Limit | exp.Fetch | exp.Offset):
        return "LIMIT"
    if isinstance(node, exp.Div | exp.IntDiv | exp.Mod):
        return "division"
    if isinstance(node, exp.Cast) and not node.to.is_type("bigint"):
        return f"cast to {node.to.sql()}"
    return strange_text(node)


def strange_text(node: exp.Expression) -> str:
    """What a quoted text holds that engines read differently."""
    if not isinstance(node, exp.Literal) or not node.is_string:
        return ""
    return "look-around" if re.search(r"[(][?](?![si:])", node.name) else ""


def strange_function(node: exp.Expression) -> str:
    """The function, unless every engine computes it alike."""
    if isinstance(node, exp.Anonymous):
        return "" if node.name.lower() in OUR_OWN else f"function {node.name}"
    return (
        f"function {node.key}" if isinstance(node, exp.Func) and node.key not in DOCUMENTED else ""
    )


@pytest.mark.parametrize(("section", "query"), EVERY)
def test_a_question_keeps_to_what_engines_agree_on(section: Section, query: Query) -> None:
    assert strange(query.sql) == []


@pytest.mark.parametrize("name", BY_KIND)
def test_a_table_of_events_by_kind_keeps_to_what_engines_agree_on(name: str) -> None:
    assert strange(BY_KIND[name]) == []


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param("SELECT user_name FROM connect ORDER BY user_name", id="order"),
        pytest.param("SELECT user_name FROM connect LIMIT 3", id="limit"),
        pytest.param("SELECT pid / 2 AS half FROM connect", id="division"),
        pytest.param("SELECT cast(pid AS varchar) AS t FROM connect", id="cast to text"),
        pytest.param("SELECT string_agg(user_name, ',') AS t FROM connect", id="string_agg"),
        pytest.param("SELECT date_trunc('hour', at_ms) AS t FROM connect", id="time function"),
        pytest.param("SELECT some_function(pid) AS t FROM connect", id="unknown function"),
        pytest.param("SELECT pid FROM stl_userlog", id="unknown table"),
        pytest.param(
            "SELECT pid FROM connect WHERE regexp_like(user_name, 'a(?=b)')", id="look-around"
        ),
    ],
)
def test_what_engines_compute_differently_is_noticed(sql: str) -> None:
    assert strange(sql)


@pytest.mark.parametrize(("section", "query"), EVERY)
def test_a_question_parses_for_each_engine(section: Section, query: Query) -> None:
    for dialect in ("duckdb", "spark", "athena"):
        assert sqlglot.transpile(query.sql, read="trino", write=dialect)[0]
    assert len(sqlglot.parse(query.sql, read="spark")) == 1


@pytest.mark.parametrize(("section", "query"), EVERY)
def test_a_question_gives_its_columns_and_orders_by_some_of_them(
    section: Section, query: Query
) -> None:
    names = [column.name for column in query.columns]

    assert ask(empty(), query) is not None  # it asserts the names
    assert len(names) == len(set(names))
    assert {name.removeprefix("-") for name in query.order} <= set(names)
    assert ("evidence" in names) == (
        ColumnKind.EVIDENCE in {c.kind for c in query.columns if c.name == "evidence"}
    )
    assert re.fullmatch(r"[a-z][a-z_]*", query.name)
    assert query.title
    assert query.none.endswith(".")


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.id)
def test_a_chapter_is_whole(section: Section) -> None:
    queries = {query.name: query for query in section.queries}

    assert len(queries) == len(section.queries)
    assert set(section.maps) <= FRAMEWORKS
    assert section.maps
    assert all(section.maps.values())
    assert set(section.logs) <= {"connectionlog", "userlog", "useractivitylog"}
    assert section.question.endswith("?")
    assert not section.cannot or section.cannot.endswith(".")
    for chart in section.charts:
        names = {column.name for column in queries[chart.query].columns}
        assert {chart.x, *chart.y} <= names
        assert chart.shape in ("bars", "hours", "lines")


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.id)
def test_without_records_nothing_is_found(section: Section) -> None:
    answers = {query.name: ask(empty(), query) for query in section.queries}

    assert list(section.findings(answers, Questions())) == []


def test_there_are_sixteen_chapters_in_the_order_of_the_requirements() -> None:
    assert [section.id for section in SECTIONS] == [
        "logins", "failures", "newcomers", "transport", "authentication", "privileged", "users",
        "privileges", "schema-changes", "movement", "sensitive", "off-hours", "volume",
        "sessions", "tampering", "destructive",
    ]  # fmt: skip
