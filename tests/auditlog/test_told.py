"""What is found of a text's shape, its digits aside, is what is found of the text."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.auditlog.statements import classify
from agent.auditlog.told import ZERO, Told, fingerprint_of, name_in, of_shape, told_of

PIECES = st.sampled_from(
    [
        *("select ", "insert into ", "delete from ", "update ", "drop table ", "create user "),
        *("begin", ";", "--", "/*", "*/", "'", '"', "\\", "(", ")", "$", "$a1$", "$a2$", "\n"),
        *(" where ", "1=1", "1 = 2", "t1", "t2", "a1.b2", "a1 . b2", '"q1"."r2"', ", ", "ü1", "7"),
        *("if exists ", "INTERNAL QUERY */", "Undoing transaction 12", "cancel 77", "into ", " "),
    ]
)
TEXTS = st.lists(PIECES, max_size=9).map("".join)

Found = list[tuple[str, str, bool, str, str]]


def found(text: bytes, told: Told) -> Found:
    """Verb, name, is_unfiltered, text and fingerprint of each statement."""
    out = []
    for one in told.parts or (told,):
        own = text[one.start : one.end]
        name = name_in(own, one).decode()
        out.append((one.verb, name, one.is_unfiltered, own.decode(), one.fingerprint))
    return out


def expected(text: str) -> Found:
    """The same, of the statements themselves."""
    return [
        (one.verb, one.object_name, one.is_unfiltered, one.text, fingerprint_of(one.text.encode()))
        for one in classify(text)
    ]


@settings(max_examples=600, deadline=None)
@given(text=TEXTS)
@example("delete from t where 1=2")
@example("select $a1$ x $a2$; drop table t; $a1$")
@example("drop table a1 . b2 -- a3.b4")
@example("drop table t1; drop table t2")
def test_a_shape_tells_what_each_of_its_texts_does(text: str) -> None:
    raw = text.encode()
    told = of_shape(raw.translate(ZERO))

    assert found(raw, told_of(raw)) == expected(text)
    assert told is None or found(raw, told) == expected(text)


@pytest.mark.parametrize(
    "text",
    [
        "select a from b where c = 12;",
        'drop table if exists "prod"."mart"."orders__tmp4711" cascade',
        "begin;create user u17 password 'x1'; commit",
        "create table stage.t_20261001 (id int)",
    ],
)
def test_texts_that_come_all_day_are_told_by_their_shape(text: str) -> None:
    raw = text.encode()
    told = of_shape(raw.translate(ZERO))

    assert told is not None
    assert found(raw, told) == expected(text)


@pytest.mark.parametrize("shape", [b"delete from t where 0=0", b"select $a0$ x $a0$"])
def test_where_digits_count_a_shape_tells_nothing(shape: bytes) -> None:
    assert of_shape(shape) is None


@pytest.mark.parametrize(
    ("text", "fingerprint"),
    [
        pytest.param("select 12 from t1", "select ? from t?", id="figures"),
        pytest.param("where a = 'it''s' and b = 'x'", "where a = ? and b = ?", id="doubled quotes"),
        pytest.param(r"where a = 'it\'s' or b = '\\'", "where a = ? or b = ?", id="backslashes"),
        pytest.param("a = '1\n2' -- 3", "a = ? -- ?", id="a literal of two lines"),
        pytest.param(f"select '{'secret ' * 99}' as a", "select ?", id="a literal that is cut"),
        pytest.param("select 'open", "select ?", id="a literal that has no end"),
        pytest.param("select 'open\\", "select ?", id="a literal that ends in a backslash"),
        pytest.param("ü" * 300, "ü" * 200, id="characters are counted, not bytes"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_a_fingerprint_has_neither_literals_nor_figures(text: str, fingerprint: str) -> None:
    assert fingerprint_of(text.encode()) == fingerprint
