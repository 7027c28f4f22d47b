"""Amazon Athena: the same questions over curated files in S3.

A question is asked with the raw, helper and light derived tables as its WITH clause; the derived
tables that cost are made once, as Parquet of this run, and dropped in the end. What lies below
`<location>/helper` and `<location>/derived` afterwards is for the bucket's lifecycle to remove.
"""

# ruff: noqa: S608 - names of tables and columns are ours; values are quoted

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent.output import printable
from agent.report.derived import VIEWS, derived, reads
from agent.report.engines import AthenaSettings, Upload
from agent.report.engines.athena_tables import base, ddl, quoted
from agent.report.engines.ordering import counted, ordered, renamed, rows
from agent.report.model import Query, Row
from agent.report.sql import FUNCTIONS
from agent.report.tables import Tables, write_helpers
from agent.stop import NO_VERDICT, StopError
from controls.model import AwsError

Connect = Callable[[AthenaSettings], Any]
"""A DB-API connection to Athena."""


def connect(settings: AthenaSettings) -> Any:
    """A connection of PyAthena, which polls until a query ends and raises when it failed.

    Raises StopError without credentials, role or region.
    """
    from pyathena import connect as to_athena  # noqa: PLC0415 - an extra

    from agent.aws.translate import BotoErrors  # noqa: PLC0415 - botocore costs what --help saves

    # It logs the traceback of what it raises, which is told once, and in one sentence.
    logging.getLogger("pyathena").setLevel(logging.CRITICAL)
    asked: dict[str, Any] = {
        "s3_staging_dir": settings.output,
        "region_name": settings.region,
        "work_group": settings.workgroup,
        "schema_name": settings.database,
        "profile_name": settings.profile,
        "role_arn": settings.role,
        "role_session_name": "trailkeeper" if settings.role else None,
        "external_id": settings.external_id,
        "endpoint_url": settings.endpoint,
        "poll_interval": settings.poll_seconds,
    }
    try:
        return to_athena(**{name: value for name, value in asked.items() if value is not None})
    except BotoErrors as error:
        raise _stopped(error) from error


def _stopped(error: Exception) -> StopError:
    """What AWS said, and where to look."""
    said = " ".join(str(error).split())[:500]
    message = (
        f"Athena could not be asked: {said}; look at report.athena in the configuration, at the "
        "region (AWS_REGION), and at the policy that `trailkeeper iam --report` prints"
    )
    return StopError(NO_VERDICT, printable(message))


class Athena:
    """An `agent.report.engines.Engine`."""

    name = "athena"

    def __init__(
        self, settings: AthenaSettings, upload: Upload, connecting: Connect = connect
    ) -> None:
        self._settings = settings
        self._upload = upload
        self._connection = connecting(settings)
        self._run = uuid.uuid4().hex[:16]
        self._known: dict[str, str] = {}
        self._heavy: dict[str, str] = {}
        self._made: list[str] = []

    def prepare(self, tables: Tables) -> None:
        """See `Engine`. Curated files that lie in a folder are uploaded."""
        root = self._settings.location.rstrip("/")
        if str(tables.curated).rstrip("/") != f"{root}/curated":
            self._put_curated(tables)
        for name, path in write_helpers(tables).items():
            self._put(f"helper/{name}/run={self._run}/{path.name}", path)
        for statement in ddl(root).values():
            self._execute(statement)
        made = derived(tables.month)
        # In the order of `derived`: what is read stands before what reads it.
        self._known = base(tables, self._run) | made
        self._heavy = {name: sql for name, sql in made.items() if name not in VIEWS}

    def rows(self, query: Query) -> tuple[list[Row], int]:
        """See `Engine`."""
        found = self.select(ordered(query, most=query.limit + 1))
        if len(found) <= query.limit:
            return found, 0
        (whole,) = self.select(counted(query))
        return found[: query.limit], int(whole["n"] or 0) - query.limit

    def select(self, sql: str) -> list[Row]:
        """See `Engine`."""
        for name in reads(sql, self._known):
            if name in self._heavy and name not in self._made:
                self._make(name)
        cursor = self._execute(self._whole(sql))
        names = [each[0] for each in cursor.description]
        return rows(names, cursor.fetchall())

    def close(self) -> None:
        """See `Engine`."""
        while self._made:
            self._execute(f"DROP TABLE IF EXISTS `{self._table(self._made.pop())}`")
        self._connection.close()

    def _make(self, name: str) -> None:
        where = f"{self._settings.location.rstrip('/')}/derived/run={self._run}/{name}/"
        self._execute(
            f"CREATE TABLE {self._table(name)}\n"
            f"WITH (format = 'PARQUET', external_location = {quoted(where)}) AS\n"
            + self._whole(f"SELECT * FROM ({self._heavy[name]}) made")
        )
        self._known[name] = f"SELECT * FROM {self._table(name)}"
        self._made.append(name)

    def _table(self, name: str) -> str:
        return f"run_{self._run}_{name}"

    def _whole(self, sql: str) -> str:
        """A text with the tables that it reads in front of it."""
        given = ",\n".join(f"{name} AS ({self._known[name]})" for name in reads(sql, self._known))
        return renamed(f"WITH {given}\n{sql}" if given else sql, FUNCTIONS["athena"])

    def _execute(self, sql: str) -> Any:
        """A cursor with the answer. Raises StopError where there is none."""
        from pyathena.error import Error  # noqa: PLC0415 - an extra

        cursor = self._connection.cursor()
        try:
            cursor.execute(sql)
        except Error as error:
            raise _stopped(error) from error
        return cursor

    def _put_curated(self, tables: Tables) -> None:
        folder = f"{tables.curated}".rstrip("/") + "/"
        if "://" in folder:
            raise ValueError(
                f"the curated files are in {folder}; Athena's are below "
                f"{self._settings.location.rstrip('/')}/curated"
            )
        this_month = (path for name in tables.files for path in tables.paths(name))
        for path in dict.fromkeys((*this_month, *tables.earlier_paths())):
            self._put(f"curated/{path.removeprefix(folder)}", Path(path))

    def _put(self, name: str, path: Path) -> None:
        bucket, _, prefix = self._settings.location.removeprefix("s3://").partition("/")
        try:
            self._upload(bucket, f"{prefix.rstrip('/')}/{name}".lstrip("/"), path)
        except AwsError as error:
            raise _stopped(error) from error
