"""`trailkeeper demo`: the agent on a simulated estate, where drift appears and heals."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from argparse import Namespace
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from agent.cli import build_parser
from agent.commands import check
from agent.commands.explain import explained
from agent.loading import load
from agent.stop import WRONG_USE, StopError
from agent.sweep import judge, look, look_with
from agent.verdict import exit_code
from controls.model import Finding, Report, Severity

if TYPE_CHECKING:
    from agent.daemon.run import Agent
    from agent.sandbox.server import Server

AGENT = """\

# Far shorter than anyone would want for real: so that drift shows within seconds.
intervals: {{full_seconds: 15, freshness_seconds: 5, spread_seconds: 0, reload_seconds: 2}}
state_directory: {state}
http: {{listen: "{listen}"}}
"""


def run(args: Namespace) -> int:
    """Start the estate, then the agent on it until Ctrl-C; with `--once`, check it once and end."""
    try:
        from agent.sandbox.server import start_server  # noqa: PLC0415 - an extra, and heavy
    except ImportError as error:
        raise StopError(
            WRONG_USE,
            f"the demo needs the extra `sandbox` ({error.name} is missing): "
            "pip install 'trailkeeper[sandbox]'",
        ) from error
    from agent.sandbox import estate, estate_remedy, estate_report  # noqa: PLC0415

    if args.once and args.remediate:
        raise StopError(WRONG_USE, "--once shows a remediation anyway: leave out one of them")
    try:
        server = start_server(port=args.port, seed="agent.sandbox.estate:seed")
    except RuntimeError as error:
        raise StopError(WRONG_USE, f"the simulated AWS does not start: {error}") from error
    with server, tempfile.TemporaryDirectory(prefix="trailkeeper-demo-") as folder:
        config = Path(folder) / "trailkeeper.yaml"
        state = Path(folder) / "state"
        running = AGENT.format(state=state, listen=args.listen)
        allowed = estate_remedy.without_costs() if args.remediate else estate.configuration()
        asks = "" if args.once else estate_report.configuration()
        config.write_text(allowed + asks + running, encoding="utf-8")
        for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN"):
            os.environ.pop(name, None)
        os.environ.update(_environment(server))
        if args.once:
            _say(_check_once(config, estate.WALKTHROUGH))
            config.write_text(estate_remedy.shown() + running, encoding="utf-8")
            _say(_put_right(config, estate_remedy.SHOWN))
            _report_of_a_month(Path(folder))
            return 0
        return _agent(server, config, state, remediate=args.remediate)


def _environment(server: Server) -> dict[str, str]:
    """What points any AWS tool at the estate, and keeps it from everything else."""
    from agent.sandbox.accounts import long_term_key  # noqa: PLC0415

    return {
        "AWS_ENDPOINT_URL": server.endpoint,
        "AWS_ACCESS_KEY_ID": long_term_key(server.account),
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


# ---------------------------------------------------------------- the agent


def _agent(server: Server, config: Path, state: Path, *, remediate: bool) -> int:
    """The agent itself, as it runs anywhere, while the estate drifts."""
    from agent.daemon.run import run as run_agent  # noqa: PLC0415
    from agent.sandbox import estate_report  # noqa: PLC0415
    from agent.sandbox.drift import STORY, play  # noqa: PLC0415
    from agent.sandbox.past import remember  # noqa: PLC0415

    now = datetime.now(UTC)
    remember(f"sqlite:///{state / 'trailkeeper.db'}", now)
    server.plant(estate_report.places(now))
    end = threading.Event()

    def drift(agent: Agent) -> None:
        threading.Thread(target=_plant_month, args=(server, now), name="month", daemon=True).start()
        _say(_invitation(agent.url, _environment(server), config, remediate=remediate))
        threading.Thread(
            target=play, args=(STORY, server, end.wait, _say), name="drift", daemon=True
        ).start()

    given = ["--config", str(config), *(["--remediate"] if remediate else [])]
    try:
        return run_agent(build_parser().parse_args(given), ready=drift)
    finally:
        end.set()


def _plant_month(server: Server, now: datetime) -> None:
    """Logs of last month that can be read: seconds of work that nobody should wait for."""
    from agent.sandbox.month import planted  # noqa: PLC0415

    try:
        for step in planted.steps(now):
            server.plant([step])
    except (OSError, RuntimeError) as error:
        if server.process.poll() is None:
            _say(f"last month's logs could not be made up: {error}")


def _invitation(
    url: str, environment: dict[str, str], config: Path, *, remediate: bool = False
) -> str:
    from agent.sandbox import estate_report  # noqa: PLC0415

    changes = f"\n  {url}/changes     what is put right, what is held and why"
    report = " ".join(estate_report.words(datetime.now(UTC)))
    exports = "\n".join(f"  export {name}={value}" for name, value in environment.items())
    return f"""\
The agent runs on a simulated estate of three accounts, sweeping every 15 seconds. The month before
is made up too, so that the pages have a past.

  {url}/            what fails now, what changed, the last 30 days
  {url}/findings    every finding, to filter and sort{changes if remediate else ""}
  {url}/metrics     for Prometheus

