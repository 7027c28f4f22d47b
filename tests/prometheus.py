"""The real Prometheus and Alertmanager, where they are installed, and a webhook that they call."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml

T = TypeVar("T")

NAMES = {"alertmanager": "prometheus-alertmanager"}
"""What Debian calls otherwise."""

RULES = Path(__file__).resolve().parents[1] / "deploy" / "prometheus" / "rules.yml"

JOB = "whatever-you-call-it"
"""Nothing may hang on the name of the job."""

PATIENCE = 60.0
"""Seconds within which anything comes to pass: Prometheus's discovery alone takes five."""


def tool(name: str) -> str:
    """The path of `prometheus`, `promtool`, `alertmanager` or `amtool`.

    Without it the test is skipped, and in CI, where nothing may be skipped, it fails.
    """
    for known in (NAMES.get(name, name), name):
        if path := shutil.which(known):
            return path
    missing = f"{name} is not installed: apt-get install prometheus prometheus-alertmanager"
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


def until(look: Callable[[], T], what: str, seconds: float = PATIENCE) -> T:
    """What `look` returns once it is true; fails after so many seconds, saying `what` was awaited.

    An `OSError` of `look` (nothing listens yet) counts as not yet.
    """
    deadline = time.monotonic() + seconds
    last: object = None
    while time.monotonic() < deadline:
        try:
            if found := look():
                return found
            last = found
        except OSError as error:
            last = error
        time.sleep(0.1)
    pytest.fail(f"not within {seconds:.0f} s: {what} (last: {last!r})")


def shortened(rules: Path, folder: Path, pending: str = "2s", held: str = "3s") -> Path:
    """A copy of the rules for a live test: every `for` is `pending`, `keep_firing_for` is `held`.

    Nothing else differs: the conditions are those that are shipped.
    """
    text = yaml.safe_load(rules.read_text(encoding="utf-8"))
    for rule in (rule for group in text["groups"] for rule in group["rules"]):
        rule.update({key: pending for key in ("for",) if key in rule})
        rule.update({key: held for key in ("keep_firing_for",) if key in rule})
    copy = folder / "shortened-rules.yml"
    head = f"# A copy of {rules.name}: for is {pending} and keep_firing_for {held} throughout.\n"
    copy.write_text(head + yaml.safe_dump(text, sort_keys=False), encoding="utf-8")
    return copy


@dataclass(frozen=True, slots=True)
class Sample:
    """One series of an answer, with its value."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running Prometheus."""

    url: str

    def query(self, expr: str) -> list[Sample]:
        """An instant query. Fails the test with Prometheus's own words where it is refused."""
        answer = self._get("query", {"query": expr})
        if answer["resultType"] != "vector":
            return [Sample({}, float(answer["result"][1]))]
        return [Sample(one["metric"], float(one["value"][1])) for one in answer["result"]]

    def series(self, selector: str) -> list[dict[str, str]]:
        """The label sets of all series that a selector matches."""
        found: list[dict[str, str]] = self._get("series", {"match[]": selector})
        return found

    def label_values(self, label: str, selector: str) -> list[str]:
        """What a variable of a dashboard offers: `label_values(selector, label)`."""
        found: list[str] = self._get(f"label/{label}/values", {"match[]": selector})
        return found

    def alerts(self, state: str = "firing") -> list[dict[str, Any]]:
        """The alerts in that state, each with labels and annotations."""
        found = self._get("alerts", {})["alerts"]
        return [alert for alert in found if alert["state"] == state]

    def _get(self, path: str, params: Mapping[str, str]) -> Any:
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(params)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as reply:  # noqa: S310 - ours
                return json.load(reply)["data"]
        except urllib.error.HTTPError as refused:
            told = refused.read().decode(errors="replace")
            if refused.code in (400, 422):
                pytest.fail(f"Prometheus refuses {params}: {told}")
            raise


