"""Section 7, asked of small tables and counted by hand."""

from __future__ import annotations

import pytest

from agent.report.model import Noted, Questions, Row
from agent.report.sections.users import SECTION
from tests.report.tables import answers, filled_calendar, made


def change(minute: int, action: str, user_id: int = 100, **columns: object) -> dict[str, object]:
    """A change of a user so many minutes after 10."""
    return {"at": f"2026-10-05 10:{minute:02d}:00", "action": action, "user_id": user_id, **columns}


def of(name: str, *changes: dict[str, object], **tables: list[dict[str, object]]) -> list[Row]:
    """The rows of one query."""
    return list(answers(made(user_event=changes, **tables), SECTION)[name])


def found_in(*changes: dict[str, object], asked: Questions | None = None) -> list[Noted]:
    """What is found, but for accounts without a login."""
    found = SECTION.findings(answers(made(user_event=changes), SECTION), asked or Questions())
    return [one for one in found if "without a login" not in one.title]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param([change(1, "create", superuser=True)], [(True, False)], id="at creation"),
        pytest.param([change(1, "create", create_db=True)], [(False, True)], id="createdb"),
        pytest.param([change(1, "create")], [], id="a plain user"),
        pytest.param(
            [change(1, "create"), change(2, "alter", superuser=True)],
            [(True, False)],
            id="by a later change",
        ),
        pytest.param(
            [change(1, "alter", superuser=True, statement="ALTER USER bob PASSWORD '***'")],
            [],
            id="a superuser from before, changed otherwise",
        ),
        pytest.param(
            [change(1, "alter", superuser=True, statement="ALTER USER bob CREATEUSER")],
            [(True, False)],
            id="by a first change whose statement says so",
        ),
        pytest.param(
            [change(1, "alter", create_db=True, statement="alter user bob nocreateuser")],
            [],
            id="taken away",
        ),
        pytest.param(
            [change(1, "create", superuser=True), change(2, "alter", superuser=True)],
            [(True, False)],
            id="once, not again by each change after",
        ),
        pytest.param(
            [change(1, "create", user_id=1), change(2, "alter", user_id=2, superuser=True)],
            [],
            id="another user's state before says nothing",
        ),
        pytest.param([change(1, "drop", superuser=True)], [], id="a superuser dropped"),
        pytest.param([change(1, "create", superuser=True, user_name="rdsdb")], [], id="rdsdb"),
    ],
)
def test_rights_given(changes: list[dict[str, object]], expected: list[tuple[bool, bool]]) -> None:
    rows = of("given", *changes)

    assert [(r["gives_superuser"], r["gives_create_db"]) for r in rows] == expected


def test_a_right_given_is_high_and_tells_who_gave_it_and_from_where() -> None:
    (noted,) = found_in(change(1, "create", superuser=True, actor="eve", remote_host="10.0.0.9"))

    assert (noted.severity, noted.subject, noted.title) == ("high", "bob", "Superuser given")
    assert "created, by eve from 10.0.0.9" in noted.because
    assert len(noted.evidence) == 1


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param(
            [
                change(1, "alter", valid_until="2026-12-31T00:00:00"),
                change(2, "alter", valid_until="never"),
            ],
            ["2026-12-31T00:00:00"],
            id="an end is known",
        ),
        pytest.param(
            [
                change(
                    1,
                    "alter",
                    valid_until="never",
                    statement="ALTER USER b VALID UNTIL\n'infinity'",
                )
            ],
            [""],
            id="the statement says so",
        ),
        pytest.param([change(1, "alter", valid_until="never")], [], id="it never had one"),
        pytest.param([change(1, "create", valid_until="never")], [], id="a new user"),
        pytest.param(
            [change(1, "create", valid_until="never"), change(2, "alter", valid_until="never")],
            [],
            id="it had none this month",
        ),
    ],
)
def test_expiry_removed(changes: list[dict[str, object]], expected: list[str]) -> None:
    assert [r["valid_before"] for r in of("expiry", *changes)] == expected
    noted = [one for one in found_in(*changes) if one.title == "Expiry removed"]
    assert [one.severity for one in noted] == ["medium"] * len(expected)


