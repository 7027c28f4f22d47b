"""The command line: parses arguments, calls one command, turns what went wrong into exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from agent import __version__
from agent.report import options
from agent.stop import INTERNAL, WRONG_USE, StopError

FORMATS = ("text", "json", "sarif", "junit")
SEVERITIES = ("low", "medium", "high", "critical")

EPILOG = """\
exit codes:
  0  all that was asked was seen, and nothing at or above --fail-on fails
  1  something fails
  2  wrong use, configuration or rules; no credentials, profile or region at all
  3  no verdict: nothing fails, but something could not be seen, or there was nothing to judge
  4  an error inside Trailkeeper

without --check and COMMAND: the agent. It sweeps on schedule, serves metrics and pages, and keeps
history, until SIGTERM or Ctrl-C; SIGHUP or a changed file makes it take its configuration anew.

first steps:
  trailkeeper demo                       a simulated estate with planted drift; no account needed
  trailkeeper iam                        the IAM policy that a check needs
  trailkeeper --check --region eu-west-1
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code. Never a traceback for a person to read."""
    parser = build_parser()
    args = parser.parse_args(argv)
    try:
        return _run(parser, args)
    except StopError as stop:
        print(f"trailkeeper: {stop.message}", file=sys.stderr)  # noqa: T201 - the one message
        return stop.code
    except KeyboardInterrupt:
        print("trailkeeper: interrupted", file=sys.stderr)  # noqa: T201 - the one message
        return 130
    except Exception as error:  # noqa: BLE001 - the outermost edge: exit code 4, never a traceback
        return _internal(error)


def _run(parser: argparse.ArgumentParser, args: argparse.Namespace) -> int:
    command = args.command or _bare(parser, args)
    if args.check and args.command:
        parser.error(f"--check and {args.command} are two commands: choose one")
    _refuse_what_does_nothing(parser, args, command)
    if command not in _WITHOUT_LOGS:
        _log_to_stderr()
    # Plugins of whatever else is installed have no business here; looking for them costs 50 ms.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    module = import_module(f"agent.commands.{command}")
    code: int = module.run(args)
    return code


def _bare(parser: argparse.ArgumentParser, args: argparse.Namespace) -> str:
    """What runs without the name of a command."""
    if (args.dry_run or args.apply_plan) and not args.remediate:
        option = "--dry-run" if args.dry_run else "--apply-plan"
        parser.error(f"{option} goes with --remediate")
    if args.dry_run and args.apply_plan:
        parser.error("--dry-run makes a plan, --apply-plan carries one out: choose one")
    if args.remediate and args.snapshot:
        parser.error("--remediate acts on what is so now; a snapshot tells what was")
    once = args.check or args.dry_run or args.apply_plan
    if args.remediate and once:
        return "remediate"
    return "check" if args.check else "agent"


_WITHOUT_LOGS = ("rules", "iam")
"""Commands that ask nothing of AWS: they have nothing to log, and should not wait for structlog."""

_ONLY_FOR = {
    "format": ("check", "remediate"),
    "all": ("check", "remediate"),
    "fail_on": ("check", "remediate"),
    "allow_unknown": ("check", "remediate"),
    "allow_empty": ("check", "remediate"),
    "remediate": ("agent", "remediate", "iam", "demo"),
    "dry_run": ("remediate",),
    "apply_plan": ("remediate",),
    "snapshot": ("check", "explain"),
}
"""The options before the command that only these commands heed."""

_SCOPE = {
    "config": "--config",
    "rule_dirs": "--rules",
    "only_rules": "--rule",
    "accounts": "--account",
    "regions": "--region",
}


def _refuse_what_does_nothing(
    parser: argparse.ArgumentParser, args: argparse.Namespace, command: str
) -> None:
    """An option that would be ignored is an error: who gave it relies on it."""
    for name, commands in _ONLY_FOR.items():
        if command not in commands and getattr(args, name) != parser.get_default(name):
            option = "--" + name.replace("_", "-")
            parser.error(f"{option} says nothing to {command}: it is for {_for(commands)}")
    given = [option for name, option in _SCOPE.items() if getattr(args, name)]
    if command == "demo" and (given or args.output):
        parser.error(f"{(given or ['--output'])[0]} says nothing to demo: it brings its own")
    refused = [option for option in given if option != "--config"]
    if command == "report" and refused:
        parser.error(f"{refused[0]} says nothing to report: it reads logs, and judges no rule")
    if command == "agent" and args.output:
        parser.error("--output says nothing to the agent: it serves what it finds (see http)")
    if args.snapshot and (args.accounts or args.regions):
        parser.error("--account and --region choose where to look; a snapshot is judged whole")


def _for(commands: Sequence[str]) -> str:
    """What an option goes with, as it is written."""
    written = {"agent": "the agent", "check": "--check", "remediate": "--remediate"}
    return " or ".join(written.get(one, one) for one in commands)


def _internal(error: Exception) -> int:
    """Say that it is our mistake, with what a report of it needs."""
    import traceback  # noqa: PLC0415 - only when something broke

    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{os.path.basename(last.filename)}:{last.lineno}"
    print(  # noqa: T201 - the one message
        f"trailkeeper: an error inside Trailkeeper {__version__} at {where}: "
        f"{type(error).__name__}: {error}. Please report it; TRAILKEEPER_DEBUG=1 shows more.",
        file=sys.stderr,
    )
    if os.environ.get("TRAILKEEPER_DEBUG"):
        traceback.print_exception(error)
    return INTERNAL


def _log_to_stderr() -> None:
    """Logs go to stderr: console on a terminal, JSON elsewhere. Results alone go to stdout."""
    from agent.logs import configure  # noqa: PLC0415 - structlog costs what --help must not pay

    configure()


class _Parser(argparse.ArgumentParser):
    """argparse whose errors are one line and end with exit code 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(WRONG_USE, f"{self.prog}: {message} (see {self.prog} --help)\n")


