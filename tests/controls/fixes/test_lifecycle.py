"""The lifecycle fixes, case by case: what they write, cost and leave, and when they are held."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controls.change import Change, Cost, Held, Plan, Planned, Right
from controls.fixes import lifecycle, lifecycle_losses
from controls.fixes.lifecycle import FIXES, abort_uploads, expire_logs, keep_logs
from controls.fixes.lifecycle_losses import size
from controls.fixes.lifecycle_merge import Own, own_id
from controls.model import AwsError, CannotTellError
from tests.controls.fixes.lifecycle_cases import BUCKET, NAME, LogBucket, P, task
from tests.fakes import ACCOUNT, ARCHIVE, NOW, REGION, denied

ENABLED = {"Status": "Enabled"}
SUSPENDED = {"Status": "Suspended"}
MAX = {"max_days": 180}
BOTH = {"min_days": 180, "max_days": 180}
PCI = {"min_days": 365, "max_days": 400}


def rule(name: str = "theirs", prefix: str | None = None, **does: Any) -> dict[str, Any]:
    """An enabled rule, for the whole bucket unless told otherwise."""
    scope = {"Filter": {} if prefix is None else {"Prefix": prefix}}
    return {"ID": name, "Status": "Enabled", **scope, **does}


def expires(days: int) -> dict[str, Any]:
    return {"Expiration": {"Days": days}}


def goes(days: int, **keeps: int) -> dict[str, Any]:
    return {"NoncurrentVersionExpiration": {"NoncurrentDays": days, **keeps}}


def ours(prefix: str = P, /, **does: Any) -> dict[str, Any]:
    return rule(own_id(prefix), prefix, **does)


def holding(*rules: dict[str, Any], **rest: Any) -> LogBucket:
    """A bucket with these rules."""
    return LogBucket({"Rules": list(rules)} if rules else {}, **rest)


def changed(planned: Planned) -> Change:
    assert isinstance(planned, Change), planned
    return planned


def held(planned: Planned) -> str:
    assert isinstance(planned, Held), planned
    return planned.why


def written(planned: Planned) -> list[dict[str, Any]]:
    """The rules that the change writes."""
    [call] = changed(planned).calls
    rules: list[dict[str, Any]] = call.params["LifecycleConfiguration"]["Rules"]
    return rules


# ---------------------------------------------------------------- what is written

EXPIRED = [
    pytest.param([], {}, MAX, expires(180), id="no lifecycle: on the last day that is allowed"),
    pytest.param([], {}, PCI, expires(400), id="another retention class"),
    pytest.param([rule(**expires(365))], {}, MAX, expires(180), id="another rule is longer"),
    pytest.param([ours(**expires(365))], {}, MAX, expires(180), id="ours is longer"),
    pytest.param(
        [{**ours(**expires(90)), "Status": "Disabled"}],
        {},
        MAX,
        expires(180),
        id="ours is disabled: what it once did does not count",
    ),
    pytest.param(
        [{**ours(**expires(365)), "Filter": {"Prefix": P}}, rule("b", "other/", **expires(1))],
        {},
        MAX,
        expires(180),
        id="a shorter rule elsewhere",
    ),
    pytest.param([], ENABLED, BOTH, {**expires(179), **goes(1)}, id="versions: both steps add up"),
    pytest.param([], ENABLED, MAX, {**expires(179), **goes(1)}, id="versions, one limit told"),
    pytest.param(
        [ours(**expires(180))],
        ENABLED,
        MAX,
        {**expires(179), **goes(1)},
        id="versioning came later",
    ),
    pytest.param(
        [rule(**goes(30))], ENABLED, BOTH, {**expires(179), **goes(1)}, id="their second step"
    ),
    pytest.param(
        [rule(**expires(90))], ENABLED, BOTH, {**expires(90), **goes(90)}, id="their first step"
    ),
    pytest.param(
        [rule(**goes(30, NewerNoncurrentVersions=2))],
        ENABLED,
        BOTH,
        {**expires(179), **goes(1)},
        id="their rule keeps the newest versions, of which a log is one",
    ),
    pytest.param([], SUSPENDED, PCI, {**expires(399), **goes(1)}, id="versioning suspended"),
]


@pytest.mark.parametrize(("rules", "versioning", "params", "does"), EXPIRED)
def test_expiring(
    rules: list[dict[str, Any]],
    versioning: Mapping[str, str],
    params: Mapping[str, int],
    does: dict[str, Any],
) -> None:
    """Our rule comes last or stays in its place; then all is right."""
    bucket = holding(*rules, versioning=versioning)
    planned = changed(expire_logs(bucket.aws, task(dict(params))))
    bucket.make(*planned.calls)

    assert ours(**does) in written(planned)
    assert isinstance(expire_logs(bucket.aws, task(dict(params))), Right)


def test_their_second_step_leaves_as_much_for_the_first() -> None:
    """A log is not to go after 30 days of being noncurrent when 180 are asked for in all."""
    bucket = holding(rule(**expires(200), **goes(30)), versioning=ENABLED)

    assert ours(**expires(179), **goes(1)) in written(expire_logs(bucket.aws, task(dict(BOTH))))


@pytest.mark.parametrize("order", [1, -1], ids=["aborting first", "expiring first"])
def test_one_rule_of_ours_does_all(order: int) -> None:
    """Each fix adds to it and leaves what the other put there."""
    bucket = LogBucket()
    params = task({"abort_within_days": 180, **MAX})
    for fix in (abort_uploads, expire_logs)[::order]:
        bucket.make(*changed(fix(bucket.aws, params)).calls)
    bucket.make(*changed(keep_logs(bucket.aws, task({"min_days": 365}))).calls)

    abort: dict[str, Any] = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}
    assert bucket.configuration == {
        "Rules": [ours(**expires(365), **abort)],
        "TransitionDefaultMinimumObjectSize": "all_storage_classes_128K",
    }


@pytest.mark.parametrize(("within", "days"), [(180, 7), (7, 7), (3, 3)])
def test_uploads_are_aborted_after_a_week_or_sooner_if_asked(within: int, days: int) -> None:
    """A week is usual; the rule's own limit may be less."""
    planned = abort_uploads(LogBucket().aws, task({"abort_within_days": within}))

    abort: dict[str, Any] = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": days}}
    assert written(planned) == [ours(**abort)]


