"""Write the dashboards; with --check only say whether those at hand are the same."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from agent_board import AGENT
from estate_board import ESTATE
from logs_board import LOGS

FOLDER = Path(__file__).resolve().parent / "dashboards"


def main(arguments: list[str]) -> int:
    """0: written, or as committed. 1: with --check, a file differs."""
    differ = 0
    for model in (ESTATE, LOGS, AGENT):
        file = FOLDER / f"{model['uid']}.json"
        text = json.dumps(model, indent=2, ensure_ascii=False) + "\n"
        if "--check" not in arguments:
            file.write_text(text, encoding="utf-8")
        elif not file.is_file() or file.read_text(encoding="utf-8") != text:
            differ = 1
            sys.stderr.write(f"{file.name} differs: run python deploy/grafana/build.py\n")
    return differ


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
