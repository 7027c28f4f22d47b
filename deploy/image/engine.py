"""What builds and runs containers here: a docker that answers, else buildah and podman."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]

CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True)
class Engine:
    """The commands of one engine, and the options it wants beside those of every engine."""

    name: str
    control: tuple[str, ...]
    """In front of `run`, `exec`, `inspect` and their like, which docker and podman share."""
    build: tuple[str, ...]
    """In front of the options of a build and its folder."""
    run: tuple[str, ...] = ()
    storage: tuple[str, ...] = ()
    """What names the place of images and containers; empty where the engine itself knows."""


def fail(sentence: str) -> NoReturn:
    """End with exit code 1 and one sentence: a missing tool is never passed over."""
    print(f"make image: {sentence}", file=sys.stderr)
    sys.exit(1)


def cache() -> Path:
    """Where images, layers and the base are kept between runs: $IMAGE_CACHE, or below ~/.cache."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("IMAGE_CACHE") or home / "trailkeeper-image").absolute()


def chosen() -> Engine:
    """Docker if its daemon answers, else podman with buildah, which need none; else the end."""
    if shutil.which("docker") and succeeds(["docker", "info"]):
        return Engine("docker", ("docker",), ("docker", "build"))
    missing = [name for name in ("buildah", "podman", "runc") if not shutil.which(name)]
    if missing:
        fail(
            f"no docker answers, and {', '.join(missing)} is not installed: "
            f"apt-get install {' '.join(missing)}, or start docker"
        )
    # A storage of our own: what is built here shows up nowhere else, and goes with one folder.
    driver = _driver(cache())
    storage = (
        *("--root", str(cache() / driver), "--runroot", str(cache() / f"run-{driver}")),
        *("--storage-driver", driver),
    )
    return Engine(
        "podman",
        control=(
            *("podman", *storage, "--runtime", "runc"),
            *("--cgroup-manager", "cgroupfs", "--events-backend", "file"),
        ),
        # Docker's format, for OCI's knows no HEALTHCHECK; chroot, for that needs no cgroups.
        # vfs copies everything for each layer: better none of them is kept.
        build=(
            *("buildah", *storage, "bud", f"--layers={str(driver != 'vfs').lower()}"),
            *("--isolation", "chroot"),
            *("--pull-never", "--format", "docker"),
        ),
        # No systemd timer for the HEALTHCHECK; limits that an unprivileged parent may set. Docker
        # mounts no /tmp beside a read-only root, and podman shall not either.
        run=(
            *("--no-healthcheck", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"),
            "--read-only-tmpfs=false",
        ),
        storage=storage,
    )


def _driver(folder: Path) -> str:
    """`overlay`, but where the folder itself lies on one, as it does in a container: `vfs`."""
    folder.mkdir(parents=True, exist_ok=True)
    kind = output("stat", "--file-system", "--format", "%T", str(folder))
    return "vfs" if kind == "overlayfs" else "overlay"


def succeeds(command: Sequence[str]) -> bool:
    """Whether a command ends with 0; what it prints is of no interest."""
    return not subprocess.run(command, capture_output=True, check=False).returncode


def output(*command: str, timeout: float = 120) -> str:
    """What a command prints; where it fails, its complaint and the end.

    Raises:
        subprocess.TimeoutExpired: it takes longer than `timeout` seconds.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout)
    if done.returncode:
        fail(f"`{' '.join(command)}` ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
    return done.stdout.strip()


def image_name() -> str:
    """`trailkeeper:VERSION`, as deploy/kubernetes names it."""
    return f"trailkeeper:{version()}"


def report_name() -> str:
    """`trailkeeper-report:VERSION`: the monthly report, `--target report`."""
    return f"trailkeeper-report:{version()}"


def version() -> str:
    """The version in agent/__init__.py, read and not imported: the host may lack what it needs."""
    text = (ROOT / "agent" / "__init__.py").read_text(encoding="utf-8")
    return text.partition('__version__ = "')[2].partition('"')[0]