def test_a_rule_of_ours_that_is_disabled_does_not_come_back_with_all_it_did() -> None:
    """Aborting uploads must not put an expiry in force again."""
    bucket = holding({**ours(**expires(30)), "Status": "Disabled"})

    planned = abort_uploads(bucket.aws, task({"abort_within_days": 7}))

    assert "Expiration" not in written(planned)[0]


def test_legacy_rules_become_filters_and_are_not_widened() -> None:
    """AWS takes no mixture; an empty prefix stays one and never becomes `Filter: {}`."""
    old = {"Status": "Enabled", **expires(500)}
    bucket = holding({"ID": "a", "Prefix": "", **old}, {"ID": "b", "Prefix": "x/", **old})
    planned = changed(expire_logs(bucket.aws, task(dict(MAX))))

    assert [each["Filter"] for each in written(planned)] == [
        {"Prefix": ""},
        {"Prefix": "x/"},
        {"Prefix": P},
    ]
    bucket.make(*planned.undo)
    assert [each.get("Prefix") for each in bucket.configuration["Rules"]] == ["", "x/"]


def test_all_else_comes_back_as_it_was() -> None:
    """Dates as text, which is JSON; and the least size that moves, which is no rule's."""
    date = datetime(2031, 1, 1, tzinfo=UTC)
    bucket = holding(rule(Expiration={"Date": date}))
    bucket.configuration["TransitionDefaultMinimumObjectSize"] = "varies_by_storage_class"
    [call] = changed(expire_logs(bucket.aws, task(dict(MAX)))).calls

    assert call.params["TransitionDefaultMinimumObjectSize"] == "varies_by_storage_class"
    first = call.params["LifecycleConfiguration"]["Rules"][0]
    assert first["Expiration"] == {"Date": "2031-01-01T00:00:00Z"}
    assert (call.account, call.region) == (ARCHIVE, "us-east-1")
    assert call.params["ExpectedBucketOwner"] == ARCHIVE


def test_undo_where_there_was_no_lifecycle_is_no_empty_list() -> None:
    """AWS has an operation of its own for it."""
    [call] = changed(expire_logs(LogBucket().aws, task(dict(MAX)))).undo

    assert call.name == "s3:DeleteBucketLifecycle"
    assert call.params == {"Bucket": BUCKET, "ExpectedBucketOwner": ARCHIVE}


