"""Makes docs/images/check.svg: a real `trailkeeper --check` of the simulated estate, in colour."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from agent.sandbox import estate
from agent.sandbox.accounts import long_term_key
from agent.sandbox.server import start_server

COLUMNS = 118
COMMAND = ["trailkeeper", "--check", "--account", "111122223333", "--region", "eu-west-1"]
HERE = Path(__file__).resolve().parent


def main() -> None:
    """Start the estate, check one of its targets on a terminal, and draw what it printed."""
    seed = "agent.sandbox.estate:seed"
    with start_server(seed=seed) as server, tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "trailkeeper.yaml"
        config.write_text(estate.configuration(), encoding="utf-8")
        environ = os.environ | {
            "AWS_ENDPOINT_URL": server.endpoint,
            "AWS_ACCESS_KEY_ID": long_term_key(server.account),
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_REGION": "eu-west-1",
            "COLUMNS": str(COLUMNS),
            "TERM": "xterm-256color",
        }
        environ.pop("NO_COLOR", None)
        command = [sys.executable, "-m", "agent", *COMMAND[1:], "--config", str(config)]
        output = _on_a_terminal(command, environ)
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text(f"$ {' '.join(COMMAND)}\n"))
    console.print(Text.from_ansi(output))
    picture = HERE / "images" / "check.svg"
    picture.parent.mkdir(exist_ok=True)
    # Without the web fonts that rich asks a public server for: a picture should load nothing.
    layout = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    console.save_svg(str(picture), title="trailkeeper --check", code_format=layout)
    sys.stdout.write(f"{picture}\n")


def _on_a_terminal(command: list[str], environ: dict[str, str]) -> str:
    """What a command prints when it believes that a person is looking."""
    outer, inner = pty.openpty()
    process = subprocess.Popen(  # noqa: S603 - our own command
        command, stdout=inner, stderr=subprocess.DEVNULL, env=environ
    )
    os.close(inner)
    printed = b""
    try:
        while chunk := os.read(outer, 65536):
            printed += chunk
    except OSError:
        pass  # Linux says so when the other end is closed
    process.wait()
    return printed.decode().replace("\r\n", "\n")


if __name__ == "__main__":
    main()
