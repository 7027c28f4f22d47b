"""Makes docs/images/*.png: pages of a real agent on the simulated estate, in Chromium."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.walk import pages_walk

IMAGES = Path(__file__).resolve().parent / "images"
KEPT = (
    "overview",
    "overview-days",
    "findings",
    "resource",
    "changes",
    "overview-dark",
    "overview-phone",
)
WHILE = 180.0
"""Seconds of drift before the pictures are taken: so that something has happened."""


def main() -> None:
    """Run the demo for a while, click through its pages, keep the pictures the documents show."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        command = [sys.executable, "-m", "agent", "demo", "--remediate", "--listen", "127.0.0.1:0"]
        with out.open("wb") as stdout:
            demo = subprocess.Popen(command, stdout=stdout)  # noqa: S603 - our own
        try:
            time.sleep(float(sys.argv[1]) if len(sys.argv) > 1 else WHILE)
            (url,) = re.findall(r"(http://\S+)/ +what fails now", out.read_text())
            _take(url, Path(folder))
        finally:
            demo.terminate()
            demo.wait(30)


def _take(url: str, folder: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        context = browser.new_context(timezone_id="UTC", locale="en-GB")
        pages_walk(context.new_page(), url, folder)
        browser.close()
    for name in KEPT:
        shutil.copyfile(folder / f"{name}.png", IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