def test_what_aws_would_not_take_back_is_no_undo() -> None:
    """A mixture can be read from something that is not quite S3; it can be put right, not back."""
    legacy = {"ID": "a", "Status": "Enabled", "Prefix": "x/", **expires(9)}
    planned = changed(expire_logs(holding(legacy, rule(**expires(900))).aws, task(dict(MAX))))

    assert not planned.undo
    assert planned.no_undo


def test_an_id_is_short_and_unlike_all_others() -> None:
    """Two prefixes that read alike have two IDs."""
    ids = {own_id(prefix) for prefix in ("", "a/b/", "a-b-", "a/b", "é/", "x" * 1024)}

    assert len(ids) == 6
    assert all(len(each) <= 255 for each in ids)


@pytest.mark.parametrize(
    ("fix", "rules", "params", "costs"),
    [
        pytest.param(keep_logs, [ours(**expires(7))], {"min_days": 180}, True, id="shorter again"),
        pytest.param(expire_logs, [rule(**expires(365))], MAX, False, id="longer again"),
        pytest.param(expire_logs, [], MAX, False, id="kept for ever again"),
    ],
)
def test_undoing_destroys_where_logs_go_sooner_again(
    fix: Plan, rules: list[dict[str, Any]], params: dict[str, int], *, costs: bool
) -> None:
    """What was kept in the meantime goes at once."""
    planned = changed(fix(holding(*rules).aws, task(dict(params))))

    assert costs == (Cost.DESTROYS in planned.undo_costs)


# ---------------------------------------------------------------- what is right already


@pytest.mark.parametrize(
    ("fix", "rules", "params"),
    [
        pytest.param(expire_logs, [rule(**expires(30))], MAX, id="somebody's rule expires"),
        pytest.param(keep_logs, [], {"min_days": 180}, id="nothing deletes"),
        pytest.param(keep_logs, [rule(**expires(180))], {"min_days": 180}, id="late enough"),
        pytest.param(
            abort_uploads,
            [rule(AbortIncompleteMultipartUpload={"DaysAfterInitiation": 9})],
            {"abort_within_days": 9},
            id="somebody's rule aborts",
        ),
    ],
)
def test_right(fix: Plan, rules: list[dict[str, Any]], params: dict[str, int]) -> None:
    """Whoever made it right."""
    right = fix(holding(*rules).aws, task(dict(params)))

    assert isinstance(right, Right)
    [document] = right.documents
    assert document.before == document.after == ({"Rules": rules} if rules else None)


def test_what_is_right_reads_as_the_change_left_it() -> None:
    """By that an undo knows that nobody was there since."""
    bucket = LogBucket()
    planned = changed(expire_logs(bucket.aws, task(dict(MAX))))
    bucket.make(*planned.calls)
    right = expire_logs(bucket.aws, task(dict(MAX)))

    assert isinstance(right, Right)
    assert [planned.documents[0].after] == [each.before for each in right.documents]


# ---------------------------------------------------------------- what is held


def changed_by_hand(**does: Any) -> dict[str, Any]:
    return ours(**expires(365), **does)


STRANGE: list[Any] = [
    pytest.param(rule(**expires(365), Archive={"Days": 1}), "Archive", id="a member of a rule"),
    pytest.param(
        rule(Transitions=[{"Days": 1, "StorageClass": "GLACIER", "Speed": 1}]),
        "Speed",
        id="a member of a transition",
    ),
    pytest.param(
        {**rule(**expires(365)), "Filter": {"And": {"Prefix": "x", "Owner": "y"}}},
        "Owner",
        id="a member of a filter",
    ),
    pytest.param(
        {**rule(**expires(365)), "Filter": {"Tag": {"Key": "a", "Value": "b", "Not": True}}},
        "Not",
        id="a member of a tag",
    ),
    pytest.param({**rule(**expires(365)), "Status": "Paused"}, "Paused", id="a status"),
    pytest.param(
        {"ID": "x", "Status": "Disabled", **expires(1)}, "neither a Prefix", id="no scope at all"
    ),
    pytest.param(rule(Transitions="soon"), "Transitions", id="a list that is none"),
    pytest.param(rule(**expires(365), Transitions=[7]), "reads 7", id="an item that is none"),
]


