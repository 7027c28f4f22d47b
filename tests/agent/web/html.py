"""What a browser would make of a page: its elements, their attributes and its text."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"meta", "link", "input", "br", "img", "hr"})


@dataclass
class Seen(HTMLParser):
    """A parsed page. `open_at_end` is what was never closed."""

    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    open_at_end: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open_at_end.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open_at_end, f"</{tag}> closes nothing"
        assert self.open_at_end[-1] == tag, f"</{tag}> closes <{self.open_at_end[-1]}>"
        self.open_at_end.pop()

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        """All that is read, in one line."""
        return " ".join(" ".join(self.texts).split())

    @property
    def links(self) -> list[str]:
        """Where it leads, within the site."""
        found = [attrs["href"] for tag, attrs in self.tags if tag == "a" and "href" in attrs]
        return [link for link in dict.fromkeys(found) if link.startswith("/")]


def seen(page: str) -> Seen:
    """The page as it is parsed. Fails where elements do not nest."""
    parsed = Seen()
    parsed.feed(page)
    parsed.close()
    assert not parsed.open_at_end, f"never closed: {parsed.open_at_end}"
    return parsed
