"""A PostgreSQL store: how it is reached, and the lock of the one agent that writes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

from agent.store.address import Address
from agent.store.records import StoreRefusedError

# A server that is gone is noticed within seconds by either side: the agent must not hang on it,
# and its own lock must not outlive a node that died.
_KEEPALIVE = {"keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3}
_OPTIONS = (
    "-c timezone=UTC -c statement_timeout=30000 -c lock_timeout=10000 "
    "-c idle_in_transaction_session_timeout=60000 "
    "-c tcp_keepalives_idle=15 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
)

# A lock for each schema of each database: that is what two agents would share.
_KEY = "hashtextextended('trailkeeper:' || coalesce(current_schema(), ''), 0)"
_LOCK = text(f"SELECT pg_advisory_lock({_KEY})")
_HOLDER = text(
    "SELECT coalesce(host(a.client_addr), 'the local socket') AS origin, a.backend_start AS since"  # noqa: S608 - constants
    " FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid WHERE l.locktype = 'advisory'"
    " AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname ="
    f" current_database()) AND ((l.classid::bigint << 32) | l.objid::bigint) = {_KEY}"
)
_LOCK_NOT_AVAILABLE = "55P03"


def connect(address: Address) -> Engine:
    """The engine: few connections, each looked at before it is used, none waited for long."""
    query = address.url.query
    given: dict[str, Any] = {
        "connect_timeout": 5,
        "tcp_user_timeout": 15_000,
        "application_name": "trailkeeper",
        **_KEEPALIVE,
    }
    settings = {name: value for name, value in given.items() if name not in query}
    settings["options"] = f"{query.get('options', '')} {_OPTIONS}".strip()
    return create_engine(
        address.url,
        hide_parameters=True,
        pool_size=2,
        max_overflow=4,
        pool_timeout=10,
        pool_pre_ping=True,
        pool_recycle=1800,
        connect_args=settings,
    )


def take_lock(address: Address, connection: Connection) -> None:
    """Hold the advisory lock on this connection for as long as it lives.

    Whatever is written goes over the same connection: without the lock nothing can be written. It
    waits a moment, for the server needs one to notice that a killed agent is gone.

    Raises:
        StoreRefusedError: another agent holds it.
    """
    try:
        with connection.begin():
            connection.execute(text("SET LOCAL lock_timeout = '3s'"))
            connection.execute(_LOCK)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") != _LOCK_NOT_AVAILABLE:
            raise
        raise StoreRefusedError(
            f"The store {address.where} is in use by another agent{holder(connection)}. Stop that "
            "one, or give each its own database or schema; one history has one writer."
        ) from error


def holder(connection: Connection) -> str:
    """` (connected from HOST since TIME)` of who holds the lock, or an empty text."""
    with connection.begin():
        row = connection.execute(_HOLDER).first()
    return f" (connected from {row.origin} since {row.since:%Y-%m-%d %H:%M} UTC)" if row else ""