@pytest.mark.parametrize(("strange", "says"), STRANGE)
@pytest.mark.parametrize("fix", [expire_logs, abort_uploads])
def test_what_could_not_be_written_back_is_not_touched(
    fix: Plan, strange: dict[str, Any], says: str
) -> None:
    """botocore would drop or refuse it; then somebody's rule would mean something else."""
    params = {"max_days": 180, "abort_within_days": 7}

    assert says in held(fix(holding(strange).aws, task(dict(params))))


def test_a_strange_configuration_is_not_touched() -> None:
    """Beside the rules too."""
    bucket = holding(rule(**expires(365)))
    bucket.configuration["Grace"] = 3

    assert "Grace" in held(expire_logs(bucket.aws, task(dict(MAX))))


@pytest.mark.parametrize(
    "theirs",
    [
        pytest.param(changed_by_hand(Transitions=[]), id="a transition added"),
        pytest.param({**changed_by_hand(), "Filter": {"Prefix": "x"}}, id="another prefix"),
        pytest.param({**changed_by_hand(), "Filter": {}}, id="no prefix"),
        pytest.param(ours(Expiration={"Date": NOW + timedelta(days=9)}), id="a date"),
        pytest.param(
            ours(**expires(365), **goes(3, NewerNoncurrentVersions=1)), id="newest versions kept"
        ),
    ],
)
def test_a_rule_with_our_name_and_another_shape_is_somebodys(theirs: dict[str, Any]) -> None:
    """It is neither written over nor taken for ours."""
    assert "somebody changed" in held(expire_logs(holding(theirs).aws, task(dict(MAX))))


def many(count: int) -> list[dict[str, Any]]:
    return [rule(f"r{n}", f"other/{n}/", **expires(365)) for n in range(count)]


def test_the_thousandth_rule_may_be_ours_and_no_more() -> None:
    """S3 takes a thousand; where ours is among them it can be changed."""
    assert len(written(expire_logs(holding(*many(999)).aws, task(dict(MAX))))) == 1000
    assert "1000" in held(expire_logs(holding(*many(1000)).aws, task(dict(MAX))))
    bucket = holding(*many(999), ours(**expires(365)))
    assert len(written(expire_logs(bucket.aws, task(dict(MAX))))) == 1000


@pytest.mark.parametrize(
    ("rules", "versioning", "params", "says"),
    [
        pytest.param([], {**ENABLED, "MFADelete": "Enabled"}, BOTH, "MFA", id="MFA delete"),
        pytest.param([], SUSPENDED, BOTH, "Suspended", id="suspended: one day too few"),
        pytest.param([], SUSPENDED, MAX, "not told", id="suspended: only one limit known"),
        pytest.param([], ENABLED, {"max_days": 1}, "two steps", id="versions in one day"),
        pytest.param(
            [rule(Expiration={"Date": NOW - timedelta(days=9)})],
            ENABLED,
            BOTH,
            "rule theirs",
            id="all expires at once, by a date",
        ),
        pytest.param(
            [rule("a", **expires(60)), rule("b", f"{P}2024/", **goes(60))],
            ENABLED,
            BOTH,
            "before 180",
            id="two rules of others that would meet through ours",
        ),
        pytest.param(
            [rule("hot", f"{P}2024/", **expires(7))],
            ENABLED,
            BOTH,
            "out of sight",
            id="a part that expires early would take all out of sight",
        ),
        pytest.param(
            [{**rule("small", **expires(7)), "Filter": {"ObjectSizeLessThan": 1000}}],
            ENABLED,
            BOTH,
            "out of sight",
            id="small ones that expire early would take all out of sight",
        ),
        pytest.param(
            [rule("soon", Expiration={"Date": NOW + timedelta(days=9)})],
            ENABLED,
            {"min_days": 250, "max_days": 400},
            "out of sight",
            id="a date to come would take all out of sight before",
        ),
        pytest.param([], {}, {"min_days": 365, "max_days": 180}, "put", id="contradicting limits"),
        pytest.param([], {}, {"min_days": 180}, "max_days", id="no limit told"),
        pytest.param([], {}, {"max_days": 0}, "max_days", id="a limit of nothing"),
        pytest.param([], {}, {**MAX, "min_days": "9"}, "9", id="another limit that is no number"),
        pytest.param([], {}, {"max_days": "9"}, "max_days", id="a limit that is no number"),
        pytest.param(
            [ours(f"{P}2024/", **expires(365))],
            {},
            MAX,
            "own rule",
            id="we ourselves keep a part of it longer",
        ),
    ],
)
def test_expiring_is_held(
    rules: list[dict[str, Any]], versioning: Mapping[str, str], params: Any, says: str
) -> None:
    """Where AWS would refuse, or a log would go too early."""
    bucket = holding(*rules, versioning=versioning)

    assert says in held(expire_logs(bucket.aws, task(dict(params))))


