"""Events by kind: the verbs that are left out before any pattern is looked for."""

# ruff: noqa: S608 - no text of a user is put into SQL here

from __future__ import annotations

import pytest

from agent.report.kinds import BY_KIND, NO_MOVE, NO_RIGHTS
from tests.report.sections.asking import Rows, said
from tests.report.tables import made

LEFT_OUT = (
    "SET search_path TO grants, external, public",
    "SET SESSION enable_identity_provider TO createuser",
    "COPY a FROM 's3://b/grant role x to public' IAM_ROLE 'arn'",
    "UNLOAD ('select 1 from external.schema') TO 's3://b/' IAM_ROLE default",
    "ANALYZE rls.policy",
    "VACUUM FULL masking_policy",
    "TRUNCATE external.library",
    "CREATE TABLE rls AS SELECT * FROM policy -- owner to public",
    "CREATE TABLE c AS SELECT * FROM external.schema -- from postgres",
    "CREATE TEMP TABLE external (createuser int, model int)",
    "CREATE /* rls policy */ TABLE IF NOT EXISTS security (definer int)",
    "DROP TABLE masking, policy, external, model",
)
"""Of frequent verbs, with words in them that the patterns look for."""
KEPT = (
    "GRANT SELECT ON a TO PUBLIC",
    "ALTER TABLE a OWNER TO bob",
    "ALTER TABLE a ROW LEVEL SECURITY OFF",
    "ALTER TABLE external ADD COLUMN library int",
    "CREATE EXTERNAL TABLE s.t (a int) LOCATION 's3://b/'",
    "DROP EXTERNAL TABLE s.t",
    "SET SESSION AUTHORIZATION admin",
    "CREATE USER eve CREATEUSER PASSWORD DISABLE",
)


def rows_of(sql: str) -> list[tuple[object, ...]]:
    """What a query finds among all the statements."""
    events: Rows = [row for text in (*LEFT_OUT, *KEPT) for row in said(text)]
    base = made(statement=events)
    try:
        return base.execute(f"SELECT * FROM ({sql}) asked ORDER BY evidence").fetchall()
    finally:
        base.close()


@pytest.mark.parametrize("table", BY_KIND)
def test_leaving_verbs_out_beforehand_leaves_out_nothing_of_the_kind(table: str) -> None:
    sql = BY_KIND[table]
    whole = sql.replace(NO_RIGHTS, "('')").replace(NO_MOVE, "('')")

    assert whole != sql
    assert rows_of(sql) == rows_of(whole) != []
