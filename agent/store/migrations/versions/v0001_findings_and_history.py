"""The first version: sweeps, findings, their events, targets, and what is known as a whole."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_SEQ = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_TIME = sa.DateTime(timezone=True)


def _texts(*names: str) -> tuple[sa.Column[str], ...]:
    return tuple(sa.Column(name, sa.Text, nullable=False) for name in names)


def upgrade() -> None:
    """Create everything."""
    _sweeps()
    _findings()
    _events()
    op.create_table(
        "targets",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("region", sa.Text, primary_key=True),
        *_texts("status", "document"),
    )
    op.create_table("meta", sa.Column("name", sa.Text, primary_key=True), *_texts("value"))


def _sweeps() -> None:
    op.create_table(
        "sweeps",
        sa.Column("seq", _SEQ, primary_key=True, autoincrement=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        *_texts("kind"),
        sa.Column("started_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME, nullable=False),
        *_texts("outcome", "reason"),
        sa.Column("calls", sa.BigInteger, nullable=False),
        sa.Column("count_fail", sa.BigInteger),
        sa.Column("count_unknown", sa.BigInteger),
        sa.Column("count_waived", sa.BigInteger),
        sa.Column("count_pass", sa.BigInteger),
        sa.Column("count_not_applicable", sa.BigInteger),
        sqlite_autoincrement=True,
    )
    op.create_index("sweeps_started_at", "sweeps", ["started_at"])


def _findings() -> None:
    op.create_table(
        "findings",
        sa.Column("id", sa.Text, primary_key=True),
        *_texts("rule", "kind", "account", "region", "resource", "resource_id"),
        *_texts("severity", "status"),
        sa.Column("since", _TIME, nullable=False),
        sa.Column("first_seen", _TIME, nullable=False),
        *_texts("document", "digest"),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("seq", _SEQ, primary_key=True, autoincrement=True),
        sa.Column("at", _TIME, nullable=False),
        *_texts("happening", "finding", "rule", "severity", "resource_id"),
        *_texts("kind", "account", "region", "name", "arn", "owner_account"),
        sa.Column("before", sa.Text),
        sa.Column("after", sa.Text),
        *_texts("because"),
        sa.Column("sweep", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("events_resource", "events", ["resource_id", "seq"])
    op.create_index("events_finding", "events", ["finding"])
    op.create_index("events_at", "events", ["at"])
