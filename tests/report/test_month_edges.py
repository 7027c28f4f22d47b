"""What lies across the edge of a month: nothing of it is lost, and what precedes it is not its."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

from agent.auditlog.exports import ExportSource
from agent.auditlog.loading import Loaded, load
from agent.auditlog.local import LocalSource
from agent.auditlog.objects import Source
from agent.report.making import _ends_of, evidence, find, tables
from agent.report.model import Month, Questions
from tests.auditlog.line_samples import line

MONTH = Month(2026, 10)


def export(folder: Path, name: str, log_type: str, *messages: str) -> None:
    document = {
        "owner": "111122223333",
        "logGroup": f"/aws/redshift/cluster/lark/{log_type}",
        "logStream": "lark",
        "logEvents": [
            {
                "timestamp": datetime(2026, 9, 30, 23, 55, tzinfo=UTC).timestamp() * 1000,
                "message": text,
            }
            for text in messages
        ],
    }
    (folder / name).write_text(json.dumps(document))


def record(when: str) -> str:
    return f"'{when}Z UTC [ db=d user=bob pid=7 userid=100 xid=9 ]' LOG: select 1"


def loaded(source: Source, curated: Path, baseline: int = 1) -> Loaded:
    listing = find(source, MONTH, baseline, ())
    assert len(set(listing.objects)) == len(listing.objects)
    return load(source, listing, curated, jobs=1, said=lambda done, total: None)


def test_an_export_that_began_before_the_month_is_of_the_month_it_goes_on_in(
    tmp_path: Path,
) -> None:
    folder, curated = tmp_path / "logs", tmp_path / "curated"
    folder.mkdir()
    export(
        folder, "a.json", "useractivitylog",
        record("2026-09-30T23:55:00"), record("2026-10-01T00:05:00"),
    )  # fmt: skip
    export(folder, "b.json", "useractivitylog", record("2026-09-30T23:55:00"))
    export(folder, "c.json", "connectionlog", line(c2="Thu, 01 Oct 2026 00:05:00:001"))
    result = loaded(ExportSource(LocalSource(folder)), curated)
    (found,) = evidence(result, MONTH)
    given = tables(found, MONTH, curated, Questions(), tmp_path)

    assert [one.object.key for one in found.results] == ["c.json", "a.json"]
    assert [one.object.key for one in found.earlier] == ["b.json"]
    assert {one.key for one in given.objects} == {"a.json", "c.json"}
    assert any("ends" in name for name in given.files["activity"])


def test_what_is_lost_of_the_month_before_leaves_this_one_complete(tmp_path: Path) -> None:
    for month, text in (("09", line()[:40]), ("10", line() + "\n")):
        name = f"111122223333_redshift_eu-west-1_lark_connectionlog_2026-{month}-05T12:00.gz"
        (tmp_path / name).write_bytes(gzip.compress(text.encode()))
    source = LocalSource(tmp_path)
    (found,) = evidence(loaded(source, tmp_path / "curated"), MONTH)
    (ends,) = found.ends
    (told,) = _ends_of(found)

    assert (ends.bad, len(ends.cut)) == (1, 1)
    assert (told.bad, told.cut, told.orphans) == (0, (), ())
