"""What was written, watched by its content: a Kubernetes ConfigMap sends no signal."""

from __future__ import annotations

import hashlib
from argparse import Namespace
from collections.abc import Iterable, Iterator
from pathlib import Path

from agent.config import Settings

MOST = 4 * 1024 * 1024
"""So much of a file is looked at; none that is read is longer."""


def watched(args: Namespace, settings: Settings) -> tuple[Path, ...]:
    """The files and folders that configuration, rules and waivers come from."""
    named = [args.config, *(args.rule_dirs or ()), *settings.rules, settings.waivers]
    return tuple(dict.fromkeys(Path(one) for one in named if one))


def fingerprint(paths: Iterable[Path]) -> bytes:
    """A digest of all that stands there. A file that cannot be read counts as one more content."""
    digest = hashlib.sha256()
    for path in paths:
        for file in _files(path):
            digest.update(f"\0{file}\0".encode(errors="surrogateescape"))
            try:
                with file.open("rb") as stream:
                    digest.update(stream.read(MOST))
            except OSError as error:
                digest.update(f"\0{error.errno}".encode())
    return digest.digest()


def _files(path: Path) -> Iterator[Path]:
    """The file, or those of the folder as a pack is read: hidden ones are a ConfigMap's own."""
    try:
        yield from sorted(one for one in path.iterdir() if not one.name.startswith("."))
    except OSError:
        yield path
