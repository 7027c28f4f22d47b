"""What judging alone costs: 10,000 resources under 20 rules, no AWS."""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime, timedelta

from bench.harness import Row, markdown, within
from controls.evaluate import evaluate
from controls.kinds.kind import Fact, Item, Kind
from controls.model import (
    Answer,
    Reader,
    Reading,
    Ref,
    Resource,
    Snapshot,
    State,
    Value,
)
from controls.rule import Rule
from controls.rule_file import RuleText, parse_rules

RESOURCES = 10_000
RULES = 20
LIMIT = 5.0
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def logging_enabled(aws: Reader, item: Item) -> Answer[bool]:
    """Whether it logs."""
    return True


def logs_expire(aws: Reader, item: Item) -> Answer[bool]:
    """Whether its logs are ever due for deletion."""
    return True


def deleted_after_days(aws: Reader, item: Item) -> Answer[int]:
    """Days after which its logs are due for deletion."""
    return 1


def last_delivery_at(aws: Reader, item: Item) -> Answer[datetime]:
    """When its log was last delivered."""
    return NOW


def destination(aws: Reader, item: Item) -> Answer[str]:
    """Where it logs to."""
    return ""


FACTS = (logging_enabled, logs_expire, deleted_after_days, last_delivery_at, destination)
TOY = Kind(name="toy", doc="Anything that logs.", facts=tuple(Fact(each) for each in FACTS))
MUSTS = (
    ("logs_expire && deleted_after_days <= params.limit", "logs_expire: false"),
    ("now - last_delivery_at <= hours(params.limit)", "last_delivery_at: 2020-01-01T00:00:00Z"),
    ("destination in ['s3', 'cloudwatch', 's3table']", "destination: elsewhere"),
    ("!(destination == 's3') || deleted_after_days >= params.limit", "destination: s3"),
)
"""The shapes of the shipped rules, each with a fact that fails it."""

GOOD = {
    "logging_enabled": "true",
    "logs_expire": "true",
    "deleted_after_days": "50",
    "last_delivery_at": "2026-01-01T00:00:00Z",
    "destination": "cloudwatch",
}

RULE = """\
id: toy-{index:02d}
title: A toy is right in respect {index}
why: It is measured.
severity: high
resource: toy
where: logging_enabled
must: "{must}"
{params}
remedy: Put it right.
maps: {{}}
false_positives: none known
examples:
  pass:
    - {{{good}}}
  fail:
    - {{{bad}}}
"""


def rules() -> tuple[Rule, ...]:
    """Twenty rules in those shapes, loaded as any rule is."""
    texts = [RuleText(f"toy-{index:02d}.yaml", _text(index)) for index in range(RULES)]
    loaded, problems = parse_rules(texts, {"toy": TOY})
    if problems:
        raise RuntimeError("\n".join(str(problem) for problem in problems))
    return loaded


def _text(index: int) -> str:
    must, fails = MUSTS[index % len(MUSTS)]
    name, _, value = fails.partition(": ")
    return RULE.format(
        index=index,
        must=must,
        params=f"params: {{limit: {100 + index}}}" if "params" in must else "",
        good=_facts(GOOD),
        bad=_facts({**GOOD, name: value}),
    )


def _facts(facts: dict[str, str]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in facts.items())


def snapshot(*, distinct: bool) -> Snapshot:
    """10,000 resources. `distinct`: no two have equal values, so that none is judged by memory."""
    resources = tuple(
        Resource(
            Ref("toy", "111122223333", "eu-west-1", f"toy-{index:05d}"),
            {name: _reading(value) for name, value in _values(index, distinct=distinct).items()},
        )
        for index in range(RESOURCES)
    )
    return Snapshot(NOW, (), resources)


def _values(index: int, *, distinct: bool) -> dict[str, Value]:
    """A third fails something; one in 50 does not log."""
    own = index if distinct else index % 7
    return {
        "logging_enabled": index % 50 != 0,
        "logs_expire": index % 3 != 0,
        "deleted_after_days": 90 + own,
        "last_delivery_at": NOW - timedelta(minutes=own),
        "destination": f"elsewhere-{index}" if distinct else "s3",
    }


def _reading(value: Value) -> Reading:
    return Reading(State.KNOWN, value, "", "redshift:DescribeLoggingStatus", NOW)


def measure() -> list[Row]:
    """Equal values as estates have them, and the worst case: no two resources alike."""
    loaded = rules()
    return [_timed(loaded, distinct=False), _timed(loaded, distinct=True)]


def _timed(loaded: tuple[Rule, ...], *, distinct: bool) -> Row:
    estate = snapshot(distinct=distinct)
    cpu, wall = time.process_time(), time.perf_counter()
    findings = evaluate(loaded, estate)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    assert len(findings) == RESOURCES * len(loaded)
    alike = "no two resources alike" if distinct else "few distinct values"
    what = f"judging {RESOURCES:,} resources by {len(loaded)} rules, {alike}: CPU"
    return within(what, cpu, LIMIT, "s", f"{wall:.2f} s wall, {len(findings):,} findings")


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser(prog="python -m bench.evaluate", description=__doc__).parse_args()
    print(markdown(measure()))


if __name__ == "__main__":
    main()
