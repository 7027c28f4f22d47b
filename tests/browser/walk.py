"""A person's way through the pages, in a real browser, over any running agent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

DESKTOP = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844}


def pages_walk(page: Page, base_url: str, into: Path) -> list[Path]:
    """Click from the overview to a finding, its resource, its rule, and through the menu.

    The estate must have a finding that fails. Fails where a page logs an error (a breach of its
    own security policy is one), asks another host for anything, or is wider than its window.
    Leaves a picture of each page in `into`, and of some in the dark and as a phone shows them.
    """
    errors: list[str] = []
    asked: list[str] = []
    page.on(
        "console", lambda message: errors.append(message.text) if message.type == "error" else None
    )
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    pictures: list[Path] = []

    def picture(name: str) -> None:
        _fits(page, name)
        path = into / f"{name}.png"
        page.screenshot(path=str(path), animations="disabled")
        pictures.append(path)

    page.emulate_media(color_scheme="light")
    page.goto(base_url)
    _through_findings(page, picture)
    _through_menu(page, picture)
    page.emulate_media(color_scheme="dark")
    page.goto(base_url)
    picture("overview-dark")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    for name in ("", "findings", "targets", "changes"):
        page.emulate_media(color_scheme="light")
        page.goto(f"{base_url}/{name}")
        picture(f"{name or 'overview'}-phone")

    assert errors == []
    assert [url for url in asked if not url.startswith((base_url, "data:"))] == []
    return pictures


def _through_findings(page: Page, picture: Callable[[str], None]) -> None:
    """From what fails to why, to the resource, and to the rule."""
    expect(page).to_have_title("Overview · Trailkeeper")
    expect(page.get_by_role("heading", name="What fails now")).to_be_visible()
    picture("overview")
    page.locator("#days").evaluate("heading => heading.closest('.columns').scrollIntoView()")
    picture("overview-days")
    page.get_by_role("list", name="Findings by status").get_by_role("link").first.click()
    expect(page.get_by_label("Filters in force")).to_contain_text("status: fail")
    page.get_by_label("Text").fill("no such finding anywhere")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_text("No finding matches")).to_be_visible()
    page.get_by_role("link", name="Clear").click()
    page.get_by_label("Status").select_option("fail")
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("link", name="Severity").click()
    expect(page.get_by_role("columnheader", name="Severity")).to_have_attribute(
        "aria-sort", "descending"
    )
    picture("findings")
    page.locator("a.what").first.click()
    expect(page.get_by_role("heading", name="Because")).to_be_visible()
    picture("finding")
    page.locator(".verdict-where a").click()
    expect(page.get_by_role("heading", name="Every rule on it")).to_be_visible()
    expect(page.get_by_role("heading", name="History")).to_be_visible()
    picture("resource")
    page.go_back()
    page.get_by_role("complementary").locator("p a").first.click()
    expect(page.get_by_role("heading", name="Condition")).to_be_visible()
    picture("rule")


def _through_menu(page: Page, picture: Callable[[str], None]) -> None:
    """Each entry of the menu, by keyboard for the first."""
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    headings = {"Rules": "Rules", "Targets": "Targets", "Changes": "Changes", "Agent": "The agent"}
    for name, heading in headings.items():
        page.get_by_role("navigation", name="Pages").get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", level=1, name=heading)).to_be_visible()
        picture(name.lower())
    _through_changes(page, picture)


def _through_changes(page: Page, picture: Callable[[str], None]) -> None:
    """The plan and the journal, where there is any of them: an agent may only observe."""
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Changes").click()
    expect(page.get_by_role("heading", name="Journal")).to_be_visible()
    observes = page.get_by_text("The agent only observes")
    plan = page.get_by_role("heading", name="The plan of the last round")
    expect(observes.or_(plan)).to_be_visible()
    calls = page.locator(".step summary").get_by_text("exact call")
    if calls.count():
        calls.first.click()
        expect(page.locator(".step details[open] .mono").first).to_be_visible()
    changes = page.locator(".journal a.what")
    if changes.count():
        changes.first.click()
        expect(page.get_by_role("heading", name="The exact calls")).to_be_visible()
        expect(page.get_by_role("heading", name="Undo", exact=True)).to_be_visible()
        picture("change")


def _fits(page: Page, name: str) -> None:
    """Nothing stands outside the window, where a phone would scroll sideways."""
    beyond = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert beyond <= 0, f"{name} is {beyond} pixels wider than its window"
