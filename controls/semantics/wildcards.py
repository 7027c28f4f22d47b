"""Wildcard patterns of IAM policies as sets of strings: membership, and how they divide a set.

A policy is judged for *every* log key at once, not for samples: patterns and the set of keys are
small automata, and walking them together finds each combination of patterns that some key of the
set matches. That is exact, whatever `*` and `?` stand where.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from controls.model import CannotTellError

Element: TypeAlias = tuple[frozenset[str] | None, bool]
"""The characters that may stand here (None: any), and whether any number of times."""

Elements: TypeAlias = tuple[Element, ...]

ANY: Elements = ((None, True),)
"""Any text, the empty one too."""

SOME: Elements = ((None, False), (None, True))
"""Any text of at least one character."""

MAX_STATES = 2_000
"""States walked before giving up, after half a second: real policies need under a hundred."""

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_LOOKS_WELL = "x1"
_SPARE = "x1qzkvjwy023456789abcdefghilmnoprstu\ue000"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern of a policy. Not `exact` where a policy variable stands: then it may match less."""

    text: str
    elements: Elements
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Part:
    """The strings of a set that match exactly these patterns (by index), and one of them."""

    matched: frozenset[int]
    example: str


def literal(text: str) -> Elements:
    """That text and nothing else."""
    return tuple((frozenset(char), False) for char in text)


def parse_pattern(text: str, *, variables: bool, wild: bool = True) -> Pattern:
    """`*` is any text, `?` any character, `${*}` `${?}` `${$}` that character, `${…}` a variable.

    A variable may stand for any text and makes the pattern inexact. Variables exist in policies
    of version 2012-10-17 only (IAM User Guide, reference_policies_variables). Without `wild`, `*`
    and `?` mean themselves (StringEquals).
    """
    elements: list[Element] = []
    exact = True
    rest = 0
    for found in _VARIABLE.finditer(text) if variables else ():
        elements += _plain(text[rest : found.start()], wild=wild)
        rest = found.end()
        if found[1] in ("*", "?", "$"):
            elements += literal(found[1])
        else:
            elements += ANY
            exact = False
    return Pattern(text, (*elements, *_plain(text[rest:], wild=wild)), exact)


def matches(elements: Elements, text: str) -> bool:
    """Whether the text is one of those the pattern describes. Linear in both lengths."""
    machine = _machine(elements)
    mask = machine.close(1)
    for char in text:
        mask = machine.step(mask, char)
    return bool(mask >> machine.length & 1)


def divide(universe: Elements, patterns: Sequence[Elements]) -> tuple[Part, ...]:
    """The parts into which the patterns divide the strings of the universe; none is left out.

    Raises:
        CannotTellError: the patterns are too intricate to be followed to the end.
    """
    head = _head(universe)
    rest = universe[len(head) :]
    masks = [_after(pattern, head) for pattern in patterns]
    all_of_it = frozenset(
        i
        for i, (pattern, mask) in enumerate(zip(patterns, masks, strict=True))
        if mask >> len(pattern) & 1 and (not rest or pattern[-1:] == ANY)
    )
    open_ = [i for i, mask in enumerate(masks) if rest and mask and i not in all_of_it]
    if not open_:
        return (
            Part(all_of_it, head + "".join(_any_of(chars) for chars, star in rest if not star)),
        )
    walked = _walk(rest, [patterns[i] for i in open_], [masks[i] for i in open_])
    return tuple(
        Part(all_of_it | {open_[i] for i in matched}, head + example)
        for matched, example in walked.items()
    )


def _walk(
    universe: Elements, patterns: Sequence[Elements], masks: Sequence[int]
) -> dict[frozenset[int], str]:
    """Each set of patterns that some string of the universe matches, with such a string."""
    machines = [_machine(elements) for elements in (universe, *patterns)]
    alphabet = _alphabet(universe, patterns)
    start = (machines[0].close(1), *masks)
    seen = {start: ""}
    parts: dict[frozenset[int], str] = {}
    waiting = [start]
    for state in waiting:  # grows while it is walked: breadth first, so examples stay short
        if state[0] >> machines[0].length & 1:
            ends = enumerate(zip(machines[1:], state[1:], strict=True))
            matched = frozenset(i for i, (m, mask) in ends if mask >> m.length & 1)
            parts.setdefault(matched, seen[state])
        for char in alphabet:
            if not machines[0].step(state[0], char):
                continue  # no string of the universe goes on so
            after = tuple(m.step(mask, char) for m, mask in zip(machines, state, strict=True))
            if after not in seen:
                seen[after] = seen[state] + char
                waiting.append(after)
        if len(seen) > MAX_STATES:
            raise CannotTellError("its wildcard patterns are too intricate to follow to the end")
    return parts