In another terminal, this points any AWS tool at the estate:

  unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN
{exports}
  trailkeeper --check --config {config}

and this says what last month's audit logs of one cluster hold (an attack, for example):

  trailkeeper {report} --config {config} --output report

Drift appears and heals from now on; Ctrl-C ends it.
"""


# ---------------------------------------------------------------- one check


def _check_once(config: Path, walkthrough: tuple[tuple[str, str], ...]) -> str:
    """The check's own output and exit code, and the findings of the walkthrough explained."""
    args = build_parser().parse_args(["--check", "--config", str(config)])
    loaded = load(args)
    looked = look(loaded, args, lambda what, done, total: None)
    report = judge(looked.snapshot, loaded)
    code = exit_code(report, fail_on=Severity.LOW)
    rules = {rule.id: rule for rule in loaded.rules}
    told = [
        f"$ trailkeeper explain {rule} {resource}\n\n{explained(rules[rule], finding)}\n"
        for rule, resource in walkthrough
        for finding in report.findings
        if (finding.rule, finding.ref.name) == (rule, resource)
    ]
    output = "".join(check.rendered(report, args, looked.not_looked_at, check.rule_files(loaded)))
    calls = sum(looked.calls.values())
    return "\n".join(
        [
            "$ trailkeeper --check",
            "",
            output,
            f"exit code {code}: {_meaning(code, report)} ({calls} AWS calls)",
            "",
            *told,
        ]
    )


# ---------------------------------------------------------------- from drift to proof


def _put_right(config: Path, findings: tuple[tuple[str, str], ...]) -> str:
    """The plan for a few findings, what came of it, and what a look after it says of them."""
    from agent.commands import remediate  # noqa: PLC0415 - the store and what goes with it
    from agent.remedy import shown  # noqa: PLC0415
    from agent.remedy.rounds import plan_round, run_until_settled  # noqa: PLC0415

    rules = [word for rule, _ in findings for word in ("--rule", rule)]
    args = build_parser().parse_args(["--check", "--remediate", *rules, "--config", str(config)])
    loaded = load(args)
    with ExitStack() as end:
        around = remediate.surroundings(loaded, args, end, remediate.open_books(loaded, end))

        def report() -> Report:
            looked = look_with(around.read, loaded, args, lambda what, done, total: None)
            return judge(looked.snapshot, loaded)

        steps = plan_round(report().findings, loaded, around).steps
        after, results = run_until_settled(report, loaded, around, datetime.now(UTC))
    what = " ".join(rules)
    return "\n".join(
        [
            "From here on the configuration allows two fixes, and consents to what one of them",
            "deletes in one bucket.",
            "",
            f"$ trailkeeper --remediate --dry-run {what}",
            "",
            _without_bodies(shown.plan_text(steps)),
            f"$ trailkeeper --check --remediate {what}",
            "",
            shown.results_text(results),
            "and the look after that says",
            "",
            *(_in_short(one) for one in after.findings if (one.rule, one.ref.name) in findings),
            "",
        ]
    )


# ---------------------------------------------------------------- what the logs say

SHORT = 0.1
"""Of the generated month: enough for everything that is planted in it, and read in seconds."""


def _report_of_a_month(folder: Path) -> None:
    """The monthly report over made-up logs; where its extra is missing, how to get it."""
    from agent.commands import report  # noqa: PLC0415 - only this one wants it
    from agent.sandbox.estate_report import questions  # noqa: PLC0415
    from agent.sandbox.month import generate  # noqa: PLC0415
    from agent.sandbox.month.planted import last_month  # noqa: PLC0415

    month = last_month(datetime.now(UTC))
    generate(month, folder / "logs", scale=SHORT)
    config = folder / "report.yaml"
    config.write_text(questions(), encoding="utf-8")
    # The one thing that stays: it is there to be looked at.
    out = tempfile.mkdtemp(prefix="trailkeeper-demo-report-")
    words = ["report", "--month", str(month), "--source", str(folder / "logs")]
    words += ["--output", out, "--work", str(folder / "auditlog"), "--config", str(config)]
    _say(f"And a month of made-up audit logs.\n\n$ trailkeeper {' '.join(words[:3])} …\n")
    try:
        code = report.run(build_parser().parse_args(words))
    except StopError as stop:
        _say(f"  {stop.message}")
        return
    _say(f"exit code {code}: the month's logs have gaps and damage, as planted")


def _in_short(finding: Finding) -> str:
    said = f"{finding.status.value}  {finding.rule}  {finding.ref.name}"
    return f"  {said}\n        {finding.because}"


def _without_bodies(plan: str) -> str:
    """The plan without the parameters of the calls: the diffs show what matters of them."""
    lines = [line for line in plan.splitlines() if not re.match(r" {12}[\s{}]", line)]
    return "\n".join([*lines, "    (the parameters of each call are left out here)", ""])


def _meaning(code: int, report: Report) -> str:
    failed = sum(1 for finding in report.findings if finding.status == "fail")
    return f"{failed} findings fail, as planted" if code == 1 else "see the findings above"


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
