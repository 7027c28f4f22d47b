"""What is installed works by itself: the built wheel, in an empty virtualenv, elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.sandbox_server import Sandbox
from tests.wire.estate import right

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as `make wheel` builds it."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtualenv that holds what requirements.lock pins, and the wheel; nothing else."""
    home = tmp_path_factory.mktemp("venv")
    venv.create(home, with_pip=True)
    pip = [str(home / "bin" / "pip"), "--disable-pip-version-check", "install", "--quiet"]
    locked = subprocess.run(
        [*pip, "--require-hashes", "-r", str(ROOT / "requirements.lock")],
        check=False,
        capture_output=True,
        text=True,
    )
    if locked.returncode and not os.environ.get("CI"):
        pytest.skip(f"no package index can be reached: {locked.stderr.strip()[-200:]}")
    assert not locked.returncode, locked.stderr
    subprocess.run([*pip, "--no-deps", str(wheel)], check=True, capture_output=True)
    return home / "bin"


def outside(
    command: Sequence[str], folder: Path, environ: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run outside the checkout, without its import path."""
    env = {k: v for k, v in (environ or os.environ).items() if k != "PYTHONPATH"}
    return subprocess.run(
        list(command), cwd=folder, env=env, capture_output=True, text=True, check=False
    )


def test_the_wheel_holds_the_rules_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    assert "agent/_rules/redshift-audit/audit-logs-expire-in-time.yaml" in names
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {
        "agent",
        "controls",
    }


def test_it_needs_neither_the_repository_nor_moto(installed: Path, tmp_path: Path) -> None:
    tested = outside([str(installed / "trailkeeper"), "rules", "test"], tmp_path)
    moto = outside([str(installed / "python"), "-c", "import moto"], tmp_path)

    assert tested.returncode == 0, tested.stderr
    assert "all as they say" in tested.stdout
    assert moto.returncode != 0


def test_it_checks_a_live_endpoint(installed: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.plant(right(datetime.now(UTC)))
    command = [str(installed / "trailkeeper"), "--check", "--format", "json"]
    ran = outside(command, tmp_path, sandbox.environment())

    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["summary"]["pass"] > 20


def test_the_demo_says_which_extra_it_needs(installed: Path, tmp_path: Path) -> None:
    ran = outside([str(installed / "trailkeeper"), "demo"], tmp_path)

    assert ran.returncode == 2
    assert "trailkeeper[sandbox]" in ran.stderr
    assert "Traceback" not in ran.stderr
