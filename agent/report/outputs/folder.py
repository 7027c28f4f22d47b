"""A report as a folder: written beside its place, and put there when it is whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from agent.report.model import Document, Month
from agent.report.outputs.as_csv import files
from agent.report.outputs.as_json import as_json, written
from agent.report.outputs.manifest import MANIFEST, RUN, manifest
from agent.report.outputs.page import page
from agent.report.outputs.text import folder_of
from controls.semantics.report_keys import verdict_name

REPORT = "report.json"

Tables = Callable[[Path], None]
"""Writes the Parquet files into the folder it is handed."""


def place_of(document: Document) -> str:
    """`<YYYY-MM>/<account>_<region>_<cluster>`, below wherever reports go."""
    return f"{document.month}/{folder_of(document.writer)}"


def before_of(document: Document) -> str:
    """Where the JSON of the same cluster's month before lies, below wherever reports go."""
    return before_place(document.month, folder_of(document.writer))


def before_place(month: Month, folder: str) -> str:
    """The same of a month and a cluster's folder."""
    return f"{month.shifted(-1)}/{folder}/{REPORT}"


def write(document: Document, folder: Path, tables: Tables | None = None) -> dict[str, Any]:
    """Every file of the report but run.json into an empty folder; returns the manifest.

    The document is shown as it is: redact it first. `tables` writes the Parquet files into the
    folder it is handed. Raises OSError.
    """
    (folder / "csv").mkdir(parents=True, exist_ok=True)
    (folder / "report.html").write_bytes(page(document).encode("utf-8", "backslashreplace"))
    (folder / REPORT).write_bytes(as_json(document))
    for name, content in files(document):
        (folder / "csv" / name).write_bytes(content)
    if tables is not None:
        tables(folder / "tables")
    verdict = str(document.coverage.verdict)
    (folder / verdict_name(verdict)).write_text(f"{verdict}\n", encoding="utf-8")
    told = manifest(document, folder)
    (folder / MANIFEST).write_bytes(written(told))
    return told


def put_in_place(
    document: Document,
    into: Path,
    run: Mapping[str, Any],
    tables: Tables | None = None,
) -> Path:
    """The report in its folder below `into`, in place of an older one; a reader sees the one or
    the other, but for the moment between two renames. Raises OSError; nothing is left behind then.
    """
    place = into / place_of(document)
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".{place.name}."))
    try:
        new, old = beside / "new", beside / "old"
        new.mkdir()
        write(document, new, tables)
        (new / RUN).write_bytes(written(dict(run)))
        if place.exists():
            os.replace(place, old)
        try:
            os.replace(new, place)
        except OSError:
            if old.exists():
                os.replace(old, place)
            raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return place
