"""Two of moto's look-ups cached, and EC2 loaded only when somebody asks for it."""

from __future__ import annotations

from functools import cache
from typing import Any

import moto.backends
import moto.core.responses
import moto.redshift.models as redshift_models
from moto.core.utils import method_names_from_class
from moto.ec2.models import ec2_backends

from agent.sandbox.extension.patch import replace


class _Later:
    """Stands for an EC2 backend until an attribute of it is wanted."""

    def __init__(self, backends: Any, account: str, region: str) -> None:
        self._where = (backends, account, region)

    def __getattr__(self, name: str) -> Any:
        backends, account, region = self._where
        return getattr(backends[account][region], name)


class _LaterBackends:
    """`ec2_backends[account][region]` without building anything."""

    def __init__(self, backends: Any, account: str = "") -> None:
        self._backends, self._account = backends, account

    def __getitem__(self, key: str) -> Any:
        if not self._account:
            return _LaterBackends(self._backends, key)
        return _Later(self._backends, self._account, key)


def install() -> None:
    """Call last: the names of methods are remembered as they are now."""
    modules = frozenset(moto.backends.list_of_moto_modules()) | {"redshiftserverless"}
    replace(moto.backends, "list_of_moto_modules", lambda: modules)
    replace(
        moto.core.responses,
        "method_names_from_class",
        cache(lambda cls: frozenset(method_names_from_class(cls))),
    )
    # A Redshift backend builds its region's EC2 backend, 60 to 90 ms, and hardly uses it.
    replace(redshift_models, "ec2_backends", _LaterBackends(ec2_backends))
