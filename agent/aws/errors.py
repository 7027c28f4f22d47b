"""What an AWS error code means to us: denied, throttled, worth another try, or not our account."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from controls.model import AwsError

TIMEOUT = "Timeout"
UNREACHABLE = "Unreachable"
UNPARSEABLE = "Unparseable"
REFUSED = "Refused"
NO_CREDENTIALS = "NoCredentials"
NO_REGION = "NoRegion"
STOPPED = "Stopped"
WRONG_ACCOUNT = "WrongAccount"
INVALID_CALL = "InvalidCall"

THROTTLES = frozenset(
    {
        "BandwidthLimitExceeded",
        "DependentServiceRequestThrottlingFault",
        "EC2ThrottledException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
TRANSIENTS = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "InternalServerException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
    }
)
EXPIRED = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "InvalidToken",
        "OptInRequired",
        "RequestExpired",
        "TokenRefreshRequired",
        "UnrecognizedClientException",
    }
)
"""The credentials are not good here: expired, deleted, or the region is not enabled. AWS does
not tell these apart reliably, so neither do we."""

BADLY_SIGNED = frozenset(
    {
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidSignatureException",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
    }
)
"""A wrong key, or a clock that is off (each is a 403): no grant of a permission helps."""


class Retry(Enum):
    """Whether another try can help."""

    NEVER = "never"
    BRIEFLY = "briefly"
    """Nobody there, or an answer that makes no sense: two or three tries."""
    TRANSIENT = "transient"
    """The other side failed: tries within the deadline and the transient window."""
    THROTTLED = "throttled"
    """Asked too fast: tries until the deadline, behind the limiter."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One attempt that gave no usable answer."""

    error: AwsError
    retry: Retry

    @property
    def outcome(self) -> str:
        """For metrics, from a closed set."""
        if self.retry is Retry.THROTTLED:
            return "throttled"
        if self.error.denied:
            return "denied"
        known = {TIMEOUT: "timeout", UNREACHABLE: "unreachable", UNPARSEABLE: "unparseable"}
        return known.get(self.error.code, "error")


def is_expired(error: AwsError) -> bool:
    """The credentials are expired or not valid in this region; another try cannot help."""
    return error.code in EXPIRED


def is_no_credentials(error: AwsError) -> bool:
    """There are no credentials (or no such profile) at all."""
    return error.code == NO_CREDENTIALS


def is_denial(code: str, status: int, service: str) -> bool:
    """AWS said no to this caller: any 403, whatever its code, unless the credentials are bad.

    S3 answers 405 MethodNotAllowed for a policy that is read from another account than the
    bucket owner's (Amazon S3 API Reference, GetBucketPolicy).
    """
    if code in EXPIRED or code in BADLY_SIGNED:
        return False
    if service == "s3" and (status == 405 or code == "MethodNotAllowed"):
        return True
    named = code.startswith("AccessDenied") or code in (
        "UnauthorizedOperation",
        "AuthorizationError",
        "NotAuthorized",
    )
    return named or status == 403


def retry_of(code: str, status: int, operation: str) -> Retry:
    """How long another try is worth it, by error code and HTTP status.

    LimitExceededException is a throttle on reads only: a read creates nothing that could
    exceed a limit.
    """
    reads = operation.startswith(("Describe", "Get", "List"))
    if code in THROTTLES or status == 429 or (reads and code == "LimitExceededException"):
        return Retry.THROTTLED
    if code in TRANSIENTS or status >= 500:
        return Retry.TRANSIENT
    return Retry.NEVER


def again(error: AwsError, message: str = "") -> AwsError:
    """A fresh copy: one exception object raised in many threads mixes their tracebacks."""
    return AwsError(
        error.code,
        message or error.message,
        action=error.action,
        status=error.status,
        denied=error.denied,
        account=error.account,
        region=error.region,
    )
