"""A look at a store for the doctor: it makes nothing, migrates nothing and holds no lock."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, text

from agent.store import postgres, sqlite_file
from agent.store.address import Address, parse_address
from agent.store.failures import told
from agent.store.migrate import head, refuse_newer, refuse_strangers, version_of
from agent.store.records import StoreError, StoreRefusedError


@dataclass(frozen=True, slots=True)
class Probed:
    """One thing that was looked at. `advice` says what to do where it is not ok."""

    ok: bool
    what: str
    advice: str = ""


def probe(url: str, *, mounts: Path = sqlite_file.MOUNTS) -> tuple[Probed, ...]:
    """What an agent that starts now would meet. Ends at the first thing that is not ok."""
    found: list[Probed] = []
    try:
        address = parse_address(url)
        with told(address, "used", opening=True):
            looks = _postgres(address) if address.path is None else _file(address, mounts)
            found.extend(looks)
    except (StoreError, StoreRefusedError) as error:
        what, _, advice = str(error).partition(". ")
        found.append(Probed(False, what.rstrip("."), advice or what))
    return tuple(found)


def _file(address: Address, mounts: Path) -> Iterator[Probed]:
    path = address.path or Path()
    sqlite_file.refuse_network(path, mounts)
    sqlite_file.refuse_folder(path)
    folder = path.parent
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK | os.X_OK) or not folder.is_dir():
        advice = f"Make {folder} a folder the agent may write, or name another in store.url."
        yield Probed(False, f"The folder {folder} cannot be written", advice)
        return
    if not path.exists():
        yield Probed(True, f"The store {path} is made when the agent starts")
        return
    with path.open("rb") as file:
        sqlite_file.refuse_strange(path, file.read(16))
    holder = sqlite_file.locked_by(path)
    yield Probed(True, f"The store {path} is " + _use(holder))
    engine = sqlite_file.connect(address, reading=True)
    try:
        with engine.connect() as connection:
            yield from _schema(address, connection)
            yield _sound(connection)
    finally:
        engine.dispose()


def _use(holder: str | None) -> str:
    return "free" if holder is None else f"in use by an agent{holder}"


def _sound(connection: Connection) -> Probed:
    said = str(connection.execute(text("PRAGMA quick_check(1)")).scalar())
    advice = "" if said == "ok" else "Put back a copy, or move the file away to begin anew."
    return Probed(said == "ok", f"SQLite's own check of the file says: {said}", advice)


def _postgres(address: Address) -> Iterator[Probed]:
    engine = postgres.connect(address)
    try:
        with engine.connect() as connection:
            version = connection.execute(text("SHOW server_version")).scalar()
            connection.rollback()
            holder = postgres.holder(connection) or None
            yield Probed(True, f"The store {address.where} answers (PostgreSQL {version})")
            yield Probed(True, f"The store is {_use(holder)}")
            yield from _schema(address, connection)
            yield _granted(connection)
    finally:
        engine.dispose()


def _granted(connection: Connection) -> Probed:
    schema = connection.execute(text("SELECT current_schema()")).scalar()
    may = (
        schema
        and connection.execute(
            text("SELECT has_schema_privilege(:schema, 'CREATE, USAGE')"), {"schema": schema}
        ).scalar()
    )
    advice = "Grant the user of store.url CREATE and USAGE on its schema."
    told_of = f"Tables may {'' if may else 'not '}be made in the schema {schema}"
    return Probed(bool(may), told_of, "" if may else advice)


def _schema(address: Address, connection: Connection) -> Iterator[Probed]:
    version = version_of(connection)
    if version is None:
        refuse_strangers(address, connection)
        yield Probed(True, "The store is empty; its tables are made when the agent starts")
    elif version == head():
        yield Probed(True, f"Its schema is {version}, that of this version")
    else:
        refuse_newer(address, connection, version)
        yield Probed(True, f"Its schema {version} is brought to {head()} when the agent starts")
