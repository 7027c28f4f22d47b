"""What many sweeps leave behind: memory, threads, sockets and the store's growth.

The agent sweeps the same estate one time after the other, a few of its clusters drifting, with a
scrape and a page in between. Most of its sweeps are answered from a tape of the first; some are
made over HTTP, so that connections are opened and closed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.estate_redshift import Size
from bench.harness import Row, endpoint, environment, markdown, run, scratch, within

SIZE = Size(200, 200)
REPLAYED = 100
"""Sweeps in the table of `python -m bench`; the day that the target speaks of is 1,000 of them."""
OVER_HTTP = 20
WARM_UP = 50
EVERY = 5
RSS_MIB = 5.0
TAPE, HTTP = "answered from a tape", "over HTTP"


@dataclass(frozen=True, slots=True)
class Endured:
    """What the agent held after every so many sweeps, and what is in its store at last."""

    seen: Sequence[dict[str, Any]]
    stored: dict[str, int]

    def warm(self, warm_up: int) -> Sequence[dict[str, Any]]:
        """From the end of the warm-up on."""
        return [one for one in self.seen if one["sweeps"] >= warm_up]


def endure(sweeps: int, folder: Path, *, replay: bool) -> Endured:
    """So many sweeps by an agent of its own.

    Raises:
        RuntimeError: a sweep failed or was not complete, or a page was not served.
    """
    folder.mkdir()
    output, log = folder / "held.json", folder / "log"
    command = [sys.executable, "-m", "bench.endure", str(folder), "--sweeps", str(sweeps)]
    command += ["--every", str(EVERY), *(["--replay"] if replay else [])]
    with endpoint(SIZE, 0) as address:
        used = run(command, environment(folder.parent, address), stdout=output, stderr=log)
    if used.code:
        raise RuntimeError(f"exit code {used.code}: {log.read_text()[-600:]}")
    found = json.loads(output.read_text())
    if found["problem"] or found["code"]:
        raise RuntimeError(f"{found['problem']}; exit code {found['code']}")
    return Endured(found["seen"], found["stored"])


def rows(found: Endured, what: str, warm_up: int) -> list[Row]:
    """What was left behind after the warm-up, and what a sweep cost."""
    warm = found.warm(warm_up)
    # The middle of a few looks: garbage comes and goes between two of them.
    few = max(1, min(10, len(warm) // 4))
    before, after = (median(one["rss"] for one in part) for part in (warm[:few], warm[-few:]))
    first, last = warm[0], warm[-1]
    sweeps = last["sweeps"] - first["sweeps"]
    grown = (last["database"] - first["database"]) / 1024 / sweeps
    seconds = (last["cpu"] - first["cpu"]) / sweeps
    stored = f"{found.stored['events']:,} events and {found.stored['sweeps']:,} sweeps in it"
    return [
        Row(
            f"{what}: growth of resident memory",
            f"{after - before:+.1f} MiB ({before:.1f} to {after:.1f} MiB, after {warm_up} sweeps "
            f"to warm up; highest {max(one['rss'] for one in warm):.1f} MiB)",
            f"< {RSS_MIB:.0f} MiB",
            "ok" if after - before < RSS_MIB else "**over**",
        ),
        *(
            within(f"{what}: {name} left behind", max(0, last[name] - first[name]), 0, name)
            for name in ("threads", "sockets", "files")
        ),
        Row(f"{what}: CPU of one, with a scrape and a page", f"{seconds:.2f} s"),
        Row(f"{what}: growth of the store", f"{grown:.1f} KiB a sweep ({stored})"),
    ]


def measure(folder: Path, replayed: int = REPLAYED, over_http: int = OVER_HTTP) -> list[Row]:
    """The rows of both kinds; either is left out where it is 0."""
    listed: list[Row] = []
    for sweeps, how, warm_up in (
        (replayed, TAPE, WARM_UP),
        (over_http, HTTP, 10),
    ):
        what = f"{sweeps:,} sweeps of {SIZE.clusters} clusters, {how}"
        try:
            if sweeps:
                found = endure(sweeps, folder / how.replace(" ", "-"), replay=how == TAPE)
                listed += rows(found, what, min(warm_up, sweeps // 2))
        except RuntimeError as error:
            why = str(error).strip().replace("\n", " ")[-300:]
            listed.append(Row(what, why, "", "**not measured**"))
    return listed


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.steady", description=__doc__)
    parser.add_argument("--sweeps", type=int, default=REPLAYED, help="answered from a tape")
    parser.add_argument("--over-http", type=int, default=OVER_HTTP)
    parser.add_argument("--keep", type=Path, help="a new folder for what was held and logged")
    options = parser.parse_args()
    if options.keep:
        options.keep.mkdir()
        print(markdown(measure(options.keep, options.sweeps, options.over_http)))
        return
    with scratch() as folder:
        print(markdown(measure(folder, options.sweeps, options.over_http)))


if __name__ == "__main__":
    main()
