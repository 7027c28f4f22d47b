"""Credentials: roles that cannot be assumed, keys of another account, none at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.aws import errors
from agent.aws.access import AccountAccess, Identity
from agent.aws.clock import system_clock
from agent.aws.door import Aws
from controls.model import AwsError
from tests.agent.aws.conftest import BASE, Open
from tests.agent.aws.fake_wire import (
    Reply,
    Seen,
    account_of,
    identity,
    logging_status,
    query_error,
)

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
OTHER = "111111111111"
ROLE = AccountAccess(OTHER, role_arn=f"arn:aws:iam::{OTHER}:role/audit", external_id="our-id")


def good(seen: Seen) -> Reply:
    return identity(seen) or logging_status(account_of(seen.key))


def ask(aws: Aws, access: AccountAccess, region: str = "eu-west-1", cluster: str = "c") -> str:
    """The account that answered."""
    reader = aws.sweep(NOW, [access], deadline=aws.deadline(20)).reader(access.account, region)
    answer = reader.call("redshift", "DescribeLoggingStatus", ClusterIdentifier=cluster)
    return str(answer["BucketName"])


def test_who_we_are_is_asked_of_sts(open_aws: Open) -> None:
    aws, _ = open_aws(good)

    assert aws.identify() == Identity(BASE, f"arn:aws:iam::{BASE}:user/me", "aws")
    assert aws.identify(ROLE).account == OTHER
    assert aws.default_region() == "eu-west-1"


def test_a_role_is_assumed_once_with_our_name_and_the_external_id(open_aws: Open) -> None:
    aws, wire = open_aws(good)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: ask(aws, ROLE, cluster=f"c{n}"), range(16)))

    assert answers == [OTHER] * 16
    (assumed,) = [one for one in wire.seen if one.operation == "AssumeRole"]
    assert (
        assumed.params["RoleSessionName"],
        assumed.params["ExternalId"],
    ) == ("trailkeeper", "our-id")


def test_a_role_that_cannot_be_assumed_is_named_with_what_to_check(open_aws: Open) -> None:
    def answer(seen: Seen) -> Reply:
        if seen.operation == "AssumeRole":
            return query_error("AccessDenied", 403, "not authorized to perform: sts:AssumeRole")
        return good(seen)

    aws, wire = open_aws(answer)
    for cluster in ("one", "two"):
        with pytest.raises(AwsError) as caught:
            ask(aws, ROLE, cluster=cluster)

    assert caught.value.code == "AccessDenied"
    for part in (str(ROLE.role_arn), "trust policy", "external_id", OTHER):
        assert part in str(caught.value)
    assert (wire.count("sts:AssumeRole"), wire.count("redshift:DescribeLoggingStatus")) == (1, 0)


def test_a_role_is_assumed_again_before_its_keys_expire(open_aws: Open) -> None:
    now = datetime(2026, 11, 22, 8, tzinfo=UTC)
    lives = timedelta(hours=1)

    def answer(seen: Seen) -> Reply:
        reply = good(seen)
        until = (now + lives).isoformat()
        return replace(reply, body=str(reply.body).replace("2099-01-01T00:00:00Z", until))

    _, wire = open_aws(answer)
    aws = Aws(clock=replace(system_clock(), utc=lambda: now))
    ask(aws, ROLE)
    now += timedelta(minutes=54)
    ask(aws, ROLE)
    before = wire.count("sts:AssumeRole")
    now += timedelta(minutes=2)
    ask(aws, ROLE)

    assert (before, wire.count("sts:AssumeRole")) == (1, 2)
    aws.close()


def test_keys_that_are_still_good_outlive_a_failed_refresh(open_aws: Open) -> None:
    now = datetime(2026, 11, 22, 8, tzinfo=UTC)
    refuse = False

    def answer(seen: Seen) -> Reply:
        if refuse and seen.operation == "AssumeRole":
            return query_error("AccessDenied", 403)
        reply = good(seen)
        return replace(reply, body=str(reply.body).replace("2099-01-01", "2026-11-22"))

    _, _ = open_aws(answer)
    now = datetime(2026, 11, 21, 23, 0, tzinfo=UTC)
    aws = Aws(clock=replace(system_clock(), utc=lambda: now))
    ask(aws, ROLE)
    refuse, now = True, datetime(2026, 11, 21, 23, 57, tzinfo=UTC)
    still = ask(aws, ROLE)
    now = datetime(2026, 11, 22, 0, 1, tzinfo=UTC)

    assert still == OTHER
    with pytest.raises(AwsError, match="cannot assume"):
        ask(aws, ROLE)
    aws.close()


def test_a_region_that_is_closed_does_not_cost_the_others_their_role(open_aws: Open) -> None:
    def answer(seen: Seen) -> Reply:
        if seen.region == "ap-east-1":
            return query_error("InvalidClientTokenId", 403)
        return good(seen)

    aws, wire = open_aws(answer)
    with pytest.raises(AwsError) as caught:
        ask(aws, ROLE, region="ap-east-1")

    assert errors.is_expired(caught.value)
    assert ask(aws, ROLE) == OTHER
    assert {"eu-west-1"} == {one.region for one in wire.seen if one.service == "sts"}


@pytest.mark.parametrize(
    "access",
    [
        pytest.param(AccountAccess(OTHER), id="base credentials of another account"),
        pytest.param(
            AccountAccess(OTHER, role_arn="arn:aws:iam::333333333333:role/audit"),
            id="a role in another account",
        ),
    ],
)
def test_nothing_is_read_with_the_keys_of_another_account(
    open_aws: Open, access: AccountAccess
) -> None:
    aws, wire = open_aws(good)

    with pytest.raises(AwsError) as caught:
        ask(aws, access)

    assert caught.value.code == errors.WRONG_ACCOUNT
    assert f"not to {OTHER}" in str(caught.value)
    assert wire.count("redshift:DescribeLoggingStatus") == 0


@pytest.mark.parametrize("access", [AccountAccess(""), AccountAccess(BASE), ROLE])
def test_no_credentials_at_all_is_one_clear_error(
    open_aws: Open, monkeypatch: pytest.MonkeyPatch, access: AccountAccess
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    aws, wire = open_aws(good)

    with pytest.raises(AwsError) as caught:
        aws.identify(access)

    assert errors.is_no_credentials(caught.value)
    assert "no AWS credentials found" in str(caught.value)
    assert wire.seen == []


def test_half_a_key_is_no_credentials(open_aws: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    aws, _ = open_aws(good)

    with pytest.raises(AwsError) as caught:
        aws.identify()

    assert errors.is_no_credentials(caught.value)


def test_a_profile_that_is_not_there_is_no_credentials(open_aws: Open) -> None:
    aws, _ = open_aws(good)

    for read in (
        lambda: aws.identify(AccountAccess("", profile="nobody")),
        lambda: aws.identify(AccountAccess("", profile="nobody"), "eu-west-1"),
        lambda: aws.default_region("nobody"),
    ):
        with pytest.raises(AwsError, match="nobody") as caught:
            read()
        assert errors.is_no_credentials(caught.value)


def test_a_profile_brings_its_keys_and_its_region(open_aws: Open, tmp_path: Path) -> None:
    (tmp_path / "config").write_text(
        "[profile audit]\nregion = eu-central-1\n"
        f"aws_access_key_id = AKIA{OTHER}\naws_secret_access_key = s\n"
    )
    aws, wire = open_aws(good)

    assert ask(aws, AccountAccess(OTHER, profile="audit")) == OTHER
    assert aws.default_region("audit") == "eu-west-1"  # the environment stands above the file
    assert account_of(wire.seen[0].key) == OTHER


def test_no_region_is_an_error_that_says_so(
    open_aws: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    aws, _ = open_aws(good)

    with pytest.raises(AwsError) as caught:
        aws.identify(region="not a region")

    assert (caught.value.code, aws.default_region()) == (errors.NO_REGION, "")


@pytest.mark.parametrize(
    "status", [pytest.param(200, id="answered"), pytest.param(403, id="refused for its clock")]
)
def test_the_time_on_awss_clock_is_told_by_any_answer(open_aws: Open, status: int) -> None:
    def answer(seen: Seen) -> Reply:
        reply = good(seen) if status == 200 else query_error("SignatureDoesNotMatch", status)
        return replace(reply, date=NOW.timestamp())

    aws, _ = open_aws(answer)

    assert aws.server_time(ROLE, "eu-west-1") == NOW
