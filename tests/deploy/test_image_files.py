"""The image's files say what they should; that it runs is proved by `make image`."""

from __future__ import annotations

import ast
import http.server
import os
import re
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from agent import __version__
from agent.config import load_settings

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
IMAGE = ROOT / "deploy" / "image"


# ---------------------------------------------------------------- Dockerfile


def variables(target: str = "") -> dict[str, str]:
    """What the image sets for whoever runs in it: the agent's, or that of another target."""
    begins = DOCKERFILE.index(f" AS {target}\n") if target else DOCKERFILE.rindex("\nFROM ")
    stage = DOCKERFILE[begins + 1 :].partition("\nFROM ")[0]
    (block,) = re.findall(r"^ENV ((?:.*\\\n)*.*)$", stage, re.MULTILINE)
    return dict(re.findall(r"(\w+)=(\S+)", block))


def test_hadolint_finds_nothing() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [linter, ROOT / "Dockerfile"], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (0, "")


def test_its_variables_are_settings_and_serve_on_the_port_it_exposes() -> None:
    ours = {name: value for name, value in variables().items() if name.startswith("TRAILKEEPER_")}
    settings = load_settings(None, ours)

    assert settings.http.listen == ("0.0.0.0", 9712)
    assert settings.state_directory == Path("/var/lib/trailkeeper")
    assert "\nEXPOSE 9712\n" in DOCKERFILE
    assert "\nVOLUME /var/lib/trailkeeper\n" in DOCKERFILE


def test_it_bears_the_version_of_the_package() -> None:
    assert f"\nARG VERSION={__version__}\n" in DOCKERFILE


def test_every_package_comes_with_its_hash_and_none_from_an_index_without() -> None:
    commands = re.split(r"&&|\n", DOCKERFILE.replace("\\\n", " "))
    installs = [
        text for text in commands if re.search(r"-m pip (--python \S+ )?(install|wheel) ", text)
    ]

    assert len(installs) == 5
    assert [text for text in installs if not re.search("--require-hashes|--no-index", text)] == []


def test_what_it_copies_is_let_in_and_what_nobody_needs_is_not() -> None:
    let_in = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copied = [
        source
        for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
        if not source.startswith("--")
    ]

    assert [source for source in copied if f"!{source}" not in let_in] == []
    assert next(line for line in let_in if not line.startswith("#")) == "*"
    assert not {"!tests", "!.git", "!.venv", "!bench"} & set(let_in)


# ---------------------------------------------------------------- the lock of the build


def pins(name: str) -> dict[str, tuple[str, ...]]:
    """`name==version` and its hashes, of a lock file."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        pin, *rest = line.split()
        found[pin] = tuple(word for word in rest if word.startswith("--hash=sha256:"))
    return found


def test_the_build_is_locked_to_what_the_tests_build_with() -> None:
    build, dev = pins("requirements-build.lock"), pins("requirements-dev.lock")

    assert any(pin.startswith("hatchling==") for pin in build)
    assert all(build.values())
    assert {pin: dev.get(pin) for pin in build} == build


# ---------------------------------------------------------------- health check


class Answers(http.server.BaseHTTPRequestHandler):
    """/healthz with the status of the server it belongs to."""

    def do_GET(self) -> None:
        status: int = getattr(self.server, "status")  # noqa: B009 - set by `serving`
        self.send_response(status if self.path == "/healthz" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing: a test has no log."""


@contextmanager
def serving(status: int, certificate: Path | None = None) -> Iterator[int]:
    """The port of a server that answers with that status, with TLS or without."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.status = status  # type: ignore[attr-defined]  # read by Answers
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # no TLS is no news
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that nobody signed, with its key, in one file."""
    folder = tmp_path_factory.mktemp("tls")
    key, signed, both = folder / "key.pem", folder / "cert.pem", folder / "both.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=elsewhere", "-keyout", key, "-out", signed),
        ],
        check=True,
        capture_output=True,
    )
    both.write_bytes(key.read_bytes() + signed.read_bytes())
    return both


def checked(listen: str) -> subprocess.CompletedProcess[str]:
    """The HEALTHCHECK's own command, as the container runs it."""
    return subprocess.run(
        [sys.executable, IMAGE / "healthcheck.py"],
        env={"TRAILKEEPER_HTTP__LISTEN": listen},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", ""])
def test_it_is_healthy_where_the_agent_says_so(host: str) -> None:
    with serving(200) as port:
        assert checked(f"{host}:{port}").returncode == 0


def test_it_is_healthy_behind_a_certificate_for_another_name(certificate: Path) -> None:
    with serving(200, certificate) as port:
        assert checked(f"0.0.0.0:{port}").returncode == 0


def test_it_is_not_healthy_where_the_loop_does_not_turn() -> None:
    with serving(503) as port:
        done = checked(f"0.0.0.0:{port}")

    assert done.returncode == 1
    assert "status 503" in done.stderr


def test_it_is_not_healthy_behind_tls_either_where_the_loop_does_not_turn(
    certificate: Path,
) -> None:
    with serving(503, certificate) as port:
        assert checked(f"0.0.0.0:{port}").returncode == 1


def test_it_is_not_healthy_where_nobody_answers_and_says_where_it_asked() -> None:
    with serving(200) as port:
        pass
    done = checked(f"0.0.0.0:{port}")

    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr


# ---------------------------------------------------------------- how it is built and proved


def run_build(path: Path, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """build.py with nothing on the PATH but what lies in that folder."""
    return subprocess.run(
        [sys.executable, IMAGE / "build.py"],
        env={"PATH": str(path), **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_an_engine_the_build_fails_and_says_what_to_install(tmp_path: Path) -> None:
    done = run_build(tmp_path, {"HOME": str(tmp_path)})

    assert done.returncode == 1
    assert "apt-get install buildah podman runc" in done.stderr


def test_the_stand_in_names_no_machine_and_is_a_script(tmp_path: Path) -> None:
    script = IMAGE / "base.sh"
    text = script.read_text(encoding="utf-8")

    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
    assert os.access(script, os.X_OK)
    assert re.findall(r"\w+://\S+|/root\b|/home\b", text) == []


def test_the_backup_that_is_proved_is_the_one_of_the_document() -> None:
    tree = ast.parse((IMAGE / "prove.py").read_text(encoding="utf-8"))
    (backup,) = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "BACKUP"
    ]
    written = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")

    assert f"python -c '{backup}'" in written
