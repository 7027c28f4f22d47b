"""`python -m bench.report_read LIST CURATED`: read these objects, and say what it took, as JSON."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from isal import igzip

from agent.auditlog.activity import read_activity
from agent.auditlog.connection import read_connection
from agent.auditlog.objects import LogObject, ObjectStatus, Writer
from controls.semantics.log_keys import parse_key

READERS = {"useractivitylog": read_activity, "connectionlog": read_connection}


def main() -> None:
    """Importing is not counted, reading and writing is: user and system time of the process."""
    import duckdb  # noqa: F401 - imported before the clock starts
    import pyarrow.parquet  # noqa: F401

    listed, curated = map(Path, sys.argv[1:])
    items = [_item(Path(line)) for line in listed.read_text(encoding="utf-8").splitlines()]
    before = time.process_time()
    plain = records = 0
    for path, item in items:
        with path.open("rb") as stream:
            result = READERS[item.log_type](stream, item, curated)
        if result.status not in (ObjectStatus.READ, ObjectStatus.EMPTY):
            raise RuntimeError(f"{path.name}: {result.status}: {result.reason}")
        plain, records = plain + result.plain_bytes, records + result.records
    cpu = time.process_time() - before
    before = time.process_time()
    for path, _ in items:
        with igzip.open(path) as stream:
            while stream.read(1 << 20):
                pass
    unpack = time.process_time() - before
    told = {"megabytes": plain / 1e6, "records": records, "cpu": cpu, "unpack": unpack}
    sys.stdout.write(json.dumps(told))


def _item(path: Path) -> tuple[Path, LogObject]:
    key = parse_key(path.name)
    if key is None:
        raise RuntimeError(f"{path.name} is no name of a log object")
    size = path.stat().st_size
    writer = Writer(key.account, key.region, key.cluster)
    epoch = datetime.fromtimestamp(0, UTC)
    return path, LogObject(path.name, key.log_type, writer, key.stamped_at, size, path.name, epoch)


if __name__ == "__main__":
    main()