def build_parser() -> argparse.ArgumentParser:
    """The whole command line. Builds nothing else and imports nothing heavy."""
    parser = _Parser(
        prog="trailkeeper",
        description="Keeps Amazon Redshift audit trails kept: judges live AWS state by rules.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"trailkeeper {__version__}")
    parser.add_argument("--check", action="store_true", help="one sweep; findings on stdout")
    _add_scope(parser)
    _add_check(parser)
    _add_remediate(parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    for add in (
        _add_snapshot,
        _add_rules,
        _add_explain,
        _add_undo,
        _add_iam,
        _add_doctor,
        _add_demo,
    ):
        add(commands)
    options.add_options(commands.add_parser)
    return parser


def _add_scope(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """What is looked at, and by which rules. `again`: on a subcommand, after the main options."""

    def default(value: object) -> object:
        # A subcommand's own default must not overwrite what stood before the command.
        return argparse.SUPPRESS if again else value

    scope = parser.add_argument_group("what is judged")
    scope.add_argument("--config", metavar="FILE", default=default(None), help="the YAML file")
    scope.add_argument(
        "--rules",
        metavar="DIR",
        action="append",
        dest="rule_dirs",
        default=default(None),
        help="a folder of rules of your own, beside the shipped pack (repeatable)",
    )
    scope.add_argument(
        "--rule",
        metavar="ID",
        action="append",
        dest="only_rules",
        default=default(None),
        help="only this rule (repeatable)",
    )
    scope.add_argument(
        "--account",
        metavar="ID",
        action="append",
        dest="accounts",
        default=default(None),
        help="only this account among the targets (repeatable)",
    )
    scope.add_argument(
        "--region",
        metavar="NAME",
        action="append",
        dest="regions",
        default=default(None),
        help="this region, or `all` for every enabled one (repeatable)",
    )


def _add_check(parser: argparse.ArgumentParser) -> None:
    check = parser.add_argument_group("--check")
    check.add_argument("--format", choices=FORMATS, default="text", help="default: text")
    check.add_argument("--output", metavar="FILE", help="write the result there, not to stdout")
    check.add_argument("--all", action="store_true", help="text: show passes and the rest as well")
    check.add_argument(
        "--fail-on",
        metavar="SEVERITY",
        choices=SEVERITIES,
        default="low",
        help=f"the lowest severity that counts: {', '.join(SEVERITIES)} (default: low)",
    )
    check.add_argument(
        "--allow-unknown", action="store_true", help="unknown findings do not end with exit code 3"
    )
    check.add_argument(
        "--allow-empty", action="store_true", help="nothing to judge does not end with exit code 3"
    )
    check.add_argument(
        "--snapshot", metavar="FILE", help="judge this snapshot instead of looking at AWS"
    )


def _add_remediate(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("remediation")
    group.add_argument(
        "--remediate",
        action="store_true",
        help="put right what the configuration allows: on and on, or once with --check",
    )
    group.add_argument(
        "--dry-run", action="store_true", help="with --remediate: print the plan, change nothing"
    )
    group.add_argument(
        "--apply-plan",
        metavar="FILE",
        help="with --remediate: carry out a plan (--dry-run --format json), exactly as it stands",
    )


Commands = argparse._SubParsersAction


def _add_snapshot(commands: Commands[_Parser]) -> None:
    command = commands.add_parser("snapshot", help="the facts of one sweep as JSON")
    _add_scope(command, again=True)
    command.add_argument(
        "--output", metavar="FILE", default=argparse.SUPPRESS, help="write there, not to stdout"
    )


def _add_rules(commands: Commands[_Parser]) -> None:
    command = commands.add_parser("rules", help="the catalogue of rules; their examples run")
    actions = command.add_subparsers(
        dest="action", metavar="ACTION", required=True, parser_class=_Parser
    )
    for name, text in (
        ("list", "each rule in one line"),
        ("show", "one rule as it is written, with the facts it reads"),
        ("test", "load every rule and run its examples"),
        ("docs", "the catalogue in Markdown"),
    ):
        action = actions.add_parser(name, help=text)
        _add_scope(action, again=True)
        if name == "show":
            action.add_argument("rule", metavar="RULE")


def _add_explain(commands: Commands[_Parser]) -> None:
    command = commands.add_parser(
        "explain", help="one verdict: the condition, each fact, where and when it was read"
    )
    command.add_argument("rule", metavar="RULE")
    command.add_argument("resource", metavar="RESOURCE", help="as a finding names it")
    command.add_argument(
        "--snapshot", metavar="FILE", default=argparse.SUPPRESS, help="explain from this snapshot"
    )
    _add_scope(command, again=True)


def _add_undo(commands: Commands[_Parser]) -> None:
    command = commands.add_parser(
        "undo", help="put back what a change replaced, if it is still ours to put back"
    )
    command.add_argument("change", metavar="CHANGE", help="its id, as the log and /changes name it")
    _add_scope(command, again=True)


def _add_iam(commands: Commands[_Parser]) -> None:
    command = commands.add_parser(
        "iam", help="the least-privilege IAM policy for the rules in use, generated"
    )
    command.add_argument(
        "--remediate",
        action="store_true",
        default=argparse.SUPPRESS,
        help="the policy of the role that changes things, for the fixes that are allowed",
    )
    command.add_argument(
        "--report",
        action="store_true",
        help="the policy of the job that makes the monthly report",
    )
    _add_scope(command, again=True)


def _add_doctor(commands: Commands[_Parser]) -> None:
    command = commands.add_parser(
        "doctor", help="credentials, regions, permissions, clock: what works and what to do"
    )
    _add_scope(command, again=True)


def _add_demo(commands: Commands[_Parser]) -> None:
    command = commands.add_parser(
        "demo", help="the agent on a simulated estate where drift appears and heals; until Ctrl-C"
    )
    command.add_argument(
        "--once",
        action="store_true",
        help="check the estate, put two findings right, and end: no agent",
    )
    command.add_argument(
        "--remediate",
        action="store_true",
        default=argparse.SUPPRESS,
        help="the agent puts right what costs nothing; without it it observes",
    )
    command.add_argument(
        "--listen",
        metavar="HOST:PORT",
        default="127.0.0.1:9712",
        help="the agent serves there (default: 127.0.0.1:9712; port 0: any free one)",
    )
    command.add_argument(
        "--port", type=int, default=0, help="the simulated AWS listens here (default: any free)"
    )
