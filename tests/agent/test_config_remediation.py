"""Settings of remediation: how what a person wrote reaches the guard, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent.config_remediation import RemediationSetting
from agent.yaml_file import ConfigProblems, check, parse
from controls.change import Cost, Destination
from controls.guard import Circumstances, why_held
from controls.remedy import Consent, Freeze, Limits, Policy, Selector
from controls.written import Document
from tests.controls.changes import ACCOUNT, BUCKET, FIX, NOW, change, finding

ROLE = "arn:aws:iam::111122223333:role/trailkeeper-fixer"


def load(text: str) -> RemediationSetting:
    source = parse(Document("c.yaml", text))
    return check(RemediationSetting, source.value or {}, source)


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigProblems) as error:
        load(text)
    return [problem.headline.removeprefix("c.yaml:") for problem in error.value.problems]


def policy(text: str) -> Policy:
    return load(text).policy(frozenset(), frozenset())


@pytest.mark.parametrize("text", ["", "{}", "# nothing yet\n"])
def test_nothing_written_allows_nothing(text: str) -> None:
    assert policy(text) == Policy()
    assert load(text).role is None
    assert load(text).kill_switch is None
    assert load(text).destination(ACCOUNT, "eu-west-1") is None
    met = Circumstances(NOW, NOW)
    assert why_held(change(), finding(), policy(text), met)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        pytest.param("role: current", {"role": "current"}, id="the credentials at hand write too"),
        pytest.param(f"role: '{ROLE}'", {"role": ROLE}, id="a role that writes"),
        pytest.param(
            "kill_switch: /run/stop", {"kill_switch": Path("/run/stop")}, id="a kill switch"
        ),
        pytest.param("verify_seconds: 5", {"verify_seconds": 5.0}, id="how long to look again"),
    ],
)
def test_what_can_be_said(text: str, read: dict[str, Any]) -> None:
    assert {key: getattr(load(text), key) for key in read} == read


@pytest.mark.parametrize(
    ("text", "part", "expected"),
    [
        pytest.param(
            "fixes: [a, b, a]", "fixes", frozenset({"a", "b"}), id="fixes, one named twice"
        ),
        pytest.param(
            "only: [{rule: r, account: 011122223333, region: eu-west-1, tag: env=prod, "
            "resource: 'c-*'}]",
            "only",
            (Selector("r", "011122223333", "eu-west-1", ("env", "prod"), "c-*"),),
            id="only, all of a selector, an account of digits",
        ),
        pytest.param(
            "never: [{tag: note=a=b}, {resource: x}]",
            "never",
            (Selector(tag=("note", "a=b")), Selector(resource="x")),
            id="never, a tag whose value has an equals sign",
        ),
        pytest.param(
            "consents: [{to: destroys, fix: f, resource: r, by: ana}]",
            "consents",
            (Consent(Cost.DESTROYS, "f", "r", "ana"),),
            id="a consent until it is taken back",
        ),
        pytest.param(
            "consents: [{to: weakens, fix: f, resource: r, by: ana, account: 111122223333, "
            "until: 2026-12-31}]",
            "consents",
            (
                Consent(
                    Cost.WEAKENS, "f", "r", "ana", datetime(2027, 1, 1, tzinfo=UTC), "111122223333"
                ),
            ),
            id="a consent holds through its last day (UTC)",
        ),
        pytest.param(
            "limits: {per_sweep: 0, per_hour: 1, per_account: 2, affected: 3, "
            "cool_down_seconds: 4.5}",
            "limits",
            Limits(0, 1, 2, 3, 4.5),
            id="every limit, none at all among them",
        ),
        pytest.param(
            "limits: {per_sweep: 1}", "limits", Limits(per_sweep=1), id="one limit, others stay"
        ),
        pytest.param(
            "freezes: [{begins: 2026-12-24T00:00:00+01:00, ends: 2027-01-02T06:00:00Z, why: w}]",
            "freezes",
            (
                Freeze(
                    datetime(2026, 12, 23, 23, tzinfo=UTC), datetime(2027, 1, 2, 6, tzinfo=UTC), "w"
                ),
            ),
            id="a freeze, told in UTC",
        ),
    ],
)
def test_the_guard_is_told_what_was_written(text: str, part: str, expected: object) -> None:
    assert getattr(policy(text), part) == expected


def test_a_freeze_is_utc_by_its_zone_too() -> None:
    text = "freezes: [{begins: 2026-12-24T00:00:00+01:00, ends: 2026-12-25T00:00:00Z, why: w}]"
    (freeze,) = policy(text).freezes

    assert (freeze.begins.tzinfo, freeze.ends.tzinfo) == (UTC, UTC)


def test_the_buckets_of_the_log_buckets_reach_the_guard() -> None:
    found = load("").policy(frozenset({"own"}), frozenset({"held"}))

    assert (found.dedicated, found.legal_hold) == ({"own"}, {"held"})


def test_markers_of_code_reach_the_guard_with_cloudformations_own() -> None:
    text = "owned_by_code: ['terraform:*', 'managed-by=terraform']"

    assert policy(text).owned_by_code == (
        "aws:cloudformation:*",
        "terraform:*",
        "managed-by=terraform",
    )


def test_a_consent_for_one_region_is_one_for_that_region() -> None:
    text = "consents: [{to: destroys, fix: f, resource: prod, by: ana, region: eu-west-1}]"

    assert policy(text).consents[0].region == "eu-west-1"


def test_what_is_allowed_and_agreed_to_is_let_through() -> None:
    written = load(
        f"fixes: [{FIX}]\nconsents: [{{to: interrupts, fix: {FIX}, resource: {BUCKET}, by: ana, "
        "until: 2026-11-22}]"
    ).policy(frozenset({BUCKET}), frozenset())
    one = change(costs={Cost.INTERRUPTS: "the public"}, bucket_wide=BUCKET)

    assert why_held(one, finding(), written, Circumstances(NOW, NOW)) == ()


# ---------------------------------------------------------------- destinations

DESTINATIONS = """
log_destinations:
  - {to: s3, bucket: first, prefix: "{account}/{region}/{cluster}/", account: 111122223333,
     region: eu-west-1}
  - {to: cloudwatch, account: 111122223333}
  - {to: s3, bucket: london, region: eu-west-2}
