"""`trailkeeper --check`: one sweep, findings on stdout, an exit code to rely on."""

from __future__ import annotations

import os
import shutil
import sys
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import PurePath

from agent.commands.snapshot import read_snapshot, warn_of_age
from agent.formats import as_json, junit, sarif, text
from agent.loading import Loaded, load
from agent.output import write_result
from agent.progress import shown_progress
from agent.stop import WRONG_USE, StopError
from agent.sweep import judge, look
from agent.verdict import exit_code
from controls.model import Report, Severity


def run(args: Namespace, now: datetime | None = None) -> int:
    """Look (or read a snapshot), judge, print, and say by the exit code what was found.

    `now` is what the age of a snapshot is told by; the machine's time if nobody hands one in.
    """
    loaded = load(args)
    refuse_what_cannot_fail(loaded, Severity(args.fail_on))
    unseen: Sequence[str] = ()
    caution = ""
    if args.snapshot:
        snapshot = read_snapshot(args.snapshot)
        caution = warn_of_age(snapshot, now or datetime.now(UTC))
    else:
        with shown_progress() as progress:
            looked = look(loaded, args, progress)
        snapshot, unseen = looked.snapshot, looked.not_looked_at
    report = judge(snapshot, loaded)
    write_result(rendered(report, args, unseen, rule_files(loaded), caution), args.output)
    return exit_code(
        report,
        fail_on=Severity(args.fail_on),
        allow_unknown=args.allow_unknown,
        allow_empty=args.allow_empty,
    )


def refuse_what_cannot_fail(loaded: Loaded, fail_on: Severity) -> None:
    """A check that no rule can fail would be a green light without a wire."""
    if all(rule.severity.rank < fail_on.rank for rule in loaded.rules):
        raise StopError(
            WRONG_USE,
            f"no rule in use is of severity {fail_on.value} or above: with --fail-on "
            f"{fail_on.value} this check could never fail",
        )


def rendered(
    report: Report,
    args: Namespace,
    not_looked_at: Sequence[str],
    files: Mapping[str, str],
    caution: str = "",
) -> str | Iterable[str]:
    """The report in the format that was asked for; JSON, which may be large, in pieces."""
    match args.format:
        case "json":
            return as_json.lines(report)
        case "sarif":
            return sarif.render(
                report, show_all=args.all, rule_files=files, allow_empty=args.allow_empty
            )
        case "junit":
            return junit.render(report, allow_empty=args.allow_empty)
        case _:
            terminal = args.output is None and sys.stdout.isatty()
            return text.render(
                report,
                show_all=args.all,
                not_looked_at=not_looked_at,
                caution=caution,
                width=shutil.get_terminal_size().columns if terminal else None,
                color=terminal and "NO_COLOR" not in os.environ,
            )


def rule_files(loaded: Loaded) -> dict[str, str]:
    """Each rule's file as it is seen from a repository: results of SARIF stand at a file.

    Rules from outside the directory at hand, the installed pack among them, stand where a
    repository would keep them.
    """
    return {
        rule.id: f"rules/{rule.pack}/{rule.id}.yaml"
        if PurePath(rule.path).is_absolute()
        else PurePath(rule.path).as_posix()
        for rule in loaded.rules
    }
