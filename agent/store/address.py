"""The store's URL: where it is, said without a password."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, quote_plus

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from agent.store.records import StoreRefusedError

_POSTGRESQL = ("postgresql", "postgresql+psycopg")
_SECRET = ("password", "sslpassword")


@dataclass(frozen=True, slots=True)
class Address:
    """A store's URL as it is used, and as it may be shown.

    `path` is the SQLite file; None for PostgreSQL.
    """

    url: URL = field(repr=False)
    path: Path | None
    where: str

    def scrubbed(self, text: str) -> str:
        """The text without this URL's passwords, however they are written."""
        secrets = [self.url.password, *(self.url.query.get(name) for name in _SECRET)]
        for secret in secrets:
            if isinstance(secret, str) and secret:
                for written in (secret, quote(secret, safe=""), quote_plus(secret)):
                    text = text.replace(written, "***")
        return text


def parse_address(url: str) -> Address:
    """Takes `sqlite:///FILE` and `postgresql://…`, which means psycopg 3.

    Raises:
        StoreRefusedError: anything else. The URL is not repeated: there may be a password in it.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise StoreRefusedError(
            "The URL of the store cannot be read (it is not shown, as it may hold a password). "
            "Write sqlite:///FILE or postgresql://USER@HOST/DATABASE, with every @ : / and # of a "
            "password percent-encoded."
        ) from (None if isinstance(error, ValueError) else error)
    if parsed.drivername == "sqlite":
        return _sqlite(parsed)
    if parsed.drivername in _POSTGRESQL:
        return _postgresql(parsed)
    raise StoreRefusedError(
        f"The store cannot be kept in {parsed.drivername}: there is no such driver here. "
        "Write sqlite:///FILE or postgresql://USER@HOST/DATABASE."
    )


def _sqlite(url: URL) -> Address:
    name = url.database or ""
    if not name or name == ":memory:" or name.startswith("file:") or url.query or url.host:
        raise StoreRefusedError(
            "The URL of a SQLite store names one file and nothing else: sqlite:///FILE, or "
            "sqlite:////var/lib/trailkeeper/trailkeeper.db with four slashes for a whole path."
        )
    path = Path(name).absolute()
    return Address(url.set(database=str(path)), path, f"sqlite:///{path}")


def _postgresql(url: URL) -> Address:
    shown = URL.create("postgresql", url.username, None, url.host, url.port, url.database)
    used = url.set(drivername="postgresql+psycopg")
    return Address(used, None, shown.render_as_string(hide_password=False))
