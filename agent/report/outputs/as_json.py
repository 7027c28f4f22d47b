"""The report as JSON for machines: `trailkeeper.report/1`, a stable schema (docs/report.md)."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from agent.auditlog.objects import ObjectResult, Writer
from agent.report.model import Answered, Column, ColumnKind, Coverage, Document, Noted, Row, Value
from agent.report.outputs.cannot import CANNOT
from agent.report.outputs.text import iso, source_of

SCHEMA = "trailkeeper.report/1"


def as_json(document: Document) -> bytes:
    """The whole document. Keys keep their order, rows that of their query."""
    said = {
        "schema": SCHEMA,
        "month": str(document.month),
        "writer": writer_json(document.writer),
        "source": document.source,
        "completeness": _completeness(document.coverage),
        "headlines": dict(document.headlines),
        "before": dict(document.before),
        "findings": [_finding(one, document) for one in document.findings],
        "sections": [_section(one, document) for one in document.sections],
        "cannot": list(CANNOT),
        "questions": asdict(document.questions),
    }
    return written(said)


def written(value: Any) -> bytes:
    """JSON as bytes, indented; halves of characters, which UTF-8 cannot hold, as escapes."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode("utf-8", "backslashreplace")


def writer_json(writer: Writer) -> dict[str, str]:
    """Account, region and cluster."""
    return {"account": writer.account, "region": writer.region, "cluster": writer.cluster}


def _completeness(found: Coverage) -> dict[str, Any]:
    return {
        "verdict": str(found.verdict),
        "because": list(found.because),
        "records": dict(sorted(found.records.items())),
        "outside": found.outside,
        "gaps": [
            {"log_type": one.log_type, "from": iso(one.first_hour * 3_600_000), "hours": one.hours}
            for one in found.gaps
        ],
        "hours": [
            {"log_type": log, "hour": iso(hour * 3_600_000), "records": count}
            for (log, hour), count in sorted(found.hours.items())
        ],
        "orphans": list(found.orphans),
        "cut": list(found.cut),
        "late": list(found.late),
        "objects": [object_json(one) for one in found.objects],
        "refused": [
            {"key": one.key, "reason": one.reason, "counts": one.counts} for one in found.refused
        ],
    }


def object_json(result: ObjectResult) -> dict[str, Any]:
    """One object; of its text nothing."""
    item = result.object
    return {
        "key": item.key,
        "log_type": item.log_type,
        "stamp": f"{item.stamp:%Y-%m-%dT%H:%MZ}",
        "etag": item.etag,
        "sha256": result.sha256,
        "size": item.size,
        "status": str(result.status),
        "reason": result.reason,
        "records": result.records,
        "bad": result.bad,
        "first": iso(result.first_ms),
        "last": iso(result.last_ms),
    }


def _evidence(number: int, document: Document) -> dict[str, Value]:
    key, record = source_of(document, number)
    return {"key": key, "record": record}


def _finding(noted: Noted, document: Document) -> dict[str, Any]:
    maps = next(
        (one.section.maps for one in document.sections if one.section.id == noted.section), {}
    )
    return {
        "severity": noted.severity,
        "section": noted.section,
        "title": noted.title,
        "subject": noted.subject,
        "because": noted.because,
        "count": noted.count,
        "first": iso(noted.first_ms),
        "last": iso(noted.last_ms),
        "requirements": {name: list(numbers) for name, numbers in maps.items()},
        "evidence": [_evidence(number, document) for number in noted.evidence],
    }


def _section(answered: Answered, document: Document) -> dict[str, Any]:
    section = answered.section
    return {
        "id": section.id,
        "title": section.title,
        "question": section.question,
        "logs": list(section.logs),
        "requirements": {name: list(numbers) for name, numbers in section.maps.items()},
        "cannot": section.cannot,
        "failed": answered.failed,
        "answers": [
            {
                "name": query.name,
                "title": query.title,
                "columns": [
                    {"name": one.name, "title": one.title, "kind": str(one.kind)}
                    for one in query.columns
                ],
                "rows": [
                    {one.name: _value(row, one, document) for one in query.columns}
                    for row in answered.answers[query.name]
                ],
                "beyond": answered.beyond.get(query.name, 0),
            }
            for query in section.queries
            if query.name in answered.answers
        ],
    }


def _value(row: Row, column: Column, document: Document) -> Any:
    """Times as ISO, evidence as key and record, the rest as it is."""
    value = row.get(column.name)
    if isinstance(value, int) and not isinstance(value, bool):
        if column.kind is ColumnKind.TIME:
            return iso(value)
        if column.kind is ColumnKind.EVIDENCE:
            return _evidence(value, document)
    return value
