"""`trailkeeper demo`: a simulated estate with planted drift, checked once, then left running."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from agent.cli import build_parser
from agent.commands import check
from agent.commands.explain import explained
from agent.loading import load
from agent.stop import WRONG_USE, StopError
from agent.sweep import judge, look
from agent.verdict import exit_code
from controls.model import Report, Severity

if TYPE_CHECKING:
    from agent.sandbox.server import Server


def run(args: Namespace) -> int:
    """Start the estate, check it, explain two findings; serve on until Ctrl-C unless `--once`."""
    try:
        from agent.sandbox.server import start_server  # noqa: PLC0415 - an extra, and heavy
    except ImportError as error:
        raise StopError(
            WRONG_USE,
            f"the demo needs the extra `sandbox` ({error.name} is missing): "
            "pip install 'trailkeeper[sandbox]'",
        ) from error
    from agent.sandbox import estate  # noqa: PLC0415

    try:
        server = start_server(port=args.port, seed="agent.sandbox.estate:seed")
    except RuntimeError as error:
        raise StopError(WRONG_USE, f"the simulated AWS does not start: {error}") from error
    with server, tempfile.TemporaryDirectory(prefix="trailkeeper-demo-") as folder:
        config = Path(folder) / "trailkeeper.yaml"
        config.write_text(estate.configuration(), encoding="utf-8")
        environment = _environment(server)
        for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN"):
            os.environ.pop(name, None)
        os.environ.update(environment)
        _say(_check_once(config, estate.WALKTHROUGH))
        if not args.once:
            _say(_invitation(environment, config))
            _until_interrupted()
    return 0


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


def _meaning(code: int, report: Report) -> str:
    failed = sum(1 for finding in report.findings if finding.status == "fail")
    return f"{failed} findings fail, as planted" if code == 1 else "see the findings above"


def _invitation(environment: dict[str, str], config: Path) -> str:
    exports = "\n".join(f"export {name}={value}" for name, value in environment.items())
    return (
        "The estate keeps running. In another terminal, this points any AWS tool at it:\n\n"
        f"unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN\n{exports}\n\n"
        f"trailkeeper --check --config {config}\n"
        "aws redshift describe-clusters\n\nCtrl-C ends it."
    )


def _until_interrupted() -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
