"""Every reason not to make a change: where it stands, where it does not, and none gives way."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls.change import Call, Change, Cost, Document
from controls.guard import (
    BREAKER_HALVES,
    BREAKER_WINDOW,
    Circumstances,
    counts,
    shown,
    things,
    why_held,
    why_undo_held,
)
from controls.model import Finding, Ref, Status
from controls.remedy import Consent, Entry, Freeze, Limits, Outcome, Policy, Selector
from tests.controls.changes import (
    ACCOUNT,
    ARCHIVE,
    BUCKET,
    CHANGES,
    ENTRIES,
    FIX,
    NOW,
    PLACE,
    REGION,
    RULE,
    call,
    change,
    entry,
    finding,
)

TICK = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
CLUSTER = Ref("redshift_cluster", ACCOUNT, REGION, "c-1", owner_account=ACCOUNT)
REBOOT = Call("redshift", "RebootCluster", {"ClusterIdentifier": "c-1"}, ACCOUNT, REGION)

LET = Policy(fixes=frozenset({FIX}), dedicated=frozenset({BUCKET}))
"""Lets the ordinary change of these tests through."""


def met(*past: Entry, **other: Any) -> Circumstances:
    return Circumstances(**{"now": NOW, "sweep_began": NOW, "past": past, **other})


def held(
    one: Change | None = None,
    policy: Policy = LET,
    *past: Entry,
    found: Mapping[str, Any] | None = None,
    **circumstances: Any,
) -> str:
    """The reasons, joined; empty where it may be made. The finding is about what is changed."""
    one = one or change()
    about = finding(**{"ref": one.ref, **(found or {})})
    return " | ".join(why_held(one, about, policy, met(*past, **circumstances)))


def test_what_nothing_speaks_against_is_let_through() -> None:
    assert held() == ""


# ---------------------------------------------------------------- stopped


def test_a_kill_switch_stops_everything_and_says_who_threw_it() -> None:
    assert held(killed="ana, by signal") == "the kill switch is thrown: ana, by signal"


FROZEN = replace(LET, freezes=(Freeze(NOW, NOW + HOUR, "year end"),))


@pytest.mark.parametrize(
    ("at", "frozen"),
    [
        pytest.param(NOW - TICK, False, id="not a moment before it begins"),
        pytest.param(NOW, True, id="from the moment it begins"),
        pytest.param(NOW + HOUR - TICK, True, id="to the last moment"),
        pytest.param(NOW + HOUR, False, id="no longer when it ends"),
    ],
)
def test_a_freeze_holds_between_its_bounds(at: Any, frozen: bool) -> None:
    said = f"changes are frozen until {NOW + HOUR:%Y-%m-%d %H:%M}Z: year end"

    assert held(policy=FROZEN, now=at, sweep_began=at) == (said if frozen else "")


# ---------------------------------------------------------------- not allowed


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.FAIL])
def test_only_what_fails_is_put_right(status: Status) -> None:
    assert held(found={"status": status}) == (
        f"the finding is {status.value}: only what fails is put right"
    )


def test_a_fix_that_is_not_named_is_not_allowed() -> None:
    assert held(policy=replace(LET, fixes=frozenset({"expire_logs"}))) == (
        f"{FIX} is not among the fixes that are allowed (remediation.fixes)"
    )


def test_a_change_of_something_else_than_the_finding_is_about_is_not_allowed() -> None:
    assert held(found={"ref": CLUSTER}) == (
        f"it changes {PLACE.id}, and the finding is about {CLUSTER.id}"
    )


MATCHING = [
    pytest.param(Selector(rule=RULE), True, id="its rule"),
    pytest.param(Selector(rule="another"), False, id="another rule"),
    pytest.param(Selector(account=ACCOUNT), True, id="its account"),
    pytest.param(Selector(account=ARCHIVE), True, id="its owner's account"),
    pytest.param(Selector(account="000000000000"), False, id="another account"),
    pytest.param(Selector(region=REGION), True, id="its region"),
    pytest.param(Selector(region="us-east-1"), False, id="another region"),
    pytest.param(Selector(tag=("env", "prod")), True, id="its tag"),
    pytest.param(Selector(tag=("env", "dev")), False, id="another value of the tag"),
    pytest.param(Selector(tag=("team", "prod")), False, id="another tag"),
    pytest.param(Selector(resource=BUCKET), True, id="its name"),
    pytest.param(Selector(resource="audit-*"), True, id="a glob of its name"),
    pytest.param(Selector(resource="Audit-*"), False, id="a name in another case"),
    pytest.param(Selector(resource="logs"), False, id="a part of its name"),
    pytest.param(Selector(RULE, ACCOUNT, REGION, ("env", "prod"), "*"), True, id="all of it"),
    pytest.param(Selector(RULE, ACCOUNT, "us-east-1", None, "*"), False, id="all but one of it"),
]
TAGGED = {"tags": {"env": "prod"}}


@pytest.mark.parametrize(("selector", "matches"), MATCHING)
def test_only_lets_through_what_one_of_its_selectors_matches(
    selector: Selector, matches: bool
) -> None:
    nothing = Selector(rule="no such rule")
    policy = replace(LET, only=(nothing, selector))

    said = "nothing under remediation.only selects it"
    assert held(policy=policy, found=TAGGED) == ("" if matches else said)


@pytest.mark.parametrize(("selector", "matches"), MATCHING)
def test_never_holds_what_one_of_its_selectors_matches(selector: Selector, matches: bool) -> None:
    policy = replace(LET, never=(Selector(rule="no such rule"), selector))

    said = f"remediation.never selects it: {shown(selector)}"
    assert held(policy=policy, found=TAGGED) == (said if matches else "")


FAR = Call("s3", "PutBucketPolicy", {"Bucket": "central"}, "444455556666", "us-east-1")
NESTED = call(Configuration={"Target": ["arn:aws:s3:::central"]})


@pytest.mark.parametrize(
    ("selector", "one"),
    [
        pytest.param(
            Selector(account="444455556666"), change(calls=(call(), FAR)), id="account of a call"
        ),
        pytest.param(
            Selector(region="us-east-1"), change(calls=(call(), FAR)), id="region of a call"
        ),
        pytest.param(
            Selector(resource="centr*"), change(calls=(call(), FAR)), id="bucket that a call names"
        ),
        pytest.param(
            Selector(resource="*:central"), change(calls=(NESTED,)), id="an ARN deep in a call"
        ),
        pytest.param(
            Selector(resource="c-vital"), change(affects=("c-2", "c-vital")), id="cluster affected"
        ),
        pytest.param(
            Selector(tag=("env", "vital")), change(tags={"env": "vital"}), id="tag of what changes"
        ),
        pytest.param(
            Selector(tag=("env", "vital")),
            change(affects=("c-2",), affected_tags=(("env", "vital"),)),
            id="tag of a cluster affected",
        ),
    ],
)
def test_never_holds_what_would_reach_something_it_selects_and_only_lets_none_in_by_that(
    selector: Selector, one: Change
) -> None:
    assert held(one, replace(LET, never=(selector,))).startswith("remediation.never selects it")
    assert held(one, replace(LET, only=(selector,))) == "nothing under remediation.only selects it"
    assert held(one) == ""


def test_a_selector_is_shown_as_it_would_be_written() -> None:
    every = Selector(RULE, ACCOUNT, REGION, ("env", "prod"), "a-*")

    assert shown(every) == (
        f"rule {RULE}, account {ACCOUNT}, region {REGION}, tag env=prod, resource a-*"
    )
    assert shown(Selector(resource="a-*")) == "resource a-*"


# ---------------------------------------------------------------- owned by code

OWNED = ("aws:cloudformation:*", "Managed-By=terraform", "tf-*", "Pulumi")


@pytest.mark.parametrize(
    ("tags", "key"),
    [
        pytest.param({}, "", id="no tags"),
        pytest.param({"env": "prod"}, "", id="other tags"),
        pytest.param(
            {"aws:cloudformation:stack-name": "logs"},
            "aws:cloudformation:stack-name",
            id="CloudFormation's own",
        ),
        pytest.param({"AWS:CloudFormation:x": ""}, "AWS:CloudFormation:x", id="in another case"),
        pytest.param({"TF-state": "s"}, "TF-state", id="a marker in another case"),
        pytest.param({"PULUMI": "s"}, "PULUMI", id="a marker without a star, in another case"),
        pytest.param({"managed-by": "Terraform"}, "managed-by", id="a marker with its value"),
        pytest.param({"managed-by": "ana"}, "", id="the marker with another value"),
        pytest.param({"a": "", "tf-x": "", "tf-y": ""}, "tf-x", id="said once"),
    ],
)
def test_what_infrastructure_as_code_owns_is_left_to_it(tags: dict[str, str], key: str) -> None:
    said = f"infrastructure as code owns it (tag {key}): change it there, the plan shows how"

    assert held(change(tags=tags), replace(LET, owned_by_code=OWNED)) == (said if key else "")


def test_cloudformation_owns_by_default() -> None:
    assert "CloudFormation" in held(change(tags={"aws:CloudFormation:x": ""}))


# ---------------------------------------------------------------- costs


def consent(cost: Cost = Cost.DESTROYS, **other: Any) -> Consent:
    return Consent(**{"cost": cost, "fix": FIX, "resource": BUCKET, "by": "ana", **other})


DEAR = change(costs={Cost.DESTROYS: "7 logs go"})


@pytest.mark.parametrize("cost", list(Cost))
def test_each_cost_needs_its_own_consent(cost: Cost) -> None:
    one = change(costs={cost: "so much"})

    assert held(one) == (
        f"it {cost.value} (so much): that needs a consent (to: {cost.value}, fix: {FIX}, "
        f"resource: {BUCKET}) under remediation.consents"
    )
    for given_ in Cost:
        said = held(one, replace(LET, consents=(consent(given_),)))
        assert (said == "") == (given_ is cost)


def test_all_of_several_costs_need_theirs() -> None:
    one = change(costs={Cost.DESTROYS: "a", Cost.INTERRUPTS: "b"})

    assert "it interrupts (b)" in held(one, replace(LET, consents=(consent(),)))
    both = (consent(), consent(Cost.INTERRUPTS))
    assert held(one, replace(LET, consents=both)) == ""


def test_a_cost_without_a_word_is_a_cost() -> None:
    assert "it destroys ()" in held(change(costs={Cost.DESTROYS: ""}))


@pytest.mark.parametrize(
    ("given_", "counted"),
    [
        pytest.param(consent(), True, id="of this fix and resource"),
        pytest.param(consent(account=ACCOUNT), True, id="in its account"),
        pytest.param(consent(region=REGION), True, id="in its region"),
        pytest.param(consent(until=NOW + TICK), True, id="to a moment from now"),
        pytest.param(consent(until=NOW), False, id="until now"),
        pytest.param(consent(fix="expire_logs"), False, id="of another fix"),
        pytest.param(consent(resource="audit-logs2"), False, id="of another resource"),
        pytest.param(consent(resource="audit-*"), False, id="a glob names nothing"),
        pytest.param(consent(resource="*"), False, id="nor does a star"),
        pytest.param(consent(resource=""), False, id="of no resource"),
        pytest.param(consent(account="000000000000"), False, id="in another account"),
        pytest.param(consent(region="us-east-1"), False, id="in another region"),
    ],
)
def test_a_consent_counts_for_what_it_names_alone(given_: Consent, counted: bool) -> None:
    assert (held(DEAR, replace(LET, consents=(given_,))) == "") == counted


def test_what_concerns_a_whole_bucket_needs_one_that_is_dedicated() -> None:
    wide = change(bucket_wide=BUCKET)

    assert held(wide) == ""
    for dedicated in (frozenset[str](), frozenset({"another"})):
        assert held(wide, replace(LET, dedicated=dedicated)) == (
            f"it concerns all of bucket {BUCKET}, which is not declared to hold audit logs alone "
            "(log_buckets, dedicated: true)"
        )


@pytest.mark.parametrize("cost", list(Cost))
def test_a_legal_hold_beats_the_consent(cost: Cost) -> None:
    one = change(costs={cost: "so much"}, bucket_wide=BUCKET)
    policy = replace(LET, consents=(consent(cost),))

    assert held(one, policy) == ""
    assert held(one, replace(policy, legal_hold=frozenset({"another"}))) == ""
    assert held(one, replace(policy, legal_hold=frozenset({BUCKET}))) == (
        f"bucket {BUCKET} is on legal hold: what {cost.value} is not done to it, whatever is agreed"
    )


# ---------------------------------------------------------------- too much


def others(number: int, ago: timedelta, account: str = "000000000000") -> list[Entry]:
    """So many changes of other things, each so long ago."""
    return [
        entry(
            f"o-{n}",
            ago,
            change=change(
                fix="another",
                ref=replace(PLACE, name=f"b-{n}"),
                calls=(Call("s3", "PutBucketPolicy", {"Bucket": f"b-{n}"}, account, REGION),),
            ),
        )
        for n in range(number)
    ]


@pytest.mark.parametrize(
    ("limits", "made", "what"),
    [
        pytest.param(Limits(per_sweep=2), others(1, SECOND), "", id="one of two of the sweep"),
        pytest.param(
            Limits(per_sweep=2), others(2, SECOND), "2 changes for this sweep", id="two of two"
        ),
        pytest.param(
            Limits(per_sweep=2), others(2, SECOND + TICK), "", id="just before this sweep"
        ),
        pytest.param(Limits(per_sweep=0), [], "0 changes for this sweep", id="none in a sweep"),
        pytest.param(Limits(per_hour=2), others(1, 59 * SECOND), "", id="one of two of the hour"),
        pytest.param(
            Limits(per_hour=2),
            others(2, HOUR - TICK),
            "2 changes for the last hour",
            id="two in just under an hour",
        ),
        pytest.param(Limits(per_hour=2), others(2, HOUR), "", id="two an hour ago"),
        pytest.param(Limits(per_hour=0), [], "0 changes for the last hour", id="none in an hour"),
        pytest.param(
            Limits(per_account=2),
            others(2, HOUR - TICK, ARCHIVE),
            "2 changes for the account in the last hour",
            id="two in the account that is written to",
        ),
        pytest.param(
            Limits(per_account=2), others(2, SECOND * 2, ACCOUNT), "", id="two in another account"
        ),
        pytest.param(Limits(per_account=2), others(2, HOUR, ARCHIVE), "", id="an hour ago there"),
        pytest.param(
            Limits(per_account=0),
            [],
            "0 changes for the account in the last hour",
            id="none in any account",
        ),
        pytest.param(
            Limits(per_hour=1),
            others(1, -DAY),
            "1 changes for the last hour",
            id="one of an agent whose clock is ahead",
        ),
    ],
)
def test_no_more_is_changed_than_the_limits_allow(
    limits: Limits, made: list[Entry], what: str
) -> None:
    policy = replace(LET, limits=replace(Limits(10_000, 10_000, 10_000), **_differing(limits)))

    said = held(None, policy, *made, sweep_began=NOW - SECOND)
    assert said == (f"the limit of {what} is reached" if what else "")


def _differing(limits: Limits) -> dict[str, Any]:
    usual = Limits()
    names = Limits.__dataclass_fields__
    return {n: getattr(limits, n) for n in names if getattr(limits, n) != getattr(usual, n)}


def test_the_account_of_any_call_counts() -> None:
    two = change(calls=(call(), FAR))
    made = others(5, SECOND, "444455556666")

    assert "the account in the last hour" in held(two, LET, *made, sweep_began=NOW)


COUNTED = {
    None: True,
    Outcome.APPLIED: True,
    Outcome.AWAITING: True,
    Outcome.INEFFECTIVE: True,
    Outcome.PARTIAL: True,
    Outcome.UNDONE: True,
    Outcome.ALREADY_RIGHT: False,
    Outcome.HELD: False,
    Outcome.REFUSED: False,
}


@pytest.mark.parametrize("outcome", [None, *Outcome])
def test_what_may_have_changed_something_counts(outcome: Outcome | None) -> None:
    assert counts(entry(outcome=outcome)) == COUNTED[outcome]
    assert counts(entry(outcome=outcome, done=1))  # whatever it says: a call was answered


@pytest.mark.parametrize(
    ("touched", "most", "said"),
    [
        pytest.param(2, 2, "", id="as many as may be"),
        pytest.param(3, 2, "it touches 3 more (c-0, c-1, c-2), 2 at most", id="one too many"),
        pytest.param(1, 0, "it touches 1 more (c-0), 0 at most", id="none may be"),
        pytest.param(0, 0, "", id="it alone"),
        pytest.param(7, 5, "(c-0, c-1, c-2, c-3, c-4 …), 5 at most", id="the first are named"),
    ],
)
def test_what_touches_too_many_at_once_is_held(touched: int, most: int, said: str) -> None:
    one = change(affects=tuple(f"c-{n}" for n in range(touched)))
    found = held(one, replace(LET, limits=Limits(affected=most)))

    assert said in found
    assert bool(found) == bool(said)


# ---------------------------------------------------------------- again

COOL = replace(LET, limits=Limits(cool_down_seconds=600))
UNTIL = f"{NOW - timedelta(seconds=300) + timedelta(seconds=600):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("ago", "cooling"),
    [
        pytest.param(timedelta(seconds=600) - TICK, True, id="a moment too early"),
        pytest.param(timedelta(seconds=600), False, id="just cooled down"),
        pytest.param(-DAY, True, id="by an agent whose clock is ahead"),
    ],
)
def test_nothing_is_changed_again_before_it_has_cooled_down(ago: timedelta, cooling: bool) -> None:
    past = entry(ago=ago)

    said = held(None, COOL, past)
    assert said.startswith("it was changed at") == cooling
    assert bool(said) == cooling


def test_the_latest_change_counts_and_the_end_of_cooling_is_said() -> None:
    past = [entry("e-1", timedelta(seconds=300)), entry("e-2", DAY, outcome=Outcome.REFUSED)]

    assert held(None, COOL, *past, entry("e-3", 8 * DAY)).endswith(
        f"nothing is changed again before {UNTIL}Z"
    )


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"fix": "another"}, id="by another fix"),
        pytest.param({"ref": replace(PLACE, name="another")}, id="another bucket"),
        pytest.param({"ref": replace(PLACE, account=ARCHIVE)}, id="in another account"),
    ],
)
def test_what_else_was_changed_does_not_make_it_cool(other: dict[str, Any]) -> None:
    assert held(None, COOL, entry(change=change(**other))) == ""


SHARED = Call(
    "redshift", "ModifyClusterParameterGroup", {"ParameterGroupName": "pg"}, ACCOUNT, REGION
)


@pytest.mark.parametrize(
    ("there", "here", "blocks"),
    [
        pytest.param(change(), change(), True, id="the same change"),
        pytest.param(change(), change(fix="expire_logs"), True, id="another fix of the same thing"),
        pytest.param(
            change(ref=replace(PLACE, kind="s3_log_location", name=f"{BUCKET}/a/")),
            change(ref=replace(PLACE, kind="s3_log_location", name=f"{BUCKET}/b/")),
            True,
            id="two places of one bucket",
        ),
        pytest.param(
            change(ref=CLUSTER, calls=(SHARED,)),
            change(ref=replace(CLUSTER, name="c-2"), calls=(SHARED,)),
            True,
            id="two clusters with one parameter group",
        ),
        pytest.param(
            change(ref=CLUSTER, calls=(SHARED,), affects=("c-2",)),
            change(
                ref=replace(CLUSTER, name="c-2"),
                calls=(replace(REBOOT, params={"ClusterIdentifier": "c-2"}),),
            ),
            True,
            id="a cluster that the open one affects",
        ),
        pytest.param(
            change(ref=CLUSTER, calls=(REBOOT,)), change(), False, id="a cluster and a bucket"
        ),
        pytest.param(
            change(ref=CLUSTER, calls=(REBOOT,)),
            change(
                ref=replace(CLUSTER, account=ARCHIVE),
                calls=(replace(REBOOT, account=ARCHIVE),),
            ),
            False,
            id="a cluster of the same name elsewhere",
        ),
    ],
)
def test_what_is_open_in_the_journal_blocks_what_touches_the_same(
    there: Change, here: Change, blocks: bool
) -> None:
    stuck = entry(ago=30 * DAY, change=there, outcome=None)

    policy = replace(LET, fixes=frozenset({FIX, "expire_logs"}))
    said = "an earlier change of it (e-1) is still open in the journal"
    assert held(here, policy, stuck) == (said if blocks else "")
    assert held(here, policy, replace(stuck, outcome=Outcome.PARTIAL)) == ""
    assert (things(there) & things(here) != set()) == blocks


@pytest.mark.parametrize(
    "name",
    [
        "Bucket",
        "ClusterIdentifier",
        "ParameterGroupName",
        "ClusterParameterGroupName",
        "logGroupName",
        "namespaceName",
        "workgroupName",
    ],
)
def test_a_thing_is_known_by_every_name_that_calls_have_for_it(name: str) -> None:
    one = Call("any", "Any", {name: "x", "Value": "y"}, ARCHIVE, REGION)

    assert things(change(calls=(one,))) == {(ACCOUNT, BUCKET), (ARCHIVE, "x")}


EARLY, LATE = 3 * DAY, BREAKER_WINDOW - TICK


@pytest.mark.parametrize(
    ("past", "broken"),
    [
        pytest.param([entry("a", EARLY)], False, id="put right once"),
        pytest.param([entry("a", EARLY), entry("b", LATE)], True, id="twice within the week"),
        pytest.param(
            [entry("a", EARLY), entry("b", BREAKER_WINDOW)], False, id="once a week ago to the tick"
        ),
        pytest.param([entry("a", EARLY), entry("b", -DAY)], True, id="once by a clock ahead"),
        pytest.param(
            [entry("a", EARLY), entry("b", LATE, outcome=Outcome.INEFFECTIVE)],
            True,
            id="once without effect",
        ),
        pytest.param(
            [entry("a", EARLY), entry("b", LATE, outcome=Outcome.HELD)], False, id="once held"
        ),
        pytest.param(
            [entry("a", EARLY), entry("b", LATE, change=change(fix="another"))],
            False,
            id="once by another fix",
        ),
        pytest.param(
            [entry("a", EARLY), entry("b", LATE, undone_by="u")], False, id="once undone by name"
        ),
        pytest.param(
            [entry("a", EARLY), entry("b", LATE, undoes="x")], False, id="and once put back"
        ),
    ],
)
def test_what_somebody_keeps_changing_back_is_left_alone(past: list[Entry], broken: bool) -> None:
    said = held(None, LET, *past)

    assert ("2 times within a week and is wrong again" in said) == broken


def half(identity: str, ago: timedelta, **other: Any) -> Entry:
    """A change that came half the way."""
    return entry(identity, ago, outcome=Outcome.PARTIAL, done=1, **other)


def test_what_came_half_the_way_is_gone_on_with_at_once() -> None:
    """Planned anew it begins where it ended: that is neither again nor a turn of its own."""
    assert held(None, LET, half("a", TICK)) == ""
    assert held(None, LET, half("a", 2 * HOUR), entry("b", 3 * DAY)) == ""
    assert "it was changed at" in held(None, LET, half("a", TICK), entry("b", HOUR / 2))


@pytest.mark.parametrize(("number", "stops"), [(BREAKER_HALVES - 1, False), (BREAKER_HALVES, True)])
def test_what_never_comes_to_its_end_is_not_begun_for_ever(number: int, stops: bool) -> None:
    halves = [half(str(one), one * DAY) for one in range(number)]

    assert ("never came to its end" in held(None, LET, *halves)) == stops


@pytest.mark.parametrize(
    ("ago", "outcome", "stays"),
    [
        pytest.param(2 * HOUR, Outcome.UNDONE, True, id="two hours ago"),
        pytest.param(BREAKER_WINDOW - TICK, Outcome.UNDONE, True, id="almost a week ago"),
        pytest.param(BREAKER_WINDOW, Outcome.UNDONE, False, id="a week ago"),
        pytest.param(2 * HOUR, Outcome.PARTIAL, True, id="in part"),
        pytest.param(2 * HOUR, Outcome.REFUSED, False, id="it was tried, and AWS refused"),
    ],
)
def test_what_somebody_undid_is_not_made_again_at_once(
    ago: timedelta, outcome: Outcome, stays: bool
) -> None:
    first = entry("e-1", 8 * DAY, undone_by="u-1")
    undoing = entry("u-1", ago, outcome=outcome, undoes="e-1")

    said = held(None, LET, first, undoing)
    assert said.startswith("it was undone at") == stays
    assert ("(u-1)" in said and "remediation.never" in said) == stays
    assert bool(said) == stays


# ---------------------------------------------------------------- undo


def undoing(policy: Policy = Policy(), killed: str = "", **other: Any) -> str:  # noqa: B008 - frozen
    given_ = {"undo": (call("PutPublicAccessBlock"),), **other}
    return " | ".join(why_undo_held(entry(change=change(**given_)), policy, NOW, killed))


def test_an_undo_needs_no_fix_that_is_allowed_and_no_limit() -> None:
    assert undoing() == ""
    assert undoing(Policy(limits=Limits(0, 0, 0))) == ""


def test_an_undo_stops_for_the_kill_switch_and_a_freeze() -> None:
    assert undoing(killed="ana") == "the kill switch is thrown: ana"
    assert "frozen" in undoing(FROZEN)


def test_an_undo_needs_consent_to_what_undoing_costs_not_to_what_the_change_cost() -> None:
    costs = {"costs": {Cost.DESTROYS: "a"}, "undo_costs": {Cost.WEAKENS: "b"}}

    assert "it weakens (b)" in undoing(**costs)
    assert "destroys" not in undoing(**costs)
    assert "it weakens (b)" in undoing(Policy(consents=(consent(),)), **costs)
    assert undoing(Policy(consents=(consent(Cost.WEAKENS),)), **costs) == ""


def test_an_undo_of_what_concerns_a_whole_bucket_needs_one_that_is_dedicated() -> None:
    assert "all of bucket" in undoing(bucket_wide=BUCKET)


def lifecycle(days: int) -> dict[str, Any]:
    rule = {"ID": "ours", "Status": "Enabled", "Filter": {}, "Expiration": {"Days": days}}
    return {"Rules": [rule]}


@pytest.mark.parametrize(
    ("before", "after", "allowed"),
    [
        pytest.param(365, 180, True, id="back to longer"),
        pytest.param(90, 180, False, id="back to shorter"),
    ],
)
def test_an_undo_on_legal_hold_is_judged_by_what_it_brings_back(
    before: int, after: int, allowed: bool
) -> None:
    put = "PutBucketLifecycleConfiguration"
    said = undoing(
        Policy(legal_hold=frozenset({BUCKET})),
        calls=(call(put, LifecycleConfiguration=lifecycle(after)),),
        undo=(call(put, LifecycleConfiguration=lifecycle(before)),),
        documents=(Document("lifecycle", lifecycle(before), lifecycle(after)),),
    )

    assert (said == "") == allowed


# ---------------------------------------------------------------- what holds for any

PAST = st.lists(ENTRIES, max_size=4)
CONSENTS = st.lists(
    st.builds(
        Consent,
        st.sampled_from(Cost),
        st.just(FIX) | st.text(string.ascii_letters, max_size=3),
        st.just(BUCKET) | st.text(string.ascii_letters, max_size=3),
        st.just("ana"),
        st.none() | st.sampled_from([NOW - TICK, NOW, NOW + TICK]),
        st.sampled_from(["", ACCOUNT, ARCHIVE]),
        st.sampled_from(["", REGION, "us-east-1"]),
    ),
    max_size=4,
)
OURS = st.builds(
    change,
    costs=st.dictionaries(st.sampled_from(Cost), st.just("so much")),
    affects=st.lists(st.just("c"), max_size=7).map(tuple),
    bucket_wide=st.sampled_from(["", BUCKET, "another"]),
    tags=st.sampled_from([{}, {"aws:cloudformation:x": ""}]),
)
AGES = st.integers(-10, 14 * 24).map(lambda hours: timedelta(hours=hours))
OUR_PAST = st.lists(
    st.builds(
        entry,
        st.just("e"),
        AGES,
        outcome=st.none() | st.sampled_from(Outcome),
        undoes=st.sampled_from(["", "", "x"]),
    ),
    max_size=4,
)
FEW = st.integers(0, 6)
LIMITS = st.builds(Limits, FEW, FEW, FEW, FEW, st.floats(1, 86_400))


def _reasons(one: Change, policy: Policy, past: list[Entry], **other: Any) -> tuple[str, ...]:
    return why_held(one, finding(ref=one.ref), policy, met(*past, **other))


@given(CHANGES, PAST)
def test_by_default_nothing_is_ever_allowed(one: Change, past: list[Entry]) -> None:
    assert _reasons(one, Policy(), past)


@given(OURS, OUR_PAST, CONSENTS)
def test_by_default_no_consent_allows_anything(
    one: Change, past: list[Entry], consents: list[Consent]
) -> None:
    assert _reasons(one, Policy(consents=tuple(consents)), past)


@given(OURS, OUR_PAST, CONSENTS, CONSENTS, LIMITS)
def test_another_consent_never_adds_a_reason(
    one: Change, past: list[Entry], few: list[Consent], more: list[Consent], limits: Limits
) -> None:
    policy = replace(LET, limits=limits, consents=tuple(few))
    wider = replace(policy, consents=(*few, *more))

    assert set(_reasons(one, wider, past)) <= set(_reasons(one, policy, past))


@given(OURS, CONSENTS)
def test_killed_or_frozen_nothing_is_ever_allowed(one: Change, consents: list[Consent]) -> None:
    policy = replace(FROZEN, consents=tuple(consents))

    assert _reasons(one, policy, [])
    assert _reasons(one, replace(policy, freezes=()), [], killed="ana")


@given(OURS, OUR_PAST, LIMITS, LIMITS)
def test_a_limit_that_is_raised_never_holds_more(
    one: Change, past: list[Entry], some: Limits, other: Limits
) -> None:
    names = ("per_sweep", "per_hour", "per_account", "affected")
    low = {n: min(getattr(some, n), getattr(other, n)) for n in names}
    high = {n: max(getattr(some, n), getattr(other, n)) for n in names}
    cool = some.cool_down_seconds, other.cool_down_seconds
    tight = replace(LET, limits=Limits(**low, cool_down_seconds=max(cool)))
    loose = replace(LET, limits=Limits(**high, cool_down_seconds=min(cool)))

    assert len(_reasons(one, loose, past)) <= len(_reasons(one, tight, past))


@given(OURS, OUR_PAST, st.data())
def test_what_was_changed_before_never_allows_what_is_held(
    one: Change, past: list[Entry], data: st.DataObject
) -> None:
    fewer = [e for e in past if data.draw(st.booleans())]

    assert not (_reasons(one, LET, fewer) and not _reasons(one, LET, past))


@given(OURS, CONSENTS)
def test_a_consent_to_something_else_never_counts(one: Change, consents: list[Consent]) -> None:
    theirs = tuple(
        c
        for c in consents
        if c.fix != FIX
        or c.resource != BUCKET
        or c.account == ARCHIVE
        or c.region == "us-east-1"
        or c.cost not in one.costs
        or (c.until is not None and c.until <= NOW)
    )

    assert _reasons(one, replace(LET, consents=theirs), []) == _reasons(one, LET, [])


@given(OURS.filter(lambda one: bool(one.costs)), CONSENTS)
def test_a_legal_hold_beats_every_consent(one: Change, consents: list[Consent]) -> None:
    every = tuple(consent(cost) for cost in Cost)
    policy = replace(LET, consents=(*every, *consents), legal_hold=frozenset({BUCKET}))

    assert "legal hold" in " ".join(_reasons(one, policy, []))


@given(CHANGES)
def test_a_waived_or_unknown_finding_is_never_acted_on(one: Change) -> None:
    policy = replace(LET, fixes=frozenset({one.fix}))
    for status in (Status.WAIVED, Status.UNKNOWN):
        about: Finding = finding(ref=one.ref, status=status)
        assert why_held(one, about, policy, met())