@pytest.mark.parametrize(
    ("versioning", "says"),
    [
        pytest.param({"MFADelete": "Enabled"}, "MFA", id="MFA delete"),
        pytest.param({"Status": "Paused"}, "the bucket's versioning", id="an unknown versioning"),
    ],
)
def test_keeping_is_held(versioning: Mapping[str, str], says: str) -> None:
    """Where AWS would refuse, or nothing is known of what a rule does."""
    bucket = holding(ours(**expires(7)), versioning=versioning)

    assert held(keep_logs(bucket.aws, task({"min_days": 180}))).startswith(says)
    assert held(expire_logs(bucket.aws, task({"max_days": 3}))).startswith(says)


@pytest.mark.parametrize("days", [181, 179], ids=["too late", "too early"])
def test_what_would_not_hold_is_not_proposed(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    """Whatever the days were worked out to be, the judging functions have the last word."""
    monkeypatch.setattr(lifecycle, "expiry", lambda *_: Own(expire=days))
    monkeypatch.setattr(lifecycle, "lengthened", lambda *_: Own(expire=179))

    assert "no rule for" in held(expire_logs(LogBucket().aws, task(dict(BOTH))))
    too_short = holding(ours(**expires(7)))
    assert "cannot be lengthened" in held(keep_logs(too_short.aws, task({"min_days": 180})))


def lock(**rest: Any) -> dict[str, Any]:
    return {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", **rest}}


@pytest.mark.parametrize(
    ("answer", "is_held"),
    [
        pytest.param(lock(), False, id="no new object is locked"),
        pytest.param(lock(Rule={"DefaultRetention": {"Days": 180}}), False, id="as long as it may"),
        pytest.param(lock(Rule={"DefaultRetention": {"Days": 181}}), True, id="a day longer"),
        pytest.param(lock(Rule={"DefaultRetention": {"Years": 1}}), True, id="a year"),
        pytest.param(lock(Rule={"DefaultRetention": {"Mode": "X"}}), True, id="no time told"),
        pytest.param(
            {"ObjectLockConfiguration": {"Rule": {"DefaultRetention": {"Days": 1}}}},
            True,
            id="it does not say whether it is on",
        ),
    ],
)
@pytest.mark.parametrize("rules", [[], [rule(**expires(179), **goes(1))]], ids=["before", "after"])
def test_what_is_locked_lifecycle_cannot_delete(
    rules: list[dict[str, Any]], answer: dict[str, Any], *, is_held: bool
) -> None:
    """Neither planned nor taken for right: it only adds delete markers."""
    bucket = holding(*rules, versioning=ENABLED, answers={"s3:GetObjectLockConfiguration": answer})

    assert is_held == isinstance(expire_logs(bucket.aws, task(dict(MAX))), Held)


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        pytest.param([rule(**expires(7))], "rule theirs", id="somebody's rule"),
        pytest.param([rule(**expires(7)), ours(**expires(30))], "rule theirs", id="and ours too"),
        pytest.param([ours("", **expires(7))], "not Trailkeeper's own rule for", id="ours, of all"),
        pytest.param([rule(Expiration={"Date": "soon"})], "soon", id="a rule nobody can read"),
    ],
)
def test_what_others_delete_too_early_is_theirs_to_change(
    rules: list[dict[str, Any]], says: str
) -> None:
    """The rule is named, with what its owner should do."""
    assert says in held(keep_logs(holding(*rules).aws, task({"min_days": 180})))


