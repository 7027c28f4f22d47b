"""CloudWatch Logs: allowed retentions only, KMS keys, and stream times that can be planted."""

from __future__ import annotations

from typing import Any

from moto.logs.exceptions import InvalidParameterException
from moto.logs.models import LogGroup, LogsBackend, LogStream
from moto.logs.responses import LogsResponse

from agent.sandbox.extension.patch import add, replace

RETENTIONS = frozenset(
    (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922)
) | {3288, 3653}
"""Days that PutRetentionPolicy takes (API reference, PutRetentionPolicy)."""


def _associate_kms_key(self: Any) -> str:
    _key_group(self).kms_key_id = self._get_param("kmsKeyId")
    return ""


def _disassociate_kms_key(self: Any) -> str:
    _key_group(self).kms_key_id = None
    return ""


def _key_group(self: Any) -> Any:
    name = self._get_param("logGroupName")
    identifier = self._get_param("resourceIdentifier")
    if name is None and identifier:
        name = identifier.partition(":log-group:")[2].removesuffix(":*")
    return self.logs_backend._find_log_group(None, log_group_name=name)


def install() -> None:
    """Wraps what moto has and adds the two KMS actions."""
    put_retention: Any = LogsBackend.put_retention_policy
    describe_stream, describe_group = LogStream.to_describe_dict, LogGroup.to_describe_dict

    def put_retention_policy(self: Any, log_group_name: str, retention_in_days: int) -> None:
        if retention_in_days not in RETENTIONS:
            raise InvalidParameterException(
                constraint=f"Member must satisfy enum value set: {sorted(RETENTIONS)}",
                parameter="retentionInDays",
                value=retention_in_days,
            )
        put_retention(self, log_group_name, retention_in_days)

    def stream_dict(self: Any) -> dict[str, Any]:
        planted: dict[str, Any] = self.__dict__.get("planted", {})
        return describe_stream(self) | planted | {"storedBytes": 0}

    def group_dict(self: Any) -> dict[str, Any]:
        protected = self.__dict__.get("deletion_protection", False)
        return describe_group(self) | {
            "logGroupClass": self.__dict__.get("log_group_class", "STANDARD"),
            "deletionProtectionEnabled": protected,
        }

    replace(LogsBackend, "put_retention_policy", put_retention_policy)
    replace(LogStream, "to_describe_dict", stream_dict)
    replace(LogGroup, "to_describe_dict", group_dict)
    add(LogsResponse, "associate_kms_key", _associate_kms_key)
    add(LogsResponse, "disassociate_kms_key", _disassociate_kms_key)
