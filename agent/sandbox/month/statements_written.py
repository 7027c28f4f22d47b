"""The SQL that is written into the activity log: by whom, in which moves, with all its traps.

A `§` stands for a number, another one each time. A lone surrogate stands for an invalid byte.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """The text of one record, and what its statements are; compared by identity."""

    text: str
    verbs: tuple[str, ...]
    is_duplicate: bool = False
    is_internal: bool = False
    bad_bytes: bool = False
    forged_at: int = 0
    """When the record seems to be written whose whole header stands in the text; 0: none does."""


Move = tuple[Written, ...]
"""Records of one transaction: they share their xid, and come within a second."""


def one(verb: str, text: str) -> Move:
    """A record of its own, of one statement."""
    return (Written(text, (verb,)),)


def _twice(text: str) -> Move:
    """As a JDBC driver logs it: again, without the semicolon, or behind a comment."""
    return (Written(f"{text};", ("SELECT",)), Written(text, ("SELECT",), is_duplicate=True))


_BEGIN, _COMMIT = Written("BEGIN;", ("BEGIN",)), Written("COMMIT;", ("COMMIT",))
_FORGED = "'2020-01-01T00:00:00Z UTC [ db=prod user=rdsdb pid=1 userid=1 xid=1 ]' LOG: "

_TRAPS: list[Move] = [
    one("SELECT", "select\n'open' as state,\n'closed'\nfrom crm.tickets where id = §;"),
    one("SELECT", "select id from ops.app_log -- " + _FORGED + "x\nwhere id > §;"),  # noqa: S608
    one("SELECT", "select line from ops.app_log where line like '% LOG: %' and id = §"),
    one("SELECT", "select *\r\nfrom crm.customers\r\nwhere id = §\r\n\r\nlimit 10;"),
    one("SELECT", "/* it's; a comment */ select /* -- */ count(*) from web.events where n = §;"),
    one("SELECT", "select ';' as semicolon, $$it's; here$$ as quoted, § as n"),
    one("SELECT", "select concat(x,\n'2020-01-01T00:00:00Z UTC [ db=prod user=') from t limit §"),
    one("SELECT", "-- weekly | figures\nselect a || '|' || b from web.sessions where n = §;"),
    one("SELECT", "\n\nselect id, 'größer 売上' from crm.orders\n\n\nwhere n = §;\n"),
    (
        Written(
            "begin; delete from stage.orders where load_id = §; "
            "insert into stage.orders select * from stage.orders_new; commit;",
            ("BEGIN", "DELETE", "INSERT", "COMMIT"),
        ),
    ),
    (
        Written(
            "select name from crm.customers where name = 'M\udcfcller' or id = §",
            ("SELECT",),
            bad_bytes=True,
        ),
    ),
]

_BI: list[Move] = [
    _twice(
        'SELECT "orders"."region" AS "region",\n  SUM("orders"."amount") AS "sum:amount:ok"\n'
        'FROM "mart"."orders" "orders"\nWHERE ("orders"."day" >= §)\nGROUP BY 1'
    ),
    one(
        "SELECT",
        'SELECT "sessions"."channel" AS "channel",\n  COUNT(DISTINCT "sessions"."visitor") AS "v"\n'
        'FROM "mart"."sessions" "sessions"\n'
        'WHERE ("sessions"."week" BETWEEN § AND § + 7)\nGROUP BY 1\nORDER BY 2 DESC;',
    ),
    one("SELECT", "SELECT * FROM mart.kpi_daily WHERE kpi_id = § ORDER BY day DESC LIMIT 400"),
    one("SELECT", "SELECT DISTINCT region, country FROM mart.regions WHERE version = §"),
    one("SET", "SET query_group TO 'tableau-§';"),
]

_ANALYST: list[Move] = [
    _twice("select count(*) from mart.orders where day = §"),
    one("SELECT", "select * from mart.orders where order_id = § limit 500"),
    one(
        "SELECT",
        "with recent as (\n  select customer_id, max(day) as last_day\n  from mart.orders\n"
        "  group by customer_id\n)\nselect segment, count(*)\nfrom recent r\n"
        "join crm.segments s on s.customer_id = r.customer_id\nwhere last_day > §\ngroup by 1;",
    ),
    one("SELECT", "select campaign, sum(cost) from mart.campaigns where week = § group by 1"),
    one("CREATE TABLE", "create temp table t_§ as select * from mart.orders limit 1000;"),
    *_TRAPS,
]

_FINANCE: list[Move] = [
    one("SELECT", "select account, sum(amount) from finance.ledger where period = § group by 1"),
    one("SELECT", "select * from finance.invoices where invoice_no = §;"),
    one("SELECT", "select grade, avg(salary) from finance.payroll where year = § group by grade;"),
    one("UPDATE", "update finance.invoices set state = 'paid' where invoice_no = §;"),
]

_DBT: list[Move] = [
    (
        _BEGIN,
        Written(
            '/* {"app": "dbt", "dbt_version": "1.8.7", "node_id": "model.lark.orders"} */\n\n'
            'create  table\n    "prod"."mart"."orders__dbt_tmp§"\n  diststyle auto\n  as (\n'
            "with source as (\n    select * from stage.orders\n)\nselect order_id, customer_id, "
            "amount, day\nfrom source\n  );",
            ("CREATE TABLE",),
        ),
        _COMMIT,
    ),
    (
        _BEGIN,
        Written(
            'alter table "prod"."mart"."orders__dbt_tmp§" rename to "orders"', ("ALTER TABLE",)
        ),
        _COMMIT,
    ),
    (Written('drop table if exists "prod"."mart"."orders__dbt_backup§" cascade', ("DROP TABLE",)),),
    one("SELECT", "select\n  table_name\nfrom svv_tables\nwhere table_schema ilike 'mart§'"),
    (
        _BEGIN,
        Written("insert into mart.kpi_daily\n(select * from stage.kpi where d = §);", ("INSERT",)),
        _COMMIT,
    ),
    one(
        "SELECT",
        "\n    \n    \n\nselect\n    count(*) as failures\nfrom (\n  select order_id\n"
        "  from mart.orders\n  where order_id is null and day = §\n) dbt_internal_test",
    ),
]

_ETL: list[Move] = [
    (
        _BEGIN,
        Written(
            "COPY /* job nightly */stage.orders FROM 's3://larkfield-lake-curated/orders/§/' "
            "iam_role 'arn:aws:iam::111122223333:role/WarehouseLoader' FORMAT AS PARQUET;",
            ("COPY",),
        ),
        _COMMIT,
    ),
    one("INSERT", "insert into stage.loads (load_id, state) values (§, 'done')"),
    one("UPDATE", "update stage.loads set state = 'merged' where load_id = §;"),
    one("DELETE", "delete from stage.orders where load_id < §;"),
    one("TRUNCATE", "truncate stage.orders_§;"),
    one(
        "UNLOAD",
        "UNLOAD ('select * from mart.kpi_daily where day = §') TO "
        "'s3://larkfield-lake-unload/kpi/' iam_role 'arn:aws:iam::111122223333:role/"
        "WarehouseLoader' PARQUET ALLOWOVERWRITE;",
    ),
    one("ANALYZE", "analyze stage.orders; -- run §"),
    (Written("Undoing transaction § on table 100213 with current xid §", (), is_internal=True),),
]

_SCIENCE: list[Move] = [
    one("SELECT", "select visitor, feature_1, feature_2 from lab.features where fold = §"),
    one("SELECT", "SELECT avg(score), stddev(score)\nFROM lab.scores\nWHERE run = §"),
    one("CREATE TABLE", "create table lab.run_§ (visitor bigint, score double precision);"),
    one("INSERT", "insert into lab.run_log values (§, 'it''s done; really', getdate())"),
    *_TRAPS,
]

_ADMIN: list[Move] = [
    one("VACUUM", "vacuum full mart.orders to § percent;"),
    one("GRANT", "grant select on mart.kpi_daily_§ to group analysts;"),
    one("REVOKE", "revoke all on lab.run_§ from group analysts;"),
    one("SELECT", "select slice, count(*) from stv_blocklist where tbl = § group by 1;"),
    one("SET", "set statement_timeout to §;"),
]

POOLS: dict[str, list[Move]] = {
    "bi": _BI * 4 + _TRAPS[:3],
    "analyst": _ANALYST,
    "finance": _FINANCE * 3 + _TRAPS,
    "dbt": _DBT,
    "etl": _ETL * 3 + _TRAPS[-2:],
    "science": _SCIENCE,
    "admin": _ADMIN,
    "monitor": [one("SELECT", "select count(*) from stv_recents where pid <> §;")],
}

INTERNAL = (
    Written("SET statement_timeout TO 120000", (), is_internal=True),
    Written(
        "select count(distinct id) from pg_catalog.stv_tbl_perm where temp = false and db_id > 1 "
        "and id not in (select oid from pg_class where relname like "
        "'redshift_auto_health_check_%')",
        (),
        is_internal=True,
    ),
    Written(
        "SELECT  ss.node as node,\n        SUM(bc.size) as size\nFROM    stv_slices as ss\nJOIN"
        "    (\n        SELECT slice, count(*) as size\n        FROM    stv_blocklist\n"
        "        WHERE   tbl > §\n        GROUP BY slice\n        ) as bc\n"
        " ON ss.slice = bc.slice\n GROUP BY ss.node;",
        (),
        is_internal=True,
    ),
)
"""What the service itself asks, all day long."""
