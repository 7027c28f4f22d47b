"""Prove the built image: locked down as in a cluster, against a simulated AWS, over HTTP.

Needs the repository's virtualenv (the simulated AWS is an extra). Ends with 1 and one sentence at
the first thing that is not as it should be; else writes what it measured to dist/image.json.
"""

from __future__ import annotations

import json
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.sandbox import estate
from agent.sandbox.accounts import long_term_key
from agent.sandbox.server import Server, start_server

from engine import ROOT, Engine, chosen, fail, image_name, output, version

LOCKED_DOWN = (
    *("--network", "host", "--read-only", "--cap-drop=all"),
    *("--security-opt", "no-new-privileges", "--memory", "256m"),
)
STATE = "/var/lib/trailkeeper"
CONFIG = "/etc/trailkeeper/trailkeeper.yaml"
SECONDS_TO_READY = 60
SECONDS_TO_SWEEP = 120
SECONDS_TO_STOP = 10

BACKUP = (
    'import sqlite3; sqlite3.connect("/var/lib/trailkeeper/trailkeeper.db")'
    '.execute("VACUUM INTO ?", ["/var/lib/trailkeeper/backup.db"])'
)
"""What docs/deploy.md gives to `python -c` in the running container."""

ABSENT = (
    "pip",
    "setuptools",
    "wheel",
    "ensurepip",
    "hatchling",
    "moto",
    "flask",
    "pytest",
    "tests",
    *("duckdb", "pyarrow", "isal"),  # the report's, which is an image of its own
)
LOOK_INSIDE = """
for tool in pip pip3 gcc cc make; do command -v $tool && echo "has $tool"; done
for place in / /tmp /run /etc /opt/trailkeeper; do
  touch $place/x 2>/dev/null && echo "writes $place"
done
touch /var/lib/trailkeeper/x || echo "cannot write its state"; rm -f /var/lib/trailkeeper/x
find / -xdev -type f -perm /6000 2>/dev/null
find / -xdev -name bazel-project 2>/dev/null
[ "$(id -u):$(id -g)" = 10001:10001 ] || echo "runs as $(id)"
"""


