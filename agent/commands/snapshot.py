"""`trailkeeper snapshot`: the facts of one sweep as JSON, to be judged elsewhere or later."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from datetime import datetime, timedelta

from agent.loading import load
from agent.output import read_file, write_result
from agent.progress import shown_progress
from agent.stop import NO_VERDICT, WRONG_USE, StopError
from agent.sweep import look
from controls.model import Coverage, Snapshot
from controls.snapshot import SnapshotError, from_json, to_json

OLD = timedelta(hours=24)
"""What is older than this is judged with a warning: much may have changed since."""


def run(args: Namespace) -> int:
    """Sweep and print. 3 if a target could not be read wholly."""
    loaded = load(args)
    with shown_progress() as progress:
        looked = look(loaded, args, progress)
    write_result(json.dumps(to_json(looked.snapshot), indent=1), args.output)
    whole = all(target.status is Coverage.COMPLETE for target in looked.snapshot.targets)
    return 0 if whole else NO_VERDICT


def age_warning(taken_at: datetime, now: datetime) -> str:
    """That the snapshot is older than a day, as one line; empty if it is not."""
    age = now - taken_at
    if age <= OLD:
        return ""
    days = f"{age.days} day{'' if age.days == 1 else 's'}"
    date = taken_at.strftime("%Y-%m-%d")
    return f"this snapshot was taken {days} ago, on {date}: what follows is about then"


def warn_of_age(snapshot: Snapshot, now: datetime) -> str:
    """Says on stderr that the snapshot is old, if it is, and returns what was said."""
    warning = age_warning(snapshot.taken_at, now)
    if warning:
        print(f"trailkeeper: {warning}", file=sys.stderr)  # noqa: T201 - beside the result
    return warning


def read_snapshot(path: str) -> Snapshot:
    """The snapshot in a file. Raises StopError naming what is wrong with it."""
    text = read_file(path, "the snapshot")
    try:
        return from_json(json.loads(text))
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise StopError(WRONG_USE, f"{path} is not JSON: {error.msg} ({where})") from error
    except SnapshotError as error:
        raise StopError(WRONG_USE, f"{path}: {error}") from error
    except ValueError as error:  # a number of thousands of digits
        raise StopError(WRONG_USE, f"{path} is not JSON: {error}") from error
    except RecursionError as error:
        raise StopError(WRONG_USE, f"{path} is nested too deep to be a snapshot") from error