def test_a_user_created_and_dropped_within_the_month_is_found() -> None:
    plain = [change(1, "create"), change(31, "drop", actor="eve")]
    other = [change(2, "create", user_id=7, user_name="amy"), change(3, "drop", user_id=8)]

    (row,) = of("short_lived", *plain, *other)
    (noted,) = found_in(*plain)
    (_, worse) = found_in(change(1, "create", superuser=True), change(31, "drop"))

    assert (row["user_name"], row["lived_us"]) == ("bob", 30 * 60 * 1_000_000)
    assert (noted.severity, len(noted.evidence), noted.count) == ("medium", 2, 1)
    assert "by admin and dropped by eve less than an hour later" in noted.because
    assert worse.severity == "high"


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        pytest.param("ALTER USER bob PASSWORD '***'", [False], id="changed"),
        pytest.param("alter user bob password disable", [True], id="disabled"),
        pytest.param("ALTER USER bob CONNECTION LIMIT 3", [], id="something else"),
        pytest.param("ALTER USER bob SET password_hash TO 1", [], id="a longer word"),
    ],
)
def test_passwords_changed(statement: str, expected: list[bool]) -> None:
    rows = of("passwords", change(1, "alter", statement=statement))

    assert [r["is_disabled"] for r in rows] == expected


def test_a_password_changed_by_another_who_is_no_administrator_is_found() -> None:
    changed = change(1, "alter", statement="ALTER USER bob PASSWORD '***'", actor="eve")

    assert [one.severity for one in found_in(changed, asked=Questions(admins=("root",)))] == ["low"]
    assert found_in(changed, asked=Questions(admins=("e*",))) == []
    assert found_in({**changed, "actor": "bob"}, asked=Questions(admins=("root",))) == []
    assert found_in(changed) == []


def test_changes_that_no_statement_explains_are_found_by_user() -> None:
    noted = found_in(
        change(1, "alter", actor=""),
        change(2, "alter", actor=""),
        change(3, "alter", actor="", user_name="rdsdb"),
    )

    assert [(one.severity, one.subject, one.count) for one in noted] == [("medium", "bob", 2)]


def test_accounts_without_a_login_are_those_named_that_are_still_there() -> None:
    at = "2026-10-05 10:00:00"
    changes = [
        change(1, "create", user_name="new"),
        change(1, "alter", user_name="old"),
        change(1, "create", user_name="gone"),
        change(2, "drop", user_name="gone"),
        change(1, "create", user_name="before"),
        change(2, "rename", user_name="after", old_name="before"),
        change(2, "rename", user_name="married", old_name="maiden"),
        change(1, "alter", user_name="seen"),
        change(1, "alter", user_name="rdsdb"),
    ]
    tables = {
        "connect": [{"at": at, "user_name": "seen"}, {"at": at, "user_name": "maiden"}],
        "statement": [{"at": at, "user_name": "runs"}, {"at": at, "user_name": "seen"}],
        "connect_before": [{"user_name": "old", "first_ms": 1, "last_ms": 5}],
    }

    found = answers(made(user_event=changes, **tables), SECTION)
    noted = [
        (one.severity, one.subject)
        for one in SECTION.findings(found, Questions())
        if "without a login" in one.title
    ]

    assert [(r["user_name"], r["statements"], r["last_ms"]) for r in found["dormant"]] == [
        ("after", 0, None),
        ("new", 0, None),
        ("old", 0, 5),
        ("runs", 1, None),
    ]
    assert noted == [("low", "after"), ("low", "old"), ("info", "new")]


def test_changes_are_listed_and_counted_by_day_with_the_service_apart() -> None:
    changes = [
        change(1, "create"),
        change(2, "alter", old_name="x"),
        change(3, "drop"),
        change(4, "alter", user_name="rdsdb"),
    ]

    found = answers(made(user_event=changes, calendar=filled_calendar()), SECTION)

    assert [r["action"] for r in found["changes"]] == ["create", "alter", "drop"]
    assert [r["user_name"] for r in found["service"]] == ["rdsdb"]
    (day,) = [r for r in found["by_day"] if r["created"]]
    assert (day["created"], day["changed"], day["dropped"]) == (1, 1, 1)
