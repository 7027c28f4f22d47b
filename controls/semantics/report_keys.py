"""Where monthly reports lie, and what their keys say: the report's side and the agent's agree."""

from __future__ import annotations

from datetime import datetime, timedelta

from controls.semantics.log_keys import normalise_prefix

VERDICTS = ("complete", "incomplete", "running", "empty")
"""Whether the month's logs were all there, the best first."""

_MARK = "verdict-"


def month_before(now: datetime) -> str:
    """The month before that of `now`, `YYYY-MM`."""
    return f"{now.replace(day=1) - timedelta(days=1):%Y-%m}"


def report_folder(prefix: str, month: str, account: str, region: str, cluster: str) -> str:
    """What the keys of one report start with: `[prefix/]YYYY-MM/<account>_<region>_<cluster>/`."""
    return f"{normalise_prefix(prefix)}{month}/{account}_{region}_{cluster}/"


def verdict_name(verdict: str) -> str:
    """The file that carries the verdict in its name, for those who may list and not read."""
    return f"{_MARK}{verdict}"


def verdict_of(name: str) -> str | None:
    """The verdict that a file's name carries; None for every other file."""
    verdict = name.removeprefix(_MARK)
    return verdict if name.startswith(_MARK) and verdict in VERDICTS else None
