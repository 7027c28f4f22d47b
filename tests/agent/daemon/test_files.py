"""What is read once at the start, and what is said when it is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.config import Settings, load_settings
from agent.daemon.files import read_files, state_directory
from agent.stop import StopError


def settings(folder: Path, written: Mapping[str, Any]) -> Settings:
    """As if written in a file in that folder."""
    file = folder / "trailkeeper.yaml"
    file.write_text(yaml.safe_dump(dict(written)))
    return load_settings(file, {})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (
        ("token", "s3cret-token\n"),
        ("url", "postgresql://u:p@db/trailkeeper\n"),
        ("empty", "\n"),
        ("two", "one two\n"),
        ("tls.crt", "x"),
        ("tls.key", "x"),
    ):
        (tmp_path / name).write_text(text)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    return tmp_path


def test_secrets_come_from_files_without_their_line_end(folder: Path) -> None:
    files = read_files(
        settings(folder, {"store": {"url_file": "url"}, "http": {"token_file": "token"}}), {}
    )

    assert files.store == "postgresql://u:p@db/trailkeeper"
    assert files.token == "s3cret-token"
    assert (files.certificate, files.key) == (None, None)


def test_tls_takes_both_files(folder: Path) -> None:
    http = {"tls_certificate": "tls.crt", "tls_key": "tls.key"}

    files = read_files(settings(folder, {"http": http}), {})

    assert (files.certificate, files.key) == (folder / "tls.crt", folder / "tls.key")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        pytest.param(
            {"http": {"token_file": "none"}}, "http.token_file: .*none cannot be read", id="missing"
        ),
        pytest.param({"http": {"token_file": "empty"}}, "one line of printable", id="empty"),
        pytest.param({"http": {"token_file": "two"}}, "one line of printable", id="two words"),
        pytest.param({"http": {"token_file": "binary"}}, "cannot be read", id="not text"),
        pytest.param({"http": {"tls_key": "tls.key"}}, "go together", id="a key alone"),
        pytest.param(
            {"http": {"tls_certificate": "none", "tls_key": "tls.key"}},
            "http.tls_certificate: .*none is no file",
            id="no such certificate",
        ),
        pytest.param(
            {"store": {"url": "sqlite:///a.db", "url_file": "url"}}, "both set", id="two stores"
        ),
        pytest.param({"store": {"url_file": "none"}}, "store.url_file", id="no such URL file"),
    ],
)
def test_what_is_wrong_is_said(folder: Path, written: dict[str, Any], said: str) -> None:
    with pytest.raises(StopError, match=said) as stopped:
        read_files(settings(folder, written), {})

    assert stopped.value.code == 2


def test_everything_that_is_wrong_is_said_at_once(folder: Path) -> None:
    written = {"http": {"token_file": "none", "tls_key": "no.key"}, "store": {"url_file": "none"}}

    with pytest.raises(StopError) as stopped:
        read_files(settings(folder, written), {})

    assert len(stopped.value.message.splitlines()) == 5


def test_no_secret_stands_in_a_message(folder: Path) -> None:
    (folder / "url").write_text("postgresql://u:hunter2@db/x y\n")

    with pytest.raises(StopError) as stopped:
        read_files(settings(folder, {"store": {"url_file": "url"}}), {})

    assert "hunter2" not in stopped.value.message


@pytest.mark.parametrize(
    ("written", "environ", "expected"),
    [
        pytest.param({"state_directory": "/srv/t"}, {}, "/srv/t", id="configured"),
        pytest.param({}, {"STATE_DIRECTORY": "/var/lib/t:/b"}, "/var/lib/t", id="systemd's"),
        pytest.param({}, {"XDG_STATE_HOME": "/s"}, "/s/trailkeeper", id="the user's"),
        pytest.param(
            {},
            {},
            str(Path("~/.local/state/trailkeeper").expanduser()),
            id="the user's by default",
        ),
    ],
)
def test_the_state_directory(
    folder: Path, written: dict[str, Any], environ: dict[str, str], expected: str
) -> None:
    found = settings(folder, written)

    assert str(state_directory(found, environ)) == expected
    assert read_files(found, environ).store == f"sqlite:///{expected}/trailkeeper.db"
