"""Opens a store: the file or the server, the lock, the schema of this version."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import Connection, Engine

from agent.store import postgres, sqlite_file
from agent.store.address import Address, parse_address
from agent.store.failures import told
from agent.store.migrate import head, migrate, refuse_newer, version_of
from agent.store.records import StoreError
from agent.store.store import Store
from agent.store.writing import sign


def open_store(url: str, *, lock: bool = True, mounts: Path = sqlite_file.MOUNTS) -> Store:
    """The store at `sqlite:///FILE` or `postgresql://…`, brought to this version's schema.

    With `lock` it is held against every other agent until it is closed or the process ends.
    Without, it is for reading alone, beside an agent that runs: nothing is made or migrated.

    Raises:
        StoreError: it cannot be reached now.
        StoreRefusedError: it must not be used: waiting does not help.
    """
    address = parse_address(url)
    with told(address, "opened", opening=True):
        if not lock:
            return _open_to_read(address)
        if address.path is None:
            return _open_postgres(address)
        return _open_sqlite(address, address.path, mounts)


def _open_sqlite(address: Address, path: Path, mounts: Path) -> Store:
    sqlite_file.prepare(path, mounts)
    held = sqlite_file.take_lock(path)
    engine = sqlite_file.connect(address)
    try:
        return Store(address, engine, _writer(address, engine), held)
    except BaseException:
        engine.dispose()
        os.close(held)
        raise


def _open_postgres(address: Address) -> Store:
    engine = postgres.connect(address)
    try:
        return Store(address, engine, _writer(address, engine), None)
    except BaseException:
        engine.dispose()
        raise


def _writer(address: Address, engine: Engine) -> Connection:
    """The one connection that writes, with the lock if that is the server's, and the schema."""
    connection = engine.connect().execution_options(writes=True)
    try:
        if address.path is None:
            postgres.take_lock(address, connection)
        with connection.begin():
            migrate(address, connection)
            sign(connection)
    except BaseException:
        connection.invalidate()
        connection.close()
        raise
    return connection


def _open_to_read(address: Address) -> Store:
    if address.path is not None and not address.path.is_file():
        raise StoreError(
            f"The store {address.where} is not there yet; the agent makes it when it first starts."
        )
    sqlite = address.path is not None
    engine = sqlite_file.connect(address, reading=True) if sqlite else postgres.connect(address)
    try:
        with engine.connect() as connection:
            _only_this_version(address, connection)
        return Store(address, engine, None, None)
    except BaseException:
        engine.dispose()
        raise


def _only_this_version(address: Address, connection: Connection) -> None:
    found = version_of(connection)
    if found == head():
        return
    if found is not None:
        refuse_newer(address, connection, found)
    raise StoreError(
        f"The store {address.where} was not yet brought to this version of Trailkeeper; the agent "
        "does it when it starts."
    )
