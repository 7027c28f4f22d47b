"""The figures of the front page: few, of one meaning from month to month, counted by the engine."""

# ruff: noqa: S608 - conditions of our own are put in, no text of anybody else

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from agent.report.model import Coverage, Noted, Row, Section
from agent.report.sections import movement, privileges, schema_changes
from agent.report.sections.common import FAILURE, LOGIN, NAMED


@dataclass(frozen=True, slots=True)
class Headline:
    """One figure: its name in the JSON, its title on the page, and the SQL that counts it as `n`
    (see `agent.report.sql`); empty: it comes from the coverage."""

    name: str
    title: str
    sql: str = ""


def _of_chapter(section: Section, query: str, counted: str) -> str:
    """SQL: the sum over a chapter's own answer, so that the front page and the chapter agree."""
    (sql,) = (one.sql for one in section.queries if one.name == query)
    return f"SELECT coalesce(sum({counted}), 0) AS n FROM ({sql}) k"


HEADLINES = (
    Headline("records", "Records"),
    Headline("logins", "Logins", f"SELECT count(*) AS n FROM connect WHERE {LOGIN}"),
    Headline(
        "failed_logins",
        "Failed logins",
        f"SELECT count(*) AS n FROM connect WHERE {FAILURE}",
    ),
    Headline(
        "users",
        "Users who logged in",
        f"SELECT count(DISTINCT {NAMED}) AS n FROM connect WHERE {LOGIN}",
    ),
    Headline(
        "addresses",
        "Addresses they came from",
        f"SELECT count(DISTINCT remote_host) AS n FROM connect WHERE {LOGIN}",
    ),
    Headline(
        "statements",
        "Statements",
        "SELECT coalesce(sum(statements), 0) AS n FROM activity_hour "
        "WHERE NOT is_internal AND NOT is_duplicate",
    ),
    Headline(
        "privilege_changes",
        "Privilege changes",
        _of_chapter(privileges.SECTION, "kinds", "times"),
    ),
    Headline(
        "schema_changes",
        "Schema changes",
        _of_chapter(schema_changes.SECTION, "by_user", "times - temporary"),
    ),
    Headline(
        "data_movements",
        "COPY, UNLOAD and the like",
        _of_chapter(movement.SECTION, "kinds", "times"),
    ),
    Headline(
        "user_changes",
        "User changes",
        "SELECT count(*) AS n FROM user_event WHERE user_name <> 'rdsdb'",
    ),
    Headline("bad_lines", "Lines that are no record", "SELECT count(*) AS n FROM bad_line_seen"),
    Headline("grave_findings", "Findings, critical or high"),
)


def headlines(
    select: Callable[[str], Sequence[Row]], coverage: Coverage, findings: Sequence[Noted]
) -> dict[str, int]:
    """Each figure by its name, in the order of the page. What the engine raises passes."""
    found = {
        "records": sum(coverage.records.values()),
        "grave_findings": sum(1 for one in findings if one.severity in ("critical", "high")),
    }
    return {
        one.name: found[one.name] if not one.sql else int(select(one.sql)[0]["n"] or 0)
        for one in HEADLINES
    }


def known(written: object) -> Mapping[str, int]:
    """The figures in the report of the month before, of those that there are; other things in a
    file that anyone may have written are left out."""
    if not isinstance(written, dict):
        return {}
    return {
        one.name: written[one.name]
        for one in HEADLINES
        if type(written.get(one.name)) is int and 0 <= written[one.name] < 2**63
    }


def change(now: int, before: int | None) -> str:
    """How a figure differs from that of the month before, in a few words; empty where not known."""
    if before is None:
        return ""
    if now == before:
        return "as last month"
    if before == 0:
        return "none last month"
    share = (now - before) * 100 / before
    grown = "+" if share > 0 else "−"
    said = f"{abs(share):,.0f} %" if abs(share) >= 1 else "under 1 %"
    return f"{grown}{said}, from {before:,}"
