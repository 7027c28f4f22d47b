"""Section 7: what is found in changes of users."""

from __future__ import annotations

from collections.abc import Sequence

from agent.report.model import Answers, Noted, Questions, Row
from agent.report.sections.common import grouped, not_too_many, noted, told, whole
from agent.report.sections.noting import is_like

ID = "users"
_HOUR_US = 3_600_000_000


def findings(answers: Answers, asked: Questions) -> list[Noted]:
    """Worst first: rights given, short lives, expiry removed, nobody known to have done it."""
    return [
        *not_too_many(_given(answers.get("given", ()))),
        *not_too_many(_short_lived(answers.get("short_lived", ()))),
        *not_too_many(_expiry(answers.get("expiry", ()))),
        *not_too_many(_unknown(answers.get("unknown_actor", ()))),
        *not_too_many(_passwords(answers.get("passwords", ()), asked)),
        *not_too_many(_dormant(answers.get("dormant", ())), 5),
    ]


def _by(row: Row, name: str = "actor") -> str:
    """Who did it, for a sentence."""
    return f"by {row[name]}" if row[name] else "by somebody the activity log does not tell"


def _from(row: Row) -> str:
    """Where that was from, for a sentence."""
    return f" from {row['remote_host']}" if row["remote_host"] else ""


def _given(rows: Sequence[Row]) -> list[Noted]:
    """Rights over everything."""
    return [
        noted(
            ID,
            "high",
            "Superuser given" if row["gives_superuser"] else "Right to create databases given",
            str(row["user_name"]),
            f"The right was given when the user was "
            f"{'created' if row['action'] == 'create' else 'altered'}, {_by(row)}{_from(row)}.",
            [row],
        )
        for row in rows
    ]


def _short_lived(rows: Sequence[Row]) -> list[Noted]:
    """Users that were there for a moment: a back door, or a test."""
    found = []
    for row in rows:
        hours = whole(row["lived_us"]) // _HOUR_US
        lived = told(hours // 24, "day") if hours >= 48 else told(hours, "hour")
        found.append(
            noted(
                ID,
                "high" if row["superuser"] else "medium",
                "Created and dropped within the month",
                str(row["user_name"]),
                f"Created {_by(row)} and dropped {_by(row, 'dropped_by')} "
                f"{lived if hours else 'less than an hour'} later"
                + (", a superuser in between." if row["superuser"] else "."),
                [
                    row,
                    {"at_ms": row["dropped_ms"], "evidence": row["dropped_evidence"]},
                ],
                counts=1,
            )
        )
    return sorted(found, key=lambda one: one.severity != "high")


def _expiry(rows: Sequence[Row]) -> list[Noted]:
    """Accounts that were to end, and now are not."""
    return [
        noted(
            ID,
            "medium",
            "Expiry removed",
            str(row["user_name"]),
            f"The account was valid until {row['valid_before'] or 'a time that is not known'}, "
            f"and for ever since a change {_by(row)}{_from(row)}.",
            [row],
        )
        for row in rows
    ]


def _unknown(rows: Sequence[Row]) -> list[Noted]:
    """Changes without a statement: the activity log has a gap, or is not on."""
    return [
        noted(
            ID,
            "medium",
            "A user changed, and no statement explains it",
            str(each[0]["user_name"]),
            f"{told(len(each), 'change')} in the user log, and the activity log has no statement "
            "of the same process and transaction.",
            each,
        )
        for each in grouped(rows, "user_name")
    ]


def _passwords(rows: Sequence[Row], asked: Questions) -> list[Noted]:
    """Passwords changed by another user who is not listed as an administrator."""
    if not asked.admins:
        return []
    others = [
        row
        for row in rows
        if not row["by_self"] and row["actor"] and not is_like(str(row["actor"]), asked.admins)
    ]
    return [
        noted(
            ID,
            "low",
            "A password changed by another user",
            str(row["user_name"]),
            f"Changed {_by(row)}{_from(row)}, who is not listed as an administrator.",
            [row],
        )
        for row in others
    ]


def _dormant(rows: Sequence[Row]) -> list[Noted]:
    """Accounts that the logs name and nobody used."""
    return [
        noted(
            ID,
            "info" if row["created_ms"] is not None else "low",
            "An account without a login this month",
            str(row["user_name"]),
            "Created this month and not used yet."
            if row["created_ms"] is not None
            else "This month's logs name it, and have neither a login nor a statement of it.",
            [{"evidence": row["evidence"]}],
            counts=1,
        )
        for row in sorted(rows, key=lambda each: each["created_ms"] is not None)
        if not row["statements"]
    ]
