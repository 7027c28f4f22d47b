"""Build the image: with docker if it runs, else with buildah on a base that is made if need be."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from engine import (
    CA_BUNDLE,
    ROOT,
    Engine,
    cache,
    chosen,
    fail,
    image_name,
    output,
    report_name,
    version,
)

OFFICIAL = "python:3.12-slim-bookworm"
PULL_SECONDS = 180

SEARCH = (
    "PATH=/usr/local/python/bin:/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG=C.UTF-8",
)
"""The environment of the stand-in, as the official image has it."""


def main() -> None:
    """Build `trailkeeper:VERSION` and `trailkeeper-report:VERSION`; say in how long, on what."""
    began = time.monotonic()
    engine = chosen()
    base = OFFICIAL if engine.name == "docker" else _base(engine)
    created = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    _build(engine, base, created, ["--tag", image_name()])
    _build(engine, base, created, ["--target", "report", "--tag", report_name()])
    if engine.storage:  # layers that no build of this week made use of
        prune = (*engine.control, "image", "prune", "--force", "--filter", "until=168h")
        subprocess.run(prune, check=False, capture_output=True)
    took = time.monotonic() - began
    print(
        f"built {image_name()} and {report_name()} on {base} with {engine.name} in {took:.0f} s",
        flush=True,
    )


def _build(engine: Engine, base: str, created: str, what: list[str]) -> None:
    """One image of the Dockerfile; ends with the engine's words where that fails."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            *engine.build,
            *_secrets(Path(folder)),
            *("--build-arg", f"PYTHON_IMAGE={base}"),
            *("--build-arg", f"VERSION={version()}"),
            *("--build-arg", f"REVISION={_revision()}"),
            *("--build-arg", f"CREATED={created}"),
            *("--file", str(ROOT / "Dockerfile"), *what, str(ROOT)),
        ]
        environment = os.environ | {"DOCKER_BUILDKIT": "1", "BUILDAH_RUNTIME": "runc"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        fail(f"the build failed:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")


def _base(engine: Engine) -> str:
    """The base image in our storage: at most a week old, pulled, or made where that fails."""
    made = cache() / "base.txt"
    week = f"{datetime.now(UTC):%G-%V}"
    with suppress(OSError, ValueError):
        name, of_week = made.read_text(encoding="utf-8").split()
        exists = [*engine.control, "image", "exists", name]
        if of_week == week and not subprocess.run(exists, check=False).returncode:
            return name
    name = OFFICIAL if _pulled(engine) else _stand_in(engine)
    made.write_text(f"{name} {week}\n", encoding="utf-8")
    return name


def _pulled(engine: Engine) -> bool:
    command = ["buildah", *engine.storage, "pull", "--quiet", OFFICIAL]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=PULL_SECONDS
        )
    except subprocess.TimeoutExpired:
        print(f"{OFFICIAL}: no answer within {PULL_SECONDS} s", flush=True)
        return False
    if done.returncode:
        print(f"{OFFICIAL} cannot be pulled: {done.stderr.strip()[-300:]}", flush=True)
    return not done.returncode


def _stand_in(engine: Engine) -> str:
    """Debian and Python of this machine under the official name, of the Python that it has."""
    folder = cache() / "base"
    folder.mkdir(parents=True, exist_ok=True)
    script = Path(__file__).with_name("base.sh")
    print("so the base is made here, by debootstrap (about two minutes)", flush=True)
    if subprocess.run([str(script), str(folder)], check=False).returncode:
        fail("the base image could not be made; see above")
    python = (folder / "version").read_text(encoding="utf-8").strip()
    name = OFFICIAL.replace("3.12", python).replace("bookworm", _release())
    changes = [part for setting in SEARCH for part in ("--change", f"ENV {setting}")]
    archive = ["tar", "-C", str(folder / "rootfs"), "--numeric-owner", "-c", "."]
    with subprocess.Popen(archive, stdout=subprocess.PIPE) as tar:
        command = [*engine.control, "import", "--quiet", *changes, "-", f"localhost/{name}"]
        done = subprocess.run(
            command, stdin=tar.stdout, capture_output=True, text=True, check=False
        )
    if done.returncode or tar.returncode:
        fail(f"the base image could not be imported: {done.stderr.strip()}")
    shutil.rmtree(folder / "rootfs")
    if python not in OFFICIAL:
        print(f"this machine has no Python 3.12: the image is on {python}", flush=True)
    return name


def _release() -> str:
    """The code name of this machine's Debian."""
    lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)["VERSION_CODENAME"].strip('"')


def _secrets(folder: Path) -> list[str]:
    """This machine's authorities and pip settings: for the build alone, in no layer."""
    options = []
    settings = ["[global]"]
    if CA_BUNDLE.is_file():
        options += ["--secret", f"id=ca,src={CA_BUNDLE}"]
        settings.append("cert = /run/secrets/ca")
    for name in ("index-url", "extra-index-url", "trusted-host", "proxy"):
        value = os.environ.get(f"PIP_{name.replace('-', '_').upper()}", "")
        if value and "file:" not in value:  # a folder of this machine is not there in the build
            settings.append(f"{name} = {value}")
    file = folder / "pip.conf"
    file.write_text("\n".join(settings) + "\n", encoding="utf-8")
    return [*options, "--secret", f"id=pip_conf,src={file}"]


def _revision() -> str:
    """The commit, with `-dirty` behind it where the tree differs; `unknown` outside of git."""
    command = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    head = subprocess.run(command, capture_output=True, text=True, check=False)
    if head.returncode:
        return "unknown"
    changed = output("git", "-C", str(ROOT), "status", "--porcelain")
    return head.stdout.strip() + ("-dirty" if changed else "")


if __name__ == "__main__":
    main()
