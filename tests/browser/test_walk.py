"""The pages over values, in a real Chromium: clicked through, read as colours, tried with harm."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from agent.web import app
from agent.web.server import Server, bind
from agent.web.shown import change_link, resource_link
from controls.model import Coverage
from tests.agent.web.estate import FakeView, healthy, typical, view
from tests.agent.web.test_pages import EVIL, evil_state
from tests.browser.walk import PHONE, pages_walk

PATHS = (
    "/",
    "/findings",
    "/rules",
    "/rules/redshift-logs-fresh",
    "/targets",
    "/changes",
    "/changes/a-undone",
    "/agent",
    "/none",
)


@contextmanager
def served(fake: FakeView, token: str | None = None) -> Iterator[str]:
    """The address of an agent's pages over these values."""
    server = Server(app.build(fake, token=token, tls=False), bind("127.0.0.1", 0))
    server.start()
    yield f"http://127.0.0.1:{server.port}"
    server.stop(5)


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(view(), id="an agent that puts things right"),
        pytest.param(view(remedies=False, entries=()), id="an agent that observes"),
    ],
)
def test_a_person_finds_the_way_from_what_fails_to_why(
    shown: FakeView, page: Page, tmp_path: Path
) -> None:
    with served(shown) as base:
        pictures = pages_walk(page, base, tmp_path)

    assert len(pictures) >= 12
    assert all(path.stat().st_size > 5_000 for path in pictures)


@pytest.mark.parametrize("text", [pytest.param(each, id=ascii(each[:20])) for each in EVIL])
def test_what_is_shown_never_runs_and_never_breaks_the_page(page: Page, text: str) -> None:
    dialogs: list[str] = []
    errors: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    fake = evil_state(text)
    ref = next(iter(fake.current.findings.values())).finding.ref
    with served(fake) as base:
        change = change_link(fake.entries[0].id)
        for path in (
            "/",
            "/findings",
            "/targets",
            "/agent",
            "/changes",
            change,
            resource_link(ref),
        ):
            answer = page.goto(f"{base}{path}")
            assert answer is not None
            assert answer.status == 200, path
            beyond = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert beyond <= 0, path

    assert (dialogs, errors) == ([], [])


def test_a_browser_gets_in_with_the_token_as_its_password(browser: Browser) -> None:
    with served(view(), token="let-me-in") as base:
        context = browser.new_context(
            http_credentials={"username": "anyone", "password": "let-me-in"}
        )
        page = context.new_page()
        page.goto(base)
        expect(page.get_by_role("heading", name="What fails now")).to_be_visible()
        colour = page.evaluate("getComputedStyle(document.querySelector('.card')).borderRadius")
        context.close()

    assert colour == "10px"  # the style sheet came too


CONTRAST = """
() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (text) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const part = (c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const found = rgba(getComputedStyle(at).backgroundColor);
      if (found[3] === 255) return found;
    }
    return [255, 255, 255, 255];
  };
  const low = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    const style = getComputedStyle(element);
    if (!own || !element.getClientRects().length || style.visibility === 'hidden') continue;
    const svg = element instanceof SVGElement;
    if (svg && !['text', 'tspan'].includes(element.tagName)) continue;
    const [a, b] = [light(rgba(svg ? style.fill : style.color)), light(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) {
      low.push(`${element.tagName}.${element.getAttribute('class')} ${ratio.toFixed(2)}`);
    }
  }
  return [...new Set(low)];
}
"""
"""Every text whose contrast with what is behind it is less than WCAG AA asks of small text."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_the_contrast_that_aa_asks_for(page: Page, scheme: Any) -> None:
    troubled = healthy(alive=False, store_up=False, reload_ok=False, needs_restart=("http.listen",))
    shown = view(current=replace(typical(), stale=True), well=troubled)
    page.emulate_media(color_scheme=scheme)
    with served(shown) as base:
        for path in PATHS:
            page.goto(f"{base}{path}")
            page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
            assert page.evaluate(CONTRAST) == [], path


def test_the_pages_are_named_for_who_hears_them(page: Page) -> None:
    with served(view()) as base:
        page.goto(base)
        heard = page.locator("body").aria_snapshot()

    for part in ("banner", "navigation", "main", "contentinfo", "Compliance over the last 30 days"):
        assert part in heard
    assert Coverage.UNREADABLE.value in heard.lower()


def test_the_pages_can_be_printed(page: Page) -> None:
    page.emulate_media(media="print", color_scheme="dark")
    with served(view()) as base:
        page.goto(base)
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        menu = page.get_by_role("navigation", name="Pages")

        expect(menu).to_be_hidden()

    assert ground == "rgb(255, 255, 255)"
