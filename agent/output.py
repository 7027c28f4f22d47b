"""Results go to stdout or to a file, whole or not at all."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from agent.stop import WRONG_USE, StopError


def write_result(text: str, path: str | None) -> None:
    """Print the result, or put it in place of the file in one step.

    Raises:
        StopError: the file cannot be written.
    """
    text = text if text.endswith("\n") else f"{text}\n"
    if path is None or path == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    target = Path(path)
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(name, 0o644)
        os.replace(name, target)
    except OSError as error:
        message = f"cannot write {path}: {error.strerror}; choose another --output"
        raise StopError(WRONG_USE, message) from error


def read_file(path: str, what: str) -> str:
    """The text of a file a person named. Raises StopError if it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise StopError(WRONG_USE, f"cannot read {what} {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise StopError(WRONG_USE, f"{what} {path} is not UTF-8 text") from error
