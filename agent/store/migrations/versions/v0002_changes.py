"""The journal of changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_SEQ = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_TIME = sa.DateTime(timezone=True)


def _texts(*names: str) -> tuple[sa.Column[str], ...]:
    return tuple(sa.Column(name, sa.Text, nullable=False) for name in names)


def upgrade() -> None:
    """Create the table `changes`."""
    op.create_table(
        "changes",
        sa.Column("seq", _SEQ, primary_key=True, autoincrement=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        *_texts("rule", "finding", "fix", "resource_id"),
        *_texts("kind", "account", "region", "name", "arn", "owner_account"),
        sa.Column("began_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME),
        sa.Column("outcome", sa.Text),
        *_texts("why"),
        sa.Column("done", sa.BigInteger, nullable=False),
        *_texts("undoes", "undone_by", "document"),
        sqlite_autoincrement=True,
    )
    op.create_index("changes_resource", "changes", ["resource_id", "seq"])
    op.create_index("changes_began_at", "changes", ["began_at"])
    op.create_index("changes_outcome", "changes", ["outcome"])
