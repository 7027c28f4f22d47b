"""A bucket whose lifecycle can be written, and lifecycle configurations that AWS would accept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from controls.change import Call, Task
from controls.model import Ref, Value
from tests.fakes import ACCOUNT, ARCHIVE, NOW, REGION, FakeAws, Prepared, failing

BUCKET = "audit-logs"
NAME = f"{BUCKET}/prod/"
P = f"prod/AWSLogs/{ACCOUNT}/redshift/{REGION}/"
Q = f"test/AWSLogs/{ACCOUNT}/redshift/{REGION}/"

Configuration = dict[str, Any]


@dataclass
class LogBucket:
    """A bucket's documents; `configuration` is {} where it has no lifecycle."""

    configuration: Configuration = field(default_factory=dict)
    versioning: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, tuple[datetime, int]] = field(default_factory=dict)
    answers: Mapping[str, Prepared] = field(default_factory=dict)

    @property
    def aws(self) -> FakeAws:
        """A reader with a fresh memory, in the account and region that write."""
        return FakeAws(
            {
                "s3:GetBucketLifecycleConfiguration": lambda _: (
                    self.configuration or failing("NoSuchLifecycleConfiguration")
                ),
                "s3:GetBucketVersioning": self.versioning,
                "s3:GetObjectLockConfiguration": failing("ObjectLockConfigurationNotFoundError"),
                "s3:GetBucketTagging": failing("NoSuchTagSet"),
                "s3:ListObjectsV2": self._list,
                **self.answers,
            },
            buckets={BUCKET: (ARCHIVE, "us-east-1")},
        )

    def make(self, *calls: Call) -> None:
        """What S3 does with the calls."""
        for call in calls:
            assert call.params["Bucket"] == BUCKET
            assert (call.account, call.region) == (ARCHIVE, "us-east-1")
            assert call.params["ExpectedBucketOwner"] == ARCHIVE
            if call.operation == "DeleteBucketLifecycle":
                self.configuration = {}
                continue
            assert call.operation == "PutBucketLifecycleConfiguration"
            rules = [dated(rule) for rule in call.params["LifecycleConfiguration"]["Rules"]]
            assert 0 < len(rules) <= 1000
            assert len({"Prefix" in rule for rule in rules}) == 1, "V1 and V2 are mixed"
            assert len({rule["ID"] for rule in rules}) == len(rules)
            size = "TransitionDefaultMinimumObjectSize"
            self.configuration = {"Rules": rules} | {
                name: value for name, value in call.params.items() if name == size
            }

    def _list(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        prefix, end = params["Prefix"], params.get("Delimiter")
        below = {key: what for key, what in self.keys.items() if key.startswith(prefix)}
        cut = {key: key[len(prefix) :].partition("/") for key in below}
        folders = {f"{prefix}{first}/" for first, slash, _ in cut.values() if slash and end}
        plain = [key for key in below if not (end and cut[key][1])]
        return {
            "CommonPrefixes": [{"Prefix": folder} for folder in sorted(folders)],
            "Contents": [
                {"Key": key, "LastModified": below[key][0], "Size": below[key][1]} for key in plain
            ],
        }


def dated(value: Any) -> Any:
    """A document read from JSON, with its dates as S3 shows them."""
    if isinstance(value, Mapping):
        return {
            name: datetime.fromisoformat(item) if name == "Date" else dated(item)
            for name, item in value.items()
        }
    return [dated(item) for item in value] if isinstance(value, list) else value


def task(params: Mapping[str, Value], name: str = NAME) -> Task:
    """A task for a place of the account that writes."""
    return Task(Ref("s3_log_location", ACCOUNT, REGION, name), NOW, params)


def with_prefix_in_filter(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A legacy rule as it must be rewritten, said once more than in the fix."""
    if "Prefix" not in rule:
        return dict(rule)
    rest = {name: value for name, value in rule.items() if name != "Prefix"}
    return {**rest, "Filter": {"Prefix": rule["Prefix"]}}


# ---------------------------------------------------------------- what AWS would accept

days = st.integers(1, 500)
prefixes = st.sampled_from(
    ["", "prod", "prod/", P, P[:-1], f"{P}2024/", f"{P}2024/05/", Q, "other/", "prod/AWSLogs/"]
)
tags = st.sampled_from([{"Key": "team", "Value": "a"}, {"Key": "hold", "Value": ""}])
sizes = st.sampled_from([0, 1, 1000, 131072])
dates = st.sampled_from([-400, -1, 30]).map(
    lambda day: (NOW + timedelta(days=day)).replace(hour=0, minute=0)
)
several = st.fixed_dictionaries(
    {"Prefix": prefixes, "ObjectSizeGreaterThan": sizes},
    optional={
        "Tags": st.lists(tags, min_size=1, max_size=2, unique_by=lambda tag: tag["Key"]),
        "ObjectSizeLessThan": st.sampled_from([200_000, 10**9]),
    },
)
filters = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"Prefix": prefixes}),
    st.fixed_dictionaries({"Prefix": prefixes}),
    st.fixed_dictionaries({"Tag": tags}),
    st.fixed_dictionaries({"ObjectSizeGreaterThan": sizes}),
    st.fixed_dictionaries({"ObjectSizeLessThan": sizes.map(lambda size: size + 1)}),
    st.fixed_dictionaries({"And": several}),
)
expirations = st.one_of(
    st.fixed_dictionaries({"Days": days}),
    st.fixed_dictionaries({"Days": days}),
    st.fixed_dictionaries({"Date": dates}),
    st.just({"ExpiredObjectDeleteMarker": True}),
)
transitions = st.lists(
    st.fixed_dictionaries(
        {"Days": days, "StorageClass": st.sampled_from(["GLACIER", "GLACIER_IR"])}
    ),
    min_size=1,
    max_size=2,
)
moves = st.fixed_dictionaries(
    {"NoncurrentDays": days, "StorageClass": st.just("GLACIER")},
    optional={"NewerNoncurrentVersions": st.integers(1, 100)},
).map(lambda one: [one])
noncurrent = st.fixed_dictionaries(
    {"NoncurrentDays": days}, optional={"NewerNoncurrentVersions": st.integers(1, 100)}
)
aborts = st.fixed_dictionaries({"DaysAfterInitiation": days})
ACTIONS = {
    "Expiration": expirations,
    "NoncurrentVersionExpiration": noncurrent,
    "Transitions": transitions,
    "NoncurrentVersionTransitions": moves,
    "AbortIncompleteMultipartUpload": aborts,
}
statuses = st.sampled_from(["Enabled", "Enabled", "Enabled", "Disabled"])


@st.composite
def rules(draw: st.DrawFn, *, legacy: bool) -> dict[str, Any]:
    """One rule; tags go neither with aborting uploads nor with tidying markers."""
    scope = {"Prefix": draw(prefixes)} if legacy else {"Filter": draw(filters)}
    chosen = draw(st.sets(st.sampled_from(sorted(ACTIONS)), min_size=1, max_size=3))
    does = {name: draw(ACTIONS[name]) for name in sorted(chosen)}
    if "Tag" in str(scope):
        does.pop("AbortIncompleteMultipartUpload", None)
        if "ExpiredObjectDeleteMarker" in does.get("Expiration", {}):
            del does["Expiration"]
    return {**scope, "Status": draw(statuses), **(does or {"Expiration": {"Days": draw(days)}})}


@st.composite
def configurations(draw: st.DrawFn) -> Configuration:
    """None at all, or up to eight rules of either version of the API, with IDs of their own."""
    legacy = draw(st.booleans())
    drawn = draw(st.lists(rules(legacy=legacy), max_size=8))
    if not drawn:
        return {}
    named = [{"ID": f"rule {n}", **rule} for n, rule in enumerate(drawn)]
    minimum = draw(st.sampled_from(["varies_by_storage_class", "all_storage_classes_128K", ""]))
    return {"Rules": named} | ({"TransitionDefaultMinimumObjectSize": minimum} if minimum else {})


versionings = st.sampled_from([{}, {"Status": "Enabled"}, {"Status": "Suspended"}])


@st.composite
def limits(draw: st.DrawFn) -> dict[str, int]:
    """Both ends of a retention class, or only one."""
    low, high = sorted((draw(st.integers(1, 400)), draw(st.integers(1, 400))))
    least = draw(st.sampled_from([low, high, None]))
    return {"max_days": high} | ({} if least is None else {"min_days": least})
