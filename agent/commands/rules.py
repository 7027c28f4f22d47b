"""`trailkeeper rules`: the catalogue of rules, and their examples run."""

from __future__ import annotations

import sys
from argparse import Namespace

from agent.catalogue import markdown, one_line, shown_rule
from agent.loading import load, only, packs_of, settings_of
from agent.output import write_result
from agent.stop import WRONG_USE, StopError
from controls.rule_file import check_examples


def run(args: Namespace) -> int:
    """One of list, show, test, docs."""
    match args.action:
        case "test":
            return test(args)
        case "show":
            return show(args)
        case "docs":
            write_result(markdown(load(args).rules), args.output)
        case _:
            write_result("\n".join(one_line(rule) for rule in load(args).rules), args.output)
    return 0


def show(args: Namespace) -> int:
    """One rule as it is written, and the facts it reads."""
    rules = {rule.id: rule for rule in load(args).rules}
    if args.rule not in rules:
        raise StopError(WRONG_USE, f"no rule {args.rule}: `trailkeeper rules list` names them all")
    write_result(shown_rule(rules[args.rule]), args.output)
    return 0


def test(args: Namespace) -> int:
    """Load every rule and run its examples; each mistake with file, line and column."""
    rules, problems = packs_of(args, settings_of(args))
    if not problems:
        rules = only(rules, args.only_rules)
    wrong = [*problems, *(one for rule in rules for one in check_examples(rule))]
    if wrong:
        for problem in wrong:
            print(problem, file=sys.stderr)  # noqa: T201 - the findings of this command
        count = len({problem.path for problem in wrong})
        told = "1 problem" if len(wrong) == 1 else f"{len(wrong)} problems"
        files = "1 rule file" if count == 1 else f"{count} rule files"
        raise StopError(WRONG_USE, f"{told} in {files}")
    examples = sum(1 for rule in rules for _ in rule.examples)
    write_result(f"{len(rules)} rules, {examples} examples: all as they say", args.output)
    return 0
