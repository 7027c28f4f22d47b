"""Rule files as written become rules that run, or problems with a line and a column."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from controls.bounds import Bounds, outside
from controls.condition import (
    Condition,
    ConditionError,
    Environment,
    check_value,
    environment,
)
from controls.condition_text import NOW, PARAMS
from controls.kinds.kind import Kind
from controls.model import Severity, Status, Value
from controls.near import near
from controls.rule import EXAMPLE_NOW, Example, Examples, Rule, bind, judge, mistakes
from controls.rule_params import read_params, start_of
from controls.rule_shape import BLOCK_HINT, WrittenRule, read_rule_file, read_shape
from controls.written import Document, ListNode, MapNode, Node, Problem, ScalarNode, plain

_VERDICTS = ("pass", "fail", "unknown", "not_applicable")


@dataclass(frozen=True, slots=True)
class RuleText:
    """One rule file: its path as it is shown, its text, and the pack it belongs to."""

    path: str
    text: str
    pack: str = ""


def parse_rules(
    files: Iterable[RuleText], kinds: Mapping[str, Kind], fixes: Collection[str] = ()
) -> tuple[tuple[Rule, ...], tuple[Problem, ...]]:
    """The rules in files that are right, and every problem of all the others, in their order.

    `kinds` and `fixes` are what rules may name. No I/O: problems are found before any AWS call.
    """
    rules: dict[str, Rule] = {}
    first: dict[str, Problem] = {}
    problems: list[Problem] = []
    vocabulary = _Vocabulary(kinds, fixes)
    for file in files:
        document = Document(file.path, file.text)
        root, found = read_rule_file(document)
        if root is None:
            problems.extend(found)
            continue
        draft = _Draft(document, root, vocabulary, list(found))
        rule = draft.rule(file.pack)
        at = draft.id_place()
        if at and at[0] in first:
            earlier = first[at[0]]
            place = f"{earlier.path}:{earlier.line}"
            draft.note(at[1], f"the id {at[0]} is used already, in {place}")
        elif at:
            first[at[0]] = document.problem(at[1], "")
        problems.extend(sorted(set(draft.problems), key=lambda p: (p.line, p.column, p.message)))
        if rule and not draft.problems:
            rules[rule.id] = rule
    return tuple(rules.values()), tuple(problems)


def check_examples(rule: Rule) -> tuple[Problem, ...]:
    """The examples that do not get the verdict they stand under, each at its place."""
    return tuple(
        Problem(rule.path, example.line, example.column, message, example.excerpt)
        for wanted, example in rule.examples
        if (message := _example_error(rule, wanted, example))
    )


def _example_error(rule: Rule, wanted: Status, example: Example) -> str | None:
    verdict = judge(rule, bind(example.facts, {**rule.params, **example.params}, example.now))
    if wrong := mistakes(verdict.undecided, example.state):
        return f"{rule.id}: {'; '.join(wrong)}"
    if verdict.status is wanted:
        return None
    reason = "; ".join(f"`{condition}` is false" for condition in verdict.false)
    unknown = sorted(
        {
            fact
            for condition, _ in verdict.undecided
            for fact in condition.reads - set(example.facts)
        }
    )
    if unknown:
        reason = f"left out, so unknown: {', '.join(unknown)}"
    because = f": {reason}" if reason else ""
    return f"{rule.id}: this example is to be {wanted}, and is {verdict.status}{because}"


@dataclass(slots=True)
class _Vocabulary:
    """What rules may name, with each kind's fact types looked up once."""

    kinds: Mapping[str, Kind]
    fixes: Collection[str]
    _types: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    _environments: dict[object, Environment] = field(default_factory=dict)

    def types(self, kind: Kind) -> Mapping[str, Any]:
        if kind.name not in self._types:
            self._types[kind.name] = {fact.name: fact.type for fact in kind.facts}
        return self._types[kind.name]

    def environment(self, kind: Kind, params: Mapping[str, Any]) -> Environment:
        key = (kind.name, tuple(sorted((name, str(of)) for name, of in params.items())))
        if key not in self._environments:
            self._environments[key] = environment(kind.name, self.types(kind), params)
        return self._environments[key]


