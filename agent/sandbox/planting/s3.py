"""Plants S3: buckets as they may have become, account-wide blocks, and audit log objects."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from moto.s3.models import FakeKey, PublicAccessBlock, s3_backends
from moto.s3control.models import s3control_backends

from agent.sandbox.extension.s3_lifecycle import set_lifecycle
from agent.sandbox.planting.times import Time, every, when

LOG_TYPES = ("connectionlog", "userlog", "useractivitylog")

_BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def bucket(account: str, name: str, *, region: str = "us-east-1", **settings: Any) -> None:
    """A bucket as AWS makes it today, or changes to one that exists: only what is given.

    Settings: encryption (algorithm, or None for none at all as before 2023), kms_key, bucket_key,
    blocked_encryption (list), lifecycle (rules in the API's shape, None: none), minimum_size,
    policy (document or any text, None: none), versioning (Enabled, Suspended, None: never),
    public_access_block (True, {member: bool}, None: none), ownership, object_lock (True, or
    {"mode", "days" or "years"}), tags, payer, created_at.
    """
    backend = s3_backends[account]["aws"]
    if name not in backend.buckets:
        backend.create_bucket(name, region)
    found = backend.buckets[name]
    encryption = {"encryption", "kms_key", "bucket_key", "blocked_encryption"} & set(settings)
    if encryption:
        found.encryption = _encryption(settings)
    if "lifecycle" in settings:
        _set_lifecycle(found, settings["lifecycle"], settings.get("minimum_size"))
    for setting, value in settings.items():
        if setting not in encryption | {"lifecycle", "minimum_size"}:
            _set(backend, found, setting, value)


def _encryption(settings: Mapping[str, Any]) -> dict[str, Any] | None:
    algorithm = settings.get("encryption", "AES256")
    if algorithm is None:
        return None
    default = {"SSEAlgorithm": algorithm}
    if settings.get("kms_key"):
        default["KMSMasterKeyID"] = settings["kms_key"]
    return {
        "Rule": {
            "ApplyServerSideEncryptionByDefault": default,
            "BucketKeyEnabled": str(bool(settings.get("bucket_key"))).lower(),
            "BlockedEncryptionTypes": {
                "EncryptionType": list(settings.get("blocked_encryption", ["SSE-C"]))
            },
        }
    }


def _set_lifecycle(found: Any, rules: Sequence[Any] | None, minimum_size: str | None) -> None:
    if rules is None:
        found.delete_lifecycle()
    else:
        set_lifecycle(found, [_dated(rule) for rule in rules], minimum_size)


def _dated(value: Any) -> Any:
    """With every `Date` as a datetime."""
    if isinstance(value, Mapping):
        return {n: when(v) if n == "Date" else _dated(v) for n, v in value.items()}
    return [_dated(item) for item in value] if isinstance(value, list) else value


def _set(backend: Any, found: Any, setting: str, value: Any) -> None:
    match setting:
        case "policy":
            text = value if value is None or isinstance(value, str) else json.dumps(value)
            found.policy = text.encode() if text is not None else None
        case "versioning":
            found.versioning_status = value
        case "public_access_block":
            found.public_access_block = _block(value)
        case "ownership":
            found.ownership_rule = value
        case "object_lock":
            _lock(found, value)
        case "tags":
            backend.put_bucket_tagging(found.name, value)
        case "payer":
            found.payer = value
        case "created_at":
            found.creation_date = when(value)
        case _:
            raise ValueError(f"a bucket has no setting {setting}")


def _block(value: Mapping[str, bool] | bool | None) -> Any:
    if value is None:
        return None
    states = dict.fromkeys(_BLOCKS, True) if value is True else dict(value or {})
    return PublicAccessBlock(*(states.get(name, False) for name in _BLOCKS))


def _lock(found: Any, value: Mapping[str, Any] | bool) -> None:
    rule = value if isinstance(value, Mapping) else {}
    found.object_lock_enabled = bool(value)
    found.versioning_status = "Enabled" if value else found.versioning_status
    found.default_lock_mode = rule.get("mode")
    found.default_lock_days = rule.get("days")
    found.default_lock_years = rule.get("years")


def account_public_access_block(
    account: str, *, block: Mapping[str, bool] | bool | None = True
) -> None:
    """The account-wide block: all on, some of it, or none."""
    s3control_backends[account]["aws"].public_access_block = _block(block)


# ---------------------------------------------------------------- objects


class _Body:
    """A file of shared bytes: an object costs no temporary file of its own."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def seek(self, offset: int) -> None:
        self._at = offset

    def read(self, size: int = -1) -> bytes:
        end = None if size < 0 else self._at + size
        part = self._data[self._at : end]
        self._at += len(part)
        return part

    def close(self) -> None:
        self._data = b""


def log_key(
    prefix: str, account: str, region: str, cluster: str, log_type: str, time: datetime
) -> str:
    """The key under which Redshift delivers (Management Guide, db-auditing)."""
    head = f"{prefix.rstrip('/')}/" if prefix else ""
    name = f"{account}_redshift_{region}_{cluster}_{log_type}_{time:%Y-%m-%dT%H:%M}.gz"
    return f"{head}AWSLogs/{account}/redshift/{region}/{time:%Y/%m/%d}/{name}"


def log_objects(  # noqa: PLR0913 - the fields of a planting step
    bucket: str,
    *,
    account: str,
    region: str,
    cluster: str,
    start: Time,
    end: Time,
    prefix: str = "",
    types: Sequence[str] = LOG_TYPES,
    interval: float = 60,
    delay: float = 5,
    size: int = 20_480,
) -> int:
    """Log files of one cluster, each type every `interval` minutes; returns how many.

    `account` and `region` are the writer's. An object's LastModified is the time in its name
    and `delay` minutes; sizes spread around `size` bytes.
    """
    times = every(start, end, interval)
    for log_type in types:
        for number, time in enumerate(times):
            key = log_key(prefix, account, region, cluster, log_type, time)
            about = size // 2 + (number * 7919) % max(1, size)
            put_object(bucket, key, modified=time + timedelta(minutes=delay), size=about)
    return len(times) * len(types)


def put_object(
    bucket: str,
    key: str,
    *,
    modified: Time,
    size: int | None = None,
    body: bytes | str = b"",
) -> None:
    """One object with a chosen LastModified; `size` pads its body with zero bytes."""
    partition, owner = s3_backends.bucket_accounts[bucket]
    found = s3_backends[owner][partition].buckets[bucket]
    data = body.encode() if isinstance(body, str) else body
    made: Any = object.__new__(FakeKey)  # FakeKey would keep a list of all there ever were
    made.__dict__.update(_template(owner, found.region_name))
    made.__dict__.update(
        name=key,
        bucket_name=bucket,
        last_modified=when(modified).replace(tzinfo=None),
        lock=threading.Lock(),
        encryption="AES256",
        contentsize=len(data) if size is None else size,
        _metadata={"Content-Type": "binary/octet-stream"},
        _etag=hashlib.md5(key.encode(), usedforsecurity=False).hexdigest(),
        _value_buffer=_Padded(data, size) if size is not None else _Body(data),
    )
    found.keys[key] = made


def remove_objects(bucket: str, prefix: str) -> int:
    """Takes away the objects whose keys begin so; returns how many."""
    partition, owner = s3_backends.bucket_accounts[bucket]
    keys = s3_backends[owner][partition].buckets[bucket].keys
    found = [key for key in keys if key.startswith(prefix)]
    for key in found:
        del keys[key]
    return len(found)


class _Padded(_Body):
    """Becomes as long as it says only when it is read."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__(data)
        self._size = size

    def read(self, size: int = -1) -> bytes:
        if len(self._data) < self._size:
            self._data = self._data.ljust(self._size, b"\0")
        return super().read(size)


_TEMPLATES: dict[tuple[str, str], dict[str, Any]] = {}


def _template(account: str, region: str) -> dict[str, Any]:
    """What all objects of an account have in common, read off one that moto made."""
    if (account, region) not in _TEMPLATES:
        made = FakeKey("", b"", account, region)
        made.dispose()
        shared = {n: v for n, v in made.__dict__.items() if n not in ("lock", "_value_buffer")}
        _TEMPLATES[account, region] = shared | {"disposed": True}
    return _TEMPLATES[account, region]
