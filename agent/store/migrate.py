"""Brings the schema of a store to this version, or says why that must not be."""

from __future__ import annotations

import logging
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

from agent.store.address import Address
from agent.store.records import StoreRefusedError
from agent.store.schema import META, METADATA, VERSION_TABLE

_SCRIPTS = Path(__file__).with_name("migrations")


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's configuration: the migrations of this package, on this connection."""
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of each step it looks at
    config = Config()
    # The value is interpolated, and a path may hold a percent sign.
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def head() -> str:
    """The version this agent writes."""
    return ScriptDirectory.from_config(configuration()).get_current_head() or ""


def version_of(connection: Connection) -> str | None:
    """The version a store is at; None where it has none yet."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    row = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).first()  # noqa: S608 - a constant
    return str(row[0]) if row else None


def migrate(address: Address, connection: Connection) -> None:
    """Bring the store to this version, within the transaction of the connection.

    Raises:
        StoreRefusedError: it is of a newer version, or something else lives there.
    """
    found = version_of(connection)
    wanted = head()
    if found == wanted:
        return
    if found is None:
        refuse_strangers(address, connection)
    else:
        refuse_newer(address, connection, found)
    command.upgrade(configuration(connection), wanted)


def refuse_newer(address: Address, connection: Connection, found: str) -> None:
    """Raises StoreRefusedError for a version that this agent does not know."""
    scripts = ScriptDirectory.from_config(configuration())
    if found in {script.revision for script in scripts.walk_revisions()}:
        return
    wrote = _last_agent(connection)
    run = f"Run Trailkeeper {wrote} or newer" if wrote else "Run the newest Trailkeeper"
    raise StoreRefusedError(
        f"The store {address.where} was written by a newer version of Trailkeeper (its schema is "
        f"{found}, this one knows {head()}). {run}, or put back a copy of the store from before "
        "the upgrade."
    )


def _last_agent(connection: Connection) -> str:
    """Who wrote last, as far as a newer schema can be read."""
    query = select(META.c.value).where(META.c.name == "agent_version")
    try:
        value = connection.execute(query).scalar()
    except SQLAlchemyError:
        return ""
    return str(value or "").strip('"')


def refuse_strangers(address: Address, connection: Connection) -> None:
    """Raises StoreRefusedError for another program's file, or tables that bear our names."""
    there = set(inspect(connection).get_table_names())
    strange = there if connection.dialect.name == "sqlite" else there & set(METADATA.tables)
    if strange:
        raise StoreRefusedError(
            f"The store {address.where} holds tables of another program "
            f"({', '.join(sorted(strange)[:5])}); it was left as it is. Name a file, database or "
            "schema of its own in store.url."
        )