@dataclass(frozen=True)
class Proof:
    """The engine, the simulated AWS, and the folder with the configuration that points at it."""

    engine: Engine
    aws: Server
    folder: Path

    def options(self) -> list[str]:
        """In front of the image: locked down, the configuration mounted, pointed at the estate."""
        environment = {
            "AWS_ENDPOINT_URL": self.aws.endpoint,
            "AWS_ACCESS_KEY_ID": long_term_key(self.aws.account),
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_REGION": "eu-west-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        return [
            *self.engine.run,
            *LOCKED_DOWN,
            *("--volume", f"{self.folder}:{Path(CONFIG).parent}:ro"),
            *(f"--env={name}={value}" for name, value in environment.items()),
        ]

    def once(self, *arguments: str, entrypoint: str = "") -> subprocess.CompletedProcess[str]:
        """One run of the image to its end."""
        chosen_entry = ["--entrypoint", entrypoint] if entrypoint else []
        command = [*self.engine.control, "run", "--rm", *self.options(), *chosen_entry]
        return subprocess.run(
            [*command, image_name(), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )


@dataclass(frozen=True)
class Agent:
    """The agent in its container, and where it serves."""

    engine: Engine
    name: str
    url: str

    def inside(self, *command: str) -> str:
        """What a command prints in the running container."""
        return output(*self.engine.control, "exec", self.name, *command)

    def get(self, path: str) -> tuple[int, str]:
        """Status and body; status 0 where nobody answers."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as reply:  # noqa: S310 - ours
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()
        except OSError:
            return 0, ""

    def running_for(self) -> float:
        """Seconds since its process was started."""
        started = datetime.fromisoformat(self._state()["StartedAt"])
        return (datetime.now(UTC) - started).total_seconds()

    def until(self, holds: Callable[[], bool], seconds: float, complaint: str) -> float:
        """Wait until it holds; returns how long the process has been running by then."""
        deadline = time.monotonic() + seconds
        while not holds():
            state = self._state()
            demand(state["Running"], f"the agent ended with {state['ExitCode']} by itself")
            demand(time.monotonic() < deadline, f"the agent {complaint} within {seconds} s")
            time.sleep(0.1)
        return self.running_for()

    def _state(self) -> dict[str, Any]:
        inspect = ("inspect", "--format", "{{json .State}}", self.name)
        state: dict[str, Any] = json.loads(output(*self.engine.control, *inspect))
        return state


def main() -> None:
    """Every proof in turn; what was measured goes to dist/image.json and to the terminal."""
    engine = chosen()
    figures = {"version": version(), "engine": engine.name, "size_mb": _size(engine)}
    _prove_description(engine)
    with (
        start_server(seed="agent.sandbox.estate:seed") as aws,
        tempfile.TemporaryDirectory(prefix="trailkeeper-proof-") as folder,
    ):
        proof = Proof(engine, aws, Path(folder))
        proof.folder.chmod(0o755)
        (proof.folder / Path(CONFIG).name).write_text(estate.configuration(), encoding="utf-8")
        _prove_contents(proof)
        _prove_check(proof)
        with _agent(proof) as agent:
            figures |= _prove_service(agent)
            figures |= _prove_memory(agent)
            _prove_backup(agent)
            figures["seconds_to_stop"] = _prove_stop(agent)
    written = ROOT / "dist" / "image.json"
    written.parent.mkdir(exist_ok=True)
    written.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(f"proved {image_name()}: {json.dumps(figures)}")


def demand(holds: object, sentence: str) -> None:
    """End with the sentence unless it holds."""
    if not holds:
        fail(sentence)


def _size(engine: Engine) -> int:
    """Megabytes of the image, unpacked."""
    command = (*engine.control, "image", "inspect", "--format", "{{.Size}}", image_name())
    return round(int(output(*command)) / 1e6)


def _prove_description(engine: Engine) -> None:
    """User, entry point, stop signal, probe, volume, port and labels, as the image says them."""
    (image,) = json.loads(output(*engine.control, "image", "inspect", image_name()))
    config = image["Config"]
    said = {name: config.get(name) for name in ("User", "Entrypoint", "StopSignal")}
    expected = {"User": "10001:10001", "Entrypoint": ["trailkeeper"], "StopSignal": "SIGTERM"}
    # Docker names the signal, podman its number in some versions.
    said["StopSignal"] = {"15": "SIGTERM"}.get(str(said["StopSignal"]), said["StopSignal"])
    demand(said == expected, f"the image says {said}, not {expected}")
    demand(set(config["ExposedPorts"]) == {"9712/tcp"}, "the image exposes other ports than 9712")
    demand(set(config["Volumes"]) == {STATE}, f"the image has other volumes than {STATE}")
    health = config.get("Healthcheck") or image.get("Healthcheck")
    demand(health, "the image has no HEALTHCHECK")
    labels = config["Labels"]
    names = ("title", "description", "licenses", "version", "revision", "created")
    empty = [name for name in names if not labels.get(f"org.opencontainers.image.{name}")]
    demand(not empty, f"labels are empty: {empty}")
    demand(labels["org.opencontainers.image.version"] == version(), "the version's label is wrong")


def _prove_contents(proof: Proof) -> None:
    """No tool that builds, no file with more rights, no place to write but the volume."""
    done = proof.once("-c", LOOK_INSIDE, entrypoint="sh")
    demand(not done.returncode and not done.stdout, f"in the image: {done.stdout}{done.stderr}")
    imports = f"import importlib.util as u; print([m for m in {ABSENT} if u.find_spec(m)])"
    done = proof.once("-c", imports, entrypoint="python")
    demand(done.stdout.strip() == "[]", f"the image should not hold {done.stdout}{done.stderr}")


def _prove_check(proof: Proof) -> None:
    """`--check` finds in the simulated estate exactly what is planted there."""
    done = proof.once("--check", "--config", CONFIG, "--format", "json")
    demand(done.returncode == 1, f"--check ended with {done.returncode}: {done.stderr[-2000:]}")
    found = {(f["rule"], f["resource"]): f["status"] for f in json.loads(done.stdout)["findings"]}
    wrong = {
        key for key in found.keys() | estate.EXPECTED.keys() if found.get(key) != _planted(key)
    }
    demand(not wrong, f"--check judges otherwise than it should: {sorted(wrong)[:5]}")


def _planted(key: tuple[str, str]) -> str | None:
    return estate.EXPECTED.get(key)


@contextmanager
def _agent(proof: Proof) -> Iterator[Agent]:
    """The agent in the background on a volume of its own; both go at the end."""
    name = f"trailkeeper-proof-{secrets.token_hex(4)}"
    port = _free_port()
    agent = Agent(proof.engine, name, f"http://127.0.0.1:{port}")
    command = [*proof.engine.control, "run", "--detach", "--name", name, *proof.options()]
    command += [
        *("--volume", f"{name}:{STATE}"),
        f"--env=TRAILKEEPER_HTTP__LISTEN=127.0.0.1:{port}",
        "--env=TRAILKEEPER_INTERVALS__SPREAD_SECONDS=0",
    ]
    try:
        output(*command, image_name(), "--config", CONFIG)
        yield agent
    except SystemExit:
        logs = [*proof.engine.control, "logs", "--tail", "40", name]
        subprocess.run(logs, check=False, stdout=sys.stderr)
        raise
    finally:
        for gone in (["rm", "--force", name], ["volume", "rm", "--force", name]):
            subprocess.run([*proof.engine.control, *gone], check=False, capture_output=True)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _prove_service(agent: Agent) -> dict[str, float]:
    """Ready, then swept, with the planted verdicts in the metrics; every page answers."""
    ready = agent.until(lambda: agent.get("/readyz")[0] == 200, SECONDS_TO_READY, "is not ready")
    planted = Counter(estate.EXPECTED.values())
    told = f"does not publish {dict(planted)}"
    swept = agent.until(lambda: _counts(agent) == planted, SECONDS_TO_SWEEP, told)
    for path in ("/healthz", "/readyz", "/metrics", "/", "/api/v1/findings"):
        status, body = agent.get(path)
        demand(status == 200 and body, f"{path} answers {status}")
    agent.inside("python", "/opt/trailkeeper/healthcheck.py")
    return {"seconds_to_ready": round(ready, 1), "seconds_to_first_sweep": round(swept, 1)}


def _counts(agent: Agent) -> Counter[str]:
    """How many findings of each status the metrics tell of."""
    counts: Counter[str] = Counter()
    for line in agent.get("/metrics")[1].splitlines():
        if line.startswith("trailkeeper_findings{"):
            labels, _, value = line.rpartition(" ")
            counts[labels.partition('status="')[2].partition('"')[0]] += int(float(value))
    return +counts


def _prove_memory(agent: Agent) -> dict[str, float]:
    """Its rights are none, its memory is below the limit; returns the peak."""
    lines = agent.inside("cat", "/proc/1/status").splitlines()
    status = {name: value.split() for name, _, value in (line.partition(":") for line in lines)}
    demand(int(status["CapEff"][0], 16) == 0, "the process has capabilities")
    demand(status["NoNewPrivs"] == ["1"], "the process could gain privileges")
    demand(status["Uid"] == ["10001"] * 4, f"the process runs as {status['Uid']}")
    return {"peak_memory_mb": round(int(status["VmHWM"][0]) / 1e3)}


def _prove_backup(agent: Agent) -> None:
    """The command of docs/deploy.md makes a whole copy while the agent runs."""
    agent.inside("python", "-c", BACKUP)
    check = f'import sqlite3; print(*sqlite3.connect("{STATE}/backup.db").execute("{{}}"))'
    whole = agent.inside("python", "-c", check.format("PRAGMA integrity_check"))
    demand("'ok'" in whole, f"the backup is broken: {whole}")
    files = set(agent.inside("ls", "-A", STATE).split())
    stray = {name for name in files if not name.startswith(("trailkeeper.db", "backup.db"))}
    demand(not stray, f"there are files in the state that nobody expects: {stray}")


def _prove_stop(agent: Agent) -> float:
    """SIGTERM ends it with exit code 0 in time; returns how long it took."""
    began = time.monotonic()
    output(*agent.engine.control, "kill", "--signal", "TERM", agent.name)
    code = output(*agent.engine.control, "wait", agent.name, timeout=SECONDS_TO_STOP + 20)
    took = time.monotonic() - began
    demand(code == "0", f"on SIGTERM it ended with {code}")
    demand(took < SECONDS_TO_STOP, f"on SIGTERM it took {took:.1f} s")
    return round(took, 1)


if __name__ == "__main__":
    main()
