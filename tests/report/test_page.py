"""The page: one file that needs nothing else, and that nothing in the logs can break out of."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser

import pytest

from agent.report.model import Chart, Column, Completeness
from agent.report.outputs import page as module
from agent.report.outputs.page import page
from agent.report.outputs.text import folder_of, in_line, seen
from agent.report.redact import redacted
from tests.report.documents import HOSTILE, SECRET, WRITER, document


@cache
def shown() -> str:
    return page(redacted(document()))


class Seen(HTMLParser):
    """What a browser would make of it: elements, attributes, ids, links."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: dict[str, int] = {}
        self.attributes: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self.attributes += [(name, value or "") for name, value in attrs]


def test_nothing_of_the_logs_becomes_an_element_or_an_attribute() -> None:
    found = Seen(shown())

    assert not {"script", "img", "i", "b", "iframe", "link", "object"} & set(found.tags)
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    assert not [name for name, _ in found.attributes if name in ("src", "style", "srcset")]


def test_the_page_refers_to_nothing_outside_itself() -> None:
    links = [value for name, value in Seen(shown()).attributes if name == "href"]

    assert links
    assert {link[0] for link in links} == {"#"}
    assert "url(" not in shown()
    assert "@import" not in shown()


def test_every_link_leads_somewhere_and_every_anchor_is_one() -> None:
    found = Seen(shown()).attributes
    ids = [value for name, value in found if name == "id"]

    assert {value[1:] for name, value in found if name == "href"} <= set(ids)
    assert len(ids) == len(set(ids))


def test_the_policy_allows_this_style_alone() -> None:
    style = re.search(r"<style>(.*?)</style>", shown(), re.DOTALL)
    policy = next(
        value for name, value in Seen(shown()).attributes if value.startswith("default-src")
    )

    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'")


def test_every_hostile_name_is_shown_so_that_it_can_be_seen() -> None:
    text = html.unescape(shown())

    for name in HOSTILE:
        assert in_line(name[:100]) in text
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\ud800-\udfff]", text
    )


def test_a_long_name_is_cut_and_its_length_said() -> None:
    assert "(3,000 characters)" in shown()
    assert "x" * 500 not in shown()


def test_literals_are_on_no_page_unless_they_are_asked_for() -> None:
    assert SECRET not in shown()
    assert SECRET in page(document())


@pytest.mark.parametrize("verdict", list(Completeness))
def test_the_verdict_stands_first(verdict: Completeness) -> None:
    text = page(document(verdict))

    assert module.VERDICTS[str(verdict)] in text[text.index("<main") : text.index('id="headlines"')]


def test_fifty_rows_are_shown_and_the_rest_is_said() -> None:
    assert "50 of 93 rows; 81 in csv/failures-by_user.csv, 12 beyond its limit" in shown()


def test_a_query_without_rows_says_so() -> None:
    assert "<strong>Nothing.</strong> None this month." in shown()


def test_a_section_that_broke_says_why_and_is_named_beside_the_verdict() -> None:
    assert "Could not be answered.</strong> ConversionError: could not read ?" in shown()
    assert "1 of 3 sections could not be answered" in shown()


def test_evidence_leads_to_the_object_in_the_appendix() -> None:
    assert '<a class="source" href="#o2"' in shown()
    assert '<tr id="o2">' in shown()


def test_headlines_stand_beside_those_of_the_month_before() -> None:
    assert "+20 %, from 100,000" in shown()
    bare = page(replace(document(), before={}))
    assert "no report of the month before is at hand" in bare


def test_evidence_of_an_object_nobody_knows_breaks_nothing() -> None:
    assert "record 17" in page(replace(document(), objects={})).replace("&nbsp;", " ")


def test_every_table_has_a_caption_and_every_head_a_scope() -> None:
    found = Seen(shown())

    assert found.tags["table"] == found.tags["caption"]
    assert found.tags["th"] == sum(1 for name, value in found.attributes if name == "scope")


def test_an_appendix_of_many_objects_has_those_alone_that_matter() -> None:
    made = document()
    objects = made.coverage.objects
    text = html.unescape(page(redacted(made)))
    rows = re.findall(r'<tr id="o(\d+)">', text)
    shown_keys = set(re.findall(r'<td><bdi class="key-text">([^\n]*?)</bdi><span', text))
    left_out = [one for one in objects if seen(one.object.key) not in shown_keys]

    assert len(objects) > module.OBJECTS
    assert "2" in rows  # evidence leads there
    assert left_out
    assert all(one.status == "read" and not one.bad for one in left_out)
    assert f"{len(objects) - len(left_out)} of {len(objects)} objects" in text
    assert "manifest.json has every object, with its hashes" in text

    late = replace(made.coverage, late=(left_out[0].object.key,))
    assert left_out[0].object.key in html.unescape(page(replace(made, coverage=late)))


def test_an_appendix_of_few_objects_has_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OBJECTS", 1000)
    text = page(redacted(document()))

    assert text.count('class="key-text"') >= len(document().coverage.objects)
    assert "Every object; manifest.json has the same for machines" in text


def test_paper_has_the_beginning_of_a_long_table_and_says_so() -> None:
    long = next(
        (len(rows), f"csv/{one.section.id}-{name}.csv")
        for one in document().sections
        for name, rows in one.answers.items()
        if len(rows) > module.PAPER
    )

    assert f"on paper the first 20; the rest in {long[1]}" in shown()
    assert shown().count("on paper") == shown().count(' long"')


@pytest.mark.parametrize(
    ("cluster", "folder"),
    [
        pytest.param("dwh-1", "111122223333_eu-west-1_dwh-1", id="as it is"),
        pytest.param("../../etc", "111122223333_eu-west-1_-..-etc_", id="no way out"),
        pytest.param("..", "111122223333_eu-west-1_-_", id="nothing left"),
        pytest.param("a\x00b/c_d", "111122223333_eu-west-1_a-b-c-d_", id="other characters"),
    ],
)
def test_a_cluster_has_a_folder_of_its_own_whatever_its_name(cluster: str, folder: str) -> None:
    found = folder_of(replace(WRITER, cluster=cluster))

    assert found.startswith(folder)
    assert "/" not in found
    assert not folder.endswith("_") or found != folder


def test_what_cannot_be_seen_is_written_as_an_escape() -> None:
    assert seen("a\x00b\u202ec\nd") == "a\\x00b\\u202ec\nd"


def test_what_a_heat_map_draws_is_no_table_besides() -> None:
    made = document()
    answered = made.sections[0]
    (query, rows) = next((q, answered.answers[q.name]) for q in answered.section.queries)
    assert rows
    day, hour, count = (Column(name, name) for name in ("day", "hour", "count"))
    section = replace(
        answered.section,
        queries=(replace(query, columns=(day, hour, count)),),
        charts=(Chart(query.name, "hours", "day", ("hour", "count"), "By hour"),),
    )
    hours = [{"day": "2026-10-01", "hour": hour, "count": 1} for hour in range(24)]
    drawn = replace(answered, section=section, answers={query.name: hours}, beyond={})
    text = page(replace(made, sections=(drawn,), findings=()))

    assert f"Drawn above; the figures are in csv/{section.id}-{query.name}.csv" in text
    assert "<caption>" + query.title not in text
