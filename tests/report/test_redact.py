"""No character of a literal or a comment survives, wherever a statement is cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.report.redact import redact, redact_text, redacted
from tests.report.documents import SECRET, document

SHOWN = [
    pytest.param("select 1", "select ?", id="number"),
    pytest.param("select -1.5e-3, 0x1F, .5 from t1", "select -?, ?, ? from t1", id="numbers"),
    pytest.param("select 'a''b' x", "select ? x", id="doubled quote"),
    pytest.param("select E'a', b'01', x'ff', u&'d', N'n'", "select ?, ?, ?, ?, ?", id="prefixes"),
    pytest.param("select 'a\\\\' , b", "select ? , b", id="two backslashes end nothing"),
    pytest.param("select 'a\\' , 'b'", "select ?", id="a backslash before a quote hides the rest"),
    pytest.param("select 'a", "select ?", id="no end"),
    pytest.param('select "my col" from "a""b"', 'select "my col" from "a""b"', id="names stay"),
    pytest.param("select \"a, 'b'", "select ?", id="a name without end"),
    pytest.param("do $x$ a $$ b $x$ c", "do ? c", id="dollar quotes"),
    pytest.param("do $x$ a $$ b", "do ?", id="dollar quotes without end"),
    pytest.param("select $1, a$b$c from t", "select $?, a$b$c from t", id="a dollar in a name"),
    pytest.param("a -- b\nc", "a ?\nc", id="line comment"),
    pytest.param("a /* b /* c */ d */ e", "a ? e", id="nested comments"),
    pytest.param("a /* b /* c */ d", "a ?", id="a comment without end"),
    pytest.param("GRANT all ON a.b TO c", "GRANT all ON a.b TO c", id="nothing to hide"),
    pytest.param("", "", id="empty"),
    pytest.param(
        "COPY t FROM 's3://bkt/raw/2026/x.csv' IAM_ROLE 'arn:x'",
        "COPY t FROM 's3://bkt/raw/?' IAM_ROLE ?",
        id="COPY keeps bucket and prefix",
    ),
    pytest.param(
        "/* c */ unload ('select ''a''') to 's3://bkt/'",
        "? unload (?) to 's3://bkt'",
        id="UNLOAD keeps the bucket",
    ),
    pytest.param("select a FROM 's3://bkt/raw'", "select a FROM ?", id="not in SELECT"),
    pytest.param("COPY t FROM 'S3://bkt/se cret'", "COPY t FROM ?", id="no URL as we know it"),
    pytest.param("copy a from 's3://b", "copy a from ?", id="a URL without end"),
    pytest.param(
        "copy a from b; select x from 's3://bkt/a'",
        "copy a from b; select x from ?",
        id="the next statement is another",
    ),
]


@pytest.mark.parametrize(("sql", "shown"), SHOWN)
def test_what_is_shown_of_a_statement(sql: str, shown: str) -> None:
    assert redact(sql) == shown


INSIDE = st.lists(
    st.sampled_from(["ξ", "ζ", "'", '"', "\\", "--", "/*", "*/", "$$", "$t$", "\n", ";", " ", "7"]),
    max_size=8,
).map("".join)
WORDS = st.sampled_from(["select", "from", " ", "t", "(", ")", ",", '"n"', "\n", ";", "copy", "to"])
LITERAL = st.one_of(
    INSIDE.map(lambda text: "'" + text.replace("'", "''") + "'"),
    INSIDE.map(lambda text: "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"),
    INSIDE.map(lambda text: "E'" + text.replace("'", "''") + "'"),
    INSIDE.map(lambda text: "$t$" + text.replace("$", "") + "$t$"),
    INSIDE.map(lambda text: "--" + text.replace("\n", "") + "\n"),
    INSIDE.map(lambda text: "/*" + text.replace("*", "").replace("/", "") + "*/"),
    st.just("5ξ"),
)


@given(st.lists(st.one_of(WORDS, LITERAL), max_size=14), st.integers(0, 200))
@settings(max_examples=400, deadline=None)
def test_no_character_of_a_literal_survives_wherever_the_statement_ends(
    tokens: list[str], cut: int
) -> None:
    shown = redact(" ".join(tokens)[: 200 - cut])

    assert not set("ξζ7") & set(shown)


@given(st.text(max_size=40), st.text(max_size=10))
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_to_its_end(text: str, more: str) -> None:
    assert isinstance(redact(text + "'" + more), str)


def test_reading_takes_no_longer_than_the_statement_is_long() -> None:
    for text in (
        "/*" * 100_000,
        "'" * 100_001,
        "'" + "\\" * 200_000,
        "$a" * 100_000,
        "9" * 200_000,
    ):
        redact(text)


QUOTES = [
    pytest.param(
        "bob ran: select 'ξ' from t", ["select 'ξ' from t"], "bob ran: select ? from t", id="whole"
    ),
    pytest.param(
        "bob ran: vacuum tables 'ξ…",
        ["vacuum tables 'ξζ' x"],
        "bob ran: vacuum tables ?…",
        id="its beginning",
    ),
    pytest.param(
        "it was: vacuum a 'ξ'  b", ["vacuum\n a  'ξ' b"], "it was: vacuum a ?  b", id="in one line"
    ),
    pytest.param("eve: update t set a = 'ξ'", [], "eve: update t set a = ?", id="looks like one"),
    pytest.param(
        "57 failures from 203.0.113.9 in 10 minutes",
        ["select 1"],
        "57 failures from 203.0.113.9 in 10 minutes",
        id="a sentence",
    ),
    pytest.param("O'Brien", [], "O'Brien", id="a name"),
]


@pytest.mark.parametrize(("text", "statements", "shown"), QUOTES)
def test_a_sentence_that_quotes_a_statement(text: str, statements: list[str], shown: str) -> None:
    assert redact_text(text, statements) == shown


def test_a_redacted_document_holds_no_literal_of_any_statement() -> None:
    assert SECRET in repr(document().sections)
    assert SECRET in repr(document().findings)
    assert SECRET not in repr(redacted(document()))