@contextmanager
def running_prometheus(
    folder: Path,
    targets: Sequence[str],
    *,
    rules: Path = RULES,
    alertmanager: str = "",
    scrape: Mapping[str, Any] | None = None,
    job: str = JOB,
) -> Iterator[Prometheus]:
    """Prometheus over `targets` (`host:port`), each scraped and judged every second.

    `alertmanager` is `host:port`; `scrape` holds more settings of the scrape (scheme, a token).
    """
    config: dict[str, Any] = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(rules)],
        "scrape_configs": [
            {
                "job_name": job,
                "honor_labels": True,
                "static_configs": [{"targets": list(targets)}],
                **(scrape or {}),
            }
        ],
    }
    if alertmanager:
        config["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]}
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    arguments = [f"--config.file={file}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    with _server("prometheus", arguments, folder) as address:
        yield Prometheus(f"http://{address}")


@contextmanager
def running_alertmanager(folder: Path, webhook: str) -> Iterator[str]:
    """Alertmanager that hands everything to `webhook` within a second or two; its `host:port`."""
    config = {
        "route": {
            "receiver": "webhook",
            "group_by": ["..."],
            "group_wait": "100ms",
            "group_interval": "1s",
            "repeat_interval": "1h",
        },
        "receivers": [
            {"name": "webhook", "webhook_configs": [{"url": webhook, "send_resolved": True}]}
        ],
    }
    file = folder / "alertmanager.yml"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    arguments = [
        f"--config.file={file}",
        f"--storage.path={folder / 'alertmanager'}",
        "--cluster.listen-address=",
    ]
    with _server("alertmanager", arguments, folder) as address:
        yield address


@contextmanager
def _server(name: str, arguments: Sequence[str], folder: Path) -> Iterator[str]:
    """The tool, ready, on a free port; stopped at the end."""
    address = f"127.0.0.1:{free_port()}"
    command = [tool(name), *arguments, f"--web.listen-address={address}"]
    log = folder / f"{name}.log"
    with log.open("wb") as told:
        process = subprocess.Popen(command, stdout=told, stderr=subprocess.STDOUT)
    try:

        def ready() -> bool:
            assert process.poll() is None, f"{name} ended: {log.read_text()[-2_000:]}"
            with urllib.request.urlopen(f"http://{address}/-/ready", timeout=5) as reply:
                return bool(reply.status == 200)

        until(ready, f"{name} is ready")
        yield address
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True)
class Notice:
    """One alert as a webhook was told of it: `firing` or `resolved`."""

    status: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Webhook:
    """What Alertmanager calls, and all that it said so far."""

    url: str
    notices: list[Notice] = field(default_factory=list)

    def told(self, status: str, **labels: str) -> list[Notice]:
        """The notices of that status whose labels have these values."""
        return [
            notice
            for notice in tuple(self.notices)
            if notice.status == status and labels.items() <= notice.labels.items()
        ]


@contextmanager
def webhook() -> Iterator[Webhook]:
    """Listens on a free port and remembers."""
    notices: list[Notice] = []

    def receive(handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length", 0))
        told = json.loads(handler.rfile.read(length))
        notices.extend(
            Notice(alert["status"], alert["labels"], alert["annotations"])
            for alert in told["alerts"]
        )
        _answer(handler, b"")

    with serving({"POST": receive}) as address:
        yield Webhook(f"http://{address}/", notices)


Answering = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def serving(methods: Mapping[str, Answering], port: int = 0) -> Iterator[str]:
    """A small HTTP server of this process; its `host:port`."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Says nothing."""

    for method, answer in methods.items():
        setattr(Handler, f"do_{method}", answer)
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@contextmanager
def serving_metrics(page: Callable[[bool], bytes], port: int = 0) -> Iterator[str]:
    """Serves `page(gzipped)` at every path; its `host:port`. Stands in for the agent's server."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        gzipped = "gzip" in handler.headers.get("Accept-Encoding", "")
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        _answer(handler, page(gzipped), headers | ({"Content-Encoding": "gzip"} if gzipped else {}))

    with serving({"GET": answer}, port) as address:
        yield address


def _answer(
    handler: BaseHTTPRequestHandler, body: bytes, headers: Mapping[str, str] | None = None
) -> None:
    handler.send_response(200)
    for name, value in (headers or {}).items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
