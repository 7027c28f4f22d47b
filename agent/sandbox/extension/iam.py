"""IAM: AWS managed policies one by one, from moto's own copy, when something needs them."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from moto.iam import models
from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, IAMBackend

from agent.sandbox.accounts import ACCOUNTS
from agent.sandbox.extension.patch import replace


@cache
def _documents() -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(aws_managed_policies_data)
    return parsed


def aws_managed_policy(backend: Any, name: str) -> Any:
    """The AWS managed policy of that name in a backend, put there if it is not yet.

    Raises:
        ValueError: AWS has no such policy.
    """
    if name not in _documents():
        raise ValueError(f"AWS has no managed policy named {name}")
    policy = AWSManagedPolicy.from_data(
        name, backend.account_id, backend.region_name, _documents()[name]
    )
    return backend.managed_policies.setdefault(policy.arn, policy)


def install() -> None:
    """Account by key in constant time; managed policies when they are attached or read."""
    attach, get = IAMBackend.attach_role_policy, IAMBackend.get_policy
    get_version = IAMBackend.get_policy_version

    def known(self: Any, arn: str) -> None:
        head, _, rest = arn.partition(":iam::aws:policy/")
        if head and rest and (name := rest.rpartition("/")[2]) in _documents():
            aws_managed_policy(self, name)

    def attach_role_policy(self: Any, policy_arn: str, role_name: str) -> None:
        known(self, policy_arn)
        attach(self, policy_arn, role_name)

    def get_policy(self: Any, policy_arn: str) -> Any:
        known(self, policy_arn)
        return get(self, policy_arn)

    def get_policy_version(self: Any, policy_arn: str, version_id: str) -> Any:
        known(self, policy_arn)
        return get_version(self, policy_arn, version_id)

    replace(models, "get_account_id_from", ACCOUNTS.of_key)
    replace(IAMBackend, "attach_role_policy", attach_role_policy)
    replace(IAMBackend, "get_policy", get_policy)
    replace(IAMBackend, "get_policy_version", get_policy_version)
