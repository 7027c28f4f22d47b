"""Wildcard patterns: membership against a slow, obvious matcher, and division of a set."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controls.model import CannotTellError
from controls.semantics.wildcards import (
    ANY,
    SOME,
    Elements,
    divide,
    literal,
    matches,
    parse_pattern,
)

TEXT = st.text(alphabet="ab/", max_size=7)
GLOB = st.text(alphabet="ab/*?", max_size=7)


def slow(pattern: str, text: str) -> bool:
    """What `*` and `?` mean, by trying everything."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(slow(pattern[1:], text[i:]) for i in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and slow(pattern[1:], text[1:])


def plain(text: str) -> Elements:
    """A pattern without variables."""
    return parse_pattern(text, variables=False).elements


@settings(max_examples=500, deadline=None)
@given(GLOB, TEXT)
def test_matching_agrees_with_trying_everything(pattern: str, text: str) -> None:
    """The automaton and the obvious recursion say the same."""
    assert matches(plain(pattern), text) is slow(pattern, text)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="ab", max_size=2), st.lists(GLOB, max_size=3))
def test_division_agrees_with_listing_the_strings(head: str, globs: list[str]) -> None:
    """Every combination that short strings show is found; every example is true to its part."""
    universe = literal(head) + ANY
    parts = divide(universe, [plain(glob) for glob in globs])
    for part in parts:
        assert part.example.startswith(head)
        assert part.matched == {i for i, g in enumerate(globs) if slow(g, part.example)}
    found = {part.matched for part in parts}
    for size in range(4):
        for tail in itertools.product("ab/x", repeat=size):
            text = head + "".join(tail)
            assert {i for i, g in enumerate(globs) if slow(g, text)} in found


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        pytest.param("a${*}b", "a*b", True, id="an escaped star is a star"),
        pytest.param("a${*}b", "axb", False, id="an escaped star is no wildcard"),
        pytest.param("a${?}b", "a?b", True, id="an escaped question mark is one"),
        pytest.param("${$}{x}", "${x}", True, id="an escaped dollar is one"),
        pytest.param("a${aws:username}b", "a.anything.b", True, id="a variable may be anything"),
        pytest.param("a${aws:username}b", "c", False, id="what stands around it stays"),
    ],
)
def test_variables_and_escapes(text: str, value: str, expected: bool) -> None:
    """`${…}` in policies of version 2012-10-17."""
    assert matches(parse_pattern(text, variables=True).elements, value) is expected


def test_a_variable_makes_a_pattern_inexact_and_an_escape_does_not() -> None:
    """Only what we cannot resolve is a doubt."""
    assert not parse_pattern("${aws:username}", variables=True).exact
    assert parse_pattern("${*}", variables=True).exact
    assert parse_pattern("${aws:username}", variables=False).exact


def test_without_wildcards_a_star_is_a_star() -> None:
    """StringEquals takes `*` literally."""
    assert not matches(parse_pattern("a*", variables=True, wild=False).elements, "ab")


def test_a_set_without_the_empty_text_has_no_empty_example() -> None:
    """SOME is at least one character, also where no pattern decides anything."""
    assert [part.example for part in divide(literal("k/") + SOME, [])] == ["k/x"]


def test_a_set_of_characters_is_told_apart_only_by_its_members() -> None:
    """A digit can only be a digit: `a*` and `*a` never match two of them."""
    digit = (frozenset("0123456789"), False)
    parts = divide((digit, digit), [plain("a*"), plain("*a"), plain("1?"), plain("*")])
    assert {part.matched for part in parts} == {frozenset({3}), frozenset({2, 3})}


def test_patterns_beyond_reason_are_refused_and_not_guessed() -> None:
    """A policy can be written to blow up any automaton; that is an unknown, in bounded time."""
    with pytest.raises(CannotTellError, match="too intricate"):
        divide(SOME, [plain(f"*x{i}*y{i}*") for i in range(30)])
