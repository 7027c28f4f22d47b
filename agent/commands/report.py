"""`trailkeeper report`: what a month's audit logs say, cluster by cluster, into files."""

from __future__ import annotations

import os
from argparse import Namespace
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from agent.config import Settings
from agent.config_report import ReportSetting
from agent.daemon.files import state_directory
from agent.loading import settings_of
from agent.output import printable, write_result
from agent.report.model import Completeness, Month
from agent.stop import NO_VERDICT, WRONG_USE, StopError

NEEDED = {
    "duckdb": (),
    "athena": ("pyathena",),
    "spark": ("pyspark",),
}
"""What an engine needs beyond what every report does."""

MOST_JOBS = 256


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for, from options and settings: checked, and nothing looked at yet."""

    month: Month
    sources: tuple[str, ...]
    clusters: tuple[str, ...]
    output: str
    work: Path
    engine: str
    jobs: int
    keeps_literals: bool
    setting: ReportSetting
    now: datetime


def run(args: Namespace) -> int:
    """Make and write the reports. 3 if a month is not complete or a section has no answer."""
    asked = wanted(args, settings_of(args), datetime.now(UTC))
    _needs_extras(asked.engine)
    from agent.report.running import reports  # noqa: PLC0415 - what it imports is an extra

    made = reports(asked)
    text = "\n".join(printable(line) for one in made for line in (*one.lines, ""))
    nothing = f"No audit log of {asked.month} in {', '.join(asked.sources)}."
    write_result(text or printable(nothing), None)
    complete = [one.verdict is Completeness.COMPLETE for one in made]
    if made and any(one.unanswered for one in made):
        return NO_VERDICT
    return 0 if args.allow_incomplete or (made and all(complete)) else NO_VERDICT


def wanted(args: Namespace, settings: Settings, now: datetime) -> Wanted:
    """What the options and settings ask for. Raises StopError for what cannot be."""
    setting = settings.report
    month = _month(args.month, now)
    sources = tuple(dict.fromkeys(args.sources or setting.sources))
    if not sources:
        raise StopError(
            WRONG_USE, "no source: name one with --source s3://bucket/prefix/ or --source DIR"
        )
    output = args.output or setting.destination
    if not output:
        raise StopError(WRONG_USE, "no output: name a folder or s3://… with --output")
    for place in (*sources, output):
        _refuse_place(place)
    if args.engine == "athena" and setting.athena is None:
        raise StopError(
            WRONG_USE, "--engine athena needs report.athena: database, output_location, curated"
        )
    if args.jobs is not None and not 1 <= args.jobs <= MOST_JOBS:
        raise StopError(WRONG_USE, f"--jobs is {args.jobs}, should be 1 to {MOST_JOBS}")
    if args.jobs is not None and args.engine == "spark":
        raise StopError(WRONG_USE, "--jobs says nothing to spark: its executors read the logs")
    work = Path(args.work) if args.work else setting.work_directory
    return Wanted(
        month,
        sources,
        tuple(dict.fromkeys(args.clusters or ())),
        output,
        work or state_directory(settings, os.environ) / "auditlog",
        args.engine,
        args.jobs or len(os.sched_getaffinity(0)),
        args.literals == "keep",
        setting,
        now,
    )


def _month(text: str, now: datetime) -> Month:
    if text == "last":
        return Month(now.year, now.month).shifted(-1)
    try:
        month = Month.parse(text)
    except ValueError as error:
        message = f"--month {text!r} is no month: write YYYY-MM such as 2026-10, or last"
        raise StopError(WRONG_USE, message) from error
    if month.start > now:
        raise StopError(WRONG_USE, f"--month {month} has not begun: it is {now:%Y-%m} now (UTC)")
    return month


def _refuse_place(place: str) -> None:
    """A URL of something else would be taken for a folder."""
    try:
        ReportSetting(destination=place)
    except ValueError as error:
        message = f"{place!r} is neither s3://bucket/prefix/ nor a folder"
        raise StopError(WRONG_USE, message) from error


def _needs_extras(engine: str) -> None:
    missing = [name for name in ("duckdb", "pyarrow", "isal") if find_spec(name) is None]
    other = [name for name in NEEDED[engine] if find_spec(name) is None]
    if missing or other:
        extra = engine if other else "report"
        raise StopError(
            WRONG_USE,
            f"the report needs {', '.join([*missing, *other])}, which is not installed: "
            f"pip install 'trailkeeper[{extra}]'",
        )
