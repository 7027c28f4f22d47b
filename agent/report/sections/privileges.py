"""Section 8: who changed what others may do."""

from __future__ import annotations

from collections.abc import Sequence

from agent.report.model import (
    SEVERITIES,
    Answers,
    Chart,
    Column,
    ColumnKind,
    Noted,
    Query,
    Questions,
    Row,
    Section,
)
from agent.report.sections.common import (
    AT,
    DATABASE,
    EVIDENCE,
    FIRST,
    HOST,
    IDENTITY,
    LAST,
    USER,
    not_too_many,
    noted,
    told,
)
from agent.report.sections.noting import (
    OBJECT,
    STATEMENT,
    TIMES,
    VERB,
    by_user,
    is_admin,
    is_like,
    is_sensitive,
    listed,
    text,
)

ID = "privileges"

_KIND = Column("kind", "What")
_LIST = (
    "at_ms, user_name, identity, remote_host, db_name, kind, verb, object_name, "
    "whom, statement_no, query_text, evidence"
)
_LIST_COLUMNS = (
    AT,
    USER,
    IDENTITY,
    HOST,
    DATABASE,
    _KIND,
    VERB,
    OBJECT,
    Column("whom", "To or from whom", ColumnKind.SQL),
    Column("statement_no", "No. in its record", ColumnKind.COUNT),
    STATEMENT,
    EVIDENCE,
)

_BY_KIND = Query(
    name="by_kind",
    title="Changes of privileges, by user and kind",
    sql="""SELECT kind, user_name, identity, count(*) AS times, min(at_ms) AS first_ms,
        max(at_ms) AS last_ms, min(evidence) AS evidence
        FROM privilege_change GROUP BY kind, user_name, identity""",
    columns=(_KIND, USER, IDENTITY, TIMES, FIRST, LAST, EVIDENCE),
    order=("-times", "kind"),
)
_KINDS = Query(
    name="kinds",
    title="Changes of privileges, by kind",
    sql="SELECT kind, count(*) AS times FROM privilege_change GROUP BY kind",
    columns=(_KIND, TIMES),
    order=("-times", "kind"),
)
_NOTABLE = Query(
    name="notable",
    title="Changes that deserve a look",
    sql=f"SELECT why, {_LIST} FROM privilege_change WHERE why <> ''",  # noqa: S608 - no one's text
    columns=(Column("why", "Why"), *_LIST_COLUMNS),
    order=("-why", "at_ms", "evidence"),
)
_ALL = Query(
    name="changes",
    title="Every change of privileges",
    sql=f"SELECT {_LIST} FROM privilege_change",  # noqa: S608 - no one's text
    columns=_LIST_COLUMNS,
    order=("at_ms", "evidence"),
)
_SCHEMAS = Query(
    name="schemas",
    title="Rights given on whole schemas",
    sql=f"SELECT {_LIST} FROM privilege_change WHERE is_on_schema",  # noqa: S608
    columns=_LIST_COLUMNS,
    order=("at_ms", "evidence"),
)

_SAID = {
    "superuser": ("high", "Superuser or CREATEDB given", "gave CREATEUSER or CREATEDB to"),
    "power": ("high", "Administrative role granted", "granted sys:superuser or sys:secadmin to"),
    "public": ("medium", "Granted to PUBLIC", "granted privileges to every user"),
    "session user": ("medium", "Acted as another user", "took on another user's identity"),
    "policy": ("medium", "Row or column protection loosened", "loosened a policy"),
    "behind": ("medium", "Privileges changed behind another statement", ""),
    "grantable": ("low", "Granted with the right to grant on", "granted what may be granted on"),
}
"""Severity, title and the sentence's middle, by what is notable."""

_LOWER = {"high": "medium", "medium": "low", "low": "info"}
"""For a listed administrator the severity is one less: it is their work, and still to be seen."""


def _because(why: str, user: str, rows: Sequence[Row]) -> str:
    """The sentence of a finding."""
    count = told(len(rows), "statement")
    if why == "behind":
        what = listed(
            f"{text(row, 'verb')}{f' on {name}' if (name := text(row, 'object_name')) else ''}"
            for row in rows
        )
        return (
            f"{user} changed privileges in {count} ({what}) that stood behind another in one "
            "record, where a look at the record's first word does not show it."
        )
    middle = _SAID[why][2]
    if why in ("superuser", "power"):
        whom = listed(text(row, "whom") for row in rows)
        return f"{user} {middle} {whom or 'a user that could not be read'}, in {count}."
    objects = listed(text(row, "object_name") for row in rows)
    return f"{user} {middle} in {count}{f' ({objects})' if objects else ''}."


def findings(answers: Answers, questions: Questions) -> Sequence[Noted]:
    """Of each user and kind of notable change one."""
    found: list[Noted] = []
    for why, (severity, title, _) in _SAID.items():
        alike = []
        these = [row for row in answers["notable"] if row["why"] == why]
        for user, rows in by_user(these):
            level = severity
            if why == "public" and any(
                is_sensitive(text(row, "object_name"), questions) for row in rows
            ):
                level = "high"
            elif is_admin(rows[0], questions):
                level = _LOWER[severity]
            alike.append(noted(ID, level, title, user, _because(why, user, rows), rows))
        found += not_too_many(sorted(alike, key=lambda one: SEVERITIES.index(one.severity)))
    return [*found, *_on_schemas(answers, questions)]


def _on_schemas(answers: Answers, questions: Questions) -> list[Noted]:
    """Rights on a whole schema in which a sensitive object is: its own name need not be said."""
    inside: dict[str, list[str]] = {}
    for name in questions.sensitive:
        schema = name.lower().rpartition(".")[0].rpartition(".")[2]
        if schema:
            inside.setdefault(schema, []).append(name)
    told_of: dict[str, list[Row]] = {}
    for row in answers["schemas"]:
        for each in text(row, "object_name").split(", "):
            for schema in inside:
                if is_like(each.rpartition(".")[2], (schema,)):
                    told_of.setdefault(schema, []).append(row)
    found = []
    for schema, of_schema in sorted(told_of.items()):
        for user, rows in by_user(of_schema):
            whom = listed(text(row, "whom") for row in rows)
            because = (
                f"{user} gave rights on the schema {schema} as a whole in "
                f"{told(len(rows), 'statement')}{f', to {whom}' if whom else ''}; "
                f"{listed(inside[schema])} is in it."
            )
            severity = "low" if is_admin(rows[0], questions) else "medium"
            title = "Rights given on a schema with sensitive objects"
            found.append(noted(ID, severity, title, schema, because, rows))
    return not_too_many(sorted(found, key=lambda one: one.severity, reverse=True))


SECTION = Section(
    id=ID,
    title="Privilege changes",
    question="Who changed what others may do: grants, roles, ownership, policies, groups?",
    logs=("useractivitylog", "connectionlog"),
    maps={
        "pci-dss-4.0.1": ("10.2.1.5", "7.2.4"),
        "nist-800-53-r5": ("AC-2", "AC-6", "AU-12"),
        "iso-27001-2022": ("A.5.18", "A.8.2"),
        "hipaa": ("164.308(a)(4)", "164.312(b)"),
        "sox": ("access management",),
    },
    queries=(_KINDS, _NOTABLE, _SCHEMAS, _BY_KIND, _ALL),
    findings=findings,
    charts=(Chart("kinds", "bars", "kind", ("times",), "Changes of privileges by kind"),),
    cannot="Whether a change succeeded: a statement is logged before it runs.",
)
