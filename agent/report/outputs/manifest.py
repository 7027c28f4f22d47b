"""The manifest: what the report consists of and was made from, by hash, and its verdict."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agent.report.model import SEVERITIES, Document
from agent.report.outputs.as_json import writer_json

SCHEMA = "trailkeeper.report-manifest/1"
MANIFEST = "manifest.json"
RUN = "run.json"
"""What differs from run to run: it is no part of the evidence and not in the manifest."""


def manifest(document: Document, folder: Path) -> dict[str, Any]:
    """Of the files that lie in the folder now. The same report gives the same manifest."""
    found = [one.severity for one in document.findings]
    return {
        "schema": SCHEMA,
        "month": str(document.month),
        "writer": writer_json(document.writer),
        "source": document.source,
        "verdict": str(document.coverage.verdict),
        "because": list(document.coverage.because),
        "unanswered": [one.section.id for one in document.sections if one.failed],
        "records": dict(sorted(document.coverage.records.items())),
        "findings": {severity: found.count(severity) for severity in SEVERITIES},
        "files": list(_files(folder)),
        "inputs": [
            {
                "key": one.object.key,
                "etag": one.object.etag,
                "sha256": one.sha256,
                "size": one.object.size,
                "records": one.records,
                "status": str(one.status),
            }
            for one in document.coverage.objects
        ],
    }


def _files(folder: Path) -> Iterator[dict[str, Any]]:
    """Name, SHA-256 and size of each file of the report, by name."""
    names = sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )
    for name in names:
        if name not in (MANIFEST, RUN):
            with (folder / name).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            yield {"name": name, "sha256": digest, "size": (folder / name).stat().st_size}
