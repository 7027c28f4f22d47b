"""STS: session keys that carry their account, and a caller with an ARN as AWS writes it."""

from __future__ import annotations

from typing import Any

from moto.sts.models import STSBackend
from moto.utilities.utils import get_partition

from agent.sandbox.accounts import session_key
from agent.sandbox.extension.patch import replace


def install() -> None:
    """Wraps how moto makes session keys and answers for keys it did not make."""
    create, identify = STSBackend._create_access_key, STSBackend.get_caller_identity

    def create_access_key(self: Any, role: str) -> Any:
        account, key = create(self, role)
        key.access_key_id = session_key(account)
        return account, key

    def get_caller_identity(self: Any, access_key_id: str, region: str) -> tuple[str, str, str]:
        user, arn, account = identify(self, access_key_id, region)
        if arn.endswith(":user/moto"):
            arn = f"arn:{get_partition(region)}:iam::{account}:user/sandbox"
        return user, arn, account

    replace(STSBackend, "_create_access_key", create_access_key)
    replace(STSBackend, "get_caller_identity", get_caller_identity)
