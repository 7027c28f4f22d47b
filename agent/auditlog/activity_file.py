"""The Parquet file that an activity log's rows go to."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

from agent.auditlog.line_files import SEARCHED

GROUP_BYTES = 24 << 20
"""Bytes of columns after which a row group is written: what bounds the memory of writing."""

_RECURRING = [
    *("db_name", "user_name", "identity", "user_id", "pid", "verb", "verb_class", "object_name"),
    *("object_id", "slot", "statement_no", "statements", "fingerprint"),
]
"""Columns that are worth a dictionary in the file."""


@dataclass(slots=True)
class ActivityFile:
    """Rows on their way into a file, which stands under its name when it is whole.

    Nothing is written where there are no rows. Row groups hold about GROUP_BYTES, in order.
    """

    path: Path
    rows: int = 0
    _held: list[pa.Table] = field(default_factory=list)
    _bytes: int = 0
    _writer: pq.ParquetWriter | None = None

    def __enter__(self) -> ActivityFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._flush()
            if self._writer is not None:
                self._writer.close()
                if error is None:
                    self._part.replace(self.path)
        finally:
            self._part.unlink(missing_ok=True)

    def write(self, rows: pa.Table) -> None:
        """Append rows."""
        self._held.append(rows)
        self._bytes += rows.nbytes
        self.rows += rows.num_rows
        if self._bytes >= GROUP_BYTES:
            self._flush()

    @property
    def _part(self) -> Path:
        return self.path.with_name(f".{self.path.name}.{os.getpid()}.part")

    def _flush(self) -> None:
        """Write what is held as one row group."""
        if not self._held:
            return
        table = pa.concat_tables(self._held).unify_dictionaries()
        self._held, self._bytes = [], 0
        if self._writer is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(
                self._part,
                table.schema,
                compression="zstd",
                use_dictionary=_RECURRING,
                write_statistics=list(SEARCHED),
                # Without the Arrow schema in the file, dictionaries are read as text again.
                store_schema=False,
            )
        self._writer.write_table(table, row_group_size=max(1, table.num_rows))
