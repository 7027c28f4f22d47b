"""What a process holds now, as Linux tells it: memory, threads, open files, CPU used so far."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Held:
    """One look at a process: MiB resident, counts, seconds of CPU."""

    rss: float
    threads: int
    files: int
    """Open file descriptors, sockets included."""
    sockets: int
    cpu: float


def held(pid: int | str = "self") -> Held:
    """What the process holds. Raises OSError where it has ended, or there is no /proc."""
    folder = Path("/proc") / str(pid)
    status = dict(
        line.split(":", 1) for line in (folder / "status").read_text().splitlines() if ":" in line
    )
    links = [link for each in os.listdir(folder / "fd") if (link := _link(folder / "fd" / each))]
    # After the name in parentheses, which may hold spaces: the fields from the third on.
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    return Held(
        rss=int(status["VmRSS"].split()[0]) / 1024,
        threads=int(status["Threads"]),
        files=len(links),
        sockets=sum(link.startswith("socket:") for link in links),
        cpu=(int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"),
    )


def _link(path: Path) -> str:
    """What a descriptor leads to; empty where it was closed meanwhile, as the listing's own is."""
    try:
        return os.readlink(path)
    except OSError:
        return ""
