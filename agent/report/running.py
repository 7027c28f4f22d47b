"""The report from end to end: list, load, ask, write. What it touches is named in `Wanted`."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from agent import __version__
from agent.auditlog.loading import Run as Load
from agent.auditlog.loading import load
from agent.auditlog.objects import Listing
from agent.output import printable
from agent.progress import shown_progress
from agent.report.engines import SPARK, AthenaSettings, EngineSettings, open_engine
from agent.report.headlines import HEADLINES, known
from agent.report.making import Evidence, evidence, find, first_day, make, summary, tables
from agent.report.model import Completeness
from agent.report.outputs.tables_out import Curated, write_tables
from agent.report.places import Place, output_of, source_of, upload
from agent.report.redact import redacted
from agent.report.sections import SECTIONS
from agent.report.sources import joined
from agent.stop import NO_VERDICT, WRONG_USE, StopError

if TYPE_CHECKING:
    from agent.commands.report import Wanted

SMALL = 4 * 1024 * 1024
"""Bytes of stored logs up to which Spark on this machine leaves out what pays only over more."""


@dataclass(frozen=True, slots=True)
class Made:
    """One report that was written. lines: its summary for a terminal, not yet escaped."""

    verdict: Completeness
    unanswered: bool
    lines: tuple[str, ...]


def reports(asked: Wanted) -> list[Made]:
    """Write every cluster's report. Raises StopError where nothing can be listed or written."""
    if asked.engine == SPARK:
        from agent.report.engines.spark import need_java  # noqa: PLC0415 - an extra

        need_java()
    curated = _folder(asked)
    output = output_of(asked.output, asked.setting, asked.work)
    output.check()
    source = joined([source_of(place, asked.setting) for place in asked.sources])
    listing = find(source, asked.month, asked.setting.baseline_months, asked.clusters)
    with _loader(asked, listing) as reading:
        with shown_progress() as progress:
            said = partial(progress, "reading logs")
            try:
                loaded = load(
                    source,
                    listing,
                    curated,
                    jobs=asked.jobs,
                    said=said,
                    run=reading,
                    first_day=first_day(asked.month, asked.setting.baseline_months),
                )
            except OSError as error:
                raise _not_written(asked, error) from error
        made = []
        for found in evidence(loaded, asked.month):
            with tempfile.TemporaryDirectory(dir=asked.work, prefix=".run-") as work:
                run = Run(asked, listing, source.name, curated, Path(work))
                made.append(_one(run, found, output))
        if not made:
            _stop_if_blind(asked, listing)
        return made


def _stop_if_blind(asked: Wanted, listing: Listing) -> None:
    """Raises StopError where no log was found, and some may be where there was no looking."""
    blind = [one for one in listing.refused if one.counts]
    if blind:
        first = f"{blind[0].key} ({blind[0].reason})"
        more = f" and {len(blind) - 1:,} more" if len(blind) > 1 else ""
        message = f"no audit log of {asked.month} could be read: {first}{more}"
        raise StopError(NO_VERDICT, printable(message))


def _not_written(asked: Wanted, error: OSError) -> StopError:
    reason = error.strerror or str(error)
    return StopError(WRONG_USE, f"cannot write {asked.work}: {reason}; choose another --work")


@dataclass(frozen=True, slots=True)
class Run:
    """What every cluster's report is made with."""

    asked: Wanted
    listing: Listing
    source: str
    curated: Path
    work: Path


def _folder(asked: Wanted) -> Path:
    """The curated folder of these sources; another's would be taken for theirs."""
    places = [one if "://" in one else str(Path(one).resolve()) for one in asked.sources]
    told = "\n".join(places).encode("utf-8", "surrogateescape")
    folder = asked.work / hashlib.sha256(told).hexdigest()[:16]
    try:
        asked.work.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise _not_written(asked, error) from error
    return folder


@contextmanager
def _loader(asked: Wanted, listing: Listing) -> Iterator[Load | None]:
    """Spark reads the logs on its executors, the others in processes of this machine: None.

    Every cluster's engine uses the session of the block.
    """
    if asked.engine != SPARK:
        yield None
        return
    from agent.report.engines.spark import session_of  # noqa: PLC0415 - an extra
    from agent.report.engines.spark_reading import load_raw  # noqa: PLC0415 - an extra

    with session_of(_settings(asked, listing)) as session:
        yield partial(load_raw, session)


def _settings(asked: Wanted, listing: Listing) -> EngineSettings:
    """For every engine. Spark leaves what it spills beside the Parquet: both hold statements."""
    athena = None
    if (setting := asked.setting.athena) is not None:
        athena = AthenaSettings(
            location=setting.curated,
            database=setting.database,
            workgroup=setting.workgroup,
            output=setting.output_location,
            role=None if asked.setting.role == "current" else asked.setting.role,
            external_id=asked.setting.external_id,
        )
    return EngineSettings(
        jobs=asked.jobs,
        spark_master=os.environ.get("SPARK_MASTER") or "local[*]",
        spark_small=sum(one.size for one in listing.objects) <= SMALL,
        spark={"spark.local.dir": str(asked.work.resolve())},
        athena=athena,
    )


def _one(run: Run, found: Evidence, output: Place) -> Made:
    """One cluster's report, written."""
    asked, begun = run.asked, time.monotonic()
    questions = asked.setting.to_questions()
    given = tables(found, asked.month, run.curated, questions, run.work)
    engine = open_engine(
        asked.engine, _settings(asked, run.listing), partial(upload, asked.setting)
    )
    try:
        document = make(
            engine, given, found, run.listing, SECTIONS, source=run.source, now=asked.now
        )
    finally:
        engine.close()
    document = replace(document, before=_before(output.before(document)))
    shown = document if asked.keeps_literals else redacted(document)
    seconds = time.monotonic() - begun
    place = output.put(shown, _told(asked, seconds), partial(_write_tables, run, found))
    titles = {one.name: one.title.lower() for one in HEADLINES}
    lines = (*summary(shown, titles), f"  report: {place}")
    unanswered = any(one.failed for one in shown.sections)
    return Made(shown.coverage.verdict, unanswered, lines)


def _write_tables(run: Run, found: Evidence, folder: Path) -> None:
    used = sorted(found.used(), key=lambda one: (one.stamp, one.log_type, one.key))
    files = {one.object.key: one.files for one in found.results}
    ends = [name for one in found.ends for name in one.files]
    write_tables(Curated(run.curated, used, files, ends), run.asked.month, folder)


def _before(content: bytes) -> dict[str, int]:
    """The headlines in last month's JSON, which anyone may have written."""
    try:
        written = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return dict(known(written.get("headlines"))) if isinstance(written, dict) else {}


def _told(asked: Wanted, seconds: float) -> dict[str, object]:
    """What differs from run to run."""
    return {
        "schema": "trailkeeper.report-run/1",
        "produced_at": f"{asked.now:%Y-%m-%dT%H:%M:%SZ}",
        "version": __version__,
        "engine": asked.engine,
        "literals": "keep" if asked.keeps_literals else "redact",
        "seconds": round(seconds, 3),
    }