@pytest.mark.parametrize(
    ("rules", "versioning", "params", "does"),
    [
        pytest.param([ours(**expires(7))], {}, {"min_days": 180}, expires(180), id="no versions"),
        pytest.param([ours(**expires(7))], {}, PCI, expires(400), id="to the far end if told"),
        pytest.param(
            [ours(**expires(7), **goes(1))],
            ENABLED,
            {"min_days": 180},
            {**expires(179), **goes(1)},
            id="versions",
        ),
        pytest.param(
            [ours(**expires(90), **goes(1)), rule(**expires(120))],
            ENABLED,
            {"min_days": 180},
            {**expires(120), **goes(60)},
            id="somebody's first step and our second",
        ),
        pytest.param(
            [ours(**expires(7), **goes(1))],
            SUSPENDED,
            PCI,
            {**expires(399), **goes(1)},
            id="versioning suspended",
        ),
    ],
)
def test_our_own_rule_is_lengthened(
    rules: list[dict[str, Any]],
    versioning: Mapping[str, str],
    params: Mapping[str, int],
    does: dict[str, Any],
) -> None:
    """It costs nothing: nothing goes sooner."""
    bucket = holding(*rules, versioning=versioning)
    planned = changed(keep_logs(bucket.aws, task(dict(params))))

    assert written(planned)[0] == ours(**does)
    assert not planned.costs


def test_lengthening_does_not_break_the_other_end() -> None:
    """Where others draw the two steps apart, both ends cannot be had."""
    bucket = holding(
        ours(**expires(100), **goes(1)),
        rule("a", f"{P}2024/", **expires(30)),
        versioning=ENABLED,
    )

    assert "due after" in held(keep_logs(bucket.aws, task(dict(BOTH))))


def test_a_directory_bucket_is_held() -> None:
    """Its lifecycle is another."""
    name = "logs--euw1-az1--x-s3"
    aws = LogBucket().aws
    aws = type(aws)(aws.answers, buckets={name: (ARCHIVE, REGION)})

    assert "directory bucket" in held(expire_logs(aws, task(dict(MAX), f"{name}/prod/")))


def test_tags_that_may_not_be_read_hold() -> None:
    """CloudFormation or Terraform may own the bucket; any other failure is no answer at all."""
    unseen = LogBucket(answers={"s3:GetBucketTagging": denied("s3:GetBucketTagging")})
    broken = LogBucket(answers={"s3:GetBucketTagging": AwsError("Timeout", "")})

    assert "CloudFormation" in held(expire_logs(unseen.aws, task(dict(MAX))))
    with pytest.raises(AwsError):
        expire_logs(broken.aws, task(dict(MAX)))


def test_tags_of_the_bucket_are_told() -> None:
    """Who owns it is judged by them."""
    tagged = {"TagSet": [{"Key": "aws:cloudformation:stack-name", "Value": "logs"}]}
    bucket = LogBucket(answers={"s3:GetBucketTagging": tagged})

    planned = changed(expire_logs(bucket.aws, task(dict(MAX))))

    assert planned.tags == {"aws:cloudformation:stack-name": "logs"}


@pytest.mark.parametrize("fix", [each.plan for each in FIXES])
def test_what_cannot_be_read_is_an_error(fix: Plan) -> None:
    """Nothing is planned on half a picture."""
    name = "s3:GetBucketLifecycleConfiguration"
    bucket = LogBucket(answers={name: denied(name)})
    params = {"max_days": 180, "min_days": 180, "abort_within_days": 7}

    with pytest.raises(AwsError):
        fix(bucket.aws, task(dict(params)))


# ---------------------------------------------------------------- which keys are meant


def writers(*prefixes: str | None, bucket: str = BUCKET) -> dict[str, Any]:
    """Clusters that write to the bucket under these prefixes."""
    names = [{"ClusterIdentifier": f"c{n}"} for n in range(len(prefixes))]

    def status(params: Mapping[str, Any]) -> dict[str, Any]:
        prefix = prefixes[int(params["ClusterIdentifier"][1:])]
        told = {"S3KeyPrefix": prefix} if prefix is not None else {}
        return {"LoggingEnabled": True, "BucketName": bucket, "LogDestinationType": "s3", **told}

    return {
        "redshift:DescribeClusters": {"Clusters": names},
        "redshift:DescribeLoggingStatus": status,
    }


OWN = f"AWSLogs/{ACCOUNT}/redshift/{REGION}/"


