"""Errors that moto writes in the protocol and with the status of AWS's service model."""

from __future__ import annotations

from moto.core.exceptions import ServiceException


class AwsRefusal(ServiceException):
    """An error by its code as it stands on the wire."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
