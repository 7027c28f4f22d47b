"""The tables that Athena needs, as DDL with partition projection: nothing is to be added by hand.

Curated tables are partitioned as their files lie; helper tables by the run that wrote them. An
injected partition must be given by every query, so that none reads another cluster's logs.
Source: Amazon Athena User Guide, "Supported types for partition projection".
"""

# ruff: noqa: S608 - names of tables and columns are ours; values are quoted

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent.auditlog.schema import COLUMNS, CONNECTION, TABLES
from agent.report.derived import EARLIER, RAW
from agent.report.tables import HELPERS, Tables

_HIVE = {"int64": "bigint", "text": "string", "bool": "boolean"}
_TRINO = {"int64": "bigint", "text": "varchar", "bool": "boolean"}
_HIVE_PARQUET = "org.apache.hadoop.hive.ql.io.parquet"
_PARQUET = (
    f"ROW FORMAT SERDE '{_HIVE_PARQUET}.serde.ParquetHiveSerDe'\n"
    f"STORED AS INPUTFORMAT '{_HIVE_PARQUET}.MapredParquetInputFormat'\n"
    f"OUTPUTFORMAT '{_HIVE_PARQUET}.MapredParquetOutputFormat'"
)
"""STORED AS PARQUET in full, which is how Athena shows it and what sqlfluff reads."""

_FIRST_DAY = "2018-01-01"
"""Before every log that this reads: of that year is the oldest layout seen."""

_WRITER = ("account", "region", "cluster")


def ddl(location: str) -> dict[str, str]:
    """The statement that makes each table, by name; `location` as `s3://bucket/prefix`."""
    root = location.rstrip("/")
    found: dict[str, str] = {}
    for table in TABLES:
        lies = "/".join(f"{name}=${{{name}}}" for name in (*_WRITER, "day"))
        properties = {f"projection.{name}.type": "injected" for name in _WRITER} | {
            "projection.day.type": "date",
            "projection.day.format": "yyyy-MM-dd",
            "projection.day.range": f"{_FIRST_DAY},NOW+1DAYS",
            "projection.day.interval": "1",
            "projection.day.interval.unit": "DAYS",
        }
        where = f"{root}/curated/{table}/"
        found[curated_name(table)] = _create(
            curated_name(table), COLUMNS[table], (*_WRITER, "day"), properties, where, lies
        )
    for table, columns in HELPERS.items():
        injected = {"projection.run.type": "injected"}
        where = f"{root}/helper/{table}/"
        found[helper_name(table)] = _create(
            helper_name(table), columns, ("run",), injected, where, "run=${run}"
        )
    return found


def curated_name(table: str) -> str:
    """What a curated table is called in Athena's database."""
    return f"curated_{table}"


def helper_name(table: str) -> str:
    """What a helper table is called in Athena's database."""
    return f"helper_{table}"


def base(tables: Tables, run: str) -> dict[str, str]:
    """The raw and helper tables of one cluster, month and run, each as a SELECT."""
    found = {
        name: f"SELECT {_names(columns)} FROM {helper_name(name)} WHERE run = {quoted(run)}"
        for name, columns in HELPERS.items()
    }
    for name in RAW:
        paths = tables.earlier_paths() if name == EARLIER else tables.paths(name)
        table = CONNECTION if name == EARLIER else name
        found[name] = _of_days(table, tables, sorted({day_of(path) for path in paths}))
    return found


def day_of(path: str) -> str:
    """The day in a curated file's path."""
    return path.rpartition("/day=")[2].partition("/")[0]


def quoted(text: str) -> str:
    """As a literal."""
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def _of_days(table: str, tables: Tables, days: Sequence[str]) -> str:
    if not days:
        empty = ", ".join(
            f"CAST(NULL AS {_TRINO[kind]}) AS {name}" for name, kind in COLUMNS[table]
        )
        return f"SELECT {empty} WHERE 1 = 0"
    writer = tables.writer
    values = {"account": writer.account, "region": writer.region, "cluster": writer.cluster}
    where = " AND ".join(f"{name} = {quoted(value)}" for name, value in values.items())
    between = f"day BETWEEN {quoted(days[0])} AND {quoted(days[-1])}"
    return f"SELECT {_names(COLUMNS[table])} FROM {curated_name(table)} WHERE {where} AND {between}"


def _names(columns: Sequence[tuple[str, str]]) -> str:
    return ", ".join(name for name, _ in columns)


def _create(
    name: str,
    columns: Sequence[tuple[str, str]],
    partitions: Sequence[str],
    properties: Mapping[str, str],
    location: str,
    lies: str,
) -> str:
    told = {"projection.enabled": "true", **properties}
    told["storage.location.template"] = f"{location}{lies}/"
    lines = ",\n".join(f"  `{column}` {_HIVE[kind]}" for column, kind in columns)
    parted = ", ".join(f"`{column}` string" for column in partitions)
    said = ",\n".join(f"  '{key}' = '{value}'" for key, value in told.items())
    return (
        f"CREATE EXTERNAL TABLE IF NOT EXISTS `{name}` (\n{lines}\n)\n"
        f"PARTITIONED BY ({parted})\n{_PARQUET}\nLOCATION '{location}'\n"
        f"TBLPROPERTIES (\n{said}\n)"
    )
