"""Runs the simulated AWS in a process of its own, or hands one out to a test or the demo."""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import os
import select
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

import waitress

from agent.sandbox.accounts import ACCOUNTS, DEFAULT_ACCOUNT

_LISTENING = "listening on "


@dataclass(frozen=True)
class Server:
    """A running sandbox process."""

    endpoint: str
    account: str
    process: subprocess.Popen[str]

    def stop(self, timeout: float = 5.0) -> None:
        """Ends the process; returns once it is gone."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def plant(self, steps: Sequence[Mapping[str, Any]]) -> None:
        """Takes planting steps (`agent.sandbox.planting`); datetimes may be used as times.

        Raises:
            RuntimeError: a step was refused, and why.
        """
        self.admin("POST", "plant", list(steps))

    def fault(self, *rules: Mapping[str, Any]) -> None:
        """Adds fault rules (`agent.sandbox.faults`). Raises RuntimeError for a wrong one."""
        self.admin("POST", "faults", list(rules))

    def clear_faults(self) -> None:
        """Drops all fault rules and lets hanging requests go."""
        self.admin("DELETE", "faults")

    def forget_calls(self) -> None:
        """Starts the record of calls anew; it keeps every one until then."""
        self.admin("DELETE", "calls")

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        """What the admin API answers. Raises RuntimeError if it refuses, OSError if it is gone."""
        data = None if body is None else json.dumps(body, default=_json_time).encode()
        request = urllib.request.Request(  # noqa: S310 - our own server's address
            f"{self.endpoint}/_sandbox/{path}", data=data, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310
                return json.load(reply)
        except urllib.error.HTTPError as refused:
            raise RuntimeError(f"{path}: {refused.read().decode()}") from refused

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _json_time(value: Any) -> str:
    text: str = value.isoformat()
    return text


def start_server(
    *, account: str = DEFAULT_ACCOUNT, port: int = 0, seed: str = "", timeout: float = 30.0
) -> Server:
    """Starts a sandbox in its own process and waits until it listens on 127.0.0.1.

    `seed` names a function without parameters, as `package.module:function`, that plants an
    estate before the first request. The child ends with its parent: its standard input is a pipe.

    Raises:
        RuntimeError: it did not start in time, or ended at once.
    """
    command = [sys.executable, "-m", "agent.sandbox", "--port", str(port), "--account", account]
    command += ["--with-parent", *(["--seed", seed] if seed else [])]
    process = subprocess.Popen(  # noqa: S603 - our own module with our own arguments
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=_environment(),
        start_new_session=True,  # Ctrl-C is for the parent, which then stops us in order
    )
    line = _first_line(process.stdout, timeout)
    server = Server(line.strip().removeprefix(_LISTENING), account, process)
    if not line.startswith(_LISTENING):
        server.stop()
        raise RuntimeError(f"the sandbox did not start within {timeout:.0f} s; see its errors")
    return server


def _first_line(output: IO[str] | None, timeout: float) -> str:
    if output is None or not select.select([output], [], [], timeout)[0]:
        return ""
    return output.readline()


def _environment() -> dict[str, str]:
    """The parent's environment, with its import path and without settings that mislead moto."""
    dropped = ("AWS_", "MOTO_", "TEST_SERVER_MODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return kept | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


# ---------------------------------------------------------------- inside the process


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    account: str = DEFAULT_ACCOUNT,
    seed: Callable[[], object] | None = None,
    threads: int = 16,
) -> None:
    """Serves until the process is told to end. Prints the address once it listens."""
    # Imported here: moto reads its settings from the environment when it is first imported.
    os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    os.environ.pop("MOTO_ACCOUNT_ID", None)  # it would put every caller into one account
    from agent.sandbox.application import Application  # noqa: PLC0415
    from agent.sandbox.extension import install  # noqa: PLC0415

    ACCOUNTS.default = account
    install()
    application = Application()
    if seed is not None:
        seed()
    server = waitress.create_server(
        application,
        host=host,
        port=port,
        threads=threads,
        ident=None,
        asyncore_use_poll=True,  # select() ends at 1,024 descriptors
        connection_limit=4000,  # clients keep connections open; at the limit waitress stops
    )
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a full queue is no news here
    print(f"{_LISTENING}http://{host}:{server.effective_port}", flush=True)  # noqa: T201
    try:
        server.run()
    finally:
        application.faults.clear()


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line of `python -m agent.sandbox`."""
    parser = argparse.ArgumentParser(prog="python -m agent.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--account", default=DEFAULT_ACCOUNT, help="whose the base credentials are")
    parser.add_argument("--seed", default="", help="module:function that plants an estate")
    parser.add_argument(
        "--with-parent", action="store_true", help="end when standard input is closed"
    )
    chosen = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    if chosen.with_parent:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    serve(
        host=chosen.host,
        port=chosen.port,
        account=chosen.account,
        seed=_function(chosen.seed) if chosen.seed else None,
    )


def _function(name: str) -> Callable[[], object]:
    module, _, function = name.partition(":")

    def seed() -> object:
        return getattr(importlib.import_module(module), function)()

    return seed


def _end(*_: Any) -> None:
    """At once: there is nothing to save, and a hanging request must not hold us."""
    sys.stdout.flush()
    os._exit(0)


def _end_with_parent() -> None:
    while os.read(0, 1024):
        pass
    _end()
