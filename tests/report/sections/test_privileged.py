"""Section 6, asked of small tables and counted by hand."""

from __future__ import annotations

from agent.report.model import Questions
from agent.report.sections.privileged import SECTION
from tests.report.tables import answers, made

DAY = "2026-10-05 10:00:00"
STATEMENTS = [
    {"at": DAY, "user_name": "root", "verb": "GRANT", "verb_class": "DCL", "query_text": "GRANT x"},
    {"at": "2026-10-05 23:00:00", "user_name": "root"},
    {"at": DAY, "user_name": "root", "is_duplicate": True},
    {"at": DAY},
    {"at": DAY, "user_name": "dba", "identity": "IAM", "verb": "DROP", "verb_class": "DDL"},
    {"at": DAY, "user_name": "rdsdb", "is_internal": True, "verb_class": "DDL"},
]
CONNECTS = [
    {"at": DAY, "user_name": "root"},
    {"at": DAY, "user_name": "root", "remote_host": "10.0.0.2"},
    {"at": DAY, "user_name": "rdsdb", "remote_host": "local"},
]
CHANGES = [
    {"at": DAY, "user_name": "root", "superuser": True},
    {"at": DAY, "user_name": "rdsdb", "superuser": True},
    {"at": DAY, "user_name": "bob"},
]
SESSIONS = [
    {"user_name": "root", "application_name": "psql", "start_ms": DAY},
    {"user_name": "root", "application_name": "psql", "start_ms": DAY, "pid": 1},
    {"start_ms": DAY, "pid": 2},
]
EVERYTHING = {
    "statement": STATEMENTS,
    "connect": CONNECTS,
    "user_event": CHANGES,
    "session": SESSIONS,
}


def test_users_are_told_with_superusers_first_and_the_service_apart() -> None:
    found = answers(made(**EVERYTHING), SECTION)

    assert [(r["user_name"], r["is_superuser"]) for r in found["users"]] == [
        ("root", True),
        ("dba", False),
        ("bob", False),
    ]
    root = found["users"][0]
    assert (root["logins"], root["addresses"], root["statements"]) == (2, 2, 2)
    assert (root["dcl"], root["ddl"], root["dql"], root["off_hours"]) == (1, 0, 1, 1)
    assert [(r["user_name"], r["verb"]) for r in found["verbs"]] == [
        ("root", "GRANT"),
        ("dba", "DROP"),
    ]
    assert [(r["user_name"], r["query_text"]) for r in found["statements"]] == [("root", "GRANT x")]
    assert [(r["user_name"], r["sessions"]) for r in found["sessions"]] == [("root", 2), ("bob", 1)]
    assert [(r["user_name"], r["statements"]) for r in found["service"]] == [("rdsdb", 1)]


def test_what_superusers_and_listed_administrators_did_is_told() -> None:
    found = answers(made(**EVERYTHING), SECTION)

    (root,) = SECTION.findings(found, Questions())
    both = SECTION.findings(found, Questions(admins=("ROOT", "iam:d*")))

    assert (root.severity, root.subject, root.count) == ("info", "root", 2)
    assert "2 statements (1 on privileges and users, 0 on schemas, 1 off hours)" in root.because
    assert [(one.severity, one.subject) for one in both] == [("info", "root"), ("info", "IAM:dba")]


def test_a_superuser_whom_the_list_of_administrators_does_not_name_is_found() -> None:
    found = answers(made(**EVERYTHING), SECTION)

    noted = SECTION.findings(found, Questions(admins=("dba",)))

    assert [(one.severity, one.subject) for one in noted] == [
        ("medium", "root"),
        ("info", "IAM:dba"),
    ]
