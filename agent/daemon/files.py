"""What the agent reads once, when it starts: secrets, certificates, where its state is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agent.config import Settings
from agent.stop import WRONG_USE, StopError


@dataclass(frozen=True, slots=True)
class Files:
    """The store's URL, the bearer token if one is asked for, and TLS's certificate and key."""

    store: str
    token: str | None
    certificate: Path | None
    key: Path | None


def read_files(settings: Settings, environ: Mapping[str, str]) -> Files:
    """All of them. Raises StopError (2) naming everything that is wrong with any."""
    problems: list[str] = []
    store = _store(settings, environ, problems)
    token = _secret(settings.http.token_file, "http.token_file", problems)
    certificate, key = settings.http.tls_certificate, settings.http.tls_key
    if (certificate is None) != (key is None):
        problems.append("http.tls_certificate and http.tls_key go together: only one is set")
    for name, path in (("http.tls_certificate", certificate), ("http.tls_key", key)):
        if path is not None and not path.is_file():
            problems.append(f"{name}: {path} is no file")
    if problems:
        raise StopError(WRONG_USE, "\n".join(["the agent cannot start:", *problems]))
    return Files(store, token, certificate, key)


def state_directory(settings: Settings, environ: Mapping[str, str]) -> Path:
    """Configured, else systemd's $STATE_DIRECTORY, else where the user's state is kept."""
    if settings.state_directory is not None:
        return settings.state_directory
    if given := environ.get("STATE_DIRECTORY", "").partition(":")[0]:
        return Path(given)
    home = environ.get("XDG_STATE_HOME", "")
    return (Path(home) if home else Path("~/.local/state").expanduser()) / "trailkeeper"


def _store(settings: Settings, environ: Mapping[str, str], problems: list[str]) -> str:
    written = settings.store
    if written.url and written.url_file:
        problems.append("store.url and store.url_file are both set: keep one")
    if written.url_file:
        return _secret(written.url_file, "store.url_file", problems) or ""
    if written.url:
        return written.url
    return f"sqlite:///{(state_directory(settings, environ) / 'trailkeeper.db').absolute()}"


def _secret(path: Path | None, name: str, problems: list[str]) -> str | None:
    """What the file says, without the line end that editors add."""
    if path is None:
        return None
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{name}: {path} cannot be read: {error}")
        return None
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        problems.append(f"{name}: {path} should hold one line of printable ASCII without spaces")
    return text
