"""Section 5, asked of small tables and counted by hand."""

from __future__ import annotations

from agent.report.model import Questions
from agent.report.sections.authentication import SECTION
from tests.report.tables import answers, filled_calendar, made

IAM = {"auth_method": "IAM AssumeUser", "identity": "IAM"}


def login(day: int = 5, **columns: object) -> dict[str, object]:
    """A login on a day."""
    return {"at": f"2026-10-{day:02d} 10:00:00", **columns}


def test_methods_are_counted_by_kind_user_and_day() -> None:
    connects = [
        login(),
        login(6, user_name="amy", iam_guid="g-1", **IAM),
        login(6, user_name="amy", **IAM),
        login(user_name="sso", auth_method="Ident"),
        login(user_name="rdsdb", auth_method="Ident", remote_host="local"),
    ]

    found = answers(made(connect=connects, calendar=filled_calendar()), SECTION)

    assert [(r["auth_method"], r["logins"], r["with_guid"]) for r in found["kinds"]] == [
        ("IAM AssumeUser", 2, 1),
        ("Ident", 1, 0),
        ("password", 1, 0),
    ]
    assert [(r["user_name"], r["password"], r["iam"], r["other"]) for r in found["users"]] == [
        ("amy", 0, 2, 0),
        ("bob", 1, 0, 0),
        ("sso", 0, 0, 1),
    ]
    assert [(r["iam_guid"], r["user_name"]) for r in found["guids"]] == [("g-1", "amy")]
    days = [r for r in found["by_day"] if r["password"] or r["iam"]]
    assert [(r["local_day"], r["password"], r["iam"], r["other"]) for r in days] == [
        ("2026-10-05", 1, 0, 1),
        ("2026-10-06", 0, 2, 0),
    ]
    (noted,) = SECTION.findings(found, Questions())
    assert (noted.severity, noted.subject, noted.count) == ("low", "amy", 1)


def test_an_account_with_many_addresses_may_be_shared() -> None:
    connects = [
        *(login(remote_host=f"10.0.0.{n}") for n in range(4)),
        login(6, remote_host="10.0.0.9"),
        *(login(remote_host=f"10.0.1.{n}", user_name="amy") for n in range(4)),
        *(login(remote_host=f"10.0.2.{n}", user_name="r", iam_guid="g", **IAM) for n in range(6)),
    ]

    found = answers(made(connect=connects), SECTION)
    noted = SECTION.findings(found, Questions())

    assert [
        (r["user_name"], r["addresses"], r["addresses_in_a_day"], r["logins"])
        for r in found["shared"]
    ] == [("r", 6, 6, 6), ("bob", 5, 4, 5), ("amy", 4, 4, 4)]
    assert [(one.severity, one.subject) for one in noted] == [("medium", "bob"), ("info", "IAM:r")]
    assert [one.subject for one in SECTION.findings(found, Questions(shared_addresses=6))] == [
        "IAM:r"
    ]


def test_a_password_beside_iam_is_found() -> None:
    found = answers(made(connect=[login(), login(iam_guid="g", **IAM)]), SECTION)

    (noted,) = SECTION.findings(found, Questions())

    assert (noted.severity, noted.subject) == ("low", "bob")
    assert "password" in noted.because