"""


@pytest.mark.parametrize(
    ("account", "region", "expected"),
    [
        pytest.param(
            "111122223333",
            "eu-west-1",
            Destination("s3", "first", "{account}/{region}/{cluster}/"),
            id="the first of three that fits",
        ),
        pytest.param(
            "111122223333", "eu-west-2", Destination("cloudwatch"), id="of its account, any region"
        ),
        pytest.param(
            "999988887777",
            "eu-west-2",
            Destination("s3", "london"),
            id="of its region, any account",
        ),
        pytest.param("999988887777", "eu-west-1", None, id="none"),
    ],
)
def test_a_cluster_logs_where_the_first_that_fits_says(
    account: str, region: str, expected: Destination | None
) -> None:
    assert load(DESTINATIONS).destination(account, region) == expected


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("fixs: [a]", "1:1: unknown key 'fixs'; did you mean 'fixes'?", id="a typo"),
        pytest.param(
            "limits: {per_swep: 1}",
            "1:10: unknown key 'limits.per_swep'; did you mean 'per_sweep'?",
            id="a typo below",
        ),
        pytest.param("fixes: a", "1:8: fixes should be a list, not 'a'", id="no list"),
        pytest.param("fixes: ['']", "1:9: fixes[0] should have at least 1 char", id="no name"),
        pytest.param("never: [{}]", "1:9: never[0] names no rule, account, region,", id="all"),
        pytest.param("only: [{rule: }]", "1:15: only[0].rule has no value", id="a rule left empty"),
        pytest.param(
            "never: [{resource: ''}]", "1:20: never[0].resource should have at least 1", id="''"
        ),
        pytest.param(
            "never: [{tag: env}]", "1:15: never[0].tag should be written", id="half a tag"
        ),
        pytest.param(
            "never: [{account: 1234}]", "1:19: never[0].account should be an acc", id="account"
        ),
        pytest.param(
            "never: [{region: Frankfurt}]", "1:18: never[0].region should be a region", id="region"
        ),
        pytest.param(
            "consents: [{to: all, fix: f, resource: r, by: b}]",
            "1:17: consents[0].to should be 'destroys', 'interrupts' or 'weakens', not 'all'",
            id="a consent to everything",
        ),
        pytest.param(
            "consents: [{to: destroys, fix: f, resource: r}]",
            "1:12: consents[0].by is missing",
            id="a consent by nobody",
        ),
        pytest.param(
            "consents: [{to: destroys, fix: f, by: b}]",
            "1:12: consents[0].resource is missing",
            id="a consent for no resource",
        ),
        pytest.param(
            "consents: [{to: destroys, fix: f, resource: r, by: b, until: soon}]",
            "1:62: consents[0].until should be a valid date",
            id="a consent until some day",
        ),
        pytest.param(
            "consents: [{to: destroys, fix: f, resource: r, by: b, until: 20261231}]",
            "1:62: consents[0].until Datetimes provided to dates",
            id="a day as a number",
        ),
        pytest.param(
            "limits: {per_hour: -1}", "1:20: limits.per_hour should be gre", id="negative"
        ),
        pytest.param("limits: {per_hour: 1.5}", "1:20: limits.per_hour should be a w", id="a half"),
        pytest.param(
            "limits: {per_hour: 10001}", "1:20: limits.per_hour should be less", id="no limit"
        ),
        pytest.param(
            "limits: {per_account: true}", "1:23: limits.per_account should be", id="a boolean"
        ),
        pytest.param(
            "limits: {cool_down_seconds: 0}", "1:29: limits.cool_down_seconds", id="no cool-down"
        ),
        pytest.param(
            "limits: {cool_down_seconds: .nan}", "1:29: limits.cool_down_seconds", id="no number"
        ),
        pytest.param("verify_seconds: 0", "1:17: verify_seconds should be gre", id="never looked"),
        pytest.param(
            "freezes: [{begins: 2026-12-24T00:00:00, ends: 2026-12-25T00:00:00Z, why: w}]",
            "1:20: freezes[0].begins",
            id="a freeze without a zone",
        ),
        pytest.param(
            "freezes: [{begins: 20261224, ends: 2026-12-25T00:00:00Z, why: w}]",
            "1:20: freezes[0].begins",
            id="a freeze from a number, which would be a time in 1970",
        ),
        pytest.param(
            "only: []",
            "1:7: only should have at least 1",
            id="a list of what is allowed that allows all",
        ),
        pytest.param(
            "log_destinations: [{to: cloudwatch, prefix: logs}]",
            "1:20: log_destinations[0] to s3 needs a bucket; to cloudwatch takes neither",
            id="a prefix for CloudWatch",
        ),
        pytest.param(
            "freezes: [{begins: 2026-12-24, ends: 2026-12-25T00:00:00Z, why: w}]",
            "1:20: freezes[0].begins",
            id="a freeze from a day",
        ),
        pytest.param(
            "freezes: [{begins: 2026-12-24T01:00:00+01:00, ends: 2026-12-24T00:00:00Z, why: w}]",
            "1:11: freezes[0] ends before it begins",
            id="a freeze that is over when it begins",
        ),
        pytest.param(
            "freezes: [{begins: 2026-12-24T00:00:00Z, ends: 2026-12-25T00:00:00Z}]",
            "1:11: freezes[0].why is missing",
            id="a freeze for no reason",
        ),
        pytest.param(
            "log_destinations: [{to: s3}]", "1:20: log_destinations[0] to s3 needs", id="no bucket"
        ),
        pytest.param(
            "log_destinations: [{to: cloudwatch, bucket: abc}]",
            "1:20: log_destinations[0] to s3 needs a bucket; to cloudwatch takes neither",
            id="a bucket for CloudWatch",
        ),
        pytest.param(
            "log_destinations: [{to: s3, bucket: 's3://abc'}]",
            "1:37: log_destinations[0].bucket should be the name of a bucket",
            id="a URL for a bucket",
        ),
        pytest.param(
            "log_destinations: [{to: s3, bucket: abc, prefix: '{accont}/'}]",
            "1:50: log_destinations[0].prefix should be letters, digits",
            id="a template that nothing fills",
        ),
        pytest.param("kill_switch: ", "1:13: kill_switch has no value", id="no kill switch"),
    ],
)
def test_what_is_refused_and_where(text: str, said: str) -> None:
    assert any(found.startswith(said) for found in problems(text)), problems(text)


def test_every_problem_is_told_at_once() -> None:
    found = problems("limits: {per_sweep: -1}\nnever: [{}]\nfixes: a\n")

    assert [line.partition(":")[0] for line in found] == ["1", "2", "3"]