def _head(elements: Elements) -> str:
    """The text that all strings of a set begin with, up to the first wildcard."""
    chars: list[str] = []
    for allowed, star in elements:
        if star or allowed is None or len(allowed) > 1:
            break
        chars += allowed
    return "".join(chars)


def _after(pattern: Elements, text: str) -> int:
    """The mask of a pattern after a text; 0 if nothing that it matches begins so."""
    head = _head(pattern)
    common = min(len(head), len(text))
    if head[:common] != text[:common]:
        return 0
    machine = _machine(pattern)
    mask = machine.close(1 << common)
    for char in text[common:]:
        if not mask or mask & machine.last_any:
            break
        mask = machine.step(mask, char)
    return mask


def _any_of(chars: frozenset[str] | None) -> str:
    """A character that may stand there, for an example that reads well."""
    return next((c for c in _LOOKS_WELL if chars is None or c in chars), "") or min(chars or "x")


@dataclass(frozen=True, slots=True)
class _Machine:
    """A pattern as a nondeterministic automaton: bit i of a mask is "before element i"."""

    length: int
    repeated: int
    """The elements that may be passed without a character."""
    last_any: int
    """The bit of a last `*`, 0 if there is none: once there, everything matches."""
    moves: dict[str, tuple[int, int]]
    """Character -> the bits it moves on from, the bits it stays at."""
    other: tuple[int, int]
    """The same for a character that the pattern does not name."""

    def step(self, mask: int, char: str) -> int:
        """The mask after one more character; 0 is a dead end."""
        if not mask:
            return 0
        advance, stay = self.moves.get(char, self.other)
        return self.close(((mask & advance) << 1) | (mask & stay))

    def close(self, mask: int) -> int:
        """With all that is reachable without a character."""
        while (wider := mask | ((mask & self.repeated) << 1)) != mask:
            mask = wider
        return self.last_any * 3 if mask & self.last_any else mask


@lru_cache(maxsize=128)  # the patterns of one policy, met again and again; not of all buckets
def _machine(elements: Elements) -> _Machine:
    named = {char for chars, _ in elements if chars is not None for char in chars}
    last = len(elements) - 1
    return _Machine(
        len(elements),
        sum(1 << i for i, (_, star) in enumerate(elements) if star),
        1 << last if elements and elements[last] == ANY[0] else 0,
        {char: _moves(elements, char) for char in named},
        _moves(elements, ""),
    )


def _plain(text: str, *, wild: bool) -> Iterator[Element]:
    """The elements of a text without variables."""
    for char in text:
        if wild and char == "*":
            yield (None, True)
        elif wild and char == "?":
            yield (None, False)
        else:
            yield (frozenset(char), False)


def _moves(elements: Elements, char: str) -> tuple[int, int]:
    """The bits a character moves on from, and those it stays at ("": one that is not named)."""
    advance = loop = 0
    for position, (chars, star) in enumerate(elements):
        if chars is None or char in chars:
            if star:
                loop |= 1 << position
            else:
                advance |= 1 << position
    return advance, loop


def _alphabet(universe: Elements, patterns: Sequence[Elements]) -> list[str]:
    """Enough characters: those a pattern names, and one of each sort that none of them names."""
    named = {char for p in patterns for chars, _ in p if chars is not None for char in chars} | {
        char for chars, _ in universe if chars is not None and len(chars) == 1 for char in chars
    }
    sets = {chars for chars, _ in universe if chars is not None and len(chars) > 1}
    sorts: dict[frozenset[frozenset[str]], str] = {}
    for char in (*_SPARE, *sorted(set().union(*sets))):
        if char not in named:
            sorts.setdefault(frozenset(chars for chars in sets if char in chars), char)
    return sorted(named | set(sorts.values()), key=lambda c: (c not in _LOOKS_WELL, c))
