"""Makes docs/images/*.png in Chromium: pages of an agent on the simulated estate, and a report."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Playwright, sync_playwright

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


def report() -> None:
    """The first page of the report on a generated month."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        month = ["--month", "2026-10"]
        make = [sys.executable, "-m", "agent.sandbox.month", folder / "logs", *month]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own
        ask = [sys.executable, "-m", "agent", "report", *month, "--allow-incomplete"]
        ask += ["--source", folder / "logs", "--output", folder / "out", "--work", folder / "work"]
        subprocess.run(ask, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own
        (page,) = (folder / "out").rglob("report.html")
        with sync_playwright() as playwright:
            browser = _browser(playwright)
            shown = browser.new_page(viewport={"width": 1200, "height": 1500})
            shown.goto(page.as_uri())
            shown.screenshot(path=IMAGES / "report.png")
            browser.close()


def _browser(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(
        executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
    )


def _take(url: str, folder: Path) -> None:
    with sync_playwright() as playwright:
        browser = _browser(playwright)
        context = browser.new_context(timezone_id="UTC", locale="en-GB")
        pages_walk(context.new_page(), url, folder)
        browser.close()
    for name in KEPT:
        shutil.copyfile(folder / f"{name}.png", IMAGES / f"{name}.png")


if __name__ == "__main__":
    report()
    main()
