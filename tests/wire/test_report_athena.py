"""Athena asked over the wire: the connection, not the SQL, for the simulated AWS runs none."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent.report.engines import AthenaSettings
from agent.report.engines.athena import connect
from agent.stop import NO_VERDICT, StopError
from tests.sandbox_server import REGION, Sandbox
from tests.wire.conftest import Run

SETTINGS = {
    "report": {
        "athena": {
            "database": "audit",
            "output_location": "s3://reports/answers/",
            "curated": "s3://reports/trailkeeper/",
        }
    }
}
LINE = (
    "authenticated |Mon, 05 Oct 2026 10:00:00:123|::ffff:10.0.0.7 |4000 |7|dev |bob |password |0|"
    "TLSv1.2 |ECDHE-RSA-AES256-GCM-SHA384 |0| | |\n"
)


@pytest.fixture
def asked(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> AthenaSettings:
    """Athena of the simulated AWS, with credentials at hand."""
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    return AthenaSettings(
        "s3://reports/trailkeeper",
        output="s3://reports/answers/",
        region=REGION,
        endpoint=sandbox.endpoint,
        poll_seconds=0.01,
    )


def rows_of(sandbox: Sandbox, name: str, *values: str) -> dict[str, Any]:
    """What Athena is to answer next: a column of figures."""
    column = {"Name": name, "Label": name, "Type": "bigint", "Precision": 19, "Scale": 0}
    column |= {"CatalogName": "hive", "Nullable": "UNKNOWN", "CaseSensitive": False}
    rows = [{"Data": [{"VarCharValue": value}]} for value in (name, *values)]
    return {
        "account_id": sandbox.server.account,
        "region": REGION,
        "results": [{"rows": rows, "column_info": [column]}],
    }


def test_an_answer_is_waited_for_and_read_by_its_types(
    sandbox: Sandbox, asked: AthenaSettings
) -> None:
    planted = httpx.post(
        f"{sandbox.endpoint}/moto-api/static/athena/query-results",
        json=rows_of(sandbox, "n", "41", "42"),
        timeout=10,
    )
    cursor = connect(asked).cursor()
    cursor.execute("SELECT n FROM t")

    assert planted.status_code == 201
    assert [each[0] for each in cursor.description] == ["n"]
    assert [tuple(row) for row in cursor.fetchall()] == [(41,), (42,)]
    assert {"athena:StartQueryExecution", "athena:GetQueryExecution"} <= set(sandbox.counts())


def test_a_role_that_cannot_be_taken_on_is_told(sandbox: Sandbox, asked: AthenaSettings) -> None:
    sandbox.fault({"kind": "deny", "service": "sts", "operation": "AssumeRole"})
    with pytest.raises(StopError) as stopped:
        connect(
            AthenaSettings(
                asked.location,
                region=REGION,
                endpoint=asked.endpoint,
                role="arn:aws:iam::111122223333:role/R",
            )
        )

    assert stopped.value.code == NO_VERDICT
    assert "AssumeRole" in str(stopped.value)


@pytest.mark.parametrize(
    ("service", "operation"),
    [("athena", "StartQueryExecution"), ("s3", "PutObject")],
    ids=["a query", "the upload of what it reads"],
)
def test_what_is_denied_is_one_sentence_with_what_to_do(
    sandbox: Sandbox, run: Run, tmp_path: Path, service: str, operation: str
) -> None:
    sandbox.client("s3").create_bucket(
        Bucket="reports", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    sandbox.fault({"kind": "deny", "service": service, "operation": operation})
    logs = tmp_path / "AWSLogs/111122223333/redshift/eu-west-1/2026/10/05"
    logs.mkdir(parents=True)
    name = "111122223333_redshift_eu-west-1_orders_connectionlog_2026-10-05T10:50.gz"
    (logs / name).write_bytes(gzip.compress(LINE.encode()))

    told = ["--engine", "athena", "--month", "2026-10", "--jobs", "1", "--source", str(tmp_path)]
    made = run("report", *told, "--output", str(tmp_path / "out"), settings=SETTINGS)

    assert made.code == NO_VERDICT, made.err
    assert "Athena could not be asked" in made.err
    assert operation in made.err
    assert "trailkeeper iam --report" in made.err
    assert "Traceback" not in made.err
