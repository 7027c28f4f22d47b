"""What a page is made of: one look at everything, and the template it fills."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files
from typing import Any, Generic, TypeVar

from jinja2 import Environment, PackageLoader, StrictUndefined

from agent.daemon.health import Health
from agent.store.records import StoreError
from agent.web import changed, shown
from agent.web.index import WORST_FIRST, Index
from agent.web.notices import notices
from agent.web.view import View
from controls.remedy import Entry

T = TypeVar("T")


class NotFoundError(Exception):
    """There is no such thing now. Says what was looked for and where else to look."""


@dataclass(frozen=True, slots=True)
class Past(Generic[T]):
    """Something of the store: what was read, or the sentence why it could not be."""

    found: Sequence[T] = ()
    problem: str = ""


def past(read: Any) -> Past[Any]:
    """What `read` gives: a store that is away leaves a gap on a page, and does not end it."""
    try:
        return Past(tuple(read()))
    except StoreError as error:
        return Past(problem=str(error))


@dataclass(frozen=True, slots=True)
class Look:
    """What is known at the moment of one request: everything on a page is of the same moment.

    `lately` are the changes of the last day, the newest first.
    """

    view: View
    index: Index
    health: Health
    lately: Past[Entry] = Past()

    @property
    def now(self) -> datetime:
        """The time that ages are counted from."""
        return self.health.now


@dataclass(frozen=True, slots=True)
class Page:
    """A template, its title, the entry of the menu it belongs to, and its values."""

    template: str
    title: str
    menu: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200


class Paper:
    """The templates, and the style sheet that they name."""

    def __init__(self) -> None:
        self.style = files("agent.web").joinpath("static/style.css").read_bytes()
        self.style_tag = hashlib.sha256(self.style).hexdigest()[:20]
        # Nothing goes to a page unescaped, and a name that is missing is a mistake, not nothing.
        self._templates = Environment(
            loader=PackageLoader("agent.web"),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=shown.visible,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.filters.update(shown.FILTERS)
        self._templates.filters.update(changed.FILTERS)
        self._templates.globals["WORST_FIRST"] = WORST_FIRST

    def write(self, page: Page, look: Look) -> str:
        """The page as HTML."""
        return self._templates.get_template(page.template).render(
            page.values,
            title=page.title,
            menu=page.menu,
            look=look,
            health=look.health,
            state=look.index.state,
            now=look.now,
            notices=notices(look.index, look.health, look.view.planned(), look.lately.found),
            style_tag=self.style_tag,
        )
