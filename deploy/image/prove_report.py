"""Prove the report's image: locked down as in a cluster, over a generated month of logs.

Ends with 1 and one sentence at the first thing that is not as it should be.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engine import ROOT, Engine, chosen, fail, output, report_name

LOCKED_DOWN = (
    *("--network", "none", "--read-only", "--cap-drop=all"),
    *("--security-opt", "no-new-privileges", "--memory", "1g"),
)
MONTH = "2026-10"


def main() -> None:
    """A month of logs in, a report out."""
    engine = chosen()
    with tempfile.TemporaryDirectory(prefix="trailkeeper-proof-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        logs = folder / "logs"
        generate = [sys.executable, "-m", "agent.sandbox.month", logs, "--month", MONTH]
        subprocess.run([*generate, "--scale", "0.1"], cwd=ROOT, check=True, capture_output=True)
        took, manifest = _report(engine, logs, folder / "out")
    if manifest["verdict"] != "incomplete" or not manifest["records"]:
        fail(f"the report is not what these logs give: {json.dumps(manifest)[:500]}")
    size = output(*engine.control, "image", "inspect", "--format", "{{.Size}}", report_name())
    told = {"size_mb": round(int(size) / 1e6), "seconds": round(took, 1)}
    print(f"proved {report_name()}: {json.dumps(told)}")


def _report(engine: Engine, logs: Path, out: Path) -> tuple[float, dict[str, object]]:
    """How long one run took, and the manifest it wrote."""
    out.mkdir()
    out.chmod(0o777)  # the image's own user writes there
    command = [*engine.control, "run", "--rm", *engine.run, *LOCKED_DOWN]
    command += ["--volume", f"{logs}:/logs:ro", "--volume", f"{out}:/out"]
    # What it keeps between runs goes to the image's own volume, which goes with the container.
    command += [report_name(), "--month", MONTH]
    command += ["--source", "/logs", "--output", "/out"]
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    took = time.monotonic() - began
    if done.returncode != 3:  # the month has gaps and damage, and the report says so
        fail(f"the report ended with {done.returncode}: {done.stderr[-2000:]}{done.stdout[-500:]}")
    (written,) = out.rglob("manifest.json")
    return took, json.loads(written.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