class _Draft:
    """One file on its way to a rule: each part is checked whatever is wrong with the others."""

    def __init__(
        self, document: Document, root: MapNode, vocabulary: _Vocabulary, problems: list[Problem]
    ) -> None:
        self.document = document
        self.root = root
        self.vocabulary = vocabulary
        self.problems = problems
        self.params: dict[str, Value] = {}
        self.param_types: dict[str, Any] = {}
        self.bounds: dict[str, Bounds] = {}
        self.faulty = False  # whether a condition did not compile: what it reads is not known

    def note(self, offset: int, message: str) -> None:
        self.problems.append(self.document.problem(offset, message))

    def id_place(self) -> tuple[str, int] | None:
        """The id and where it stands, if there is one."""
        node = self.root.get("id")
        return (node.text, node.start) if isinstance(node, ScalarNode) and node.text else None

    def rule(self, pack: str) -> Rule | None:
        """The rule, if nothing is wrong."""
        written, problems = read_shape(self.document, self.root)
        self.problems += problems
        self._check_name()
        self._check_fix()
        read = read_params(self.root.get("params"), self.note)
        self.params, self.param_types, self.bounds = read.values, read.types, read.bounds
        kind = self._kind()
        if kind is None:
            return None
        env = self.vocabulary.environment(kind, self.param_types)
        where = self._conditions("where", env)
        must = self._conditions("must", env)
        examples = self._examples(kind)
        if not self.faulty:
            self._check_params_read((*where, *must))
            self._check_absent((*where, *must), examples, kind)
        if written is None or self.problems:
            return None
        rule = self._assemble(written, where, must, examples, kind, pack)
        self._check_mistakes(rule)
        return rule

    def _assemble(
        self,
        written: WrittenRule,
        where: Sequence[Condition],
        must: Sequence[Condition],
        examples: Mapping[str, tuple[Example, ...]],
        kind: Kind,
        pack: str,
    ) -> Rule:
        read = frozenset[str]().union(*(each.reads for each in (*where, *must)))
        types = self.vocabulary.types(kind)
        return Rule(
            id=written.id,
            title=written.title,
            why=written.why,
            severity=Severity(written.severity),
            kind=kind.name,
            where=where[0] if where else None,
            must=tuple(must),
            params=self.params,
            bounds=self.bounds,
            remedy=written.remedy,
            fixes=tuple(written.fix.do) if written.fix else (),
            maps={name: tuple(ids) for name, ids in written.maps.items()},
            false_positives=written.false_positives,
            examples=Examples(*(examples[verdict] for verdict in _VERDICTS)),
            path=self.document.path,
            pack=pack,
            types={name: types[name] for name in read},
        )

    # ------------------------------------------------------------------------ names

    def _check_name(self) -> None:
        at = self.id_place()
        name = re.split(r"[/\\]", self.document.path)[-1]
        if at and at[0] != name.rpartition(".")[0]:
            self.note(at[1], f"the id is {at[0]}, the file is {name}: they must be the same")

    def _check_fix(self) -> None:
        fix = self.root.get("fix")
        do = fix.get("do") if isinstance(fix, MapNode) else None
        for name in do.items if isinstance(do, ListNode) else (do,):
            if isinstance(name, ScalarNode) and name.text and not name.refused:
                fixes = self.vocabulary.fixes
                if name.text not in fixes:
                    self.note(name.start, f"there is no fix {name.text!r}{near(name.text, fixes)}")

    def _kind(self) -> Kind | None:
        node = self.root.get("resource")
        if not isinstance(node, ScalarNode) or not node.text or node.refused:
            return None
        kind = self.vocabulary.kinds.get(node.text)
        if kind is None:
            close = near(node.text, self.vocabulary.kinds)
            self.note(node.start, f"there is no kind of resource {node.text!r}{close}")
        return kind

    # ------------------------------------------------------------------- conditions

    def _conditions(self, key: str, env: Environment) -> list[Condition]:
        """The conditions under a key that compile."""
        node = self.root.get(key)
        flow = isinstance(node, ListNode) and node.flow
        nodes = node.items if isinstance(node, ListNode) and key == "must" else (node,)
        found: list[Condition] = []
        for each in nodes:
            if isinstance(each, ScalarNode) and isinstance(plain(each), str) and not each.refused:
                found.extend(self._compiled(each, env, flow=flow))
        return found

    def _compiled(self, node: ScalarNode, env: Environment, *, flow: bool) -> Iterator[Condition]:
        if not node.text:
            return
        try:
            yield env.compile(node.text)
        except ConditionError as error:
            self.faulty = True
            for fault in error.faults:
                lines = node.text.split("\n")
                offset = sum(len(line) + 1 for line in lines[: fault.line - 1]) + fault.column - 1
                hint = self._yaml_hint(node, flow=flow) if fault.syntax else ""
                self.note(self.document.inside(node, offset), fault.message + hint)

    def _yaml_hint(self, node: ScalarNode, *, flow: bool) -> str:
        """What YAML did to a condition that cannot be read as it stands."""
        if not node.style and re.match(r"[ \t]+#", self.document.text[node.end :]):
            return f"; YAML has cut it off at ` #`: {BLOCK_HINT}"
        if not node.style and flow:
            return f"; inside [ ] YAML cuts at each comma: {BLOCK_HINT}"
        return ""

    def _check_params_read(self, conditions: Sequence[Condition]) -> None:
        read = frozenset[str]().union(*(each.reads_params for each in conditions))
        node = self.root.get("params")
        for key, _ in node.entries if isinstance(node, MapNode) else ():
            if key.text in self.params and key.text not in read:
                self.note(key.start, f"no condition reads params.{key.text}")

    # --------------------------------------------------------------------- examples

    def _examples(self, kind: Kind) -> Mapping[str, tuple[Example, ...]]:
        node = self.root.get("examples")
        found: dict[str, tuple[Example, ...]] = dict.fromkeys(_VERDICTS, ())
        for verdict in _VERDICTS:
            listed = node.get(verdict) if isinstance(node, MapNode) else None
            if isinstance(listed, ListNode):
                maps = [item for item in listed.items if isinstance(item, MapNode)]
                found[verdict] = tuple(self._example(item, kind) for item in maps)
        return found

    def _example(self, node: MapNode, kind: Kind) -> Example:
        facts: dict[str, Value | None] = {}
        params: dict[str, Value] = {}
        now = EXAMPLE_NOW
        for key, value in node.entries:
            if key.text == NOW:
                read = self._typed(key, value, datetime)
                now = read if isinstance(read, datetime) else now
            elif key.text == PARAMS:
                params = self._example_params(key, value)
            else:
                self._example_fact(key, value, kind, facts)
        place = self.document.problem(node.start, "")
        return Example(facts, now, params, place.line, place.column, place.excerpt)

    def _example_params(self, key: ScalarNode, node: Node) -> dict[str, Value]:
        if not isinstance(node, MapNode):
            self.note(start_of(key, node), "`params` in an example is a mapping")
            return {}
        found: dict[str, Value] = {}
        for name, value in node.entries:
            if name.text not in self.param_types:
                close = near(name.text, self.param_types)
                self.note(name.start, f"the rule has no parameter {name.text!r}{close}")
            else:
                read = self._typed(name, value, self.param_types[name.text])
                bounds = self.bounds.get(name.text, (None, None))
                if read is not None and (broken := outside(read, bounds)):
                    self.note(value.start, f"the parameter {name.text} is {broken}, not {read}")
                elif read is not None:
                    found[name.text] = read
        return found

    def _example_fact(
        self, key: ScalarNode, node: Node, kind: Kind, facts: dict[str, Value | None]
    ) -> None:
        """Adds what the example says of one fact."""
        types = self.vocabulary.types(kind)
        if key.text not in types:
            self.note(key.start, f"{kind.name} has no fact {key.text!r}{near(key.text, types)}")
        elif isinstance(node, ScalarNode) and not node.style and plain(node) is None:
            facts[key.text] = None
            if not kind.fact(key.text).may_be_absent:
                message = f"{key.text} is never absent: leave it out where it is to be unknown"
                self.note(start_of(key, node), message)
        else:
            read = self._typed(key, node, types[key.text])
            if read is not None:
                facts[key.text] = read

    def _typed(self, key: ScalarNode, node: Node, of: Any) -> Value | None:
        """The value, or None and a problem where it is not of the type."""
        read: Any = plain(node)
        if of is datetime and isinstance(read, str):
            try:
                read = datetime.fromisoformat(read)
            except ValueError:
                read = node.text if isinstance(node, ScalarNode) else read
        if error := check_value(of, read):
            self.note(start_of(key, node), f"{key.text} {error}")
            return None
        typed: Value = read
        return typed

    def _check_absent(
        self,
        conditions: Sequence[Condition],
        examples: Mapping[str, tuple[Example, ...]],
        kind: Kind,
    ) -> None:
        """A fact that may be absent is shown so in an example: only then is that thought of."""
        read = frozenset[str]().union(*(each.reads for each in conditions))
        facts = [each.facts for listed in examples.values() for each in listed]
        absent = {name for known in facts for name, value in known.items() if value is None}
        for name in sorted(read - absent):
            at = self.root.key("examples")
            if at and kind.fact(name).may_be_absent:
                message = f"{name} may be absent: an example with `{name}: null` is missing"
                self.note(at.start, message)

    def _check_mistakes(self, rule: Rule) -> None:
        """Errors that only running shows, on each example, whatever its verdict."""
        for _, each in rule.examples:
            params = {**rule.params, **each.params}
            verdict = judge(rule, bind(each.facts, params, each.now))
            for wrong in mistakes(verdict.undecided, each.state):
                self.problems.append(
                    Problem(rule.path, each.line, each.column, wrong, each.excerpt)
                )