@pytest.mark.parametrize(
    ("name", "answers", "prefix", "bucket_wide"),
    [
        pytest.param(f"{BUCKET}/", writers("x", None), OWN, "", id="a writer without a prefix"),
        pytest.param(f"{BUCKET}/", writers("x"), "", BUCKET, id="a bucket nobody writes to now"),
        pytest.param(
            f"{BUCKET}/", writers(None, bucket="b"), "", BUCKET, id="they write to another bucket"
        ),
        pytest.param(f"{BUCKET}/AWSLogs/", writers(), "AWSLogs/", "", id="a former place"),
        pytest.param(f"{BUCKET}/x/AWSLogs/", writers("x"), "x/AWSLogs/", "", id="a former prefix"),
        pytest.param(
            f"{BUCKET}/x/AWSLogs/", writers("x/AWSLogs"), f"x/AWSLogs/{OWN}", "", id="or a writer's"
        ),
        pytest.param(NAME, {}, P, "", id="a writer's prefix, which needs no question"),
    ],
)
def test_the_keys_of_a_place(
    name: str, answers: dict[str, Any], prefix: str, bucket_wide: str
) -> None:
    """Never the whole bucket where one writer's logs are meant."""
    planned = changed(expire_logs(LogBucket(answers=answers).aws, task(dict(MAX), name)))

    assert written(planned)[0]["Filter"] == {"Prefix": prefix}
    assert planned.bucket_wide == bucket_wide


def test_a_writer_that_cannot_be_understood_leaves_it_open() -> None:
    """It may be the one that is meant."""
    unclear = writers(None) | {"redshift:DescribeLoggingStatus": {"BucketName": BUCKET}}

    with pytest.raises(CannotTellError):
        expire_logs(LogBucket(answers=unclear).aws, task(dict(MAX), f"{BUCKET}/"))


@pytest.mark.parametrize(
    ("key", "is_held"),
    [
        pytest.param(f"x/{OWN}2024/05/01/a.gz", False, id="Redshift's logs"),
        pytest.param(f"x/AWSLogs/{ARCHIVE}/redshift/eu-west-3/a", False, id="of another account"),
        pytest.param("x/AWSLogs/", False, id="the folder itself"),
        pytest.param(f"x/AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/a", True, id="CloudTrail's"),
        pytest.param("x/AWSLogs/o-abc123/1/CloudTrail/a", True, id="an organization's"),
        pytest.param("x/AWSLogs/readme.txt", True, id="a file"),
    ],
)
@pytest.mark.parametrize("fix", [expire_logs, abort_uploads])
def test_a_former_prefix_with_other_things_below_it(fix: Plan, key: str, *, is_held: bool) -> None:
    """CloudTrail writes to AWSLogs/ too, and is not to go with Redshift's logs."""
    bucket = LogBucket(keys={key: (NOW, 1)}, answers=writers())
    params = {"max_days": 180, "abort_within_days": 7}

    assert is_held == isinstance(fix(bucket.aws, task(params, f"{BUCKET}/x/AWSLogs/")), Held)


def test_a_former_prefix_with_too_much_to_look_through() -> None:
    """What was not seen may be anybody's."""
    answers = writers() | {"s3:ListObjectsV2": {"IsTruncated": True}}

    with pytest.raises(CannotTellError):
        expire_logs(LogBucket(answers=answers).aws, task(dict(MAX), f"{BUCKET}/x/AWSLogs/"))


# ---------------------------------------------------------------- what it costs


def aged(*ages: int, octets: int = 1000) -> dict[str, tuple[datetime, int]]:
    """A log for each age in days, in its date folder."""
    times = [NOW - timedelta(days=age) for age in ages]
    return {f"{P}{time:%Y/%m/%d}/{n}.gz": (time, octets) for n, time in enumerate(times)}


def destroyed(bucket: LogBucket, **params: int) -> str:
    return changed(expire_logs(bucket.aws, task({**MAX, **params}))).costs[Cost.DESTROYS]


def test_shortening_says_what_goes_by_date_folders() -> None:
    """What is older than the limit is due at once."""
    said = destroyed(LogBucket(keys=aged(10, 179, 180, 181, 200, 201, 600)))

    assert "4 objects of 4.0 kB today are older than 180 days" in said
    assert "in date folders 2025/04/01 to 2026/05/25" in said
    assert "2025/04: 1 (1.0 kB); 2026/05: 3 (3.0 kB)" in said


