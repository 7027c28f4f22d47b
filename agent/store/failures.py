"""Errors of the database as sentences for the engineer on call."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from agent.store.address import Address
from agent.store.records import StoreError, StoreRefusedError

_BROKEN = ("file is not a database", "malformed", "file is encrypted")
_ADVICE = {
    "disk is full": "Make room on its volume.",
    "No space left": "Make room on its volume.",
    "readonly": "Make its file and its folder writable for the agent.",
    "Read-only file system": "Mount its volume writable.",
    "unable to open": "Look whether its folder is there and writable for the agent.",
    "disk I/O error": "Look at the health of its volume.",
    "is locked": "Another program holds it; look who has the file open.",
    "password authentication failed": "Correct the user or password of the store's URL.",
    "does not exist": "Look whether the database and the user of the store's URL are there.",
    "permission denied": "Grant the user of the store's URL CREATE and USAGE on its schema.",
}


@contextmanager
def told(address: Address, doing: str, *, opening: bool = False) -> Iterator[None]:
    """What goes wrong inside becomes StoreError; `doing` completes "cannot be …".

    What waiting does not heal becomes StoreRefusedError while `opening`.
    """
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        cause = address.scrubbed(_cause(error))
        text = f"The store {address.where} cannot be {doing}: {cause}."
        if any(sign in cause for sign in _BROKEN):
            text += (
                " Its file is damaged or no database of SQLite; it was left as it is. Put back a "
                "copy, or move it away to begin a new history."
            )
            raise (StoreRefusedError if opening else StoreError)(text) from error
        advice = next((said for sign, said in _ADVICE.items() if sign in cause), "")
        refused = opening and ("permission denied" in cause or "readonly" in cause)
        raise (StoreRefusedError if refused else StoreError)(f"{text} {advice}".rstrip()) from error


def _cause(error: Exception) -> str:
    """The driver's own words on one line; never the statement or its parameters."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    words = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    return " ".join(words.split())[:300].rstrip(". ") or type(error).__name__
