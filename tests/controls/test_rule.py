"""Rule files: every mistake has a line, a column and a sentence; what is right runs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

import controls.written
from controls.condition import _UNGUARDED
from controls.model import Severity, Status
from controls.rule import EXAMPLE_NOW, judge
from controls.rule_file import RuleText, check_examples, parse_rules
from controls.rule_shape import BLOCK_HINT, MAX_CHARACTERS, read_rule_file
from controls.written import Document, Problem
from tests.controls.toys import FIXES, KINDS, parsed, rule_text

BROKEN = Path(__file__).parent / "broken_rules"

EXPECTED: dict[str, list[str]] = {
    "absent-not-shown": [
        (
            "8:1: emptied_after_days may be absent: an example with `emptied_after_days: "
            "null` is missing"
        ),
    ],
    "absent-not-told": [
        (
            "10:10: the rule does not say what an absent `emptied_after_days` means in "
            "`locked && emptied_after_days <= 7`"
        ),
    ],
    "alias": [
        "3:6: YAML reads `*title` as an alias, which has no place here; <block>",
    ],
    "anchor": [
        "6:7: YAML reads `&locked` as an anchor, which has no place here; <block>",
    ],
    "bang-in-list": [
        "8:15: YAML cannot read this condition; <block>",
    ],
    "bang": [
        "6:7: YAML reads `!locked` as a tag, which has no place here; <block>",
    ],
    "bounds": [
        "10:25: the parameter max_weight is at most 72, and its default is 100.0",
        "11:30: `least` of the parameter days is 3.5, not a whole number",
        "11:41: `most` of the parameter days is 'x', not a whole number",
        "12:19: the parameter more is at least 2, and its default is 1",
        "12:32: unknown key `mots`; did you mean 'most'?",
        "13:27: only a number has bounds, and strict is true or false",
        "14:22: only a number has bounds, and word is a text",
        "15:3: the parameter none has no `default`",
        "19:47: the parameter max_weight is at most 72, not 73",
    ],
    "colon-in-text": [
        "3:10: `: ` would start a value here; quote a text that contains it",
    ],
    "commas-in-brackets": [
        (
            "6:31: the condition ends where a value is expected; inside [ ] YAML cuts at "
            "each comma: <block>"
        ),
        "6:43: this is not CEL: extraneous input ')'; inside [ ] YAML cuts at each comma: <block>",
    ],
    "comment-in-text": [
        (
            "6:26: this is not CEL: token recognition error at: ''box'; YAML has cut it off "
            "at ` #`: <block>"
        ),
    ],
    "duplicate-key": [
        "8:1: `title` is written twice (first on line 2)",
    ],
    "empty-values": [
        "2:1: `title` is empty",
        "3:1: `why` is empty",
        "6:1: `where` is empty",
        "7:1: `must` needs at least one entry",
    ],
    "empty": [
        "1:1: the file is empty: it needs `id`, `title`, …",
    ],
    "example-extras": [
        "9:3: unknown key `passed`; did you mean 'pass'?",
        "10:30: now is 'yesterday', not a time with its zone, such as 2026-01-31T00:00:00Z",
        "10:50: the rule has no parameter 'max'",
    ],
    "example-facts": [
        "9:11: toy_box has no fact 'loked'; did you mean 'locked'?",
        "9:32: weight is 'heavy', not a number",
        "9:45: toys is 'a', not a list of texts",
        "10:19: locked is never absent: leave it out where it is to be unknown",
        (
            "10:36: closed_at is the time 2026-01-01T00:00:00, not a time with its zone, "
            "such as 2026-01-31T00:00:00Z"
        ),
    ],
    "fails-only-when-run": [
        "10:10: `size(toys) / (size(label) - 1) > 0` cannot be computed: divide by zero",
    ],
    "five-mistakes": [
        "1:1: `title` is missing",
        "2:1: unknown key `titel`; did you mean 'title'?",
        "4:11: `severity` is one of critical, high, medium, low, not 'hihg'; did you mean 'high'?",
        "6:7: toy_box has no fact 'lockd'; did you mean 'locked'?",
        "9:19: locked is 'yes', not true or false",
    ],
    "literal": [
        (
            "7:40: duration does not take '90d': String to Duration conversion failed; days "
            "are written days(90)"
        ),
    ],
    "missing-keys": [
        "1:1: `remedy` is missing",
        "1:1: `title` is missing",
    ],
    "no-boolean": [
        "8:5: a condition is true or false, this is of type double",
    ],
    "no-examples": [
        "8:1: `examples.fail` is missing",
        "9:3: `examples.pass` needs at least one entry",
    ],
    "no-mapping": [
        "1:1: the file is no mapping: it needs `id`, `title`, …",
    ],
    "nul": [
        "7:13: the character U+0000 cannot stand in YAML",
    ],
    "other-id": [
        "1:5: an id is lower-case words with hyphens between, not 'Other_Id'",
        "1:5: the id is Other_Id, the file is other-id.yaml: they must be the same",
    ],
    "parameter-not-read": [
        "7:10: no condition reads params.max_weight",
    ],
    "parameters": [
        "6:16: the rule has no parameter 'max_weigth'; did you mean 'max_weight'?",
        "7:27: a parameter is lower_case letters and digits, not 'Max'",
        "7:42: the parameter spare is a number, a text, true, false or a list of texts",
    ],
    "percent": [
        "7:9: `%` cannot start a value: quote it",
    ],
    "quote-first": [
        "6:11: YAML cannot read this condition; <block>",
    ],
    "tab": [
        "9:1: a tab cannot indent YAML: use spaces",
    ],
    "ternary-in-list": [
        "8:5: YAML reads a mapping here, not a condition; <block>",
    ],
    "ternary": [
        "6:24: YAML cannot read this condition; <block>",
    ],
    "too-deep": [
        "8:19: this is nested deeper than 12 levels",
    ],
    "two-documents": [
        "5:1: one file holds one document, not several",
    ],
    "types-do-not-match": [
        "6:24: `<` does not go with double and int",
    ],
    "unclosed-quote": [
        "11:1: the quote opened on line 7 is not closed",
    ],
    "unclosed": [
        "10:3: the bracket opened on line 9 is not closed",
    ],
    "unguarded-index": [
        "6:8: <guard>",
    ],
    "unguarded-key": [
        "6:7: <guard>",
    ],
    "unknown-fact-folded": [
        "9:18: toy_box has no fact 'lable'; did you mean 'label'?",
    ],
    "unknown-fact-in-block": [
        "9:12: toy_box has no fact 'toyz'; did you mean 'toys'?",
    ],
    "unknown-fact-in-quotes": [
        "7:3: toy_box has no fact 'paintd'; did you mean 'painted'?",
    ],
    "unknown-fix": [
        "8:11: there is no fix 'lock_bix'; did you mean 'lock_box'?",
    ],
    "unknown-function": [
        "9:10: no function 'contain'; did you mean 'contains'?",
    ],
    "unknown-key": [
        "8:1: unknown key `wheer`; did you mean 'where'?",
        "9:1: `fix.do` is missing",
        "9:7: unknown key `doo`; did you mean 'do'?",
    ],
    "unknown-kind": [
        "5:11: there is no kind of resource 'toy_bix'; did you mean 'toy_box'?",
    ],
    "wrong-types": [
        "2:8: `title` is a text, not the number 7: write it in quotes, '7'",
        "7:1: `remedy` is a text, not a list",
        "8:18: `maps.toy-law` is a text, not the number 10.2: write it in quotes, '10.2'",
        "8:40: `maps.toy-iso` is a list, not the text A.1",
        "9:1: `false_positives` is empty",
    ],
}


def problems_of(*files):
    return [str(each) for each in parse_rules([RuleText(*file) for file in files], KINDS, FIXES)[1]]


@pytest.mark.parametrize("loader", [yaml.CSafeLoader, yaml.SafeLoader], ids=["libyaml", "pure"])
@pytest.mark.parametrize("name", EXPECTED)
def test_each_broken_rule_file_names_every_mistake_at_its_place(name, loader, monkeypatch):
    monkeypatch.setattr(controls.written, "_LOADER", loader)
    text = (BROKEN / f"{name}.yaml").read_text(encoding="utf-8")

    rules, problems = parse_rules([RuleText(f"{name}.yaml", text)], KINDS, FIXES)

    expected = [
        each.replace("<block>", BLOCK_HINT).replace("<guard>", _UNGUARDED)
        for each in EXPECTED[name]
    ]
    assert [f"{each.line}:{each.column}: {each.message}" for each in problems] == expected
    assert rules == ()


def test_every_broken_rule_file_is_in_the_table():
    assert sorted(path.stem for path in BROKEN.iterdir()) == sorted(EXPECTED)
    assert len(EXPECTED["five-mistakes"]) == 5
    assert all(EXPECTED.values())


@pytest.mark.parametrize("name", ["bang", "ternary", "ternary-in-list", "comment-in-text"])
def test_what_yaml_bends_names_the_block_that_keeps_it_straight(name):
    (message, *_) = EXPECTED[name]

    assert "<block>" in message
    assert "`|`" in BLOCK_HINT


@pytest.mark.parametrize(
    "condition",
    ["!locked", "locked ? painted : true", "locked && label != 'box #1'", "'a' in toys"],
)
def test_a_block_keeps_a_condition_as_it_is(condition):
    examples = "{pass: [{locked: true}], fail: [{locked: false}]}"

    rule = parsed(rule_text(condition, examples=examples))

    assert str(rule.must[0]) == condition


def test_a_problem_prints_its_place_the_line_and_a_caret():
    (shown,) = problems_of(("rules/box-locked.yaml", rule_text("lockd")))

    assert shown == (
        "rules/box-locked.yaml:7:3: toy_box has no fact 'lockd'; did you mean 'locked'?\n"
        "      lockd\n"
        "      ^"
    )


def test_a_long_line_is_cut_around_the_caret():
    problem = Problem("a.yaml", 1, 1001, "here", "x" * 1000 + "!" + "y" * 1000)

    _, excerpt, caret = str(problem).split("\n")

    assert len(excerpt) < 250
    assert excerpt[caret.index("^")] == "!"


def test_a_caret_stands_below_its_place_after_a_tab():
    assert str(Problem("a.yaml", 1, 3, "here", "\tab")).split("\n")[2] == "    \t ^"


def test_a_problem_of_a_whole_file_has_no_line():
    assert str(Problem("a.yaml", 0, 0, "this file cannot be read")) == (
        "a.yaml: this file cannot be read"
    )


def test_a_rule_holds_what_was_written():
    rule = parsed(
        rule_text(
            "locked && emptied_after_days <= params.max_days",
            where="painted",
            params="{max_days: 7, names: [a, b], share: 0.5, strict: true, word: x}",
            examples="{pass: [{painted: true, locked: true, emptied_after_days: 7}], "
            "fail: [{painted: true, locked: false, emptied_after_days: null}], "
            "unknown: [{painted: true}], not_applicable: [{painted: false}]}",
            more="fix: {do: lock_box}\nmaps: {toy-law: ['10.2', A-1]}\nfalse_positives: none known",
        ).replace(
            "must: |\n  locked",
            "must: |\n  params.share < 1.0 && params.strict && params.word in params.names ||\n"
            "  locked",
        )
    )

    assert (rule.id, rule.severity, rule.kind) == ("box-locked", Severity.HIGH, "toy_box")
    assert rule.params == {
        "max_days": 7, "names": ["a", "b"], "share": 0.5, "strict": True, "word": "x",
    }  # fmt: skip
    assert rule.fixes == ("lock_box",)
    assert rule.maps == {"toy-law": ("10.2", "A-1")}
    assert (rule.path, rule.pack) == ("rules/toys/box-locked.yaml", "toys")
    assert rule.reads == {"painted", "locked", "emptied_after_days"}
    assert rule.types == {"painted": bool, "locked": bool, "emptied_after_days": int}
    assert len(rule.conditions) == 2
    assert [status for status, _ in rule.examples] == [
        Status.PASS, Status.FAIL, Status.UNKNOWN, Status.NOT_APPLICABLE,
    ]  # fmt: skip


def test_a_parameter_may_have_bounds():
    """The short form has none; the long one has a least, a most, both or neither."""
    rule = parsed(
        rule_text(
            "params.a + params.b + params.c + params.d < 99 && params.e < 1.0 && locked",
            params="{a: 1, b: {default: 2, least: 2, most: 3}, c: {default: 0, most: 0}, "
            "d: {default: 5}, e: {default: 0.5, least: 0}}",
        )
    )

    assert rule.params == {"a": 1, "b": 2, "c": 0, "d": 5, "e": 0.5}
    assert rule.bounds == {
        "b": (2, 3), "c": (None, 0), "d": (None, None), "e": (0, None),
    }  # fmt: skip
    assert check_examples(rule) == ()


def test_a_list_of_conditions_must_all_hold():
    text = rule_text(examples="{pass: [{locked: true, painted: true}], fail: [{locked: false}]}")

    rule = parsed(text.replace("must: |\n  locked", "must:\n  - locked\n  - painted"))

    assert [str(each) for each in rule.must] == ["locked", "painted"]


def test_an_example_may_name_its_time_and_parameters():
    rule = parsed(
        rule_text(
            "now - closed_at <= days(params.max_days)",
            params="{max_days: 1}",
            examples="{pass: [{closed_at: 2025-12-31T12:00:00Z}, "
            "{now: 2026-02-02T00:00:00+01:00, closed_at: 2026-01-01T00:00:00Z, "
            "params: {max_days: 40}}], "
            "fail: [{painted: false, closed_at: '2025-12-01T00:00:00Z'}], "
            "unknown: [{}, {closed_at: null}]}",
        ).replace("now - closed_at", "painted || now - closed_at")
    )

    first, second = rule.examples.pass_
    assert first.now == EXAMPLE_NOW
    assert second.now.astimezone(UTC) == datetime(2026, 2, 1, 23, tzinfo=UTC)
    assert second.params == {"max_days": 40}
    assert check_examples(rule) == ()


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        pytest.param(
            "{pass: [{locked: false}], fail: [{locked: false}]}",
            "box-locked: this example is to be pass, and is fail: `locked` is false",
            id="a pass that fails",
        ),
        pytest.param(
            "{pass: [{locked: true}], fail: [{locked: true}]}",
            "box-locked: this example is to be fail, and is pass",
            id="a fail that passes",
        ),
        pytest.param(
            "{pass: [{}], fail: [{locked: false}]}",
            "box-locked: this example is to be pass, and is unknown: left out, so unknown: locked",
            id="a fact left out is unknown",
        ),
        pytest.param(
            "{pass: [{locked: true}], fail: [{locked: false}], not_applicable: [{locked: true}]}",
            "box-locked: this example is to be not_applicable, and is pass",
            id="a rule that always applies",
        ),
    ],
)
def test_an_example_that_gets_another_verdict_is_a_problem(examples, message):
    (problem,) = check_examples(parsed(rule_text(examples=examples)))

    assert problem.message == message
    assert (problem.path, problem.line) == ("rules/toys/box-locked.yaml", 10)
    assert problem.excerpt[problem.column - 1] == "{"


def test_problems_of_all_files_are_reported_together_and_good_rules_kept():
    files = (
        ("a/one.yaml", rule_text(name="one")),
        ("a/two.yaml", rule_text("lockd", name="two")),
        ("a/three.yaml", "- x\n"),
        ("b/one.yaml", rule_text(name="one")),
    )

    rules, problems = parse_rules([RuleText(*file) for file in files], KINDS, FIXES)

    assert [rule.path for rule in rules] == ["a/one.yaml"]
    assert [str(each).split("\n")[0] for each in problems] == [
        "a/two.yaml:7:3: toy_box has no fact 'lockd'; did you mean 'locked'?",
        "a/three.yaml:1:1: the file is no mapping: it needs `id`, `title`, …",
        "b/one.yaml:1:5: the id one is used already, in a/one.yaml:1",
    ]


def test_a_broken_file_still_holds_its_id():
    files = (
        ("a/one.yaml", rule_text("lockd", name="one")),
        ("b/one.yaml", rule_text(name="one")),
    )

    assert [each.split(": ", 1)[1].split("\n")[0] for each in problems_of(*files)] == [
        "toy_box has no fact 'lockd'; did you mean 'locked'?",
        "the id one is used already, in a/one.yaml:1",
    ]


def test_without_fixes_every_fix_is_unknown():
    files = [RuleText("box-locked.yaml", rule_text(more="fix: {do: lock_box}"))]

    _, (problem,) = parse_rules(files, KINDS)

    assert problem.message == "there is no fix 'lock_box'"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("yes", "yes", id="yes is a text"),
        pytest.param("on", "on", id="so is on"),
        pytest.param("012", "012", id="leading zeros"),
        pytest.param("0x1F", "0x1F", id="hexadecimal"),
        pytest.param("1_000", "1_000", id="underscores"),
        pytest.param("1:30", "1:30", id="sixties"),
        pytest.param("2026-01-01", "2026-01-01", id="a date"),
        pytest.param("9" * 5000, "9" * 5000, id="digits without end"),
        pytest.param("-7", -7, id="a number"),
        pytest.param("+7", "+7", id="a number with a sign it need not have"),
        pytest.param("1.5", 1.5, id="a fraction"),
        pytest.param("'true'", "true", id="quoted"),
        pytest.param("true", True, id="true"),
        pytest.param("null", None, id="null"),
    ],
)
def test_only_what_looks_like_a_value_is_one(text, value):
    root, problems = read_rule_file(Document("a.yaml", f"key: {text}\n"))

    assert problems == ()
    assert root is not None
    assert controls.written.plain(root) == {"key": value}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("a: 1\n" * (MAX_CHARACTERS // 5 + 1), "longer than", id="a huge file"),
        pytest.param("a: " + "[" * 5000, "nested deeper than", id="brackets without end"),
        pytest.param("? [a]\n: b\n", "a key is one word", id="a list as a key"),
        pytest.param("a: \x07", "U+0007", id="a control character"),
        pytest.param("a: *b", "an alias", id="an alias of nothing"),
        pytest.param("a: 1\n...\nb", "", id="a second document without its dashes"),
        pytest.param("\ufeff", "the file is empty", id="only a byte order mark"),
    ],
)
def test_odd_yaml_is_a_problem_and_never_an_exception(text, message):
    _, problems = read_rule_file(Document("a.yaml", text))

    assert message in problems[0].message


def test_windows_line_ends_and_a_byte_order_mark_do_not_move_the_place():
    text = "\ufeff" + rule_text("locked &&\n  lockd").replace("\n", "\r\n")

    (problem,) = problems_of(("box-locked.yaml", text))

    assert problem.startswith("box-locked.yaml:8:3: toy_box has no fact 'lockd'")


def test_a_pass_needs_where_and_every_must_to_be_true():
    rule = parsed(
        rule_text(
            "locked",
            where="painted",
            examples="{pass: [{painted: true, locked: true}], "
            "fail: [{painted: true, locked: false}]}",
        )
    )

    verdicts = {
        (painted, locked): judge(
            rule,
            {k: v for k, v in {"painted": painted, "locked": locked}.items() if v is not None},
        ).status
        for painted in (True, False, None)
        for locked in (True, False, None)
    }

    assert verdicts == {
        (True, True): Status.PASS,
        (True, False): Status.FAIL,
        (True, None): Status.UNKNOWN,
        (False, True): Status.NOT_APPLICABLE,
        (False, False): Status.NOT_APPLICABLE,
        (False, None): Status.NOT_APPLICABLE,
        (None, True): Status.UNKNOWN,
        (None, False): Status.UNKNOWN,
        (None, None): Status.UNKNOWN,
    }
