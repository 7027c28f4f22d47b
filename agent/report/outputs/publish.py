"""A report from its folder to a bucket: the manifest last, so that who sees it sees a whole one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from agent.report.outputs.manifest import MANIFEST


def parse_url(url: str) -> tuple[str, str]:
    """Bucket and prefix of `s3://bucket/prefix`; the prefix ends with a slash, or is empty."""
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    prefix = prefix.strip("/")
    return bucket, f"{prefix}/" if prefix else ""


def publish(folder: Path, prefix: str, put: Callable[[str, Path], None]) -> list[str]:
    """Hand every file of the folder to `put(key, path)`; returns the keys, in their order.

    prefix: of the report, with its closing slash. What `put` raises passes: then the manifest is
    not there, or still that of the report before.
    """
    names = sorted(
        (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()),
        key=lambda name: (name == MANIFEST, name),
    )
    for name in names:
        put(f"{prefix}{name}", folder / name)
    return [f"{prefix}{name}" for name in names]