def test_nothing_is_due_at_once_and_yet_it_destroys() -> None:
    """An expiry where there was none destroys in time: the word is needed all the same."""
    assert "0 objects today are older than 180 days" in destroyed(LogBucket(keys=aged(10)))


def test_only_what_is_old_enough_is_listed() -> None:
    """Young years and months are not gone through."""
    aws = LogBucket(keys=aged(1, 40, 100, 300, 700)).aws
    expire_logs(aws, task(dict(MAX)))

    listed = [params["Prefix"].removeprefix(P) for params in aws.calls("s3:ListObjectsV2")]
    assert listed == [
        "",
        "2024/",
        "2024/12/",
        "2024/12/22/",
        "2026/",
        "2026/01/",
        "2026/01/26/",
    ]


def test_what_lies_in_no_date_folder_is_counted_too() -> None:
    """Somebody may have put it there; the rule does not mind where."""
    old = (NOW - timedelta(days=300), 5)

    assert "2 objects of 10 bytes" in destroyed(LogBucket(keys={f"{P}x": old, f"{P}y/z": old}))


@pytest.mark.parametrize(
    ("bound", "most"),
    [
        pytest.param("MOST_OBJECTS", 2, id="so many objects"),
        pytest.param("MOST_LISTINGS", 5, id="so many listings"),
    ],
)
def test_counting_ends_and_says_so(monkeypatch: pytest.MonkeyPatch, bound: str, most: int) -> None:
    """A bucket of a billion objects must not keep a plan waiting."""
    monkeypatch.setattr(lifecycle_losses, bound, most)

    assert "at least " in destroyed(LogBucket(keys=aged(300, 301, 302, 303)))


def test_a_page_that_breaks_off_is_the_least() -> None:
    """More than a thousand folders, or files beside them."""
    page = {"IsTruncated": True, "Contents": [{"Key": "k", "LastModified": NOW, "Size": 1}]}
    bucket = LogBucket(answers={"s3:ListObjectsV2": page})

    assert "among those that were looked at" in destroyed(bucket)


def test_what_cannot_be_listed_is_an_unknown_loss() -> None:
    """The cost stands, without a number."""
    bucket = LogBucket(answers={"s3:ListObjectsV2": denied("s3:ListBucket")})

    assert "not known" in destroyed(bucket)


def test_versions_are_said_to_go_uncounted() -> None:
    """ListObjectsV2 does not show them."""
    bucket = LogBucket(versioning=ENABLED, keys=aged(300))

    said = destroyed(bucket)
    assert "after 179 days and 1 day more as a noncurrent version" in said
    assert "noncurrent versions go after 1 day as such, and are not counted" in said


def test_rules_that_meant_to_keep_longer_are_named() -> None:
    """They stay, and no longer decide here."""
    bucket = holding(
        rule("year", **expires(365)),
        rule("newest", **goes(1, NewerNoncurrentVersions=5)),
        rule("short", "other/", **expires(999)),
        versioning=ENABLED,
    )

    planned = changed(expire_logs(bucket.aws, task(dict(MAX))))
    assert [each.split(",")[0] for each in planned.affects] == ["rule year", "rule newest"]


def test_aborting_destroys_parts() -> None:
    """Of uploads that nobody completed, which are nothing to read and yet somebody's."""
    planned = changed(abort_uploads(LogBucket().aws, task({"abort_within_days": 7})))

    assert set(planned.costs) == {Cost.DESTROYS}


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (5 * 10**12, "5.0 TB"),
        (7 * 10**18, "7000.0 PB"),
    ],
)
def test_sizes_in_words(octets: int, said: str) -> None:
    """Powers of ten."""
    assert size(octets) == said


@pytest.mark.parametrize("fix", FIXES, ids=[fix.name for fix in FIXES])
def test_a_fix_reads_and_writes_what_it_says(fix: Any) -> None:
    """A reader that refuses all else, and calls of the operations it names."""
    bucket = holding(ours(**expires(7)), answers=writers())
    params = {"max_days": 3, "min_days": 180, "abort_within_days": 7}
    chosen = {name: n for name, n in params.items() if (name == "max_days") == (fix.name[0] == "e")}
    planned = changed(fix.plan(bucket.aws.allowing(fix.reads), task(dict(chosen))))

    assert {call.name for call in (*planned.calls, *planned.undo)} <= set(fix.writes)
    assert planned.fix == fix.name
    assert fix.doc
