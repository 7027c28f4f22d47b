"""Results go to stdout or to a file, whole or not at all."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from agent.stop import WRONG_USE, StopError

_CONTROLS = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Terminal controls, changes of writing direction, halves of characters; a line break is none."""


def write_result(text: str | Iterable[str], path: str | None) -> None:
    """Print the result, or put it in place of the file in one step. It may come in pieces.

    A reader of stdout that has gone away (`| head`) is no error: what was found still decides
    how the command ends.

    Raises:
        StopError: the file, or stdout, cannot be written.
    """
    pieces = _ended(text) if isinstance(text, str) else text
    if path is None or path == "-":
        _print(pieces)
        return
    target = Path(path)
    try:
        # A link keeps leading where it leads; a device or a pipe must never be replaced by a file.
        if target.exists() and not target.is_file():
            with target.open("w", encoding="utf-8") as file:
                file.writelines(pieces)
        else:
            _replace(target.resolve(), pieces)
    except OSError as error:
        message = f"cannot write {path}: {error.strerror}; choose another --output"
        raise StopError(WRONG_USE, message) from error


def _ended(text: str) -> tuple[str, ...]:
    return (text,) if text.endswith("\n") else (text, "\n")


def _print(pieces: Iterable[str]) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    try:
        for text in pieces:
            sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        silence_stdout()
    except OSError as error:
        silence_stdout()
        message = f"cannot write the result to stdout: {error.strerror}"
        raise StopError(WRONG_USE, message) from error


def silence_stdout() -> None:
    """Send what is still to be flushed nowhere: the interpreter would complain as it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _replace(target: Path, pieces: Iterable[str]) -> None:
    """Write beside the file, then take its place; nothing is left behind on failure."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.writelines(pieces)
        os.chmod(name, 0o644)
        os.replace(name, target)
    except OSError:
        with suppress(OSError):
            os.unlink(name)
        raise


def printable(text: str) -> str:
    """The text with controls as escapes that can be seen: names and messages come from AWS."""
    return _CONTROLS.sub(lambda match: ascii(match[0])[1:-1], text)


def read_file(path: str, what: str) -> str:
    """The text of a file a person named. Raises StopError if it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise StopError(WRONG_USE, f"cannot read {what} {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise StopError(WRONG_USE, f"{what} {path} is not UTF-8 text") from error
