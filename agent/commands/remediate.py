"""`trailkeeper --check --remediate`, `--remediate --dry-run` and `--apply-plan`: one pass."""

from __future__ import annotations

import json
import os
import sys
import threading
from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from agent import __version__
from agent.aws.hands import FIXER, PLANNER
from agent.commands.check import refuse_what_cannot_fail, rendered, rule_files
from agent.daemon.files import read_files
from agent.formats import as_json
from agent.loading import Loaded, load, refuse_what_may_do_nothing
from agent.output import printable, read_file, write_result
from agent.progress import shown_progress
from agent.remedy import shown
from agent.remedy.acting import Result
from agent.remedy.plan_file import PlanError, read_plan, taken_up
from agent.remedy.rounds import (
    Books,
    Surroundings,
    carry_out,
    hands_of,
    plan_round,
    recover_open,
    run_until_settled,
)
from agent.remedy.unkept import NoBooks
from agent.stop import NO_VERDICT, WRONG_USE, StopError
from agent.store.keeper import Keeper
from agent.store.opening import open_store
from agent.store.records import StoreError, StoreRefusedError
from agent.sweep import Looked, judge, look_with, open_aws
from agent.verdict import exit_code
from controls.model import Report, Severity


def run(args: Namespace) -> int:
    """Plan or act, then say what was found by a look that came after. Exit code of that look."""
    loaded = load(args)
    refuse_what_cannot_fail(loaded, Severity(args.fail_on))
    if not args.dry_run:
        refuse_what_may_do_nothing(loaded)
    try:
        with ExitStack() as undo:
            if args.dry_run:
                return _plan(loaded, args, undo)
            return _act(loaded, args, undo)
    except StoreError as error:
        raise StopError(
            NO_VERDICT, f"nothing is changed without a journal that lasts: {error}"
        ) from error


# ---------------------------------------------------------------- plan


def _plan(loaded: Loaded, args: Namespace, undo: ExitStack) -> int:
    around = surroundings(loaded, args, undo, _books_to_read(loaded, undo))
    report = judge(_look(loaded, args, around).snapshot, loaded)
    steps = plan_round(report.findings, loaded, around).steps
    if args.format == "json":
        document = shown.plan_json(steps, __version__, report.taken_at)
        write_result(json.dumps(document, indent=1), args.output)
    else:
        write_result(printable(shown.plan_text(steps)), args.output)
    return _code(report, args)


def _books_to_read(loaded: Loaded, undo: ExitStack) -> Books:
    """The journal beside an agent that may be running; none where there is none yet."""
    url = read_files(loaded.settings, os.environ).store
    try:
        store = open_store(url, lock=False)
    except (StoreError, StoreRefusedError):
        return NoBooks()
    undo.callback(store.close)
    return NoBooks(store)


# ---------------------------------------------------------------- act


def _act(loaded: Loaded, args: Namespace, undo: ExitStack) -> int:
    around = surroundings(loaded, args, undo, open_books(loaded, undo))
    began = around.read.utc()
    recover_open(loaded, around)
    looks: list[Looked] = []

    def look() -> Report:
        looks[:] = [_look(loaded, args, around)]
        return judge(looks[0].snapshot, loaded)

    if args.apply_plan:
        results = _applied(loaded, args, around)
        after = look()
    else:
        after, results = run_until_settled(look, loaded, around, began)
    _write(results, after, looks[0], loaded, args)
    return _code(after, args)


def open_books(loaded: Loaded, undo: ExitStack) -> Keeper:
    """The journal, for us alone. Raises StopError: in use by an agent, or not to be used."""
    url = read_files(loaded.settings, os.environ).store
    keeper = Keeper(url, history_days=loaded.settings.store.history_days)
    undo.callback(keeper.close)
    try:
        keeper.open()
    except StoreRefusedError as refused:
        raise StopError(WRONG_USE, f"the store cannot be used: {refused}") from refused
    if not keeper.up:
        raise StoreError(keeper.problem)
    return keeper


def _applied(loaded: Loaded, args: Namespace, around: Surroundings) -> tuple[Result, ...]:
    """The steps of a plan that somebody has read; each only as it was planned."""
    try:
        planned = read_plan(read_file(args.apply_plan, "the plan"))
    except PlanError as error:
        raise StopError(WRONG_USE, f"{args.apply_plan}: {error}") from error
    hands = hands_of(loaded, around, around.read.utc())
    return carry_out(taken_up(planned, loaded, around), hands, around, exactly=True)


def _write(
    results: Sequence[Result], report: Report, looked: Looked, loaded: Loaded, args: Namespace
) -> None:
    """What was done, then what is so now."""
    left = shown.left_text(report.findings, results)
    done = printable(shown.results_text(results) + left)
    if args.format == "json":
        changes = [shown.result_json(result) for result in results]
        write_result(as_json.lines(report, changes), args.output)
        return
    found = rendered(report, args, looked.not_looked_at, rule_files(loaded))
    if args.format != "text":
        sys.stderr.write(done)
        write_result(found, args.output)
        return
    write_result(_joined(done, found), args.output)


def _joined(done: str, found: str | Iterable[str]) -> Iterator[str]:
    yield done + "\n"
    yield from [found] if isinstance(found, str) else found


# ---------------------------------------------------------------- both


@dataclass(frozen=True, slots=True)
class _Doors:
    """Both, closed at the end."""

    read: Any
    write: Any


@contextmanager
def _doors(loaded: Loaded) -> Iterator[_Doors]:
    stop = threading.Event()
    read = open_aws(loaded.settings, stop, hand=PLANNER)
    write = open_aws(loaded.settings, stop, hand=FIXER)
    try:
        yield _Doors(read, write)
    finally:
        stop.set()
        read.close()
        write.close()


def surroundings(loaded: Loaded, args: Namespace, undo: ExitStack, books: Books) -> Surroundings:
    """What a round is handed. The doors are closed by `undo`."""
    doors = undo.enter_context(_doors(loaded))
    return Surroundings(
        read=doors.read, write=doors.write, args=args, books=books, wait=threading.Event().wait
    )


def _look(loaded: Loaded, args: Namespace, around: Surroundings) -> Looked:
    with shown_progress() as progress:
        return look_with(around.read, loaded, args, progress)


def _code(report: Report, args: Namespace) -> int:
    return exit_code(
        report,
        fail_on=Severity(args.fail_on),
        allow_unknown=args.allow_unknown,
        allow_empty=args.allow_empty,
    )
