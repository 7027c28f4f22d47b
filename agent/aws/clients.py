"""A botocore client per account, region and service, from one data loader, in a bounded LRU."""

from __future__ import annotations

import ipaddress
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.credentials import CredentialResolver
from botocore.loaders import create_loader
from botocore.session import Session
from botocore.utils import parse_timestamp

from agent.aws import errors
from agent.aws.bodies import refuse_foreign_body
from agent.aws.models import TerseModels
from agent.aws.settings import AwsSettings
from controls.model import AwsError

Key = tuple[Any, str, str]
"""(account's access, region, service)."""

_AWS_SUFFIXES = (
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".api.aws",
    ".amazonaws.eu",
    ".c2s.ic.gov",
    ".sc2s.sgov.gov",
    ".cloud.adc-e.uk",
    ".csp.hci.ic.gov",
)


@dataclass(slots=True)
class _Held:
    client: Any
    users: int = 0
    evicted: bool = False


class Clients:
    """Clients by key, at most `settings.clients` of them; what is evicted finishes first."""

    def __init__(self, settings: AwsSettings, hand: frozenset[str]) -> None:
        self._settings = settings
        self._hand = hand
        self._lock = threading.Lock()
        self._making = threading.Lock()
        self._held: OrderedDict[Key, _Held] = OrderedDict()
        self._custom: dict[tuple[str | None, str], str] = {}
        self._loader: Any = None

    def __len__(self) -> int:
        return len(self._held)

    def session(self, profile: str | None, credentials: Any = None) -> Session:
        """A session that shares the data loader; `credentials` instead of the usual chain."""
        session = Session(profile=profile)
        if self._loader is None:
            self._loader = create_loader(session.get_config_variable("data_path"))
            self._loader.file_loader = TerseModels()
        session.register_component("data_loader", self._loader)
        session.get_component("response_parser_factory").set_parser_defaults(
            timestamp_parser=read_timestamp
        )
        session.user_agent_extra = f"trailkeeper/{self._settings.version}"
        if credentials is not None:
            session.register_component("credential_provider", CredentialResolver([credentials]))
        return session

    def regions_of(self, service: str, partition: str) -> tuple[str, ...]:
        """Where a service exists, from botocore's own data: no call."""
        regions = self.session(None).get_available_regions(service, partition_name=partition)
        return tuple(sorted(regions))

    @contextmanager
    def lease(self, key: Key, session: Session) -> Iterator[Any]:
        """The client of that key; it is not closed before the last lease is given back."""
        held = self._take(key)
        if held is None:
            with self._making:
                held = self._take(key) or self._keep(key, self._make(session, key[1], key[2]))
        try:
            yield held.client
        finally:
            with self._lock:
                held.users -= 1
                leave = held.evicted and held.users == 0
            if leave:
                held.client.close()

    def close(self) -> None:
        """Close what is not in use, and the rest when its users are done."""
        with self._lock:
            gone = [self._evict(key) for key in list(self._held)]
        _close(gone)

    def _take(self, key: Key) -> _Held | None:
        with self._lock:
            held = self._held.get(key)
            if held is not None:
                self._held.move_to_end(key)
                held.users += 1
            return held

    def _keep(self, key: Key, client: Any) -> _Held:
        with self._lock:
            held = self._held[key] = _Held(client, users=1)
            over = max(len(self._held) - self._settings.clients, 0)
            gone = [self._evict(old) for old in list(self._held)[:over]]
        _close(gone)
        return held

    def _evict(self, key: Key) -> _Held:
        held = self._held.pop(key)
        held.evicted = True
        return held

    def _make(self, session: Session, region: str, service: str) -> Any:
        known = (session.profile, service)
        custom = self._custom.get(known, "")
        client = self._create(session, region, service, custom)
        endpoint = str(client.meta.endpoint_url)
        if not custom and not _is_aws(endpoint):
            # Known only once a client exists: environment and profile are botocore's to read.
            self._custom[known] = endpoint
            client.close()
            custom = endpoint
            client = self._create(session, region, service, custom)
        client.meta.events.register("before-call", _guard(self._hand))
        if custom and service == "s3control":
            client.meta.events.register("before-call", _stay_at(custom))
        client.meta.events.register("before-parse", refuse_foreign_body)
        return client

    def _create(self, session: Session, region: str, service: str, custom: str) -> Any:
        settings = self._settings
        options: dict[str, Any] = {}
        if custom:
            options["inject_host_prefix"] = False
            if _is_local(custom):
                options["s3"] = {"addressing_style": "path"}
        config = Config(
            region_name=region or None,
            retries={"mode": "standard", "total_max_attempts": 1},
            connect_timeout=settings.connect_timeout,
            read_timeout=settings.read_timeout,
            max_pool_connections=max(settings.workers, 10),
            **options,
        )
        return session.create_client(service, region_name=region or None, config=config)


def _close(held: list[_Held]) -> None:
    for one in held:
        if one.users == 0:
            one.client.close()


def _is_aws(endpoint: str) -> bool:
    """Whether the endpoint is AWS's own (a VPC endpoint is); everything else is custom."""
    return (urlsplit(endpoint).hostname or "").endswith(_AWS_SUFFIXES)


def _is_local(endpoint: str) -> bool:
    """Whether no bucket name can stand before this host: an address, or localhost."""
    host = urlsplit(endpoint).hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(".localhost")
    return True


def _guard(hand: frozenset[str]) -> Any:
    """Stop calls at the wire that are in no hand, botocore's own (HeadBucket) among them."""

    def guard(model: Any, **_: Any) -> None:
        operation = f"{model.service_model.service_name}:{model.name}"
        if operation not in hand:
            raise AwsError(
                errors.REFUSED, "not among the operations of this hand", action=operation
            )

    return guard


def _stay_at(endpoint: str) -> Any:
    """Undo the account id that s3control's endpoint rules put in front of any host."""

    def stay(params: dict[str, Any], **_: Any) -> None:
        params["url"] = urlsplit(params["url"])._replace(netloc=urlsplit(endpoint).netloc).geturl()

    return stay


def read_timestamp(value: Any) -> datetime:
    """botocore's timestamps, at half the CPU for the ISO form that most services use."""
    if isinstance(value, str) and value[10:11] == "T":
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = parse_timestamp(value)
    else:
        moment = parse_timestamp(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
